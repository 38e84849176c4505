//! Ends of runs in; conditions, events and the next run out.

use flux_api::meta::{HEALTHY, reason};
use flux_runtime::ObjectKey;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::super::blame::Why;
use super::*;
use crate::kustomization::error::{DependencyError, SourceError};
use crate::watches::Referent;

const REVISION: &str = "main@sha1:f710";
const STEP: &str = "Building manifests for revision main@sha1:f710 with a timeout of 1m0s";

fn object(conditions: &Value) -> Kustomization {
    serde_json::from_value(json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "app", "namespace": "apps", "generation": 3},
        "spec": {
            "interval": "1h", "retryInterval": "2m", "prune": true, "path": "./app",
            "sourceRef": {"kind": "GitRepository", "name": "repo"},
        },
        "status": {"observedGeneration": 2, "conditions": conditions},
    }))
    .unwrap()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 3,
    })
}

/// A run that got as far as building.
fn progressing() -> Value {
    json!([
        condition(READY, "Unknown", reason::PROGRESSING, "Reconciliation in progress"),
        condition(RECONCILING, "True", reason::PROGRESSING, STEP),
    ])
}

fn at_revision(cause: impl Into<crate::kustomization::error::Cause>) -> AtRevision {
    AtRevision { revision: REVISION.to_owned(), origin: Some("v1".to_owned()), since: None, cause: cause.into() }
}

/// What is left of `conditions` after `end`, a line each; then the events, then the next run and whether the generation is observed.
fn check(conditions: &Value, end: &End, expected: &[&str]) {
    let object = object(conditions);
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let status = Status {
        last_applied_revision: Some(REVISION.to_owned()),
        last_attempted_revision: Some(REVISION.to_owned()),
        ..Status::default()
    };
    let conditions = Conditions::new(object.conditions().to_vec(), 3, Time(now));
    let facts = Facts { status, conditions, notices: Vec::new() };
    let clock = Clock { now, elapsed: Duration::from_millis(1_250) };

    let Report { conditions, observed, notices, requeue } = report(&object, &facts, end, &clock);

    let mut lines = Vec::new();
    for type_ in [READY, RECONCILING, STALLED, HEALTHY] {
        if let Some(condition) = conditions.get(type_) {
            lines.push(format!("{type_}={:?} {}: {}", condition.status, condition.reason, condition.message));
        }
    }
    for Notice { severity, reason, message, metadata } in notices {
        let metadata: Vec<_> = metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.push(format!("{severity:?} {reason}: {message} [{}]", metadata.join(" ")));
    }
    lines.push(format!("{requeue:?} observed={observed}"));
    assert_eq!(lines, expected);
}

#[test]
fn a_finished_run_is_ready_and_tells_how_long_it_took() {
    check(
        &progressing(),
        &End::Done(Outcome {
            reason: reason::RECONCILIATION_SUCCEEDED,
            message: format!("Applied revision: {REVISION}"),
            requeue_after: None,
        }),
        &[
            "Ready=True ReconciliationSucceeded: Applied revision: main@sha1:f710",
            "Info ReconciliationSucceeded: Reconciliation finished in 1.25s, next run in 1h0m0s \
             [commit_status=update revision=main@sha1:f710]",
            "Interval observed=true",
        ],
    );
}

#[test]
fn a_failed_step_keeps_its_message_under_reconciling() {
    check(
        &progressing(),
        &End::Failed(Fault::Transient {
            failure: Failure::new(reason::BUILD_FAILED, at_revision("kustomize build failed: no such file")),
            retry: Retry::After(Duration::from_mins(2)),
        }),
        &[
            "Ready=False BuildFailed: kustomize build failed: no such file",
            "Reconciling=True ProgressingWithRetry: Building manifests for revision main@sha1:f710 with a timeout of 1m0s",
            "Error BuildFailed: kustomize build failed: no such file [originRevision=v1 revision=main@sha1:f710]",
            "After(120s) observed=false",
        ],
    );
}

#[test]
fn a_missing_source_sends_no_event_and_shows_no_reconciling() {
    check(
        &json!([]),
        &End::Failed(Fault::Waiting {
            on: Failure::new(
                reason::ARTIFACT_FAILED,
                SourceError::NoArtifact { retry_after: Duration::from_secs(30).into() },
            ),
            retry_after: Duration::from_secs(30),
        }),
        &["Ready=False ArtifactFailed: Source artifact not found, retrying in 30s", "After(30s) observed=false"],
    );
}

