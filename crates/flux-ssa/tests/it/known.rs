//! Objects that are as they were left cost no request, and those that are not are looked at.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use flux_objects::{Entry, Manifest, stages};
use flux_ssa::{Applier, Discovery, Fingerprint, Known, LiveObjects, Memory, Options};
use flux_tasks::Tasks;
use flux_testkit::wait_for;
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::cluster::{Cluster, GROUP, LONG, MANAGER};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\ndata: {a: '1'}\n";
const DEPLOYMENT: &str = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
    spec: {containers: [{name: main, image: example.com/main}]}\n";

/// A cluster whose applier remembers, and one that remembers the same but reaches no API server.
struct World {
    cluster: Cluster,
    memory: Memory,
}

impl World {
    async fn new(test: &str) -> Result<Self> {
        let mut cluster = Cluster::new(test).await?;
        let live = LiveObjects::new(cluster.namespace.client.clone(), Tasks::new(), &format!("{GROUP}/name"));
        let memory = Memory { known: Arc::new(Known::default()), live, terms: terms("one") };
        cluster.applier = cluster.applier.clone().remembering(memory.clone());
        Ok(Self { cluster, memory })
    }

    fn manifests(&self, yaml: &str) -> Result<Vec<Manifest>> {
        self.cluster.manifests(yaml)
    }

    fn entries(&self, yaml: &str) -> Result<Vec<Entry>> {
        Ok(self.manifests(yaml)?.iter().map(Manifest::entry).collect())
    }

    /// Waits until the watches have seen that all objects are as they were left, or that one of them is not.
    async fn sees(&self, yaml: &str, as_left: bool) -> Result<()> {
        let entries = self.entries(yaml)?;
        wait_for("the watches catch up", LONG, async || {
            ensure!(self.memory.live.is_current(), "not listed yet");
            ensure!(
                self.memory.known.as_left(&entries, self.cluster.applier.discovery()).is_some() == as_left,
                "as left is not {as_left}"
            );
            Ok(())
        })
        .await
    }

    /// Plans all stages without an API server: true when no object needed one and none is to be written.
    async fn plans_alone(&self, yaml: &str, memory: Memory) -> Result<bool> {
        let nowhere = Client::try_from(Config::new("http://127.0.0.1:1".parse()?))?;
        let discovery = Arc::clone(self.cluster.applier.discovery());
        let applier = Applier::new(nowhere, discovery, Arc::new(Options::new(MANAGER, GROUP))).remembering(memory);
        for stage in stages(self.manifests(yaml)?, &[]) {
            match applier.plan(stage, &self.cluster.rules).await {
                Ok(plan) if plan.is_noop() => {}
                Ok(_) | Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }
}

fn terms(text: &str) -> Fingerprint {
    Fingerprint::of([text.as_bytes()])
}

#[tokio::test]
async fn objects_that_are_as_they_were_left_need_no_request() -> Result<()> {
    let world = World::new("as-left").await?;
    let both = format!("{CONFIG}{DEPLOYMENT}");
    world.cluster.apply(&both).await?;
    world.sees(&both, true).await?;

    assert!(world.plans_alone(&both, world.memory.clone()).await?);
    let shown: Vec<_> =
        world.memory.known.as_left(&world.entries(&both)?, world.cluster.applier.discovery()).context("not as left")?;
    let shown: Vec<_> = shown.iter().map(|change| world.cluster.shown(&change.to_string())).collect();
    assert_eq!(shown, ["ConfigMap/NS/env unchanged", "Deployment/NS/web unchanged"]);

    // The controllers of the cluster have written its status since.
    let observed = async || {
        let status = world.cluster.get("apps/v1", "Deployment", "web").await?["status"]["observedGeneration"].clone();
        ensure!(status == json!(1), "not observed");
        Ok(())
    };
    wait_for("the Deployment is observed", LONG, observed).await?;
    world.sees(&both, true).await?;
    assert!(world.plans_alone(&both, world.memory.clone()).await?);
    Ok(())
}

#[tokio::test]
async fn another_desired_object_or_other_terms_are_looked_at() -> Result<()> {
    let world = World::new("terms").await?;
    world.cluster.apply(CONFIG).await?;
    world.sees(CONFIG, true).await?;

    assert!(!world.plans_alone(&CONFIG.replace("'1'", "'2'"), world.memory.clone()).await?);
    let other = Memory { terms: terms("two"), ..world.memory.clone() };
    assert!(!world.plans_alone(CONFIG, other).await?);
    let forgetful = Memory { known: Arc::default(), ..world.memory.clone() };
    assert!(!world.plans_alone(CONFIG, forgetful).await?);
    Ok(())
}

#[tokio::test]
async fn what_others_did_to_an_object_is_undone_and_remembered_again() -> Result<()> {
    let world = World::new("drift").await?;
    let api = world.cluster.api("v1", "ConfigMap");
    for edit in [
        json!({"data": {"a": "hand"}}),
        json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null}}}),
        Value::Null,
    ] {
        world.cluster.apply(CONFIG).await?;
        world.sees(CONFIG, true).await?;
        let expected = if edit.is_null() {
            api.delete("env", &kube::api::DeleteParams::default()).await?;
            "ConfigMap/NS/env created"
        } else {
            world.cluster.edit("v1", "ConfigMap", "env", edit.clone()).await?;
            "ConfigMap/NS/env configured"
        };
        world.sees(CONFIG, false).await?;
        assert_eq!(world.cluster.apply(CONFIG).await?, [expected], "{edit}");
        assert_eq!(world.cluster.get("v1", "ConfigMap", "env").await?["data"], json!({"a": "1"}));
    }
    world.sees(CONFIG, true).await
}

