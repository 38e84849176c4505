//! B0: what this machine's API server can do at all, the ceiling for every other figure.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use flux_testkit::ControlPlane;

use crate::measure::{Figure, milliseconds, percentile};
use crate::processes::CpuTime;

/// Requests of one kind that are timed.
const REQUESTS: usize = 400;
/// How many requests are in flight at once.
const IN_FLIGHT: [usize; 4] = [1, 4, 16, 64];

/// One kind of object with its size in the title.
struct Subject {
    title: &'static str,
    resource: ApiResource,
    body: fn(usize, usize) -> Value,
}

pub(crate) async fn run() -> Result<Vec<Figure>> {
    let control_plane = tokio::task::block_in_place(ControlPlane::start)?;
    let client = control_plane.client().await?;
    control_plane.install_flux_crds(&client).await?;
    let mut figures = Vec::new();
    for subject in subjects() {
        for in_flight in IN_FLIGHT {
            let namespace = control_plane.namespace("floor").await?;
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace.name, &subject.resource);
            let round = Round { api: &api, client: &client, subject: &subject, in_flight, namespace: &namespace.name };
            figures.extend(round.measure().await?);
        }
    }
    Ok(figures)
}

/// Requests a second of each kind, with 16 in flight.
pub(crate) struct Rates {
    pub(crate) small_new: f64,
    pub(crate) small_dry_run: f64,
    pub(crate) deployment_new: f64,
    pub(crate) deployment_changed: f64,
    pub(crate) deployment_dry_run: f64,
    pub(crate) kustomization_new: f64,
    pub(crate) kustomization_changed: f64,
    pub(crate) patch_status: f64,
    pub(crate) create_event: f64,
}

impl Rates {
    /// Measured now on `control_plane`, which has the CRDs of the toolkit.
    pub(crate) async fn measure(control_plane: &ControlPlane) -> Result<Self> {
        let client = control_plane.client().await?;
        let mut figures = Vec::new();
        for subject in subjects() {
            let namespace = control_plane.namespace("floor").await?;
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace.name, &subject.resource);
            let round =
                Round { api: &api, client: &client, subject: &subject, in_flight: 16, namespace: &namespace.name };
            figures.extend(round.measure().await?);
        }
        let rate = |operation: &str| {
            let title = format!("{operation}, 16 in flight: rate");
            figures.iter().find(|figure| figure.what == title).map(Figure::median).context(title)
        };
        Ok(Self {
            small_new: rate("ConfigMap 1 KB, apply, new")?,
            small_dry_run: rate("ConfigMap 1 KB, apply, dry run")?,
            deployment_new: rate("Deployment 3 KB, apply, new")?,
            deployment_changed: rate("Deployment 3 KB, apply, changed")?,
            deployment_dry_run: rate("Deployment 3 KB, apply, dry run")?,
            kustomization_new: rate("Kustomization 2 KB, apply, new")?,
            kustomization_changed: rate("Kustomization 2 KB, apply, changed")?,
            patch_status: rate("Kustomization 2 KB, patch status")?,
            create_event: rate("Kustomization 2 KB, create event")?,
        })
    }
}

fn subjects() -> Vec<Subject> {
    let resource = |group, version, kind| ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    vec![
        Subject { title: "ConfigMap 1 KB", resource: resource("", "v1", "ConfigMap"), body: config_map },
        Subject { title: "Deployment 3 KB", resource: resource("apps", "v1", "Deployment"), body: deployment },
        Subject {
            title: "Kustomization 2 KB",
            resource: resource("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
            body: kustomization,
        },
    ]
}

/// One subject with so many requests in flight.
struct Round<'a> {
    api: &'a Api<DynamicObject>,
    client: &'a kube::Client,
    subject: &'a Subject,
    in_flight: usize,
    namespace: &'a str,
}

