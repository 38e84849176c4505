//! What a source holds is what the cluster has.

use std::collections::BTreeMap;

use anyhow::ensure;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::bench::{Bench, SOON, condition, conditions, config_map, inventory};

#[tokio::test]
async fn a_first_sync_applies_lists_and_reports() {
    let bench = Bench::start("first-sync", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a")), ("app/two.yaml", &config_map("two", "b"))]).await;
    bench.kustomization("app", json!({})).await;

    let object = bench.ready("app", "1").await;

    assert_eq!(inventory(&object), ["_one__ConfigMap", "_two__ConfigMap"]);
    assert_eq!(conditions(&object), ["Ready=True ReconciliationSucceeded"]);
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.last_applied_revision.as_deref(), Some("main@sha1:1"));
    assert_eq!(status.last_attempted_revision.as_deref(), Some("main@sha1:1"));
    assert_eq!(status.history.len(), 1);
    let entry = &status.history[0];
    assert_eq!((entry.last_reconciled_status.as_str(), entry.total_reconciliations), ("ReconciliationSucceeded", 1));
    assert_eq!(entry.metadata, BTreeMap::from([("revision".to_owned(), "main@sha1:1".to_owned())]));
    assert!(entry.digest.starts_with("sha256:"), "{}", entry.digest);

    let applied = bench.config_map("one").await.unwrap();
    let labels = applied.metadata.labels.unwrap();
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "app");
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/namespace"], bench.ns.name);
    let managers: Vec<_> =
        applied.metadata.managed_fields.unwrap().into_iter().filter_map(|entry| entry.manager).collect();
    assert_eq!(managers, ["kustomize-controller"]);
}

