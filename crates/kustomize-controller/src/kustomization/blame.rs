//! The one fact that blocks a run: which object, why, and since which revision. Messages say it, and events carry it as fields.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use flux_api::kustomize::v1::Kustomization;
use flux_api::kustomize::v1::kustomization::Snapshot;
use flux_api::meta::{Condition, ConditionStatus, FluxObject as _, HEALTHY, READY, reason};
use flux_runtime::ObjectKey;

use super::error::{ApplyError, DependencyError, HealthError, PruneError};

/// The longest reason that is repeated from elsewhere, in characters.
const LONGEST: usize = 512;

/// What blocks a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blame {
    /// The object, as `Kind/namespace/name`.
    object: String,
    reason: String,
    /// The revision at which that began, where it is known.
    since: Option<String>,
}

/// Why a dependency is not ready, as its status says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    text: String,
    since: Option<String>,
}

impl Why {
    /// Why `dependency`, which is not ready, is not.
    pub(super) fn of(dependency: &Kustomization) -> Self {
        let since = since(dependency);
        let Some(ready) = find(dependency, READY) else {
            return Self { text: "it has not run yet".to_owned(), since: None };
        };
        let at = since.as_ref().map_or_else(String::new, |revision| format!(" since {revision}"));
        let text = match ready.status {
            ConditionStatus::True => "its latest change has not been reconciled yet".to_owned(),
            // The step that it is at, and the time that it took, would change the text again and again.
            ConditionStatus::Unknown => "it is in progress".to_owned(),
            ConditionStatus::False => {
                let healthy = find(dependency, HEALTHY).filter(|_| ready.reason == reason::HEALTH_CHECK_FAILED);
                let message: String = healthy.unwrap_or(ready).message.chars().take(LONGEST).collect();
                format!("{}{at}: {message}", ready.reason)
            }
        };
        Self { text, since }
    }

    /// A dependency that is ready at another revision than the one that is wanted.
    pub(super) fn outdated(applied: Option<&str>, wanted: &str) -> Self {
        let text = match applied {
            Some(applied) => format!("it has applied {applied}, and {wanted} is wanted"),
            None => format!("it has applied nothing, and {wanted} is wanted"),
        };
        Self { text, since: applied.map(str::to_owned) }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Error for Why {}

/// The revision since which runs that reach the cluster fail; none where the last one did not.
pub(super) fn since(object: &Kustomization) -> Option<String> {
    let history = object.status.as_ref().map(|status| status.history.as_slice()).unwrap_or_default();
    let failed = |entry: &&Snapshot| entry.last_reconciled_status != reason::RECONCILIATION_SUCCEEDED;
    history.iter().take_while(failed).last()?.metadata.get("revision").cloned()
}

/// What blocks a run that ended with `error` at `revision`; `since` is the revision since which it does.
pub(super) fn blame(error: &(dyn Error + 'static), revision: &str, since: Option<&str>) -> Option<Blame> {
    let since = Some(since.unwrap_or(revision).to_owned());
    if let Some(error) = error.downcast_ref::<DependencyError>() {
        let (name, why) = error.facts();
        return Some(Blame {
            object: kustomization(name),
            reason: why.map_or_else(|| error.to_string(), ToString::to_string),
            since: why.and_then(|why| why.since.clone()),
        });
    }
    if let Some(error) = error.downcast_ref::<HealthError>() {
        let object = error.cause.blocking()?;
        return Some(Blame { object: object.id.to_string(), reason: object.reason(), since });
    }
    let failures = if let Some(ApplyError::Stage(flux_ssa::ApplyError::DryRun(failures))) = error.downcast_ref() {
        failures
    } else {
        let PruneError(failures) = error.downcast_ref()?;
        failures
    };
    let first = failures.all().first()?;
    Some(Blame { object: first.id.to_string(), reason: first.text.clone(), since })
}

impl Blame {
    /// The facts as fields of an event.
    pub(super) fn metadata(self) -> BTreeMap<String, String> {
        let Self { object, reason, since } = self;
        let reason = reason.chars().take(LONGEST).collect();
        let fields = [("blockedBy", Some(object)), ("blockedReason", Some(reason)), ("blockedSince", since)];
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

fn kustomization(name: &ObjectKey) -> String {
    format!("Kustomization/{name}")
}

fn find<'a>(object: &'a Kustomization, type_: &str) -> Option<&'a Condition> {
    object.conditions().iter().find(|condition| condition.type_ == type_)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn dependency(conditions: &[(&str, &str, &str, &str)], history: &[(&str, &str)]) -> Kustomization {
        let time = "2026-01-01T00:00:00Z";
        let condition = |(type_, status, reason, message): &(&str, &str, &str, &str)| json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": time});
        let entry = |(revision, status): &(&str, &str)| {
            json!({
                "digest": "sha256:1", "firstReconciled": time, "lastReconciled": time, "lastReconciledDuration": "1s",
                "lastReconciledStatus": status, "totalReconciliations": 1, "metadata": {"revision": revision},
            })
        };
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "base", "namespace": "apps"},
            "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
            "status": {
                "conditions": conditions.iter().map(condition).collect::<Vec<Value>>(),
                "history": history.iter().map(entry).collect::<Vec<Value>>(),
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_dependency_says_why_it_is_not_ready_and_since_when() {
        let check = |conditions: &[(&str, &str, &str, &str)], history: &[(&str, &str)], expected: &str| {
            assert_eq!(Why::of(&dependency(conditions, history)).to_string(), expected);
        };
        check(&[], &[], "it has not run yet");
        check(&[("Ready", "Unknown", "Progressing", "x")], &[], "it is in progress");
        check(
            &[("Ready", "True", "ReconciliationSucceeded", "x")],
            &[],
            "its latest change has not been reconciled yet",
        );
        check(&[("Ready", "False", "BuildFailed", "no such file")], &[], "BuildFailed: no such file");
        // Healthy has the same text without the time that it took.
        check(
            &[
                ("Ready", "False", "HealthCheckFailed", "health check failed after 30s: timeout"),
                ("Healthy", "False", "HealthCheckFailed", "timeout"),
            ],
            &[
                ("main@sha1:3", "HealthCheckFailed"),
                ("main@sha1:2", "ReconciliationFailed"),
                ("main@sha1:1", "ReconciliationSucceeded"),
            ],
            "HealthCheckFailed since main@sha1:2: timeout",
        );
    }

    #[test]
    fn the_revision_since_which_runs_fail_is_the_oldest_after_the_last_success() {
        let check = |history: &[(&str, &str)], expected: Option<&str>| {
            assert_eq!(since(&dependency(&[], history)).as_deref(), expected);
        };
        check(&[], None);
        check(&[("a", "ReconciliationSucceeded"), ("b", "HealthCheckFailed")], None);
        check(&[("a", "PruneFailed"), ("b", "HealthCheckFailed")], Some("b"));
    }
}
