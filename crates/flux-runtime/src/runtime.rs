//! The process around the reconcilers: what is started before them, shared by them, and ended after them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flux_tasks::Tasks;
use futures::Stream;
use kube::Client;
use kube::core::PartialObjectMeta;
use serde::de::DeserializeOwned;
use sha2::Digest as _;
use tokio_util::sync::CancellationToken;

use crate::args::SharedArgs;
use crate::backoff::Delays;
use crate::controller::{self, Controller};
use crate::events::{self, Recorder};
use crate::lease::{Candidate, Election};
use crate::servers::{self, ServeError};
use crate::store::{Kept, Store};
use crate::watch::{Scope, Wake, watch_kind, watch_metadata};
use crate::{Metrics, Reconciler, client, log};

/// How long what is under way may take to end once the process is told to stop.
const GRACE: Duration = Duration::from_secs(6);

/// How long events that are still queued may take to be sent when the process ends.
const FLUSH: Duration = Duration::from_secs(2);

/// Who the controller is.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Its name, for example `source-controller`: in events, the lease and the user agent.
    pub controller: &'static str,
    /// Its version, in the user agent.
    pub version: &'static str,
    /// Whether its lease's name ends in a hash of the label selector, so that shards do not compete.
    pub sharded: bool,
}

/// What all parts of a controller process share. Clones share it too.
#[derive(Clone)]
pub struct Runtime {
    /// Who the controller is.
    pub identity: Identity,
    /// The API server's client, with the controller's own identity.
    pub client: Client,
    /// The tasks of the process.
    pub tasks: Tasks,
    /// The metrics of the process.
    pub metrics: Metrics,
    /// Sends events about objects.
    pub events: Recorder,
    /// Where metrics are served; none when turned off.
    pub metrics_address: Option<SocketAddr>,
    /// Where probes are served; none when turned off.
    pub health_address: Option<SocketAddr>,
    args: Arc<SharedArgs>,
    hostname: Arc<str>,
    /// The tasks that outlive the reconcilers: servers, event queues, the lease.
    background: Tasks,
    failure: Arc<Mutex<Option<StopError>>>,
}

/// Why a controller could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No client for the API server.
    #[error("failed to connect to the API server")]
    Connect(#[from] client::ConnectError),
    /// An address is taken or is none.
    #[error("failed to serve {what}")]
    Serve {
        /// Metrics or probes.
        what: &'static str,
        /// Why.
        #[source]
        source: ServeError,
    },
    /// The address for events is none.
    #[error("failed to use the events address")]
    Events(#[from] events::SinkError),
    /// `--watch-all-namespaces=false` without a namespace.
    #[error("RUNTIME_NAMESPACE is not set, which --watch-all-namespaces=false and --enable-leader-election need")]
    NoNamespace,
}

/// Why a controller ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// The lease went to another instance, or could not be renewed in time.
    #[error("leader election lost")]
    LostLease,
}

impl Runtime {
    /// Starts what a controller needs before it reconciles: logs, client, metrics and probes, event queues. Ends when
    /// `stop` is cancelled.
    pub async fn start(identity: Identity, args: &SharedArgs, stop: CancellationToken) -> Result<Self, StartError> {
        log::install(&args.log);
        let watch = &args.watch;
        if watch.runtime_namespace.is_empty() && (!watch.watch_all_namespaces || args.election.enable_leader_election) {
            return Err(StartError::NoNamespace);
        }
        let metrics = Metrics::new();
        let agent = format!("{}/{}", identity.controller, identity.version);
        let client = client::connect(&agent, &args.api, &metrics).await?;
        Self::start_with(identity, args, stop, client, metrics).await
    }

    /// The same with a client and metrics of the caller's, for several controllers in one process.
    pub async fn start_with(
        identity: Identity,
        args: &SharedArgs,
        stop: CancellationToken,
        client: Client,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let (tasks, background) = (Tasks::new(), Tasks::new());
        let hostname = hostname(&args.watch.runtime_hostname);
        let events = Recorder::start(identity.controller, &hostname, &client, &args.events, &metrics, &background)?;
        let served = servers::metrics(&args.servers.metrics_addr, &metrics, &background).await;
        let metrics_address = served.map_err(|source| StartError::Serve { what: "metrics", source })?;
        let served = servers::probes(&args.servers.health_addr, &background).await;
        let health_address = served.map_err(|source| StartError::Serve { what: "probes", source })?;
        let told = tasks.clone();
        background.spawn_until_stopped("stop", async move {
            stop.cancelled().await;
            told.begin_stop();
        });
        Ok(Self {
            identity,
            client,
            tasks,
            metrics,
            events,
            metrics_address,
            health_address,
            args: Arc::new(args.clone()),
            hostname,
            background,
            failure: Arc::default(),
        })
    }

