//! Where nothing is to be done nothing is done: no build, no request for an object, one write of the status.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_testkit::{ReservedPort, wait_for};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::bench::{Bench, SOON, condition, config_map};

/// A world whose controller's requests are counted.
struct Counted {
    bench: Bench,
    http: reqwest::Client,
    metrics: ReservedPort,
}

/// Requests by method.
type Requests = BTreeMap<String, u64>;

impl Counted {
    async fn start(test: &str, flags: &[&str]) -> Self {
        let metrics = ReservedPort::new().unwrap();
        let served = format!("--metrics-addr={}", metrics.address());
        let flags: Vec<&str> = flags.iter().copied().chain([served.as_str()]).collect();
        let bench = Bench::start(test, &flags).await;
        Self { bench, http: flux_http::ClientOptions::default().client().unwrap(), metrics }
    }

    /// The requests to the API server so far.
    async fn requests(&self) -> Requests {
        let url = format!("http://{}/metrics", self.metrics.address());
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let mut requests = Requests::new();
        for line in text.lines().filter(|line| line.starts_with("rest_client_requests_total{")) {
            let (labels, count) = line.rsplit_once(' ').unwrap();
            let method = labels.split("method=\"").nth(1).unwrap().split('"').next().unwrap();
            *requests.entry(method.to_owned()).or_default() += count.parse::<u64>().unwrap();
        }
        requests
    }

    /// What one step costs: reads, and writes.
    async fn costs<T>(&self, step: impl Future<Output = T>) -> (u64, u64, T) {
        let before = self.events_sent().await;
        let outcome = step.await;
        let after = self.events_sent().await;
        let cost = |method: &str| after.get(method).unwrap_or(&0) - before.get(method).unwrap_or(&0);
        (cost("GET"), cost("PATCH") + cost("POST") + cost("PUT") + cost("DELETE"), outcome)
    }

    /// The requests so far, once those for events have gone out too.
    async fn events_sent(&self) -> Requests {
        let (mut last, mut calm) = (Requests::new(), 0);
        wait_for("no more requests", SOON, async || {
            let now = self.requests().await;
            calm = if now == std::mem::replace(&mut last, now.clone()) { calm + 1 } else { 0 };
            ensure!(calm > 2, "still sending");
            Ok(now)
        })
        .await
        .unwrap()
    }

    /// Asks for runs until one costs no read: the watches have told by then how all objects are.
    async fn quiet(&self, name: &str) -> Kustomization {
        for attempt in 0..50 {
            let (reads, writes, object) = self.costs(self.bench.reconcile(name, &format!("quiet-{attempt}"))).await;
            if reads == 0 {
                assert_eq!(writes, 2, "the status and an event\n{}", self.bench.log());
                return object;
            }
        }
        panic!("every run reads\n{}", self.bench.log());
    }
}

fn deployment(name: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 0\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
         spec: {{containers: [{{name: main, image: example.com/main}}]}}\n"
    )
}

fn total(object: &Kustomization) -> i64 {
    object.status.as_ref().unwrap().history[0].total_reconciliations
}

#[tokio::test]
async fn a_run_that_has_nothing_to_do_costs_one_status_and_one_event() {
    let world = Counted::start("nothing", &[]).await;
    let files = format!("{}{}", config_map("one", "a"), deployment("web"));
    world.bench.publish("1", &[("app/all.yaml", &files)]).await;
    world.bench.kustomization("app", json!({"wait": true})).await;
    world.bench.ready("app", "1").await;

    let first = world.quiet("app").await;
    let (reads, writes, second) = world.costs(world.bench.reconcile("app", "again")).await;

    assert_eq!((reads, writes), (0, 2));
    assert_eq!(total(&second), total(&first) + 1);
    assert_eq!(condition(&second, "Ready").unwrap(), condition(&first, "Ready").unwrap());
    assert_eq!(condition(&second, "Healthy").unwrap(), condition(&first, "Healthy").unwrap());
}

