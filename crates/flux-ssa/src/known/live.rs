//! Which version the applied objects of a cluster have: one watch of metadata for each kind, shared by all owners.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use flux_objects::ObjectId;
use flux_tasks::Tasks;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource as _};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Fingerprint;
use super::sight::Sight;
use crate::Resolved;
use crate::health::api_resource;
use crate::metadata::follow;

/// For how long a watch that was refused is not tried again.
const REFUSED: Duration = Duration::from_secs(600);

/// The versions of applied objects in one cluster. Clones share the watches; a watch ends when nobody remembers an object of its
/// kind any more.
#[derive(Clone)]
pub struct LiveObjects {
    client: Client,
    tasks: Tasks,
    label: Arc<str>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: HashMap<Scope, Weak<Live>>,
    refused: HashMap<Scope, Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scope {
    resolved: Arc<Resolved>,
    /// The whole cluster when absent.
    namespace: Option<String>,
}

/// What one watch knows.
pub(super) struct Live {
    seen: Mutex<HashMap<Fingerprint, Sight>>,
    /// Whether the watch tells of every change.
    current: AtomicBool,
    abandoned: CancellationToken,
}

impl std::fmt::Debug for LiveObjects {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LiveObjects")
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Live")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.abandoned.cancel();
    }
}

impl LiveObjects {
    /// Watches with `client` the objects that carry the label `label`, as `tasks`.
    pub fn new(client: Client, tasks: Tasks, label: &str) -> Self {
        Self { client, tasks, label: label.into(), state: Arc::default() }
    }

    /// How many watches run.
    pub fn running(&self) -> usize {
        self.state.lock().running.values().filter(|live| live.strong_count() > 0).count()
    }

    /// Whether every watch that runs tells of every change.
    pub fn is_current(&self) -> bool {
        let running: Vec<_> = self.state.lock().running.values().filter_map(Weak::upgrade).collect();
        running.iter().all(|live| live.current.load(Ordering::Acquire))
    }

    /// The watch that covers the objects of that kind in `namespace`: the cluster's, or the namespace's where that is refused.
    pub(super) fn watch(&self, resolved: &Arc<Resolved>, namespace: &str) -> Arc<Live> {
        let mut state = self.state.lock();
        state.refused.retain(|_, since| since.elapsed() < REFUSED);
        let mut scope = Scope { resolved: Arc::clone(resolved), namespace: None };
        if resolved.namespaced && state.refused.contains_key(&scope) {
            scope.namespace = Some(namespace.to_owned());
        }
        if let Some(live) = state.running.get(&scope).and_then(Weak::upgrade) {
            return live;
        }
        let live = Arc::new(Live {
            seen: Mutex::default(),
            current: AtomicBool::new(false),
            abandoned: CancellationToken::new(),
        });
        if !state.refused.contains_key(&scope) {
            state.running.retain(|_, live| live.strong_count() > 0);
            state.running.insert(scope.clone(), Arc::downgrade(&live));
            self.start(scope, &live);
        }
        live
    }

    fn start(&self, scope: Scope, live: &Arc<Live>) {
        let (objects, abandoned, stopping) = (self.clone(), live.abandoned.clone(), self.tasks.token());
        let live = Arc::downgrade(live);
        self.tasks.spawn("live-watch", async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = abandoned.cancelled() => {}
                end = objects.follow(&scope, &live) => objects.end(scope, &live, end),
            }
        });
    }

    fn end(&self, scope: Scope, live: &Weak<Live>, end: End) {
        let mut state = self.state.lock();
        // Another watch of the same scope may have begun since this one was abandoned.
        if state.running.get(&scope).is_some_and(|running| running.ptr_eq(live)) {
            state.running.remove(&scope);
        }
        match end {
            End::Refused => drop(state.refused.insert(scope, Instant::now())),
            End::Unserved => {}
        }
    }

    /// Follows the objects until they may not or cannot be watched.
    async fn follow(&self, scope: &Scope, live: &Weak<Live>) -> End {
        let resource = api_resource(&scope.resolved);
        let api: Api<PartialObjectMeta<DynamicObject>> = match &scope.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let mut listing = HashMap::new();
        let refused = follow(&api, watcher::Config::default().labels(&self.label), |news| {
            let Some(live) = live.upgrade() else { return ControlFlow::Break(()) };
            match news {
                Some(event) => live.note(event, &resource, &mut listing),
                None => live.current.store(false, Ordering::Release),
            }
            ControlFlow::Continue(())
        });
        match refused.await {
            // The kind is gone, or nobody remembers an object of it.
            Some(404) | None => End::Unserved,
            Some(_) => End::Refused,
        }
    }
}

#[derive(Clone, Copy)]
enum End {
    /// The identity may not watch the kind, or the kind cannot be watched.
    Refused,
    /// The kind is no longer served, or nobody remembers an object of it.
    Unserved,
}

impl Live {
    /// The version that an object has now if it is still as it was `left`.
    pub(super) fn version_of(&self, key: Fingerprint, left: &Sight) -> Option<u64> {
        if !self.current.load(Ordering::Acquire) {
            return None;
        }
        let now = *self.seen.lock().get(&key)?;
        now.is_still(left).then_some(now.version.max(left.version))
    }

    fn note(
        &self,
        event: Event<PartialObjectMeta<DynamicObject>>,
        resource: &ApiResource,
        listing: &mut HashMap<Fingerprint, Sight>,
    ) {
        let sight = |object: &PartialObjectMeta<DynamicObject>| {
            let meta = object.meta();
            let id = ObjectId {
                namespace: meta.namespace.clone().unwrap_or_default(),
                name: meta.name.clone().unwrap_or_default(),
                group: resource.group.clone(),
                kind: resource.kind.clone(),
            };
            (Fingerprint::of_id(&id), Sight::of_metadata(meta))
        };
        match event {
            Event::Init => listing.clear(),
            Event::InitApply(object) => {
                let (key, sight) = sight(&object);
                listing.extend(sight.map(|sight| (key, sight)));
            }
            Event::InitDone => {
                *self.seen.lock() = std::mem::take(listing);
                self.current.store(true, Ordering::Release);
            }
            Event::Apply(object) => {
                let (key, sight) = sight(&object);
                let mut seen = self.seen.lock();
                match sight {
                    Some(sight) => drop(seen.insert(key, sight)),
                    None => drop(seen.remove(&key)),
                }
            }
            Event::Delete(object) => drop(self.seen.lock().remove(&sight(&object).0)),
        }
    }
}
