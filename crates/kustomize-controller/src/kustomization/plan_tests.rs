//! Tables of what a run decides.

use flux_objects::Change;
use serde_json::{Value, json};

use super::*;

fn object(spec: &Value) -> Kustomization {
    let mut whole = json!({
        "interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"},
    });
    for (field, value) in spec.as_object().unwrap() {
        whole[field] = value.clone();
    }
    serde_json::from_value(json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "app", "namespace": "apps"}, "spec": whole,
    }))
    .unwrap()
}

fn inventory(ids: &[&str]) -> Inventory {
    ids.iter().map(|id| Entry { id: ObjectId::parse(id).unwrap(), version: "v1".to_owned() }).collect()
}

fn ids(entries: impl IntoIterator<Item = Entry>) -> Vec<String> {
    entries.into_iter().map(|entry| entry.id.to_inventory()).collect()
}

#[test]
fn the_timeout_is_the_interval_less_thirty_seconds_and_never_below_thirty() {
    for (spec, seconds) in [
        (json!({}), 570),
        (json!({"interval": "40s"}), 30),
        (json!({"interval": "10s"}), 30),
        (json!({"timeout": "5m"}), 300),
        (json!({"timeout": "1s"}), 30),
    ] {
        assert_eq!(timeout(&object(&spec).spec), Duration::from_secs(seconds), "{spec}");
    }
}

#[test]
fn a_failed_run_is_repeated_after_the_retry_interval_or_the_interval() {
    assert_eq!(retry_interval(&object(&json!({})).spec), Duration::from_mins(10));
    assert_eq!(retry_interval(&object(&json!({"retryInterval": "2m"})).spec), Duration::from_mins(2));
}

#[test]
fn a_source_is_looked_for_in_the_objects_own_namespace_unless_it_says_another() {
    let own = object(&json!({}));
    let other = object(&json!({"sourceRef": {"kind": "Bucket", "name": "repo", "namespace": "flux-system"}}));

    assert_eq!(source(&own).to_string(), "GitRepository/apps/repo");
    assert_eq!(source(&other).to_string(), "Bucket/flux-system/repo");
}

#[test]
fn objects_gone_from_the_source_are_stale() {
    let old = inventory(&["apps_gone__ConfigMap", "apps_kept__ConfigMap"]);
    let applied = inventory(&["apps_kept__ConfigMap", "apps_new__ConfigMap"]);

    assert_eq!(ids(stale(&old, &applied)), ["apps_gone__ConfigMap"]);
}

/// The health targets after `changes`, given as inventory ids, actions and whether they were ready then.
fn check_targets(spec: &Value, changes: &[(&str, Action, bool)], expected: Option<&[&str]>) {
    let changes = changes.iter().map(|(id, action, settled)| {
        let entry = Entry { id: ObjectId::parse(id).unwrap(), version: "v1".to_owned() };
        Change { entry, action: *action, settled: *settled, vanishes: false }
    });
    let targets = health_targets(&object(spec), &ChangeSet { changes: changes.collect() });
    let line = |target: Target| format!("{} {}", target.entry.api_version(), target.entry.id);
    let lines = targets.map(|targets| targets.into_iter().map(line).collect::<Vec<_>>());
    assert_eq!(lines, expected.map(|expected| expected.iter().map(ToString::to_string).collect()), "{spec}");
}

#[test]
fn waiting_is_for_every_object_that_was_not_skipped() {
    check_targets(
        &json!({"wait": true, "healthChecks": [{"kind": "Deployment", "name": "x"}]}),
        &[
            ("apps_web_apps_Deployment", Action::Created, false),
            ("apps_same__Service", Action::Unchanged, false),
            ("apps_ready__ConfigMap", Action::Created, true),
            ("apps_left__ConfigMap", Action::Skipped, false),
        ],
        Some(&["apps/v1 Deployment/apps/web", "v1 Service/apps/same"]),
    );
    check_targets(&json!({"wait": true}), &[("apps_ready__ConfigMap", Action::Created, true)], Some(&[]));
    check_targets(&json!({"wait": true}), &[("apps_left__ConfigMap", Action::Skipped, false)], None);
}

#[test]
fn without_waiting_only_named_objects_are_checked() {
    check_targets(
        &json!({"healthChecks": [
            {"kind": "Deployment", "name": "web", "namespace": "apps"},
            {"apiVersion": "v1", "kind": "Namespace", "name": "apps"},
        ]}),
        &[("apps_same__ConfigMap", Action::Created, true)],
        Some(&["apps/v1 Deployment/apps/web", "v1 Namespace/apps"]),
    );
    check_targets(&json!({}), &[("apps_same__ConfigMap", Action::Created, true)], None);
}

#[test]
fn an_object_does_not_wait_for_itself() {
    check_targets(
        &json!({"wait": true}),
        &[
            ("apps_app_kustomize.toolkit.fluxcd.io_Kustomization", Action::Unchanged, false),
            ("other_app_kustomize.toolkit.fluxcd.io_Kustomization", Action::Unchanged, false),
        ],
        Some(&["kustomize.toolkit.fluxcd.io/v1 Kustomization/other/app"]),
    );
}

#[test]
fn the_deletion_policy_decides_what_is_deleted() {
    let applied = inventory(&["apps_web_apps_Deployment"]);
    for (spec, expected) in [
        (json!({}), Deletion::Delete),
        (json!({"prune": false}), Deletion::Keep),
        (json!({"prune": false, "deletionPolicy": "Delete"}), Deletion::Delete),
        (json!({"prune": false, "deletionPolicy": "WaitForTermination"}), Deletion::DeleteAndWait),
        (json!({"deletionPolicy": "Orphan"}), Deletion::Keep),
        (json!({"deletionPolicy": "MirrorPrune"}), Deletion::Delete),
        (json!({"deletionPolicy": "Delete", "suspend": true}), Deletion::Keep),
    ] {
        assert_eq!(deletion(&object(&spec), &applied), expected, "{spec}");
        assert_eq!(deletion(&object(&spec), &Inventory::default()), Deletion::Keep, "{spec}");
    }
}