#[test]
fn a_forbidden_source_stalls() {
    let source_ref = Referent::new("GitRepository", ObjectKey::new("other", "repo"));
    check(
        &progressing(),
        &End::Failed(Fault::Stalled(Failure::new(
            reason::ACCESS_DENIED,
            SourceError::AccessDenied { source_ref, why: "cross-namespace references have been blocked".to_owned() },
        ))),
        &[
            "Ready=False AccessDenied: can't access 'GitRepository/other/repo', cross-namespace references have been blocked",
            "Stalled=True AccessDenied: can't access 'GitRepository/other/repo', cross-namespace references have been blocked",
            "Error AccessDenied: can't access 'GitRepository/other/repo', cross-namespace references have been blocked []",
            "OnChange observed=true",
        ],
    );
}

fn dependency_not_ready() -> End {
    End::Failed(Fault::Waiting {
        on: Failure::new(
            reason::DEPENDENCY_NOT_READY,
            at_revision(DependencyError::Outdated {
                name: ObjectKey::new("apps", "base"),
                why: Why::outdated(Some("main@sha1:1"), REVISION),
            }),
        ),
        retry_after: Duration::from_secs(30),
    })
}

#[test]
fn a_dependency_that_is_not_ready_is_told_once() {
    let text = "dependency 'apps/base' revision is not up to date: it has applied something else";
    check(
        &json!([condition(READY, "True", reason::RECONCILIATION_SUCCEEDED, "Applied revision: main@sha1:1")]),
        &dependency_not_ready(),
        &[
            "Ready=False DependencyNotReady: dependency 'apps/base' revision is not up to date: it has applied main@sha1:1, and main@sha1:f710 is wanted",
            "Info DependencyNotReady: Dependencies do not meet ready condition, retrying in 30s \
             [blockedBy=Kustomization/apps/base blockedReason=it has applied main@sha1:1, and main@sha1:f710 is wanted \
             blockedSince=main@sha1:1 originRevision=v1 revision=main@sha1:f710]",
            "After(30s) observed=false",
        ],
    );
    check(
        &json!([condition(READY, "False", reason::DEPENDENCY_NOT_READY, text)]),
        &dependency_not_ready(),
        &[
            "Ready=False DependencyNotReady: dependency 'apps/base' revision is not up to date: it has applied main@sha1:1, and main@sha1:f710 is wanted",
            "After(30s) observed=false",
        ],
    );
}

#[test]
fn a_run_that_was_superseded_starts_again_at_once() {
    let by = "GitRepository/apps/repo".to_owned();
    check(
        &progressing(),
        &End::Failed(Fault::Interrupted(Failure::new(reason::HEALTH_CHECK_CANCELED, at_revision(Superseded { by })))),
        &[
            "Ready=False HealthCheckCanceled: New reconciliation triggered by GitRepository/apps/repo",
            "Reconciling=True ProgressingWithRetry: Building manifests for revision main@sha1:f710 with a timeout of 1m0s",
            "Info HealthCheckCanceled: Health checks canceled due to new reconciliation triggered by GitRepository/apps/repo \
             [originRevision=v1 revision=main@sha1:f710]",
            "Now observed=false",
        ],
    );
}

#[test]
fn a_fetch_that_was_superseded_says_nothing_of_its_own() {
    let by = "GitRepository/apps/repo".to_owned();
    check(
        &progressing(),
        &End::Failed(Fault::Interrupted(Failure::new(reason::ARTIFACT_FAILED, at_revision(Superseded { by })))),
        &[
            "Ready=Unknown Progressing: Reconciliation in progress",
            "Reconciling=True Progressing: Building manifests for revision main@sha1:f710 with a timeout of 1m0s",
            "Now observed=false",
        ],
    );
}

#[test]
fn an_object_that_can_proceed_again_is_no_longer_stalled() {
    check(
        &json!([
            condition(READY, "False", reason::ACCESS_DENIED, "can't access"),
            condition(STALLED, "True", reason::ACCESS_DENIED, "can't access"),
        ]),
        &dependency_not_ready(),
        &[
            "Ready=False DependencyNotReady: dependency 'apps/base' revision is not up to date: it has applied main@sha1:1, and main@sha1:f710 is wanted",
            "Info DependencyNotReady: Dependencies do not meet ready condition, retrying in 30s \
             [blockedBy=Kustomization/apps/base blockedReason=it has applied main@sha1:1, and main@sha1:f710 is wanted \
             blockedSince=main@sha1:1 originRevision=v1 revision=main@sha1:f710]",
            "After(30s) observed=false",
        ],
    );
}
