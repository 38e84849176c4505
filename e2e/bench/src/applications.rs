//! B1, B3 and B7: many applications from one repository, installed, upgraded, reconciled without a change, and with a commit that
//! touches none of their files.
//!
//! An application is one Kustomization of four objects with wait, prune, a target namespace, impersonation and substitution.
//! Requests are the API server's in all, those of Kubernetes' own controllers, of the benchmark and for events included.

use std::collections::HashSet;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{FluxObject as _, RECONCILE_REQUEST_ANNOTATION};
use flux_testkit::{ControlPlane, GitRepository, RunningController, Toolkit, ready};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watcher};
use serde_json::{Value, json};

use crate::measure::Figure;
use crate::platform_floor::Rates;
use crate::processes::CpuTime;
use crate::request_counts::Requests;

/// How many requests of the benchmark's own are under way at the same time.
const IN_FLIGHT: usize = 16;
/// How long one leg may take for each application, and at least.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));
/// How often the controller's memory is looked at.
const SAMPLED: Duration = Duration::from_millis(50);
/// How long after a leg its last events and the cluster's own writes may take.
const SETTLED: Duration = Duration::from_secs(3);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// From nothing to all Ready.
    Install,
    /// A substituted value changes one object of each.
    Upgrade,
    /// A reconcile is requested for each, and nothing changed.
    NoChange,
    /// A commit that changes no file that any of them reads.
    UnrelatedCommit,
}

/// What an application may cost, and how many times the floor a leg may take.
struct Bars {
    writes: f64,
    dry_runs: f64,
    reads: Option<f64>,
    seconds: Option<f64>,
    times_floor: Option<f64>,
    cpu_seconds: Option<f64>,
}

impl Leg {
    fn title(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::NoChange => "no change",
            Self::UnrelatedCommit => "unrelated commit",
        }
    }

    fn bars(self, applications: f64) -> Bars {
        let none =
            Bars { writes: 0.0, dry_runs: 0.0, reads: None, seconds: None, times_floor: None, cpu_seconds: None };
        match self {
            Self::Install => Bars {
                writes: 21.0,
                dry_runs: 4.0,
                reads: Some(0.6),
                times_floor: Some(1.6),
                cpu_seconds: Some(0.015 * applications),
                ..none
            },
            Self::Upgrade => Bars { writes: 15.0, dry_runs: 1.0, reads: Some(0.6), times_floor: Some(1.6), ..none },
            Self::NoChange => Bars { writes: 3.2, seconds: Some(1.0 * (applications / 100.0).max(1.0)), ..none },
            Self::UnrelatedCommit => {
                Bars { writes: 2.2, seconds: Some(1.0 + 4.0 * (applications - 100.0) / 900.0), ..none }
            }
        }
    }

    /// What the API server needs at least for the requests of one application: those of the controller and of the benchmark, and those of
    /// Kubernetes' own controllers, which are taken for status patches.
    fn floor(self, rates: &Rates) -> f64 {
        let (status, event) = (1.0 / rates.patch_status, 1.0 / rates.create_event);
        match self {
            Self::Install => {
                let small = 3.0 / rates.small_dry_run + 3.0 / rates.small_new;
                let large = 1.0 / rates.deployment_dry_run + 1.0 / rates.deployment_new;
                small + large + 1.0 / rates.kustomization_new + 4.0 * status + 3.0 * event + 8.0 * status
            }
            Self::Upgrade => {
                let large = 1.0 / rates.deployment_dry_run + 1.0 / rates.deployment_changed;
                large + 1.0 / rates.kustomization_changed + 3.0 * status + 3.0 * event + 7.0 * status
            }
            Self::NoChange => 1.0 / rates.kustomization_changed + status + event,
            Self::UnrelatedCommit => status + event,
        }
    }
}

/// One run of a leg.
#[derive(Clone, Copy, Debug)]
struct Measured {
    seconds: f64,
    requests: Requests,
    cpu_seconds: f64,
    peak_mebibytes: f64,
    floor_seconds: f64,
}

