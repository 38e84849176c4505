//! A repository is synced, and stays so.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{ConditionStatus, FluxObject as _, READY};
use flux_testkit::{Change, ControlPlane, Toolkit, wait_for, wait_object};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::manifests::{config_map, existing};

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> std::collections::BTreeSet<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_repository_is_synced_changed_pruned_repaired_and_broken() -> Result<()> {
    let toolkit = Toolkit::new(ControlPlane::shared()?, "sync").await?;
    let repository = toolkit.git.create("app")?;
    let first = [("a.yaml", &*config_map("a", "1")), ("b.yaml", &*config_map("b", "1"))];
    let commit = repository.commit_files("main", "first", &first)?;
    let (_source, _kustomize) = toolkit.start().await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    toolkit.applied("app", &commit).await.context("first sync")?;
    assert_eq!(existing(&toolkit.namespace).await?, pairs([("a", "1"), ("b", "1")]));

    let commit = repository.commit_files("main", "change", &[("a.yaml", &config_map("a", "2"))])?;
    toolkit.request("app", "change").await?;
    toolkit.applied("app", &commit).await.context("changed commit")?;
    assert_eq!(existing(&toolkit.namespace).await?, pairs([("a", "2"), ("b", "1")]));

    let commit = repository.commit("main", "delete", &[Change::Delete("b.yaml")])?;
    toolkit.request("app", "delete").await?;
    toolkit.applied("app", &commit).await.context("deleted file")?;
    assert_eq!(existing(&toolkit.namespace).await?, pairs([("a", "2")]));

    let edited = json!({"data": {"value": "by hand"}});
    let config_maps = toolkit.namespace.api::<ConfigMap>();
    config_maps.patch("a", &PatchParams::default(), &Patch::Merge(edited)).await?;
    let kustomizations = toolkit.namespace.api::<Kustomization>();
    let request = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "undo"}}});
    kustomizations.patch("app", &PatchParams::default(), &Patch::Merge(request)).await?;
    wait_for("the hand edit is undone", Duration::from_secs(30), async || {
        ensure!(existing(&toolkit.namespace).await? == pairs([("a", "2")]), "it is there");
        Ok(())
    })
    .await?;

    repository.commit_files("main", "break", &[("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n")])?;
    toolkit.request("app", "break").await?;
    let broken = wait_object(&kustomizations, "app", Duration::from_secs(30), |object: Option<&Kustomization>| {
        let ready = object.context("not there")?.conditions().iter().find(|condition| condition.type_ == READY);
        let ready = ready.context("no Ready")?;
        ensure!(ready.status == ConditionStatus::False, "Ready is {:?}", ready.status);
        Ok(ready.clone())
    })
    .await?;
    assert_eq!(broken.reason, "BuildFailed");
    assert!(broken.message.contains("a.yaml"), "{}", broken.message);
    assert_eq!(existing(&toolkit.namespace).await?, pairs([("a", "2")]), "the last good state stays");

    let commit = repository.commit_files("main", "mend", &[("a.yaml", &config_map("a", "3"))])?;
    toolkit.request("app", "mend").await?;
    toolkit.applied("app", &commit).await.context("mended commit")?;
    assert_eq!(existing(&toolkit.namespace).await?, pairs([("a", "3")]));
    Ok(())
}

#[tokio::test]
async fn kubectl_gets_describes_and_waits_for_synced_objects() -> Result<()> {
    let control_plane = ControlPlane::shared()?;
    let toolkit = Toolkit::new(control_plane, "kubectl").await?;
    let commit = toolkit.git.create("app")?.commit_files("main", "first", &[("a.yaml", &config_map("a", "1"))])?;
    let (_source, _kustomize) = toolkit.start().await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    let namespace = toolkit.namespace.name.as_str();
    let kubectl = async |words: &str| {
        let words = words.split(' ').chain(["--namespace", namespace]);
        let output = control_plane.kubectl(words).await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        anyhow::Ok(String::from_utf8(output.stdout)?)
    };
    kubectl("wait --for=condition=ready kustomization/app --timeout=60s").await?;
    kubectl("wait --for=condition=ready gitrepository/app --timeout=10s").await?;
    let table = kubectl("get kustomizations,gitrepositories").await?;
    assert!(table.contains(&format!("Applied revision: main@sha1:{commit}")), "{table}");
    assert!(table.contains(&format!("stored artifact for revision 'main@sha1:{commit}'")), "{table}");
    assert!(table.contains(&toolkit.git.url("app")), "{table}");
    let described = wait_for("the events are there", Duration::from_secs(15), async || {
        let described = kubectl("describe kustomization app").await?;
        ensure!(described.contains("ConfigMap/") && described.contains("created"), "{described}");
        Ok(described)
    })
    .await?;
    assert!(described.contains("ReconciliationSucceeded"), "{described}");
    Ok(())
}