#[tokio::test]
async fn a_sync_is_told_in_events_with_the_revision() {
    let bench = Bench::start("events", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    let created = format!("ConfigMap/{}/one created", bench.ns.name);
    assert_eq!(bench.event("app", &created).await, ("Normal".to_owned(), "Progressing".to_owned()));
    let finished = bench.event("app", "Reconciliation finished in ").await;
    assert_eq!(finished, ("Normal".to_owned(), "ReconciliationSucceeded".to_owned()));
}

#[tokio::test]
async fn a_new_revision_is_rolled_out_and_what_it_lacks_is_pruned() {
    let bench = Bench::start("new-revision", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a")), ("app/two.yaml", &config_map("two", "b"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    bench.publish("2", &[("app/one.yaml", &config_map("one", "changed"))]).await;
    let object = bench.ready("app", "2").await;

    assert_eq!(inventory(&object), ["_one__ConfigMap"]);
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("changed"));
    assert!(bench.config_map("two").await.is_none());
    assert_eq!(object.status.unwrap().history.len(), 2);
    let pruned = format!("ConfigMap/{}/two deleted", bench.ns.name);
    assert_eq!(bench.event("app", &pruned).await.0, "Normal");
}

#[tokio::test]
async fn objects_that_leave_the_source_stay_without_prune_and_where_they_say_so() {
    let bench = Bench::start("no-prune", &[]).await;
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations:\n    \
                kustomize.toolkit.fluxcd.io/prune: disabled\n";
    let files = [("app/one.yaml", config_map("one", "a")), ("app/kept.yaml", kept.to_owned())];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    bench.publish("1", &files).await;
    bench.kustomization("pruning", json!({})).await;
    bench.kustomization("keeping", json!({"prune": false, "namePrefix": "other-"})).await;
    bench.ready("pruning", "1").await;
    bench.ready("keeping", "1").await;

    bench.publish("2", &[("app/new.yaml", &config_map("new", "a"))]).await;
    let pruning = bench.ready("pruning", "2").await;
    let keeping = bench.ready("keeping", "2").await;

    assert_eq!(inventory(&pruning), ["_new__ConfigMap"]);
    assert_eq!(inventory(&keeping), ["_other-new__ConfigMap"]);
    assert!(bench.config_map("one").await.is_none());
    for name in ["kept", "other-one", "other-kept"] {
        assert!(bench.config_map(name).await.is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_hand_edit_is_undone_by_the_next_run() {
    let bench = Bench::start("drift", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    let api: Api<ConfigMap> = bench.ns.api();
    let edit = json!({"data": {"key": "edited"}});
    api.patch("one", &PatchParams::default(), &Patch::Merge(edit)).await.unwrap();
    bench.undoes("app", async || bench.config_value("one", "key").await.as_deref() == Some("a")).await;

    bench.event("app", &format!("ConfigMap/{}/one configured", bench.ns.name)).await;
}

#[tokio::test]
async fn a_run_without_changes_writes_no_object_and_counts_in_the_history() {
    let bench = Bench::start("unchanged", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;
    let before = bench.config_map("one").await.unwrap().metadata.resource_version;

    let object = bench.reconcile("app", "now").await;

    assert_eq!(bench.config_map("one").await.unwrap().metadata.resource_version, before);
    let history = object.status.unwrap().history;
    assert_eq!((history.len(), history[0].total_reconciliations), (1, 2));
}

#[tokio::test]
async fn the_spec_decides_namespace_names_and_metadata() {
    let bench = Bench::start("spec", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    let common = json!({"labels": {"team": "a"}, "annotations": {"contact": "b"}});
    bench.kustomization("app", json!({"namePrefix": "x-", "nameSuffix": "-y", "commonMetadata": common})).await;
    bench.ready("app", "1").await;

    let applied = bench.config_map("x-one-y").await.unwrap();
    assert_eq!(applied.metadata.labels.unwrap()["team"], "a");
    assert_eq!(applied.metadata.annotations.unwrap()["contact"], "b");
}

#[tokio::test]
async fn variables_come_from_config_maps_secrets_and_the_spec() {
    let bench = Bench::start("variables", &[]).await;
    let objects = json!([
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env"}, "data": {"A": "from-map", "B": "from-map"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "passwords"}, "stringData": {"B": "from-secret", "C": "x"}},
    ]);
    for object in objects.as_array().unwrap() {
        bench.ns.apply(&object.to_string()).await.unwrap();
    }
    bench.publish("1", &[("app/one.yaml", &config_map("one", "${A}-${B}-${C}-${D:=default}"))]).await;
    let from = json!([
        {"kind": "ConfigMap", "name": "env"},
        {"kind": "Secret", "name": "passwords"},
        {"kind": "ConfigMap", "name": "absent", "optional": true},
    ]);
    bench.kustomization("app", json!({"postBuild": {"substitute": {"C": "inline"}, "substituteFrom": from}})).await;
    bench.ready("app", "1").await;

    let value = bench.config_value("one", "key").await.unwrap();
    assert_eq!(value, "from-map-from-secret-inline-default");
}

#[tokio::test]
async fn a_labelled_config_map_wakes_its_readers() {
    let bench = Bench::start("config-watch", &[]).await;
    let env = |value: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"A": value},
            "metadata": {"name": "env", "labels": {"reconcile.fluxcd.io/watch": "Enabled"}},
        })
        .to_string()
    };
    bench.ns.apply(&env("old")).await.unwrap();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "${A}"))]).await;
    let from = json!([{"kind": "ConfigMap", "name": "env"}]);
    bench.kustomization("app", json!({"postBuild": {"substituteFrom": from}})).await;
    bench.ready("app", "1").await;

    bench.ns.apply(&env("new")).await.unwrap();

    let api: Api<ConfigMap> = bench.ns.api();
    flux_testkit::wait_object(&api, "one", SOON, |object| {
        let data = object.and_then(|object| object.data.as_ref());
        ensure!(data.and_then(|data| data.get("key")).is_some_and(|value| value == "new"), "old value");
        Ok(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
}

#[tokio::test]
async fn a_suspended_object_is_left_alone_until_it_is_resumed() {
    let bench = Bench::start("suspend", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({"suspend": true})).await;
    bench.kustomization("other", json!({"namePrefix": "other-"})).await;
    bench.ready("other", "1").await;
    bench.publish("2", &[("app/one.yaml", &config_map("one", "b"))]).await;
    bench.ready("other", "2").await;
    assert!(bench.config_map("one").await.is_none());

    bench.patch("app", json!({"spec": {"suspend": false}})).await;

    bench.ready("app", "2").await;
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("b"));
}

#[tokio::test]
async fn an_immutable_field_is_changed_only_with_force() {
    let bench = Bench::start("force", &[]).await;
    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nimmutable: true\nmetadata:\n  name: fixed\nstringData:\n  key: {value}\n"
        )
    };
    bench.publish("1", &[("app/one.yaml", &secret("old"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    bench.publish("2", &[("app/one.yaml", &secret("new"))]).await;
    let message = bench.fails("app", "ReconciliationFailed").await;
    assert!(message.contains("immutable") && !message.contains("bmV3"), "{message}");

    bench.patch("app", json!({"spec": {"force": true}})).await;
    bench.ready("app", "2").await;
    let applied: Secret = bench.ns.api().get("fixed").await.unwrap();
    assert_eq!(applied.data.unwrap()["key"].0, b"new");
}

#[tokio::test]
async fn the_origin_revision_is_recorded() {
    let bench = Bench::start("origin", &[]).await;
    let metadata = BTreeMap::from([("org.opencontainers.image.revision".to_owned(), "v1@sha1:9".to_owned())]);
    bench.publish_as("repo", "1", &[("app/one.yaml", &config_map("one", "a"))], &metadata).await;
    bench.kustomization("app", json!({})).await;

    let status = bench.ready("app", "1").await.status.unwrap();

    assert_eq!(status.last_applied_origin_revision.as_deref(), Some("v1@sha1:9"));
    assert_eq!(status.history[0].metadata["originRevision"], "v1@sha1:9");
}

#[tokio::test]
async fn definitions_are_applied_before_what_they_define() {
    let bench = Bench::start("definitions", &[]).await;
    let group = format!("{}.example.com", bench.ns.name);
    let crd = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: things, singular: thing, kind: Thing}}\n  \
         versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema: {{type: object}}\n"
    );
    let thing = format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: first}}\n");
    bench.publish("1", &[("app/a.yaml", &thing), ("app/b.yaml", &crd)]).await;
    bench.kustomization("app", json!({})).await;

    let object = bench.ready("app", "1").await;

    let expected =
        [format!("_things.{group}_apiextensions.k8s.io_CustomResourceDefinition"), format!("_first_{group}_Thing")];
    let found: Vec<_> = object
        .status
        .as_ref()
        .unwrap()
        .inventory
        .as_ref()
        .unwrap()
        .entries
        .iter()
        .map(|entry| entry.id.strip_prefix(&bench.ns.name).unwrap_or(&entry.id).to_owned())
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_controller_killed_at_any_time_loses_nothing_and_prunes_nothing_wrongly() {
    let mut bench = Bench::without_controller("killed", &[]).await;
    let files = |count: usize| {
        (0..count).map(|n| (format!("app/{n}.yaml"), config_map(&format!("c{n}"), "a"))).collect::<Vec<_>>()
    };
    let publish = async |bench: &Bench, revision: &str, files: &[(String, String)]| {
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        bench.publish(revision, &files).await;
    };
    publish(&bench, "1", &files(40)).await;
    bench.kustomization("app", json!({})).await;

    // Each life ends as soon as one more object is there: in the middle of an apply.
    for n in [0, 15, 30] {
        bench.start_controller();
        let api: Api<ConfigMap> = bench.ns.api();
        flux_testkit::wait_object(&api, &format!("c{n}"), SOON, |object| {
            ensure!(object.is_some(), "not there");
            Ok(())
        })
        .await
        .unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
        bench.kill_controller();
        let object = bench.until("app", |object| Ok(object.clone())).await;
        let listed = inventory(&object);
        for written in api.list(&kube::api::ListParams::default()).await.unwrap() {
            let name = written.metadata.name.unwrap();
            let ours =
                written.metadata.labels.is_some_and(|labels| labels.contains_key("kustomize.toolkit.fluxcd.io/name"));
            assert!(!ours || listed.contains(&format!("_{name}__ConfigMap")), "{name} is not listed");
        }
    }

    publish(&bench, "2", &files(20)).await;
    bench.start_controller();
    let object = bench.ready("app", "2").await;
    assert_eq!(inventory(&object).len(), 20);
    for n in 0..40 {
        assert_eq!(bench.config_map(&format!("c{n}")).await.is_some(), n < 20, "c{n}");
    }
    assert!(condition(&object, "Stalled").is_none());
}
