//! The watches that waits share: one for each kind and, where the cluster may not be watched as a whole, each namespace; and
//! one for the Pods of each workload that has to be judged by them.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use flux_objects::{Manifest, ObjectId};
use flux_tasks::Tasks;
use futures::StreamExt as _;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource as _};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::mailbox::{Mailbox, Seen};
use super::pods;
use crate::Resolved;

/// How long a watch outlives its last wait, so that the next one need not list anew.
const LINGER: Duration = Duration::from_secs(5);
/// For how long a watch that was refused is not tried again.
const REFUSED: Duration = Duration::from_secs(600);

/// What one watch covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) resolved: Arc<Resolved>,
    /// The whole cluster when absent.
    pub(super) namespace: Option<String>,
    /// The selector of the workloads whose Pods these are; they are told as news of their workloads.
    pub(super) pods_of: Option<String>,
}

/// All watches of a cluster.
#[derive(Clone)]
pub(super) struct Watches {
    client: Client,
    tasks: Tasks,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: HashMap<Scope, Arc<Listeners>>,
    refused: HashMap<Scope, Instant>,
}

/// Who waits for what a watch tells.
#[derive(Default)]
struct Listeners {
    /// By the object that is watched, or by the workload of Pods.
    by_object: Mutex<HashMap<ObjectId, Vec<Arc<Mailbox>>>>,
    left: Notify,
}

/// One wait's part in one watch; dropping it ends the part.
pub(super) struct Subscription {
    listeners: Arc<Listeners>,
    mailbox: Arc<Mailbox>,
    ids: HashSet<ObjectId>,
}

impl Watches {
    pub(super) fn new(client: Client, tasks: Tasks) -> Self {
        Self { client, tasks, state: Arc::default() }
    }

    pub(super) fn running(&self) -> usize {
        self.state.lock().running.len()
    }

    /// Tells `mailbox` of every change of the objects from now on; none when such a watch was refused a short while ago.
    pub(super) fn subscribe(&self, scope: &Scope, ids: Vec<ObjectId>, mailbox: &Arc<Mailbox>) -> Option<Subscription> {
        let mut state = self.state.lock();
        state.refused.retain(|_, since| since.elapsed() < REFUSED);
        if state.refused.contains_key(scope) {
            return None;
        }
        let listeners = state.running.entry(scope.clone()).or_insert_with(|| self.start(scope.clone()));
        let listeners = Arc::clone(listeners);
        // Under the lock of the state, so that the watch cannot end for want of listeners between finding and joining it.
        let mut by_object = listeners.by_object.lock();
        for id in &ids {
            by_object.entry(id.clone()).or_default().push(Arc::clone(mailbox));
        }
        drop(by_object);
        Some(Subscription { listeners, mailbox: Arc::clone(mailbox), ids: ids.into_iter().collect() })
    }

    fn start(&self, scope: Scope) -> Arc<Listeners> {
        let listeners = Arc::new(Listeners::default());
        let (watches, told) = (self.clone(), Arc::clone(&listeners));
        let stopping = self.tasks.token();
        self.tasks.spawn("health-watch", async move {
            let end = tokio::select! {
                () = stopping.cancelled() => End::Abandoned,
                end = watch(&watches.client, &scope, &told) => end,
                () = watches.abandoned(&scope, &told) => return,
            };
            watches.end(&scope, &told, end);
        });
        listeners
    }

    /// Completes when nobody listened for a while; the watch is no longer listed then.
    async fn abandoned(&self, scope: &Scope, listeners: &Listeners) {
        loop {
            if listeners.by_object.lock().is_empty() {
                tokio::time::sleep(LINGER).await;
                let mut state = self.state.lock();
                if listeners.by_object.lock().is_empty() {
                    state.running.remove(scope);
                    return;
                }
            }
            listeners.left.notified().await;
        }
    }

    fn end(&self, scope: &Scope, listeners: &Listeners, end: End) {
        let mut state = self.state.lock();
        state.running.remove(scope);
        match end {
            End::Abandoned => {}
            End::Refused => {
                state.refused.insert(scope.clone(), Instant::now());
                let by_object = std::mem::take(&mut *listeners.by_object.lock());
                by_object.into_values().flatten().for_each(|mailbox| mailbox.deny());
            }
        }
    }
}

impl Subscription {
    /// Whether changes of the object arrive through it.
    pub(super) fn tells_of(&self, id: &ObjectId) -> bool {
        self.ids.contains(id)
    }

    /// Whether the watch still runs: one that was refused forgot its listeners.
    pub(super) fn is_live(&self) -> bool {
        let by_object = self.listeners.by_object.lock();
        self.ids.iter().any(|id| by_object.contains_key(id))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut by_object = self.listeners.by_object.lock();
        for id in &self.ids {
            if let Some(mailboxes) = by_object.get_mut(id) {
                mailboxes.retain(|mailbox| !Arc::ptr_eq(mailbox, &self.mailbox));
                if mailboxes.is_empty() {
                    by_object.remove(id);
                }
            }
        }
        drop(by_object);
        self.listeners.left.notify_one();
    }
}