#[tokio::test]
async fn a_first_run_writes_its_status_three_times_and_reads_no_object() {
    let world = Counted::start("install", &[]).await;
    let files = format!("{}---\n{}", config_map("one", "a"), config_map("two", "b"));
    world.bench.publish("1", &[("app/all.yaml", &files)]).await;
    // Another one asks for what all share: what the cluster serves, and the watches.
    world.bench.kustomization("other", json!({"namePrefix": "other-", "wait": true})).await;
    world.bench.ready("other", "1").await;
    world.quiet("other").await;

    let (reads, writes, _) = world
        .costs(async {
            world.bench.kustomization("app", json!({"wait": true})).await;
            world.bench.ready("app", "1").await
        })
        .await;

    // The finalizer; three times the status; two objects, each tried and written; three events.
    assert_eq!((reads, writes), (0, 11), "{}", world.bench.log());
}

#[tokio::test]
async fn a_source_is_fetched_once_for_all_who_use_it() {
    let world = Counted::start("shared", &[]).await;
    for revision in ["1", "2"] {
        world.bench.publish(revision, &[("app/one.yaml", &config_map("one", &format!("v{revision}")))]).await;
        for name in ["a", "b", "c"] {
            world.bench.kustomization(name, json!({"namePrefix": format!("{name}-")})).await;
        }
        for name in ["a", "b", "c"] {
            world.bench.ready(name, revision).await;
        }
    }
    assert_eq!(world.bench.artifacts.fetches(), 2);
}

#[tokio::test]
async fn a_revision_that_changes_nothing_that_was_read_is_recorded_only() {
    let world = Counted::start("untouched", &[]).await;
    let (one, web) = (config_map("one", "a"), deployment("web"));
    let with = |readme: &'static str| {
        [("app/one.yaml", one.clone()), ("app/web.yaml", web.clone()), ("docs/readme.md", readme.to_owned())]
    };
    let publish = async |revision: &str, files: &[(&str, String)]| {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        world.bench.publish(revision, &files).await;
    };
    publish("1", &with("first")).await;
    world.bench.kustomization("app", json!({"wait": true})).await;
    world.bench.ready("app", "1").await;
    let before = world.quiet("app").await;

    let (reads, writes, object) = world
        .costs(async {
            publish("2", &with("second")).await;
            world.bench.ready("app", "2").await
        })
        .await;

    assert_eq!((reads, writes), (0, 2), "{}", world.bench.log());
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.last_attempted_revision.as_deref(), Some("main@sha1:2"));
    assert_eq!((status.history.len(), total(&object)), (1, total(&before) + 1));
    assert_eq!(status.history[0].metadata["revision"], "main@sha1:2");
    assert_eq!(status.inventory, before.status.as_ref().unwrap().inventory);

    // A file more in a folder that was listed is another build.
    let mut more = with("second").to_vec();
    let two = config_map("two", "b");
    more.push(("app/two.yaml", two));
    publish("3", &more).await;
    world.bench.ready("app", "3").await;
    assert!(world.bench.config_map("two").await.is_some());
}

#[tokio::test]
async fn only_objects_that_changed_cost_requests() {
    let world = Counted::start("partly", &[]).await;
    let files =
        |value: &str| format!("{}---\n{}{}", config_map("one", "same"), config_map("two", value), deployment("web"));
    world.bench.publish("1", &[("app/all.yaml", &files("a"))]).await;
    world.bench.kustomization("app", json!({"wait": true})).await;
    world.bench.ready("app", "1").await;
    world.quiet("app").await;

    let (reads, writes, _) = world
        .costs(async {
            world.bench.publish("2", &[("app/all.yaml", &files("b"))]).await;
            world.bench.ready("app", "2").await
        })
        .await;

    // The dry run and the object; the status as the run begins, with the inventory, and at the end; three events.
    assert_eq!((reads, writes), (1, 8), "{}", world.bench.log());
    assert_eq!(world.bench.config_value("two", "key").await.as_deref(), Some("b"));
}