pub(crate) async fn run(leg: Leg, runs: usize, applications: usize) -> Result<Vec<Figure>> {
    let mut measured = Vec::with_capacity(runs);
    for _ in 0..runs {
        measured.push(measure(leg, applications).await?);
    }
    Ok(figures(leg, applications, &measured))
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests and objects are far below 2^52")]
fn figures(leg: Leg, applications: usize, measured: &[Measured]) -> Vec<Figure> {
    let count = applications as f64;
    let bars = leg.bars(count);
    let figure = |what: &str, unit, value: &dyn Fn(&Measured) -> f64, bar: Option<f64>| {
        let values = measured.iter().map(value).collect();
        let figure = Figure::new(format!("{}, {applications} applications: {what}", leg.title()), unit, values);
        // Bars are met when they are reached.
        bar.map_or(figure.clone(), |bar| figure.below(bar + f64::EPSILON * bar.max(1.0)))
    };
    let dry_runs = Some(bars.dry_runs).filter(|bar| *bar > 0.0).unwrap_or(0.5 / count);
    vec![
        figure("to the last one Ready", "s", &|run| run.seconds, bars.seconds),
        figure("times the floor", "×", &|run| run.seconds / run.floor_seconds, bars.times_floor),
        figure("writes an application", "", &|run| run.requests.writes as f64 / count, Some(bars.writes)),
        figure("dry runs an application", "", &|run| run.requests.dry_runs as f64 / count, Some(dry_runs)),
        figure("reads an application", "", &|run| run.requests.reads as f64 / count, bars.reads),
        figure("kustomize-controller, CPU", "s", &|run| run.cpu_seconds, bars.cpu_seconds),
        figure(
            "kustomize-controller, peak memory",
            "MiB",
            &|run| run.peak_mebibytes,
            Some(if count > 100.0 { 60.0 } else { 40.0 }),
        ),
    ]
}

async fn measure(leg: Leg, applications: usize) -> Result<Measured> {
    let control_plane = tokio::task::block_in_place(ControlPlane::start)?;
    let world = World::new(&control_plane, applications).await?;
    if leg != Leg::Install {
        world.install().await?;
        tokio::time::sleep(SETTLED).await;
    }
    let (begun, cpu) = (Requests::so_far(&world.toolkit.namespace.client).await?, world.cpu()?);
    let start = Instant::now();
    let (peak, ended) = peak_of(&world.kustomize, world.perform(leg)).await;
    ended?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = world.cpu()?.since(&cpu).as_secs_f64();
    tokio::time::sleep(SETTLED).await;
    let requests = Requests::so_far(&world.toolkit.namespace.client).await? - begun;
    let rates = Rates::measure(&control_plane).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let floor_seconds = leg.floor(&rates) * applications as f64;
    Ok(Measured { seconds, requests, cpu_seconds, peak_mebibytes: peak, floor_seconds })
}

/// A control plane with the toolkit and a repository for all applications.
struct World {
    toolkit: Toolkit,
    repository: GitRepository,
    applications: usize,
    commit: String,
    _source: RunningController,
    kustomize: RunningController,
}

impl World {
    async fn new(control_plane: &ControlPlane, applications: usize) -> Result<Self> {
        let mut toolkit = Toolkit::new(control_plane, "applications").await?;
        toolkit.kustomize = toolkit.kustomize.flag("--concurrent=20");
        let repository = toolkit.git.create("apps")?;
        let commit = repository.commit_files("main", "first", &[("app/podinfo.yaml", MANIFESTS)])?;
        toolkit.namespace.apply(APPLIER).await?;
        let (source, kustomize) = toolkit.start().await?;
        toolkit.follow("apps").await?;
        toolkit.fetched("apps", &commit).await?;
        Ok(Self { toolkit, repository, applications, commit, _source: source, kustomize })
    }

    fn api(&self) -> Api<Kustomization> {
        self.toolkit.namespace.api()
    }

    fn cpu(&self) -> Result<CpuTime> {
        CpuTime::of_process(self.kustomize.id())
    }

    async fn perform(&self, leg: Leg) -> Result<()> {
        match leg {
            Leg::Install => self.install().await,
            Leg::Upgrade => {
                let patch = json!({"spec": {"postBuild": {"substitute": {"MCPU": "2"}}}});
                self.each(|api, name| merge(api, name, patch.clone())).await?;
                self.all("upgraded", |object| object.metadata.generation > Some(1) && ready(object).is_ok()).await
            }
            Leg::NoChange => {
                let patch = json!({"metadata": {"annotations": {RECONCILE_REQUEST_ANNOTATION: "bench"}}});
                self.each(|api, name| merge(api, name, patch.clone())).await?;
                let handled = |object: &Kustomization| object.last_handled_reconcile_at() == Some("bench");
                self.all("handled", |object| handled(object) && ready(object).is_ok()).await
            }
            Leg::UnrelatedCommit => {
                let files = [("docs/readme.md", "nobody reads this")];
                let commit = self.repository.commit_files("main", "docs", &files)?;
                self.toolkit.request("apps", "bench").await?;
                self.all("at the new commit", |object| is_at(object, &commit)).await
            }
        }
    }

    async fn install(&self) -> Result<()> {
        let namespace = &self.toolkit.namespace.name;
        self.each(|api, name| async move {
            let object = application(&name, namespace);
            Ok(api.patch(&name, &PatchParams::apply("flux-bench").force(), &Patch::Apply(object)).await.map(drop)?)
        })
        .await?;
        self.all("installed", |object| is_at(object, &self.commit)).await
    }

    async fn each<F: Future<Output = Result<()>>>(
        &self,
        request: impl Fn(Api<Kustomization>, String) -> F,
    ) -> Result<()> {
        let requests = stream::iter(0..self.applications).map(|at| request(self.api(), format!("app-{at}")));
        requests.buffer_unordered(IN_FLIGHT).try_collect().await
    }

    /// Waits until that is so of every application, by a watch.
    async fn all(&self, what: &str, so: impl Fn(&Kustomization) -> bool) -> Result<()> {
        let mut left: HashSet<String> = (0..self.applications).map(|at| format!("app-{at}")).collect();
        let mut objects = pin!(watcher(self.api(), watcher::Config::default()).default_backoff().applied_objects());
        let all = async {
            while let Some(object) = objects.try_next().await? {
                if so(&object) {
                    left.remove(&object.name_any());
                }
                if left.is_empty() {
                    return anyhow::Ok(());
                }
            }
            anyhow::bail!("the watch ended")
        };
        let patience = PATIENCE.1 + PATIENCE.0 * u32::try_from(self.applications)?;
        let ended = tokio::time::timeout(patience, all).await;
        ended
            .with_context(|| format!("{} applications are not {what}, such as {:?}", left.len(), left.iter().next()))?
    }
}

async fn merge(api: Api<Kustomization>, name: String, patch: Value) -> Result<()> {
    Ok(api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)?)
}

