//! One wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flux_objects::{Manifest, ObjectId};
use flux_status::{HealthRules, State, Status};
use futures::{StreamExt as _, stream};
use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::mailbox::{Mailbox, Seen};
use super::outcome::verdict;
use super::watches::{Scope, Subscription};
use super::{FailFast, HealthError, HealthWatcher, NetPoll, POLL, Target, Unhealthy};
use crate::request::{self, Place};
use crate::{DiscoveryError, Resolved};

/// How many objects are read at the same time.
const READS: usize = 8;

pub(super) struct Wait<'a> {
    watcher: &'a HealthWatcher,
    client: &'a Client,
    rules: &'a HealthRules,
    fail_fast: FailFast,
    mailbox: Arc<Mailbox>,
    objects: HashMap<ObjectId, Object>,
    subscriptions: Vec<Subscription>,
}

/// What is known of one object.
struct Object {
    api_version: String,
    vanishes: bool,
    /// None while the kind is not served.
    resolved: Option<Arc<Resolved>>,
    /// Whether the identity could read it the last time: only then may a watch of another identity tell of it.
    readable: bool,
    /// Whether no watch tells of it.
    polled: bool,
    /// Of the version that the status is of.
    resource_version: String,
    status: Status,
}

impl<'a> Wait<'a> {
    pub(super) fn new(
        watcher: &'a HealthWatcher,
        client: &'a Client,
        targets: Vec<Target>,
        rules: &'a HealthRules,
        fail_fast: FailFast,
    ) -> Self {
        let objects = targets.into_iter().map(|target| {
            let Target { entry, vanishes } = target;
            let status = Status::new(State::Unknown, "");
            let api_version = entry.api_version();
            let object = Object {
                api_version,
                vanishes,
                resolved: None,
                readable: false,
                polled: true,
                resource_version: String::new(),
                status,
            };
            (entry.id, object)
        });
        Self {
            watcher,
            client,
            rules,
            fail_fast,
            mailbox: Arc::default(),
            objects: objects.collect(),
            subscriptions: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, timeout: Duration) -> Result<(), HealthError> {
        let ended = tokio::time::timeout(timeout, self.watch()).await;
        ended.unwrap_or_else(|_| Err(HealthError::Timeout(self.unhealthy())))
    }

    async fn watch(&mut self) -> Result<(), HealthError> {
        self.read(|_| true).await;
        if let Some(ended) = self.verdict() {
            return ended;
        }
        self.subscribe(Reach::Cluster);
        // What changed between the first read and the subscription is found by reading once more.
        self.read(|object| object.status.state != State::Current).await;

        let mailbox = Arc::clone(&self.mailbox);
        let (mut poll, mut net) = (ticks(POLL), ticks(self.watcher.net));
        loop {
            if let Some(ended) = self.verdict() {
                return ended;
            }
            tokio::select! {
                contents = mailbox.take() => {
                    if contents.denied {
                        self.subscribe(Reach::Namespace);
                    }
                    self.note(contents.seen).await;
                }
                _ = poll.tick() => {
                    self.read(|object| object.polled).await;
                    if self.objects.values().any(|object| object.polled && object.readable) {
                        self.subscribe(Reach::Cluster);
                    }
                }
                _ = net.tick() => {
                    let caught = self.read(|object| !object.polled).await;
                    (self.watcher.on_net_poll)(if caught { NetPoll::Caught } else { NetPoll::Nothing });
                }
            }
        }
    }

    /// Subscribes to watches of all objects that none tells of: of the whole cluster, or of single namespaces where that
    /// is refused. Objects whose watch is refused too stay polled.
    fn subscribe(&mut self, reach: Reach) {
        let mut scopes: BTreeMap<(String, String, String), (Scope, Vec<ObjectId>)> = BTreeMap::new();
        self.subscriptions.retain(Subscription::is_live);
        for (id, object) in &mut self.objects {
            let told = self.subscriptions.iter().any(|subscription| subscription.tells_of(id));
            object.polled = !told;
            let Some(resolved) = object.resolved.clone().filter(|_| object.readable && !told) else { continue };
            let namespace = match reach {
                Reach::Cluster => None,
                Reach::Namespace if resolved.namespaced => Some(id.namespace.clone()),
                Reach::Namespace => continue,
            };
            let key = (resolved.api_version.clone(), resolved.kind.clone(), namespace.clone().unwrap_or_default());
            let scope = Scope { resolved, namespace };
            scopes.entry(key).or_insert_with(|| (scope, Vec::new())).1.push(id.clone());
        }
        let mut refused = false;
        for (scope, ids) in scopes.into_values() {
            match self.watcher.watches.subscribe(&scope, ids.clone(), &self.mailbox) {
                Some(subscription) => {
                    self.subscriptions.push(subscription);
                    for id in ids {
                        self.objects.entry(id).and_modify(|object| object.polled = false);
                    }
                }
                None => refused = true,
            }
        }
        if refused && reach == Reach::Cluster {
            self.subscribe(Reach::Namespace);
        }
    }

    /// Reads the objects that `which` selects, and says whether one of them is in another state than was known.
    async fn read(&mut self, which: impl Fn(&Object) -> bool) -> bool {
        let selected = self.objects.iter().filter(|(_, object)| which(object));
        let wanted: Vec<(ObjectId, String)> =
            selected.map(|(id, object)| (id.clone(), object.api_version.clone())).collect();
        let (watcher, client) = (self.watcher, self.client);
        let mut reads = stream::iter(wanted)
            .map(|(id, api_version)| async move {
                let read = read_one(watcher, client, &id, &api_version).await;
                (id, read)
            })
            .buffer_unordered(READS);
        let mut news = false;
        while let Some((id, read)) = reads.next().await {
            let Some(object) = self.objects.get_mut(&id) else { continue };
            news |= object.update(read, self.rules);
        }
        news
    }

    async fn note(&mut self, seen: HashMap<ObjectId, Seen>) {
        let mut missed = false;
        for (id, seen) in seen {
            let Some(object) = self.objects.get_mut(&id).filter(|object| object.readable) else { continue };
            match seen {
                Seen::Object(manifest) => object.see(&manifest, self.rules),
                Seen::Deleted => object.miss(),
                Seen::Missed => {
                    missed = true;
                    object.status = Status::new(State::Unknown, "");
                }
            }
        }
        if missed {
            self.read(|object| object.status.state == State::Unknown).await;
        }
    }

    fn verdict(&self) -> Option<Result<(), HealthError>> {
        verdict(&self.objects.iter().map(|(id, object)| (id, &object.status)), self.fail_fast)
    }

    fn unhealthy(&self) -> Vec<Unhealthy> {
        let late = self.objects.iter().filter(|(_, object)| object.status.state != State::Current);
        late.map(|(id, object)| Unhealthy { id: id.clone(), status: object.status.clone() }).collect()
    }
}

/// How much a watch covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Cluster,
    Namespace,
}