#[tokio::test]
async fn what_others_did_is_undone_by_the_next_run() {
    let world = Counted::start("undone", &[]).await;
    let files = format!("{}{}", config_map("one", "a"), deployment("web"));
    world.bench.publish("1", &[("app/all.yaml", &files)]).await;
    world.bench.kustomization("app", json!({"wait": true})).await;
    world.bench.ready("app", "1").await;

    let (configs, deployments): (Api<ConfigMap>, Api<Deployment>) = (world.bench.ns.api(), world.bench.ns.api());
    for edit in [
        json!({"data": {"key": "edited"}}),
        json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null}}}),
    ] {
        world.quiet("app").await;
        configs.patch("one", &PatchParams::default(), &Patch::Merge(&edit)).await.unwrap();
        let undone = async || {
            let object = world.bench.config_map("one").await.unwrap();
            let label =
                object.metadata.labels.as_ref().and_then(|labels| labels.get("kustomize.toolkit.fluxcd.io/name"));
            label.is_some() && object.data.unwrap()["key"] == "a"
        };
        world.bench.undoes("app", undone).await;
    }
    world.quiet("app").await;
    deployments.delete("web", &DeleteParams::default()).await.unwrap();
    world.bench.undoes("app", async || deployments.get_opt("web").await.unwrap().is_some()).await;
    world.quiet("app").await;
    let scaled = json!({"spec": {"replicas": 3}});
    deployments.patch("web", &PatchParams::default(), &Patch::Merge(scaled)).await.unwrap();
    let replicas = async || deployments.get("web").await.unwrap().spec.replicas;
    world.bench.undoes("app", async || replicas().await == Some(0)).await;
}

#[tokio::test]
async fn a_variable_that_changed_elsewhere_is_seen_by_the_next_run() {
    let world = Counted::start("variable", &[]).await;
    let env = |value: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env"}, "data": {"A": value}}).to_string()
    };
    world.bench.ns.apply(&env("old")).await.unwrap();
    world.bench.publish("1", &[("app/one.yaml", &config_map("one", "${A}"))]).await;
    let from = json!([{"kind": "ConfigMap", "name": "env"}]);
    world.bench.kustomization("app", json!({"postBuild": {"substituteFrom": from}})).await;
    world.bench.ready("app", "1").await;
    world.bench.reconcile("app", "first").await;

    world.bench.ns.apply(&env("new")).await.unwrap();
    world.bench.reconcile("app", "second").await;

    assert_eq!(world.bench.config_value("one", "key").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn an_inventory_that_somebody_changed_is_put_right() {
    let world = Counted::start("inventory", &[]).await;
    world.bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    world.bench.kustomization("app", json!({})).await;
    world.bench.ready("app", "1").await;
    let listed = world.quiet("app").await.status.unwrap().inventory;

    let api: Api<Kustomization> = world.bench.ns.api();
    let none: Value = json!({"status": {"inventory": {"entries": []}}});
    api.patch_status("app", &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
    let attempts = wait_for("the inventory is complete", SOON, async || {
        let token = format!("{:?}", std::time::Instant::now());
        let object = world.bench.reconcile("app", &token).await;
        ensure!(object.status.context("no status")?.inventory == listed, "not put right");
        Ok(())
    });
    attempts.await.unwrap();
}

#[tokio::test]
async fn without_a_sweep_interval_every_run_looks_at_every_object() {
    let world = Counted::start("sweep", &["--drift-sweep-interval=0s"]).await;
    let files = format!("{}---\n{}", config_map("one", "a"), config_map("two", "b"));
    world.bench.publish("1", &[("app/all.yaml", &files)]).await;
    world.bench.kustomization("app", json!({})).await;
    world.bench.ready("app", "1").await;

    for attempt in ["first", "second", "third"] {
        let (reads, writes, _) = world.costs(world.bench.reconcile("app", attempt)).await;
        // Each object is read and dry-run.
        assert_eq!((reads, writes), (2, 4), "{attempt}\n{}", world.bench.log());
    }
}