fn is_at(object: &Kustomization, commit: &str) -> bool {
    let applied = object.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
    applied.is_some_and(|applied| applied.ends_with(commit)) && ready(object).is_ok()
}

/// The most memory that the process held while `work` went on, in MiB.
async fn peak_of<T>(process: &RunningController, work: impl Future<Output = T>) -> (f64, T) {
    let mut work = pin!(work);
    let mut peak = 0;
    loop {
        peak = peak.max(process.memory().map_or(0, |memory| memory.anonymous));
        if let Ok(ended) = tokio::time::timeout(SAMPLED, &mut work).await {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            return (peak as f64 / f64::from(1 << 20), ended);
        }
    }
}

fn application(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name},
        "spec": {
            "interval": "1h", "retryInterval": "2m", "timeout": "5m", "path": "./app", "prune": true, "wait": true,
            "serviceAccountName": "applier", "targetNamespace": namespace,
            "sourceRef": {"kind": "GitRepository", "name": "apps"},
            "postBuild": {"substitute": {"NAME": name, "MCPU": "1"}},
        },
    })
}

const APPLIER: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: applier}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: applier}
rules:
- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: applier}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: applier}
subjects:
- {kind: ServiceAccount, name: applier}
";

const MANIFESTS: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: '${NAME}'}
---
apiVersion: v1
kind: Service
metadata: {name: '${NAME}'}
spec:
  selector: {app: '${NAME}'}
  ports:
  - {name: http, port: 9898, targetPort: http}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: '${NAME}'}
spec:
  replicas: 0
  revisionHistoryLimit: 5
  selector:
    matchLabels: {app: '${NAME}'}
  template:
    metadata:
      labels: {app: '${NAME}'}
      annotations: {prometheus.io/scrape: 'true', prometheus.io/port: '9797'}
    spec:
      serviceAccountName: '${NAME}'
      containers:
      - name: podinfo
        image: example.com/podinfo:6.9.2
        ports:
        - {name: http, containerPort: 9898}
        - {name: http-metrics, containerPort: 9797}
        command: [./podinfo, --port=9898, --level=info]
        env:
        - {name: PODINFO_UI_COLOR, value: '#34577c'}
        readinessProbe:
          httpGet: {path: /readyz, port: http}
        resources:
          requests: {cpu: '${MCPU}m', memory: 16Mi}
          limits: {memory: 128Mi}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: '${NAME}'}
spec:
  ingressClassName: nginx
  rules:
  - host: '${NAME}.example.com'
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service: {name: '${NAME}', port: {number: 9898}}
";
