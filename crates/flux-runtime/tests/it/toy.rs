//! A controller of GitRepositories that does what a test tells it to.

use std::ffi::OsString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use flux_api::meta::{Condition, FluxObject};
use flux_api::source::v1::GitRepository;
use flux_runtime::args::{SharedArgs, parse_from};
use flux_runtime::{
    Clock, Controller, End, Facts, Fault, Identity, Metrics, Outcome, Reconciler, Report, Run, Runtime, Store, Wake,
    report,
};
use flux_testkit::{ControlPlane, TestNamespace, wait_object};
use futures::future::BoxFuture;
use futures::stream::Stream;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How long a test waits for anything.
pub(crate) const SOON: Duration = Duration::from_secs(30);

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    shared: SharedArgs,
}

/// The part of a GitRepository's status that the toy writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToyStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed_ignore: Option<String>,
}

pub(crate) type Story = Box<
    dyn for<'a> Fn(&'a mut Facts<ToyStatus>, &'a Run<GitRepository>) -> BoxFuture<'a, Result<Outcome, Fault>>
        + Send
        + Sync,
>;

/// What the toy does and what it saw.
pub(crate) struct Toy {
    pub(crate) story: Story,
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) finalized: Arc<Mutex<Vec<String>>>,
}

impl Reconciler for Toy {
    type Object = GitRepository;
    type Status = ToyStatus;

    async fn reconcile(
        &self,
        _: Arc<GitRepository>,
        facts: &mut Facts<ToyStatus>,
        run: &Run<GitRepository>,
    ) -> Result<Outcome, Fault> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        (self.story)(facts, run).await
    }

    async fn finalize(
        &self,
        object: Arc<GitRepository>,
        _: &mut Facts<ToyStatus>,
        _: &Run<GitRepository>,
    ) -> Result<(), Fault> {
        self.finalized.lock().unwrap().push(object.metadata.name.clone().unwrap());
        Ok(())
    }

    fn report(&self, _: &GitRepository, facts: &Facts<ToyStatus>, end: &End, clock: &Clock) -> Report {
        report::standard(facts, end, clock)
    }
}

/// A running toy controller in a namespace of its own.
pub(crate) struct Rig {
    pub(crate) namespace: TestNamespace,
    pub(crate) runtime: Runtime,
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) finalized: Arc<Mutex<Vec<String>>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.runtime.tasks.begin_stop();
    }
}

/// How a rig differs from the usual one.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    pub(crate) flags: &'a [String],
    pub(crate) uninterrupted: bool,
    /// Makes another client of the namespace's.
    pub(crate) client: Option<fn(kube::Client) -> kube::Client>,
}

/// A namespace where Flux's kinds are installed.
pub(crate) async fn namespace(test: &str) -> Result<TestNamespace> {
    static INSTALLED: tokio::sync::Mutex<bool> = tokio::sync::Mutex::const_new(false);
    let plane = tokio::task::spawn_blocking(ControlPlane::shared).await??;
    let namespace = plane.namespace(test).await?;
    let mut installed = INSTALLED.lock().await;
    if !*installed {
        plane.install_flux_crds(&namespace.client).await?;
        *installed = true;
    }
    Ok(namespace)
}

/// Starts a toy that tells `story`, with the usual flags and wakes.
pub(crate) async fn start(test: &str, story: Story) -> Result<Rig> {
    start_with(test, Setup::default(), |_| futures::stream::pending(), story).await
}

/// Starts a toy that tells `story`.
pub(crate) async fn start_with<W>(
    test: &str,
    setup: Setup<'_>,
    wakes: impl FnOnce(&Runtime) -> W,
    story: Story,
) -> Result<Rig>
where
    W: Stream<Item = Wake> + Send + 'static,
{
    let namespace = namespace(test).await?;
    let fixed = ["toy", "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--watch-all-namespaces=false"];
    let own = format!("--runtime-namespace={}", namespace.name);
    let line = fixed.into_iter().map(OsString::from).chain([own.into()]);
    let line = line.chain(setup.flags.iter().map(OsString::from));
    let args: Args = parse_from("toy", |command| command, line)?;
    let identity = Identity { controller: "toy-controller", version: "0", sharded: true };
    let stop = CancellationToken::new();
    let client = setup.client.map_or_else(|| namespace.client.clone(), |make| make(namespace.client.clone()));
    let runtime = Runtime::start_with(identity, &args.shared, stop, client, Metrics::new()).await?;
    let objects: Store<GitRepository> = runtime.watch();
    let (runs, finalized) = (Arc::default(), Arc::default());
    let controller = Controller {
        reconciler: Toy { story, runs: Arc::clone(&runs), finalized: Arc::clone(&finalized) },
        objects,
        field_manager: "toy-controller",
        jitter_percent: 5,
        interrupts: !setup.uninterrupted,
        info: |object| vec![("url", object.spec.url.clone())],
    };
    runtime.reconcile(controller, wakes(&runtime));
    Ok(Rig { namespace, runtime, runs, finalized })
}

/// The closure as a story.
pub(crate) fn story<F>(tell: F) -> Story
where
    F: for<'a> Fn(&'a mut Facts<ToyStatus>, &'a Run<GitRepository>) -> BoxFuture<'a, Result<Outcome, Fault>>
        + Send
        + Sync
        + 'static,
{
    Box::new(tell)
}

/// A story that succeeds at once.
pub(crate) fn succeed() -> Story {
    Box::new(|_, _| Box::pin(async { Ok(done()) }))
}

/// A success.
pub(crate) fn done() -> Outcome {
    Outcome { reason: "Succeeded", message: "stored".to_owned(), requeue_after: None }
}

impl Rig {
    pub(crate) fn api(&self) -> Api<GitRepository> {
        self.namespace.api()
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Creates a GitRepository whose spec has `spec` besides.
    pub(crate) async fn create(&self, name: &str, spec: Value) -> Result<()> {
        let mut object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": name},
            "spec": {"url": "https://example.com/repo.git", "interval": "10m"},
        });
        for (key, value) in spec.as_object().context("an object")? {
            object["spec"][key] = value.clone();
        }
        self.namespace.apply(&object.to_string()).await?;
        Ok(())
    }

    pub(crate) async fn patch(&self, name: &str, patch: Value) -> Result<GitRepository> {
        let params = PatchParams { field_manager: Some("user".to_owned()), ..PatchParams::default() };
        Ok(self.api().patch(name, &params, &Patch::Merge(patch)).await?)
    }

    /// The object once `check` says yes.
    pub(crate) async fn until(&self, name: &str, check: impl Fn(&GitRepository) -> bool) -> Result<GitRepository> {
        wait_object(&self.api(), name, SOON, |object: Option<&GitRepository>| {
            let object = object.context("not there")?;
            ensure!(check(object), "not as wanted");
            Ok(object.clone())
        })
        .await
    }

    pub(crate) async fn ready(&self, name: &str) -> Result<GitRepository> {
        self.until(name, |object| condition(object, "Ready").is_some_and(|ready| ready.reason == "Succeeded")).await
    }
}

/// The object's condition of that type.
pub(crate) fn condition<'a>(object: &'a GitRepository, type_: &str) -> Option<&'a Condition> {
    object.conditions().iter().find(|condition| condition.type_ == type_)
}
