//! `kill -9` at each step of a run: what the next process makes of it is what an undisturbed run would have made.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;
use flux_api::kustomize::v1::Kustomization;
use flux_testkit::{wait_for, wait_object};
use futures::{StreamExt as _, stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::bench::{Bench, SOON, config_map, inventory};
use crate::deletion_order::definition;

/// How many scenarios run at the same time.
const AT_ONCE: usize = 3;
/// Every step that a run to a new revision comes by.
const STEPS: [&str; 12] = [
    "Observed",
    "Fetched",
    "Built",
    "Planned",
    "Listed",
    "Applied",
    "Settled",
    "Pruning",
    "WavePruned",
    "Pruned",
    "Checking",
    "Healthy",
];

/// What the objects of one world are in the end, without the namespace's name.
#[derive(Debug, PartialEq)]
struct State {
    values: BTreeMap<String, String>,
    owners: Vec<String>,
    generation: Option<i64>,
    definition: bool,
    inventory: Vec<String>,
    applied: Option<String>,
}

async fn state(bench: &Bench) -> State {
    let configs = bench.ns.api::<ConfigMap>().list(&ListParams::default()).await.unwrap();
    let ours = configs.items.into_iter().filter(|object| object.name_any() != "kube-root-ca.crt");
    let (mut values, mut owners) = (BTreeMap::new(), Vec::new());
    for object in ours {
        let owner = object.labels().get("kustomize.toolkit.fluxcd.io/name").cloned().unwrap_or_default();
        owners.push(format!("{} of {owner:?}", object.name_any()));
        values.insert(object.name_any(), object.data.and_then(|data| data.get("key").cloned()).unwrap_or_default());
    }
    let deployment = bench.ns.api::<Deployment>().get_opt("web").await.unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(bench.ns.client.clone());
    let definition = definitions.get_opt(&format!("things.{}", group(bench))).await.unwrap();
    let object = bench.ns.api::<Kustomization>().get("app").await.unwrap();
    let mut listed = inventory(&object);
    listed.sort();
    State {
        values,
        owners,
        generation: deployment.and_then(|deployment| deployment.metadata.generation),
        definition: definition.is_some_and(|definition| definition.metadata.deletion_timestamp.is_none()),
        inventory: listed.into_iter().map(|id| id.replace(&group(bench), "G")).collect(),
        applied: object.status.and_then(|status| status.last_applied_revision),
    }
}

fn group(bench: &Bench) -> String {
    format!("{}.example.com", bench.ns.name)
}

fn deployment(version: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n  progressDeadlineSeconds: 600\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata:\n      labels: {{app: web, version: {version}}}\n      \
         annotations: {{controlplane.test/outcome: run}}\n    spec:\n      containers:\n      - {{name: web, image: web}}\n"
    )
}

async fn publish(bench: &Bench, revision: &str) {
    let group = group(bench);
    let thing = format!("apiVersion: {group}/v1\nkind: Thing\nmetadata:\n  name: x\n");
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: kept\n".to_owned();
    let files = match revision {
        "1" => vec![
            ("app/crd.yaml", definition(&group)),
            ("app/thing.yaml", thing),
            ("app/one.yaml", config_map("one", "a")),
            ("app/gone.yaml", config_map("gone", "a")),
            ("app/web.yaml", deployment("a")),
            ("app/account.yaml", account),
        ],
        "2" => vec![
            ("app/one.yaml", config_map("one", "b")),
            ("app/two.yaml", config_map("two", "b")),
            ("app/web.yaml", deployment("b")),
            ("app/account.yaml", account),
        ],
        _ => vec![
            ("app/one.yaml", config_map("one", "c")),
            ("app/three.yaml", config_map("three", "c")),
            ("app/web.yaml", deployment("b")),
            ("app/account.yaml", account),
        ],
    };
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    bench.publish(revision, &files).await;
}

/// A world at revision 1 without a controller.
async fn first(test: &str) -> Bench {
    let mut bench = Bench::without_controller(test, &[]).await;
    bench.start_controller();
    publish(&bench, "1").await;
    bench.kustomization("app", json!({"wait": true, "timeout": "5m"})).await;
    bench.ready("app", "1").await;
    bench.kill_controller();
    bench
}

async fn undisturbed(revision: &str) -> State {
    let mut bench = first(&format!("undisturbed-{revision}")).await;
    publish(&bench, revision).await;
    bench.start_controller();
    bench.ready("app", revision).await;
    state(&bench).await
}

/// Starts a controller that stops at `step`, and kills it there.
async fn kill_at(bench: &mut Bench, step: &str) {
    let folder = tempfile::tempdir().unwrap();
    let reached = folder.path().join(step);
    let folder_flag = format!("--step-folder={}", folder.path().display());
    bench.start_controller_with_steps(&[format!("--step-stop={step}"), folder_flag]);
    wait_for(&format!("step {step}"), SOON, async || is_there(&reached))
        .await
        .unwrap_or_else(|error| panic!("{error:#}\n{}", bench.log()));
    bench.kill_controller();
}

fn is_there(path: &Path) -> anyhow::Result<()> {
    ensure!(path.exists(), "not reached");
    Ok(())
}

/// What is there after a run to revision 2 was killed at `step`, and the next process went to `last`.
async fn disturbed(step: &str, last: &str) -> State {
    let mut bench = first(&format!("kill-{step}")).await;
    publish(&bench, "2").await;
    kill_at(&mut bench, step).await;
    if last != "2" {
        publish(&bench, last).await;
    }
    bench.start_controller();
    bench.ready("app", last).await;
    state(&bench).await
}

async fn check(last: &str) {
    let expected = undisturbed(last).await;
    let worlds = stream::iter(STEPS).map(|step| async move { (step, disturbed(step, last).await) });
    let mut worlds = worlds.buffer_unordered(AT_ONCE);
    while let Some((step, found)) = worlds.next().await {
        assert_eq!(found, expected, "killed at {step}");
    }
}

#[tokio::test]
async fn a_run_killed_at_any_step_is_finished_by_the_next_process() {
    check("2").await;
}

#[tokio::test]
async fn a_run_killed_at_any_step_is_overtaken_by_a_newer_revision() {
    check("3").await;
}

#[tokio::test]
async fn a_deletion_killed_at_any_step_is_finished_by_the_next_process() {
    for step in ["Finalizing", "WavePruned", "Finalized"] {
        let mut bench = first(&format!("kill-{step}")).await;
        let api: Api<Kustomization> = bench.ns.api();
        api.delete("app", &DeleteParams::default()).await.unwrap();
        kill_at(&mut bench, step).await;
        assert!(api.get_opt("app").await.unwrap().is_some(), "{step}: the object went before its objects were seen to");
        bench.start_controller();
        let gone = wait_object(&api, "app", SOON, |object| {
            ensure!(object.is_none(), "still there");
            Ok(())
        });
        gone.await.unwrap_or_else(|error| panic!("{step}: {error:#}\n{}", bench.log()));
        for name in ["one", "gone"] {
            assert!(bench.config_map(name).await.is_none(), "{step}: {name}");
        }
        let definitions: Api<CustomResourceDefinition> = Api::all(bench.ns.client.clone());
        let left = definitions.get_opt(&format!("things.{}", group(&bench))).await.unwrap();
        assert!(left.is_none_or(|left| left.metadata.deletion_timestamp.is_some()), "{step}");
    }
}
