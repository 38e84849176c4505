//! Waits until objects are ready, woken by watches that all waits share.
//!
//! A wait reads each object once as its own identity, which also shows that the identity may see it; from then on the
//! changes come from a watch of the whole kind, which is started when the first wait needs it and ends with the last. No
//! object is kept: a watch passes what changed to those who wait for it, and a wait keeps only the state and its reason.
//! A ReplicaSet or StatefulSet in progress has failed when one of its Pods has, so these are watched beside it where the
//! identity may list them.

mod mailbox;
mod object;
mod outcome;
mod pods;
mod wait;
mod watches;
mod why;

use std::sync::Arc;
use std::time::Duration;

use flux_objects::{Change, Entry, ObjectId};
use flux_status::HealthRules;
use flux_tasks::Tasks;
use k8s_openapi::jiff::Timestamp;
use kube::Client;

use crate::Discovery;
use watches::Watches;
pub(crate) use watches::{api_resource, refusal};

pub use outcome::{HealthError, Unhealthy};

/// How often a wait reads its objects although a watch would tell.
const NET: Duration = Duration::from_secs(30);
/// How often a wait reads objects that cannot be watched.
const POLL: Duration = Duration::from_secs(5);

/// An object to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which object, and in which version its status is read.
    pub entry: Entry,
    /// Whether its absence means that it is done: a Job with a time to live.
    pub vanishes: bool,
}

impl Target {
    /// The object of a change; none for one that was left alone or is known to be ready.
    pub fn of(change: &Change) -> Option<Self> {
        let waited = match change.action {
            flux_objects::Action::Created | flux_objects::Action::Configured | flux_objects::Action::Unchanged => true,
            flux_objects::Action::Deleted | flux_objects::Action::Skipped => false,
        };
        (waited && !change.settled).then(|| Self { entry: change.entry.clone(), vanishes: change.vanishes })
    }
}

/// An object that a wait found to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which object.
    pub id: ObjectId,
    /// In which version it was; empty when it was gone, as it should.
    pub resource_version: String,
}

/// What the slow read beside a watch found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetPoll {
    /// What the watch had said already.
    Nothing,
    /// Something that the watch had not said.
    Caught,
}

/// When a wait ends short of all objects being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailFast {
    /// As soon as one object failed.
    OnFirst,
    /// When every object is either ready or failed (`DisableFailFastBehavior`).
    WhenAllSettled,
}

/// What a wait goes by.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What readiness is.
    pub rules: &'a HealthRules,
    /// How long it lasts at most.
    pub timeout: Duration,
    /// When it ends early.
    pub fail_fast: FailFast,
    /// When it begins: some objects fail by their age.
    pub now: Timestamp,
}

/// The health of one cluster's objects, for all waits on them. Cheap to clone.
#[derive(Clone)]
pub struct HealthWatcher {
    discovery: Arc<Discovery>,
    watches: Watches,
    on_net_poll: Arc<dyn Fn(NetPoll) + Send + Sync>,
    net: Duration,
}

impl HealthWatcher {
    /// Watches with `client`, which should see as much as the identities whose objects it watches. `on_net_poll` counts the
    /// slow reads: one that catches something shows that a watch does not work.
    pub fn new(
        client: Client,
        discovery: Arc<Discovery>,
        tasks: Tasks,
        on_net_poll: impl Fn(NetPoll) + Send + Sync + 'static,
    ) -> Self {
        let watches = Watches::new(client, tasks);
        Self { discovery, watches, on_net_poll: Arc::new(on_net_poll), net: NET }
    }

    /// The same with another time between two slow reads.
    #[must_use]
    pub fn with_net(self, net: Duration) -> Self {
        Self { net, ..self }
    }

    /// Waits until all `targets` are Current at the same time, and returns the version in which each was. `client` is the
    /// identity that asks. Dropping the future ends the wait.
    pub async fn wait(
        &self,
        client: &Client,
        targets: Vec<Target>,
        terms: Terms<'_>,
    ) -> Result<Vec<Ready>, HealthError> {
        match wait::Wait::new(self, client, targets, terms).run().await {
            Err(end) => Err(why::explained(end, client, &self.discovery).await),
            ready => ready,
        }
    }

    /// How many watches run.
    pub fn running(&self) -> usize {
        self.watches.running()
    }
}
