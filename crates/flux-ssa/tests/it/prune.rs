//! What is deleted, what is not, and what is left.

use std::time::Duration;

use anyhow::Result;
use flux_objects::Entry;
use serde_json::json;

use crate::cluster::{Cluster, LONG, owner};

fn configs(names: &[&str]) -> String {
    let config = |name: &&str| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    names.iter().map(config).collect()
}

async fn prune(cluster: &Cluster, stale: Vec<Entry>) -> Vec<String> {
    let pruned = cluster.applier.prune(stale, &cluster.rules.owner).await;
    assert!(pruned.is_complete(), "{}", pruned.failures);
    pruned.changes.iter().map(|change| cluster.shown(&change.to_string())).collect()
}

#[tokio::test]
async fn only_the_owners_unmarked_objects_are_deleted() -> Result<()> {
    let mut cluster = Cluster::new("prune").await?;
    cluster.apply(&configs(&["mine", "kept", "taken", "gone"])).await?;
    let kept = json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/prune": "Disabled"}}});
    cluster.edit("v1", "ConfigMap", "kept", kept).await?;
    cluster.api("v1", "ConfigMap").delete("gone", &kube::api::DeleteParams::default()).await?;
    cluster.rules.owner = owner("other");
    cluster.apply(&configs(&["taken"])).await?;
    cluster.rules.owner = owner("apps");

    let entries = |names: &[&str]| names.iter().map(|name| cluster.entry(name, "", "ConfigMap")).collect::<Vec<_>>();
    let mut stale = vec![cluster.entry("x", "example.com", "Riddle")];
    stale.extend(entries(&["taken", "mine", "kept", "gone"]));
    let expected = [
        "Riddle/NS/x deleted",
        "ConfigMap/NS/taken skipped",
        "ConfigMap/NS/mine deleted",
        "ConfigMap/NS/kept skipped",
        "ConfigMap/NS/gone deleted",
    ];
    assert_eq!(prune(&cluster, stale).await, expected);
    assert!(!cluster.exists("v1", "ConfigMap", "mine").await?);
    assert!(cluster.exists("v1", "ConfigMap", "kept").await?);
    assert!(cluster.exists("v1", "ConfigMap", "taken").await?);
    Ok(())
}

#[tokio::test]
async fn an_object_whose_version_is_no_longer_served_is_found_in_another() -> Result<()> {
    let cluster = Cluster::new("version").await?;
    cluster
        .apply("apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: old}\nrevision: 1\ndata: {a: 1}\n")
        .await?;
    let mut entry = cluster.entry("old", "apps", "ControllerRevision");
    entry.version = "v1beta2".into();
    assert_eq!(prune(&cluster, vec![entry]).await, ["ControllerRevision/NS/old deleted"]);
    assert!(!cluster.exists("apps/v1", "ControllerRevision", "old").await?);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_deleted_survives_with_its_reason_and_the_rest_goes() -> Result<()> {
    let cluster = Cluster::new("survivors").await?;
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: held}\n";
    cluster.apply(&format!("{}{secret}", configs(&["free"]))).await?;
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "delete"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]);
    let client = cluster.identity("pruner", rules).await?;
    let options = std::sync::Arc::new(flux_ssa::Options::new(crate::cluster::MANAGER, crate::cluster::GROUP));
    let applier = flux_ssa::Applier::new(client, std::sync::Arc::clone(cluster.applier.discovery()), options);

    let stale = vec![cluster.entry("free", "", "ConfigMap"), cluster.entry("held", "", "Secret")];
    let pruned = applier.prune(stale, &cluster.rules.owner).await;
    assert_eq!(pruned.survivors, [cluster.entry("held", "", "Secret")]);
    let text = pruned.failures.to_string();
    assert!(text.starts_with("Secret/") && text.contains(r#"delete failed: secrets "held" is forbidden"#), "{text}");
    assert!(!cluster.exists("v1", "ConfigMap", "free").await?);
    Ok(())
}

#[tokio::test]
async fn termination_is_waited_for_until_the_last_finalizer_goes() -> Result<()> {
    let cluster = Cluster::new("termination").await?;
    cluster.apply(&configs(&["held", "free"])).await?;
    cluster.edit("v1", "ConfigMap", "held", json!({"metadata": {"finalizers": ["example.com/hold"]}})).await?;
    let entries = vec![cluster.entry("held", "", "ConfigMap"), cluster.entry("free", "", "ConfigMap")];
    let pruned = cluster.applier.prune(entries.clone(), &cluster.rules.owner).await;
    assert_eq!(pruned.terminating, [cluster.entry("held", "", "ConfigMap")]);

    let err = cluster.applier.wait_terminated(&entries, Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(cluster.shown(&err.to_string()), "timeout waiting for termination of: ConfigMap/NS/held");
    let release = cluster.edit("v1", "ConfigMap", "held", json!({"metadata": {"finalizers": null}}));
    let (waited, released) = tokio::join!(cluster.applier.wait_terminated(&entries, LONG), release);
    released?;
    waited?;
    Ok(())
}