    /// The flags that the process was started with.
    pub fn args(&self) -> &SharedArgs {
        &self.args
    }

    /// The namespace that the controller runs in; empty when unknown.
    pub fn namespace(&self) -> &str {
        &self.args.watch.runtime_namespace
    }

    /// The instance's own name.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Watches the objects that this controller reconciles: those of `--watch-label-selector`.
    pub fn watch<K: Kept + DeserializeOwned>(&self) -> Store<K> {
        let selector = &self.args.watch.watch_label_selector;
        let label_selector = (!selector.is_empty()).then(|| selector.clone());
        watch_kind(self.client.clone(), &Scope { label_selector, ..self.scope() }, &self.background)
    }

    /// Watches objects that others reconcile: all of the watched namespaces.
    pub fn watch_unselected<K: Kept + DeserializeOwned>(&self) -> Store<K> {
        watch_kind(self.client.clone(), &self.scope(), &self.background)
    }

    /// Watches the metadata of the ConfigMaps or Secrets with the labels of `--watch-configs-label-selector`.
    pub fn watch_configs<K: Kept + DeserializeOwned>(&self) -> Store<PartialObjectMeta<K>> {
        let selector = &self.args.watch.watch_configs_label_selector;
        let label_selector = (!selector.is_empty()).then(|| selector.clone());
        watch_metadata(self.client.clone(), &Scope { label_selector, ..self.scope() }, &self.background)
    }

    /// Waits until this instance leads; at once without an election. False when told to stop before.
    pub async fn lead(&self) -> bool {
        let args = &self.args.election;
        if !args.enable_leader_election {
            return !self.tasks.is_stopping();
        }
        let election = Election {
            namespace: self.namespace().to_owned(),
            name: self.lease_name(),
            identity: format!("{}_{}", self.hostname, unique()),
            lease_duration: args.leader_election_lease_duration,
            renew_deadline: args.leader_election_renew_deadline,
            retry_period: args.leader_election_retry_period,
            release: args.leader_election_release_on_cancel,
        };
        let candidate = Candidate::new(self.client.clone(), election, self.metrics.clone());
        if self.tasks.token().run_until_cancelled(candidate.acquire()).await.is_none() {
            return false;
        }
        let (runtime, kept) = (self.clone(), self.background.token());
        self.background.spawn("lease", async move {
            if candidate.hold(kept).await.is_err() {
                tracing::error!("leader election lost");
                runtime.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(StopError::LostLease);
                runtime.tasks.begin_stop();
            }
        });
        true
    }

    /// Reconciles a kind until the process stops: its objects on their own changes and whenever `wakes` names them.
    pub fn reconcile<R: Reconciler>(
        &self,
        controller: Controller<R>,
        wakes: impl Stream<Item = Wake> + Send + 'static,
    ) {
        self.tasks.spawn("controller", controller::run(self.clone(), controller, wakes));
    }

    /// Waits until the process is told to stop or loses its lease, then ends everything in order: no new runs, a time
    /// of grace for those under way, the queued events, the lease, the servers.
    pub async fn finish(self) -> Result<(), StopError> {
        self.tasks.stopping().await;
        let lost = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whoever took the lease over must not find this instance still at work.
        let grace = if lost.is_some() { Duration::ZERO } else { GRACE };
        let cut = self.tasks.stop(grace).await;
        if !cut.is_empty() {
            tracing::info!(tasks = cut.join(", "), "tasks were cut at shutdown");
        }
        if lost.is_none() {
            self.events.flush(FLUSH).await;
        }
        self.background.stop(GRACE / 2).await;
        lost.map_or(Ok(()), Err)
    }

    pub(crate) fn delays(&self) -> Delays {
        Delays { min: self.args.schedule.min_retry_delay, max: self.args.schedule.max_retry_delay }
    }

    fn scope(&self) -> Scope {
        let namespace = (!self.args.watch.watch_all_namespaces).then(|| self.namespace().to_owned());
        Scope { namespace, label_selector: None }
    }

    fn lease_name(&self) -> String {
        let name = format!("{}-leader-election", self.identity.controller);
        let selector = &self.args.watch.watch_label_selector;
        if !self.identity.sharded || selector.is_empty() {
            return name;
        }
        let hash = hex::encode(sha2::Sha256::digest(selector.as_bytes()));
        format!("{name}-{}", &hash[..8])
    }
}

fn hostname(given: &str) -> Arc<str> {
    if !given.is_empty() {
        return given.into();
    }
    let read = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = read.trim();
    if name.is_empty() { "localhost".into() } else { name.into() }
}

fn unique() -> String {
    let id: u128 = rand::random();
    format!("{id:032x}")
}
