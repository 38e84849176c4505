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
#[derive(Default)]
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
        let live = Arc::new(Live::default());
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
            if let Some(event) = news {
                live.note(event, &resource, &mut listing)
            } else {
                live.current.store(false, Ordering::Release);
                ControlFlow::Continue(())
            }
        });
        match refused.await {
            // The kind is gone, nobody remembers an object of it, or what is remembered is of no use any more.
            Some(404) | None => End::Unserved,
            Some(_) => End::Refused,
        }
    }
}

#[derive(Clone, Copy)]
enum End {
    /// The identity may not watch the kind, or the kind cannot be watched.
    Refused,
    /// The kind is no longer served, nobody remembers an object of it, or its versions went back.
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

    /// Takes what the watch tells. Ends it where versions went back, as they do when the cluster's data are restored from a copy: what
    /// was left by then cannot be told by its version any more, and is remembered anew with the next watch.
    fn note(
        &self,
        event: Event<PartialObjectMeta<DynamicObject>>,
        resource: &ApiResource,
        listing: &mut HashMap<Fingerprint, Sight>,
    ) -> ControlFlow<()> {
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
                let before = std::mem::replace(&mut *self.seen.lock(), std::mem::take(listing));
                let seen = self.seen.lock();
                let is_back = |(key, before): (&Fingerprint, &Sight)| {
                    seen.get(key).is_some_and(|now| now.version < before.version)
                };
                if before.iter().any(is_back) {
                    self.current.store(false, Ordering::Release);
                    return ControlFlow::Break(());
                }
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
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use kube::api::{GroupVersionKind, ObjectMeta};

    use super::*;

    fn object(name: &str, version: u64) -> PartialObjectMeta<DynamicObject> {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            resource_version: Some(version.to_string()),
            ..ObjectMeta::default()
        };
        PartialObjectMeta { types: None, metadata, _phantom: std::marker::PhantomData }
    }

    /// Whether the watch goes on after a list of objects in these versions, and tells of them.
    fn lists(live: &Live, versions: &[(&str, u64)]) -> (bool, bool) {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
        let mut listing = HashMap::new();
        for (name, version) in versions {
            assert!(live.note(Event::InitApply(object(name, *version)), &resource, &mut listing).is_continue());
        }
        let goes_on = live.note(Event::InitDone, &resource, &mut listing).is_continue();
        (goes_on, live.current.load(Ordering::Acquire))
    }

    #[test]
    fn a_watch_ends_when_a_list_has_an_older_version_of_an_object() {
        let live = Live::default();
        assert_eq!(lists(&live, &[("a", 7), ("b", 8)]), (true, true));
        assert_eq!(lists(&live, &[("a", 9), ("b", 8)]), (true, true));
        assert_eq!(lists(&live, &[("b", 8), ("c", 3)]), (true, true));
        assert_eq!(lists(&live, &[("b", 7), ("c", 10)]), (false, false));
    }
}
