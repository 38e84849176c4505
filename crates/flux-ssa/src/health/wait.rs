//! One wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flux_objects::ObjectId;
use flux_status::State;
use futures::{StreamExt as _, stream};
use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::mailbox::{Mailbox, Seen};
use super::object::{Object, Read};
use super::outcome::verdict;
use super::pods::{self, Access, Pods};
use super::watches::{Scope, Subscription};
use super::{HealthError, HealthWatcher, NetPoll, POLL, Ready, Target, Terms, Unhealthy};
use crate::request::{self, Place};
use crate::{DiscoveryError, Resolved};

/// How many objects are read at the same time.
const READS: usize = 8;
/// For how many workloads of one wait Pods are watched; those of more are read every [`POLL`].
const POD_WATCHES: usize = 32;

pub(super) struct Wait<'a> {
    watcher: &'a HealthWatcher,
    client: &'a Client,
    terms: Terms<'a>,
    began: Instant,
    mailbox: Arc<Mailbox>,
    objects: HashMap<ObjectId, Object>,
    subscriptions: Vec<Subscription>,
    /// Of the Pods of workloads.
    pod_subscriptions: HashMap<ObjectId, Subscription>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(watcher: &'a HealthWatcher, client: &'a Client, targets: Vec<Target>, terms: Terms<'a>) -> Self {
        let objects = targets.into_iter().map(|target| {
            let object = Object::new(&target);
            (target.entry.id, object)
        });
        Self {
            watcher,
            client,
            terms,
            began: Instant::now(),
            mailbox: Arc::default(),
            objects: objects.collect(),
            subscriptions: Vec::new(),
            pod_subscriptions: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self) -> Result<Vec<Ready>, HealthError> {
        let ended = tokio::time::timeout(self.terms.timeout, self.watch()).await;
        ended.unwrap_or_else(|_| Err(HealthError::Timeout(self.unhealthy())))?;
        let ready = self.objects.into_iter();
        Ok(ready.map(|(id, object)| Ready { id, resource_version: object.into_resource_version() }).collect())
    }

    async fn watch(&mut self) -> Result<(), HealthError> {
        self.read(|_| true).await;
        if let Some(ended) = self.verdict() {
            return ended;
        }
        self.subscribe(Reach::Cluster);
        // What changed between the first read and the subscription is found by reading once more.
        self.read(|object| object.state() != State::Current).await;

        let mailbox = Arc::clone(&self.mailbox);
        let (mut poll, mut net) = (ticks(POLL), ticks(self.watcher.net));
        loop {
            self.look_at_new_pods().await;
            if let Some(ended) = self.verdict() {
                return ended;
            }
            let failure = self.objects.values().filter_map(Object::fails_at).min();
            tokio::select! {
                contents = mailbox.take() => {
                    if contents.denied {
                        self.subscribe(Reach::Namespace);
                    }
                    self.note(contents.seen).await;
                    self.note_pods(contents.pods);
                }
                () = until(failure) => self.objects.values_mut().for_each(Object::expire),
                _ = poll.tick() => self.poll().await,
                _ = net.tick() => {
                    let caught = self.read(|object| !object.polled).await | self.read_pods(|pods, _| pods.access == Access::Granted).await;
                    (self.watcher.on_net_poll)(if caught { NetPoll::Caught } else { NetPoll::Nothing });
                }
            }
        }
    }

    /// Reads what no watch tells of.
    async fn poll(&mut self) {
        self.read(|object| object.polled).await;
        if self.objects.values().any(|object| object.polled && object.readable) {
            self.subscribe(Reach::Cluster);
        }
        self.pod_subscriptions.retain(|_, subscription| subscription.is_live());
        self.read_pods(|pods, watched| match pods.access {
            Access::Unknown => true,
            Access::Granted => !watched,
            Access::Denied => false,
        })
        .await;
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
            let scope = Scope { resolved, namespace, pods_of: None };
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
            news |= object.update(read, &self.terms, self.began);
        }
        news
    }

    /// Watches the Pods of workloads that have just begun to be in progress, and reads them as the identity, which also shows
    /// that it may see them.
    async fn look_at_new_pods(&mut self) {
        let new: Vec<(ObjectId, String)> = self
            .objects
            .iter()
            .filter(|(id, object)| object.state() == State::InProgress && !self.pod_subscriptions.contains_key(*id))
            .filter_map(|(id, object)| Some((id, object.pods.as_ref()?)))
            .filter(|(_, pods)| pods.access == Access::Unknown)
            .map(|(id, pods)| (id.clone(), pods.selector.clone()))
            .collect();
        if new.is_empty() {
            return;
        }
        let Ok(resolved) = self.watcher.discovery.resolve(self.client, "v1", "Pod").await else { return };
        let mut asked = Vec::with_capacity(new.len());
        for (id, selector) in new.into_iter().take(POD_WATCHES.saturating_sub(self.pod_subscriptions.len())) {
            let namespace = Some(id.namespace.clone());
            let scope = Scope { resolved: Arc::clone(&resolved), namespace, pods_of: Some(selector) };
            let subscription = self.watcher.watches.subscribe(&scope, vec![id.clone()], &self.mailbox);
            self.pod_subscriptions.extend(subscription.map(|subscription| (id.clone(), subscription)));
            asked.push(id);
        }
        self.read_pods_of(&resolved, &asked).await;
    }

    /// Reads the Pods of the workloads in progress that `which` selects by them and whether they are watched, and says whether
    /// that brought something new.
    async fn read_pods(&mut self, which: impl Fn(&Pods, bool) -> bool) -> bool {
        let in_progress = self.objects.iter().filter(|(_, object)| object.state() == State::InProgress);
        let asked: Vec<ObjectId> = in_progress
            .filter_map(|(id, object)| Some((id, object.pods.as_ref()?)))
            .filter(|(id, pods)| which(pods, self.pod_subscriptions.contains_key(*id)))
            .map(|(id, _)| id.clone())
            .collect();
        if asked.is_empty() {
            return false;
        }
        match self.watcher.discovery.resolve(self.client, "v1", "Pod").await {
            Ok(resolved) => self.read_pods_of(&resolved, &asked).await,
            Err(_) => false,
        }
    }

    async fn read_pods_of(&mut self, resolved: &Resolved, workloads: &[ObjectId]) -> bool {
        let wanted: Vec<(ObjectId, String)> = workloads
            .iter()
            .filter_map(|id| Some((id.clone(), self.objects.get(id)?.pods.as_ref()?.selector.clone())))
            .collect();
        let client = self.client;
        let mut reads = stream::iter(wanted)
            .map(|(id, selector)| async move {
                let listed = pods::list(client, resolved, &id.namespace, &selector).await;
                (id, listed)
            })
            .buffer_unordered(READS);
        let mut news = false;
        while let Some((id, listed)) = reads.next().await {
            let Some(pods) = self.objects.get_mut(&id).and_then(|object| object.pods.as_mut()) else { continue };
            news |= pods.update(listed);
            if pods.access == Access::Denied {
                self.pod_subscriptions.remove(&id);
            }
        }
        news
    }

    async fn note(&mut self, seen: HashMap<ObjectId, Seen>) {
        let mut missed = false;
        for (id, seen) in seen {
            let Some(object) = self.objects.get_mut(&id).filter(|object| object.readable) else { continue };
            match seen {
                Seen::Object(manifest) => object.see(&manifest, &self.terms, self.began),
                Seen::Deleted => object.miss(),
                Seen::Missed => {
                    missed = true;
                    object.doubt();
                }
            }
            if object.pods.is_none() {
                self.pod_subscriptions.remove(&id);
            }
        }
        if missed {
            self.read(|object| object.state() == State::Unknown).await;
        }
    }

    fn note_pods(&mut self, news: HashMap<ObjectId, pods::News>) {
        for (id, news) in news {
            if let Some(pods) = self.objects.get_mut(&id).and_then(|object| object.pods.as_mut()) {
                pods.note(news);
            }
        }
    }

    fn verdict(&self) -> Option<Result<(), HealthError>> {
        let statuses: Vec<_> = self.objects.iter().map(|(id, object)| (id, object.status())).collect();
        verdict(&statuses.iter().map(|(id, status)| (*id, status)), self.terms.fail_fast)
    }

    fn unhealthy(&self) -> Vec<Unhealthy> {
        let statuses =
            self.objects.iter().map(|(id, object)| Unhealthy { id: id.clone(), status: object.status(), pod: None });
        statuses.filter(|object| object.status.state != State::Current).collect()
    }
}

/// How much a watch covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Cluster,
    Namespace,
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

/// Completes at that time, or never.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
