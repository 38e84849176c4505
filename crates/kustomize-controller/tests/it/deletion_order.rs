//! In which order things go: objects before their kind and what serves it, dependents before what they depend on.

use anyhow::{Context as _, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_testkit::wait_object;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::json;

use crate::bench::{Bench, SOON, condition, config_map};

/// A definition of Things in a group of its own.
pub(crate) fn definition(group: &str) -> String {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    let names = json!({"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"});
    let spec = json!({"group": group, "scope": "Namespaced", "names": names, "versions": [version]});
    let name = format!("things.{group}");
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": spec})
        .to_string()
}

pub(crate) fn things(bench: &Bench, group: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", "Thing"), "things");
    Api::namespaced_with(bench.ns.client.clone(), &bench.ns.name, &resource)
}

async fn delete(bench: &Bench, name: &str) {
    bench.ns.api::<Kustomization>().delete(name, &DeleteParams::default()).await.unwrap();
}

async fn gone(bench: &Bench, name: &str) {
    let api: Api<Kustomization> = bench.ns.api();
    let gone = wait_object(&api, name, SOON, |object| {
        ensure!(object.is_none(), "still there");
        Ok(())
    });
    gone.await.unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
}

/// Waits until deletion of the object was asked for.
async fn terminating(bench: &Bench, api: &Api<DynamicObject>, name: &str) {
    let asked = wait_object(api, name, SOON, |object| {
        let metadata = &object.context("gone already")?.metadata;
        metadata.deletion_timestamp.as_ref().map(drop).context("not deleted yet")
    });
    asked.await.unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
}

async fn release(api: &Api<DynamicObject>, name: &str) {
    let patch = json!({"metadata": {"finalizers": null}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test]
async fn custom_objects_are_gone_before_their_definition_and_what_may_finalise_them() {
    let bench = Bench::start("order-custom", &[]).await;
    let group = format!("{}.example.com", bench.ns.name);
    let thing =
        format!("apiVersion: {group}/v1\nkind: Thing\nmetadata:\n  name: held\n  finalizers: [example.com/held]\n");
    let files = [
        ("app/crd.yaml", definition(&group)),
        ("app/operator.yaml", config_map("operator", "a")),
        ("app/thing.yaml", thing),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    bench.publish("1", &files).await;
    bench.kustomization("app", json!({"timeout": "10m"})).await;
    bench.ready("app", "1").await;

    // Pruned in a run first, which a newer revision takes back before it got anywhere.
    bench.publish("2", &[("app/other.yaml", &config_map("other", "a"))]).await;
    let things = things(&bench, &group);
    terminating(&bench, &things, "held").await;
    assert!(bench.config_map("operator").await.is_some(), "the operator went first");
    let definitions: Api<CustomResourceDefinition> = Api::all(bench.ns.client.clone());
    let crd = definitions.get(&format!("things.{group}")).await.unwrap();
    assert!(crd.metadata.deletion_timestamp.is_none(), "the definition went first");

    bench.publish("3", &[("app/other.yaml", &config_map("other", "b"))]).await;
    bench
        .until("app", |object| {
            let attempted = object.status.as_ref().and_then(|status| status.last_attempted_revision.clone());
            ensure!(attempted.as_deref() == Some("main@sha1:3"), "{attempted:?}");
            Ok(())
        })
        .await;
    assert!(bench.config_map("operator").await.is_some(), "the next run forgot what it waits for");

    release(&things, "held").await;
    bench.ready("app", "3").await;
    assert!(bench.config_map("operator").await.is_none());
    let definition = definitions.get_opt(&format!("things.{group}")).await.unwrap();
    assert!(definition.is_none_or(|definition| definition.metadata.deletion_timestamp.is_some()));
}

/// Two Kustomizations, of which `app` depends on `base` and has an object that a finalizer holds.
async fn pair(test: &str, annotated: bool) -> (Bench, Api<DynamicObject>) {
    let bench = Bench::start(test, &[]).await;
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: held\n  finalizers: [example.com/held]\n";
    bench.publish("1", &[("app/held.yaml", held), ("base/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("base", json!({"path": "./base", "timeout": "10m"})).await;
    bench.kustomization("app", json!({"dependsOn": [{"name": "base"}], "timeout": "10m"})).await;
    if annotated {
        let annotations = json!({"kustomize.toolkit.fluxcd.io/deletion-order": "reverse"});
        for name in ["base", "app"] {
            bench.patch(name, json!({"metadata": {"annotations": annotations}})).await;
        }
    }
    bench.ready("app", "1").await;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
    let objects = Api::namespaced_with(bench.ns.client.clone(), &bench.ns.name, &resource);
    (bench, objects)
}

#[tokio::test]
async fn a_dependency_waits_for_its_dependents_to_go_where_both_ask_for_that() {
    let (bench, objects) = pair("order-reverse", true).await;

    delete(&bench, "base").await;
    delete(&bench, "app").await;
    terminating(&bench, &objects, "held").await;
    let message = bench.fails("base", "Progressing").await;
    let expected = format!("deletion waits for dependents that are deleted too: Kustomization/{}/app", bench.ns.name);
    let told = bench
        .until("base", |object| {
            let ready = condition(object, "Ready").context("no Ready")?;
            ensure!(ready.message == expected, "{}", ready.message);
            Ok(ready.message.clone())
        })
        .await;
    assert!(message == told || message.starts_with("deletion waits for a moment"), "{message}");
    assert!(bench.config_map("one").await.is_some());

    release(&objects, "held").await;
    gone(&bench, "app").await;
    gone(&bench, "base").await;
    assert!(bench.config_map("one").await.is_none());
}

#[tokio::test]
async fn a_dependency_goes_at_once_where_nobody_asks_for_an_order_or_its_dependents_stay() {
    let (bench, objects) = pair("order-none", false).await;
    delete(&bench, "base").await;
    gone(&bench, "base").await;
    release(&objects, "held").await;

    let (bench, objects) = pair("order-stays", true).await;
    delete(&bench, "base").await;
    gone(&bench, "base").await;
    assert!(bench.ns.api::<ConfigMap>().get_opt("held").await.unwrap().is_some());
    release(&objects, "held").await;
}

#[tokio::test]
async fn objects_that_depend_on_each_other_do_not_wait_for_ever() {
    let (bench, objects) = pair("order-circle", true).await;
    release(&objects, "held").await;
    bench.patch("base", json!({"spec": {"dependsOn": [{"name": "app"}]}})).await;
    delete(&bench, "base").await;
    delete(&bench, "app").await;
    gone(&bench, "base").await;
    gone(&bench, "app").await;
}
