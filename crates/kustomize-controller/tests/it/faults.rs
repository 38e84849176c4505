//! What goes wrong around a run: the API server, webhooks, definitions, namespaces, other managers and other owners.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use flux_testkit::{Admission, AdmissionWebhook, Component, ControlPlane, wait_for, wait_object};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::bench::{Bench, SOON, condition, config_map, inventory};
use crate::deletion_order::{definition, things};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_api_server_or_of_etcd_loses_nothing() {
    // An instance of its own: other tests need theirs up.
    let plane = tokio::task::block_in_place(ControlPlane::start).unwrap();
    let mut bench = Bench::on(&plane, "outage", &[]).await;
    bench.start_controller();
    let publish = async |revision: &str, value: &str| {
        let files = [("app/one.yaml", config_map("one", value)), ("app/two.yaml", config_map("two", "same"))];
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        bench.publish(revision, &files).await;
    };
    publish("1", "a").await;
    bench.kustomization("app", json!({"retryInterval": "2s", "interval": "5s"})).await;
    bench.ready("app", "1").await;
    let before = bench.config_map("two").await.unwrap().metadata;

    plane.restart(Component::ApiServer, Duration::from_secs(20)).await.unwrap();
    publish("2", "b").await;
    bench.ready("app", "2").await;
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("b"));

    plane.crash(Component::Etcd).await.unwrap();
    plane.bring_up(Component::Etcd).await.unwrap();
    wait_for("the API server answers", SOON, async || {
        bench.ns.api::<ConfigMap>().get("one").await.map(drop).context("not yet")
    })
    .await
    .unwrap();
    publish("3", "c").await;
    let object = bench.ready("app", "3").await;
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("c"));
    assert_eq!(inventory(&object), ["_one__ConfigMap", "_two__ConfigMap"]);
    let after = bench.config_map("two").await.unwrap().metadata;
    assert_eq!((after.uid, after.resource_version), (before.uid, before.resource_version), "it was never touched");
    bench.kill_controller();
}

#[tokio::test]
async fn a_webhook_that_refuses_or_hangs_fails_the_run_and_one_that_mutates_is_no_drift() {
    let bench = Bench::start("webhook", &[]).await;
    let webhook = AdmissionWebhook::start().unwrap();
    webhook.set(Admission::Refuses("no such luck".to_owned()));
    bench.ns.apply(&webhook.configuration(&bench.ns.name)).await.unwrap();
    wait_for("the webhook is asked", SOON, async || {
        let refused = bench.ns.apply(&config_map("probe", "a")).await;
        ensure!(refused.is_err() && webhook.calls() > 0, "it is not");
        Ok(())
    })
    .await
    .unwrap();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    let message = bench.fails("app", "ReconciliationFailed").await;
    assert!(message.contains("no such luck") && message.contains("/one dry-run failed"), "{message}");

    webhook.set(Admission::Hangs);
    bench.reconcile("app", "hangs").await;
    let message = bench.fails("app", "ReconciliationFailed").await;
    assert!(message.contains("configs.example.com"), "{message}");
    assert!(bench.config_map("one").await.is_none());

    webhook.set(Admission::Labels("example.com/mutated".to_owned()));
    bench.reconcile("app", "mutates").await;
    bench.ready("app", "1").await;
    let before = bench.config_map("one").await.unwrap();
    assert_eq!(before.labels()["example.com/mutated"], "set");
    bench.reconcile("app", "again").await;
    let after = bench.config_map("one").await.unwrap();
    assert_eq!(after.resource_version(), before.resource_version(), "what the webhook adds is not fought over");
}