#[tokio::test]
async fn a_harmless_edit_costs_one_look_and_a_scaled_deployment_stays_scaled() -> Result<()> {
    let world = World::new("harmless").await?;
    let unscaled = DEPLOYMENT.replace("replicas: 0\n  ", "");
    world.cluster.apply(&unscaled).await?;
    world.cluster.edit("apps/v1", "Deployment", "web", json!({"spec": {"replicas": 0}})).await?;
    world.sees(&unscaled, false).await?;

    assert_eq!(world.cluster.apply(&unscaled).await?, ["Deployment/NS/web unchanged"]);
    world.sees(&unscaled, true).await?;
    assert!(world.plans_alone(&unscaled, world.memory.clone()).await?);
    assert_eq!(world.cluster.get("apps/v1", "Deployment", "web").await?["spec"]["replicas"], json!(0));
    Ok(())
}

#[tokio::test]
async fn marked_objects_are_left_alone_without_a_request_as_long_as_the_mark_is_there() -> Result<()> {
    let world = World::new("marks").await?;
    let marked = |mark: &str| {
        CONFIG.replace("name: env", &format!("name: env, annotations: {{kustomize.toolkit.fluxcd.io/{mark}}}"))
    };
    let ignored = marked("ssa: Ignore");
    assert_eq!(world.cluster.apply(&ignored).await?, ["ConfigMap/NS/env skipped"]);
    assert!(world.plans_alone(&ignored, world.memory.clone()).await?);
    assert!(!world.cluster.exists("v1", "ConfigMap", "env").await?);

    let once = marked("ssa: IfNotPresent");
    assert_eq!(world.cluster.apply(&once).await?, ["ConfigMap/NS/env created"]);
    world.cluster.edit("v1", "ConfigMap", "env", json!({"data": {"a": "theirs"}})).await?;
    world.sees(&once, false).await?;
    assert_eq!(world.cluster.apply(&once).await?, ["ConfigMap/NS/env skipped"]);
    world.sees(&once, true).await?;
    assert!(world.plans_alone(&once, world.memory.clone()).await?);
    world.cluster.api("v1", "ConfigMap").delete("env", &kube::api::DeleteParams::default()).await?;
    world.sees(&once, false).await?;
    assert_eq!(world.cluster.apply(&once).await?, ["ConfigMap/NS/env created"]);
    Ok(())
}

#[tokio::test]
async fn where_the_cluster_may_not_be_watched_namespaces_are_and_else_nothing_is_left_out() -> Result<()> {
    let mut world = World::new("reach").await?;
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]);
    let narrow = world.cluster.identity("narrow", rules).await?;
    let blind = world.cluster.identity("blind", json!([])).await?;
    for (client, known) in [(narrow, true), (blind, false)] {
        let live = LiveObjects::new(client, Tasks::new(), &format!("{GROUP}/name"));
        world.memory = Memory { known: Arc::default(), live, terms: terms("one") };
        world.cluster.applier = world.cluster.applier.clone().remembering(world.memory.clone());
        let left = wait_for("the watch is found", LONG, async || {
            world.cluster.apply(CONFIG).await?;
            let as_left =
                world.memory.known.as_left(&world.entries(CONFIG)?, world.cluster.applier.discovery()).is_some();
            let settled = as_left || (!known && world.memory.live.running() == 0);
            ensure!(settled, "neither watched nor refused");
            Ok(as_left)
        });
        assert_eq!(left.await?, known);
    }
    Ok(())
}

#[tokio::test]
async fn objects_of_a_kind_that_is_defined_anew_are_looked_at() -> Result<()> {
    let mut world = World::new("defined").await?;
    let client = world.cluster.namespace.client.clone();
    let discovery = Discovery::watched(&client, &Tasks::new());
    let options = Arc::new(Options::new(MANAGER, GROUP));
    world.cluster.applier = Applier::new(client, discovery, options).remembering(world.memory.clone());
    let group = format!("{}.example.com", world.cluster.namespace.name);
    let crd = format!(
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: things, singular: thing, kind: Thing}}\n  \
         versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        \
         properties: {{spec: {{type: object, properties: {{size: {{type: string}}}}}}}}\n"
    );
    let thing = format!("---\napiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: first}}\nspec: {{}}\n");
    world.cluster.apply(&crd).await?;
    // The watches may hear of the definition only now; what was remembered before is not trusted then.
    wait_for("the thing is remembered", LONG, async || {
        world.cluster.apply(&thing).await?;
        let entries = world.entries(&thing)?;
        let left = world.memory.known.as_left(&entries, world.cluster.applier.discovery());
        ensure!(left.is_some(), "not yet");
        Ok(())
    })
    .await?;
    let nowhere = world.plans_alone(&thing, world.memory.clone()).await?;
    assert!(nowhere);

    let defaulted = crd.replace("size: {type: string}", "size: {type: string, default: small}");
    world.cluster.apply(&defaulted).await?;
    world.sees(&thing, false).await?;

    assert!(!world.plans_alone(&thing, world.memory.clone()).await?);
    Ok(())
}