impl Listeners {
    fn tell(&self, object: DynamicObject, resource: &ApiResource, deleted: bool) -> Option<ObjectId> {
        let id = ObjectId {
            namespace: object.meta().namespace.clone().unwrap_or_default(),
            name: object.meta().name.clone().unwrap_or_default(),
            group: resource.group.clone(),
            kind: resource.kind.clone(),
        };
        let mailboxes = self.by_object.lock().get(&id).cloned()?;
        let seen = if deleted { Seen::Deleted } else { Seen::Object(Arc::new(manifest(object, resource)?)) };
        for mailbox in mailboxes {
            mailbox.put(&id, seen.clone());
        }
        Some(id)
    }

    /// Tells those whose objects a new list did not have, unless they came after it began.
    fn tell_missed(&self, waited: &HashSet<ObjectId>, listed: &HashSet<ObjectId>) {
        let by_object = self.by_object.lock();
        for id in waited.difference(listed) {
            by_object.get(id).into_iter().flatten().for_each(|mailbox| mailbox.put(id, Seen::Missed));
        }
    }

    fn tell_pod(&self, pod: DynamicObject, resource: &ApiResource, deleted: bool) {
        let Some(pod) = manifest(pod, resource) else { return };
        let failure = if deleted { None } else { pods::failure(&pod) };
        self.each(|workload, mailbox| mailbox.put_pod(workload, pod.name(), failure.clone()));
    }

    fn forget_pods(&self) {
        self.each(|workload, mailbox| mailbox.forget_pods(workload));
    }

    fn each(&self, tell: impl Fn(&ObjectId, &Mailbox)) {
        for (id, mailboxes) in &*self.by_object.lock() {
            for mailbox in mailboxes {
                tell(id, mailbox);
            }
        }
    }

    fn waited(&self) -> HashSet<ObjectId> {
        self.by_object.lock().keys().cloned().collect()
    }
}

#[derive(Clone, Copy)]
enum End {
    Abandoned,
    Refused,
}

/// Watches until that is refused; other failures are repeated with a backoff.
async fn watch(client: &Client, scope: &Scope, listeners: &Listeners) -> End {
    let resource = api_resource(&scope.resolved);
    let api: Api<DynamicObject> = match &scope.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let config = watcher::Config { label_selector: scope.pods_of.clone(), ..watcher::Config::default() };
    let mut events = pin!(watcher::watcher(api, config).default_backoff());
    let (mut waited, mut listed) = (HashSet::new(), HashSet::new());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) if scope.pods_of.is_some() => match event {
                Event::Apply(pod) | Event::InitApply(pod) => listeners.tell_pod(pod, &resource, false),
                Event::Delete(pod) => listeners.tell_pod(pod, &resource, true),
                Event::Init => listeners.forget_pods(),
                Event::InitDone => {}
            },
            Ok(Event::Apply(object)) => drop(listeners.tell(object, &resource, false)),
            Ok(Event::Delete(object)) => drop(listeners.tell(object, &resource, true)),
            Ok(Event::Init) => (waited, listed) = (listeners.waited(), HashSet::new()),
            Ok(Event::InitApply(object)) => listed.extend(listeners.tell(object, &resource, false)),
            Ok(Event::InitDone) => {
                listeners.tell_missed(&waited, &listed);
                (waited, listed) = (HashSet::new(), HashSet::new());
            }
            Err(err) if refusal(&err).is_some() => return End::Refused,
            Err(err) => tracing::debug!(kind = %resource.kind, error = %err, "health watch failed"),
        }
    }
    End::Abandoned
}

/// The HTTP status by which the identity may not watch, or the kind cannot be watched; none for other failures.
pub(crate) fn refusal(err: &watcher::Error) -> Option<u16> {
    let code = match err {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => return None,
    };
    matches!(code, 401 | 403 | 404 | 405).then_some(code)
}

pub(crate) fn api_resource(resolved: &Resolved) -> ApiResource {
    let (group, version) = resolved.api_version.rsplit_once('/').unwrap_or(("", &resolved.api_version));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: resolved.api_version.clone(),
        kind: resolved.kind.clone(),
        plural: resolved.plural.clone(),
    }
}

/// The object without its managed fields; list items carry no API version and kind of their own.
pub(super) fn manifest(mut object: DynamicObject, resource: &ApiResource) -> Option<Manifest> {
    object.metadata.managed_fields = None;
    object.types.get_or_insert_with(|| kube::core::TypeMeta {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    });
    Manifest::new(serde_json::to_value(object).ok()?).ok()
}