impl Round<'_> {
    async fn measure(&self) -> Result<Vec<Figure>> {
        let apply = PatchParams::apply("flux-bench").force();
        let mut figures = self.timed("apply, new", |at| self.apply(&apply, at, 0)).await?;
        figures.extend(self.timed("apply, changed", |at| self.apply(&apply, at, 1)).await?);
        let dry = apply.clone().dry_run();
        figures.extend(self.timed("apply, dry run", |at| self.apply(&dry, at, 2)).await?);
        figures.extend(self.timed("get", |at| async move { Ok(self.api.get(&name(at)).await.map(drop)?) }).await?);
        if self.subject.resource.kind == "Kustomization" {
            figures.extend(self.timed("patch status", |at| self.patch_status(at)).await?);
            figures.extend(self.timed("create event", |at| self.create_event(at)).await?);
        }
        Ok(figures)
    }

    async fn apply(&self, params: &PatchParams, at: usize, revision: usize) -> Result<()> {
        let body = (self.subject.body)(at, revision);
        Ok(self.api.patch(&name(at), params, &Patch::Apply(body)).await.map(drop)?)
    }

    async fn patch_status(&self, at: usize) -> Result<()> {
        let patch = json!({"status": {"lastAppliedRevision": format!("main@sha1:{at:040}")}});
        Ok(self.api.patch_status(&name(at), &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)?)
    }

    async fn create_event(&self, at: usize) -> Result<()> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), self.namespace);
        let event = serde_json::from_value(json!({
            "metadata": {"name": format!("{}-{}", name(at), self.in_flight)},
            "involvedObject": {"kind": "Kustomization", "name": name(at), "namespace": self.namespace},
            "reason": "Bench", "message": "m".repeat(200), "type": "Normal",
        }))?;
        Ok(events.create(&PostParams::default(), &event).await.map(drop)?)
    }

    /// Requests a second, latencies and the servers' CPU time over all requests of one kind.
    async fn timed<F>(&self, operation: &str, request: impl Fn(usize) -> F) -> Result<Vec<Figure>>
    where
        F: Future<Output = Result<()>>,
    {
        let cpu = CpuTime::of(&["kube-apiserver", "etcd"])?;
        let begin = Instant::now();
        let latencies: Vec<f64> = stream::iter(0..REQUESTS)
            .map(|at| {
                let sent = request(at);
                async move {
                    let begin = Instant::now();
                    sent.await?;
                    anyhow::Ok(milliseconds(begin.elapsed()))
                }
            })
            .buffer_unordered(self.in_flight)
            .try_collect()
            .await?;
        let elapsed = begin.elapsed();
        let used = CpuTime::of(&["kube-apiserver", "etcd"])?.since(&cpu);
        let title = format!("{}, {operation}, {} in flight", self.subject.title, self.in_flight);
        Ok(figures(&title, &latencies, elapsed, used))
    }
}

#[expect(clippy::cast_precision_loss, reason = "hundreds of requests")]
fn figures(title: &str, latencies: &[f64], elapsed: Duration, cpu: Duration) -> Vec<Figure> {
    let count = latencies.len() as f64;
    vec![
        Figure::new(format!("{title}: rate"), "requests/s", vec![count / elapsed.as_secs_f64()]),
        Figure::new(format!("{title}: median"), "ms", vec![percentile(latencies, 0.5)]),
        Figure::new(format!("{title}: p99"), "ms", vec![percentile(latencies, 0.99)]),
        Figure::new(format!("{title}: server CPU a request"), "ms", vec![milliseconds(cpu) / count]),
    ]
}

fn name(at: usize) -> String {
    format!("floor-{at}")
}

fn config_map(at: usize, revision: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name(at)},
           "data": {"revision": revision.to_string(), "text": "x".repeat(900)}})
}

fn deployment(at: usize, revision: usize) -> Value {
    let variables: Vec<Value> =
        (0..40).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": "v".repeat(20)})).collect();
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name(at)},
           "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name(at)}},
                    "template": {"metadata": {"labels": {"app": name(at)}, "annotations": {"revision": revision.to_string()}},
                                 "spec": {"containers": [{"name": "app", "image": "example.com/app:1", "env": variables}]}}}})
}

fn kustomization(at: usize, revision: usize) -> Value {
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name(at)},
           "spec": {"interval": "1h", "prune": true, "path": format!("./{revision}"),
                    "sourceRef": {"kind": "GitRepository", "name": "none"},
                    "postBuild": {"substitute": {"text": "x".repeat(1700)}}}})
}