/// What reading one object gave.
enum Read {
    Found(Arc<Resolved>, Manifest),
    Absent(Option<Arc<Resolved>>),
    /// Why not.
    Failed(Option<Arc<Resolved>>, String),
}

async fn read_one(watcher: &HealthWatcher, client: &Client, id: &ObjectId, api_version: &str) -> Read {
    let resolved = match watcher.discovery.resolve(client, api_version, &id.kind).await {
        Ok(resolved) => resolved,
        Err(DiscoveryError::NoMatch { .. }) => return Read::Absent(None),
        Err(DiscoveryError::Api { source, .. }) => return Read::Failed(None, source.message),
    };
    let place = Place { resolved: &resolved, namespace: &id.namespace, name: &id.name };
    match request::get(client, place).await {
        Ok(Some(manifest)) => Read::Found(resolved, manifest),
        Ok(None) => Read::Absent(Some(resolved)),
        Err(failure) => Read::Failed(Some(resolved), failure.message),
    }
}

impl Object {
    fn update(&mut self, read: Read, rules: &HealthRules) -> bool {
        let before = self.status.state;
        self.readable = matches!(read, Read::Found(..) | Read::Absent(_));
        match read {
            Read::Found(resolved, manifest) => {
                self.resolved = Some(resolved);
                self.see(&manifest, rules);
            }
            Read::Absent(resolved) => {
                self.resolved = resolved;
                self.miss();
            }
            Read::Failed(resolved, message) => {
                self.resolved = resolved;
                self.status = Status::new(State::Unknown, message);
            }
        }
        self.status.state != before
    }

    /// Takes the object as it was seen, unless something newer was seen already.
    fn see(&mut self, manifest: &Manifest, rules: &HealthRules) {
        if is_older(manifest.resource_version(), &self.resource_version) {
            return;
        }
        manifest.resource_version().clone_into(&mut self.resource_version);
        self.vanishes |= crate::plan::vanishes(manifest);
        self.status = rules.status(manifest.as_map());
    }

    fn miss(&mut self) {
        self.status = if self.vanishes {
            Status::new(State::Current, "Job was deleted after it finished")
        } else {
            Status::new(State::NotFound, "")
        };
    }
}

/// Whether a version comes before another. Versions of one kind are numbers that grow; should one not be, it is taken as newer.
fn is_older(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version < than,
        _ => false,
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