#[tokio::test]
async fn a_definition_that_is_deleted_under_a_run_comes_back_with_its_objects() {
    let bench = Bench::start("crd-deleted", &[]).await;
    let group = format!("{}.example.com", bench.ns.name);
    let thing = format!("apiVersion: {group}/v1\nkind: Thing\nmetadata:\n  name: x\n");
    bench.publish("1", &[("app/crd.yaml", &definition(&group)), ("app/thing.yaml", &thing)]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    let definitions: Api<CustomResourceDefinition> = Api::all(bench.ns.client.clone());
    let name = format!("things.{group}");
    definitions.delete(&name, &DeleteParams::default()).await.unwrap();
    wait_object(&definitions, &name, SOON, |object| {
        ensure!(object.is_none(), "still there");
        Ok(())
    })
    .await
    .unwrap();
    let object = bench.reconcile("app", "restored").await;

    assert_eq!(condition(&object, "Ready").unwrap().message, "Applied revision: main@sha1:1");
    assert!(things(&bench, &group).get_opt("x").await.unwrap().is_some());
}

#[tokio::test]
async fn a_namespace_that_is_stuck_terminating_is_named_and_holds_up_nobody_else() {
    let bench = Bench::start("terminating", &[]).await;
    let stuck = ControlPlane::shared().unwrap().namespace("stuck").await.unwrap();
    stuck
        .apply("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: held\n  finalizers: [example.com/held]\n")
        .await
        .unwrap();
    let namespaces: Api<Namespace> = Api::all(bench.ns.client.clone());
    namespaces.delete(&stuck.name, &DeleteParams::default()).await.unwrap();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("stuck", json!({"targetNamespace": stuck.name})).await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("stuck", "ReconciliationFailed").await;
    assert!(message.contains(&format!("ConfigMap/{}/one", stuck.name)) && message.contains("terminated"), "{message}");
    bench.ready("app", "1").await;

    let release = json!({"metadata": {"finalizers": null}});
    stuck.api::<ConfigMap>().patch("held", &PatchParams::default(), &Patch::Merge(release)).await.unwrap();
}

#[tokio::test]
async fn fields_that_another_manager_takes_are_taken_back_and_others_are_left_to_it() {
    let bench = Bench::start("managers", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "ours"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;
    let api: Api<ConfigMap> = bench.ns.api();
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"key": "theirs", "own": "theirs"}});
    api.patch("one", &PatchParams::apply("other").force(), &Patch::Apply(&theirs)).await.unwrap();

    let mut token = 0;
    let data = wait_for("the field is taken back", SOON, async || {
        // The run that is asked for first may come before the watch tells of the change.
        token += 1;
        bench.reconcile("app", &format!("conflict-{token}")).await;
        let data = api.get("one").await?.data.unwrap_or_default();
        ensure!(data["key"] == "ours", "{data:?}");
        Ok(data)
    });
    let data = data.await.unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
    assert_eq!(data["own"], "theirs");
    let refused = api.patch("one", &PatchParams::apply("other"), &Patch::Apply(&theirs)).await;
    assert!(refused.is_err_and(|err| matches!(err, kube::Error::Api(status) if status.code == 409)));
}

#[tokio::test]
async fn an_object_moves_to_another_owner_without_being_deleted() {
    let bench = Bench::start("moves", &[]).await;
    let (one, two) = (config_map("shared", "a"), config_map("own", "a"));
    bench
        .publish(
            "1",
            &[("from/shared.yaml", &one), ("from/own.yaml", &two), ("to/kustomization.yaml", "resources: []\n")],
        )
        .await;
    bench.kustomization("from", json!({"path": "./from"})).await;
    bench.kustomization("to", json!({"path": "./to"})).await;
    bench.ready("from", "1").await;
    bench.ready("to", "1").await;
    let before = bench.config_map("shared").await.unwrap().metadata;

    bench.patch("from", json!({"spec": {"suspend": true}})).await;
    bench.publish("2", &[("from/own.yaml", &two), ("to/shared.yaml", &one)]).await;
    bench.ready("to", "2").await;
    bench.patch("from", json!({"spec": {"suspend": false}})).await;
    let from = bench.ready("from", "2").await;

    let after = bench.config_map("shared").await.unwrap();
    assert_eq!(after.metadata.uid, before.uid);
    assert_eq!(after.labels()["kustomize.toolkit.fluxcd.io/name"], "to");
    assert_eq!(inventory(&from), ["_own__ConfigMap"]);
}

#[tokio::test]
async fn fifty_that_fail_do_not_hold_up_a_hundred_that_do_not() {
    let bench = Bench::start("many", &["--concurrent=8"]).await;
    let pending = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  paused: true\n  \
                   selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
                   containers: [{name: web, image: web}]\n";
    let publish = async |revision: &str, value: &str| {
        let files = [("ok/one.yaml", config_map("one", value)), ("bad/web.yaml", pending.to_owned())];
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        bench.publish(revision, &files).await;
    };
    publish("1", "a").await;
    let never = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "current": "false"}]);
    for number in 0..50 {
        let spec = json!({
            "path": "./bad", "namePrefix": format!("b{number}-"), "wait": true, "timeout": "10m", "healthCheckExprs": never,
        });
        bench.kustomization(&format!("bad-{number}"), spec).await;
    }
    for number in 0..100 {
        bench
            .kustomization(&format!("ok-{number}"), json!({"path": "./ok", "namePrefix": format!("o{number}-")}))
            .await;
    }
    let all_at = async |revision: &str| {
        for number in 0..100 {
            bench.ready(&format!("ok-{number}"), revision).await;
        }
    };
    all_at("1").await;
    for number in 0..50 {
        bench
            .until(&format!("bad-{number}"), |object| {
                let healthy = condition(object, "Healthy").context("not waiting yet")?;
                ensure!(healthy.reason == "Progressing", "{}", healthy.reason);
                Ok(())
            })
            .await;
    }
    publish("2", "b").await;
    all_at("2").await;
    let values: BTreeSet<String> = bench
        .ns
        .api::<ConfigMap>()
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
        .into_iter()
        .filter(|object| object.name_any().starts_with('o'))
        .filter_map(|object| object.data?.remove("key"))
        .collect();
    assert_eq!(values, BTreeSet::from(["b".to_owned()]));
}
