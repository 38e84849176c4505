//! What is left when a Kustomization is deleted.

use anyhow::ensure;
use flux_api::kustomize::v1::Kustomization;
use flux_testkit::wait_object;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::bench::{Bench, SOON, config_map};

/// Deletes the Kustomization `app` and waits until it is gone.
async fn delete(bench: &Bench) {
    let api: Api<Kustomization> = bench.ns.api();
    api.delete("app", &DeleteParams::default()).await.unwrap();
    let gone = wait_object(&api, "app", SOON, |object| {
        ensure!(object.is_none(), "still there");
        Ok(())
    });
    gone.await.unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
}

/// Whether the applied ConfigMap is still there after a Kustomization with `spec` was deleted.
async fn survives(test: &str, spec: Value) -> bool {
    let bench = Bench::start(test, &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", spec).await;
    bench.ready("app", "1").await;
    delete(&bench).await;
    bench.config_map("one").await.is_some()
}

#[tokio::test]
async fn applied_objects_go_with_their_owner_as_its_policy_says() {
    assert!(!survives("delete-mirror", json!({})).await);
    assert!(survives("delete-mirror-keep", json!({"prune": false})).await);
    assert!(!survives("delete-delete", json!({"prune": false, "deletionPolicy": "Delete"})).await);
    assert!(survives("delete-orphan", json!({"deletionPolicy": "Orphan"})).await);
}

#[tokio::test]
async fn an_owner_that_waits_for_termination_stays_until_its_objects_are_gone() {
    let bench = Bench::start("delete-wait", &[]).await;
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n  finalizers: [example.com/held]\n";
    bench.publish("1", &[("app/one.yaml", held)]).await;
    bench.kustomization("app", json!({"deletionPolicy": "WaitForTermination", "timeout": "10m"})).await;
    bench.ready("app", "1").await;

    let api: Api<Kustomization> = bench.ns.api();
    api.delete("app", &DeleteParams::default()).await.unwrap();
    let objects: Api<ConfigMap> = bench.ns.api();
    wait_object(&objects, "one", SOON, |object| {
        ensure!(object.is_some_and(|object| object.metadata.deletion_timestamp.is_some()), "not deleted");
        Ok(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
    assert!(api.get_opt("app").await.unwrap().is_some());

    let release = json!({"metadata": {"finalizers": null}});
    objects.patch("one", &PatchParams::default(), &Patch::Merge(release)).await.unwrap();

    wait_object(&api, "app", SOON, |object| {
        ensure!(object.is_none(), "still there");
        Ok(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
}

#[tokio::test]
async fn a_suspended_owner_leaves_its_objects() {
    let bench = Bench::start("delete-suspended", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    bench.patch("app", json!({"spec": {"suspend": true}})).await;
    delete(&bench).await;

    assert!(bench.config_map("one").await.is_some());
}

#[tokio::test]
async fn an_owner_whose_service_account_is_gone_leaves_its_objects_and_says_so() {
    let bench = Bench::start("delete-account", &[]).await;
    crate::access::service_account(&bench, "applier").await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({"serviceAccountName": "applier"})).await;
    bench.ready("app", "1").await;

    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = bench.ns.api();
    accounts.delete("applier", &DeleteParams::default()).await.unwrap();
    delete(&bench).await;

    assert!(bench.config_map("one").await.is_some());
    assert_eq!(bench.event("app", "unable to prune objects: ").await.0, "Warning");
}
