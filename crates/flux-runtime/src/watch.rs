//! Watches that fill stores, and the changes that wake objects.

use std::time::Duration;

use flux_api::meta::{FINALIZER, RECONCILE_REQUEST_ANNOTATION};
use flux_tasks::Tasks;
use futures::{Stream, StreamExt};
use kube::Api;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;

use crate::store::{Change, Kept, ObjectKey, Store, Writer, store};

/// Objects in one page of a list: bounds what a list holds in memory besides the objects themselves.
const PAGE: u32 = 100;

/// The annotation in which kubectl keeps a second copy of an object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Which objects of a kind are watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only this namespace.
    pub namespace: Option<String>,
    /// Only objects that match this label selector.
    pub label_selector: Option<String>,
}

/// How long before a broken watch is begun anew.
const FIRST: Duration = Duration::from_millis(500);
/// The longest time before that: whoever waits for a change waits that much longer after an outage.
const LONGEST: Duration = Duration::from_secs(5);

/// The times between the attempts at a watch, which grow until one succeeds.
#[derive(Debug)]
struct Repeat(Duration);

impl Default for Repeat {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Iterator for Repeat {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST);
        // Watches of all kinds break at the same time, and need not come back at the same time.
        Some(wait.mul_f64(rand::random_range(0.75..1.25)))
    }
}

impl Backoff for Repeat {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// An object should be run because of something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// The object to run.
    pub key: ObjectKey,
    /// What it is woken by, as `Kind/namespace/name`.
    pub by: String,
}

impl Wake {
    /// Wakes `key` because of `cause`, an object of kind `K`.
    pub fn by<K: kube::Resource<DynamicType = ()>>(key: ObjectKey, cause: &ObjectKey) -> Self {
        Self { key, by: format!("{}/{cause}", K::kind(&())) }
    }
}

/// Watches objects of a kind as long as the task set lives. Objects that do not fit the type are logged and left out.
pub fn watch_kind<K: Kept + DeserializeOwned>(client: kube::Client, scope: &Scope, tasks: &Tasks) -> Store<K> {
    let (reader, writer) = store();
    let api: Api<DeserializeGuard<K>> = api(client, scope);
    let events = watcher::watcher(api, config(scope)).backoff(Repeat::default());
    let events = events.filter_map(async |event| event.inspect_err(log_error::<K>).ok());
    tasks.spawn_until_stopped("watch", fill(events, writer, readable));
    reader
}

/// The same, keeping and transferring nothing but metadata.
pub fn watch_metadata<K>(client: kube::Client, scope: &Scope, tasks: &Tasks) -> Store<PartialObjectMeta<K>>
where
    K: Kept + DeserializeOwned,
{
    let (reader, writer) = store();
    let api: Api<PartialObjectMeta<K>> = match &scope.namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let events = watcher::watcher(api, config(scope)).backoff(Repeat::default());
    let events = events.filter_map(async |event| event.inspect_err(log_error::<K>).ok());
    tasks.spawn_until_stopped("watch", fill(events, writer, Some));
    reader
}

/// Wakes what depends on the objects in `store` whenever one of them changes after the first list.
/// `dependents` names the objects that refer to one of these.
pub fn wakes<K, F>(store: &Store<K>, dependents: F) -> impl Stream<Item = Wake> + Send + use<K, F>
where
    K: Kept,
    F: Fn(&Change<K>) -> Vec<ObjectKey> + Send + 'static,
{
    store.changes().filter(|change| std::future::ready(!change.initial)).flat_map(move |change| {
        let woken = dependents(&change);
        futures::stream::iter(woken.into_iter().map(move |key| Wake::by::<K>(key, &change.key)))
    })
}

/// What an object asks of its controller: a change of any of these is worth a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    uid: Option<String>,
    generation: Option<i64>,
    requested_at: Option<String>,
    deleting: bool,
    finalizer: bool,
}

impl Intent {
    /// The object's intent.
    pub(crate) fn of<K: kube::Resource>(object: &K) -> Self {
        let meta = object.meta();
        let requested_at = meta.annotations.as_ref().and_then(|all| all.get(RECONCILE_REQUEST_ANNOTATION));
        Self {
            uid: meta.uid.clone(),
            generation: meta.generation,
            requested_at: requested_at.cloned(),
            deleting: meta.deletion_timestamp.is_some(),
            finalizer: meta.finalizers.iter().flatten().any(|name| name == FINALIZER),
        }
    }

    /// Whether this intent asks for a run after `before`: another object or generation, a reconcile request with a new
    /// value, a deletion, a finalizer that is gone.
    fn asks_after(&self, before: &Self) -> bool {
        self.uid != before.uid
            || self.generation != before.generation
            || self.requested_at.is_some() && self.requested_at != before.requested_at
            || self.deleting && !before.deleting
            || before.finalizer && !self.finalizer
    }
}

/// Whether a change of the object itself asks for a run.
pub(crate) fn asks_for_run<K: Kept>(change: &Change<K>) -> bool {
    match (&change.old, &change.new) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => Intent::of(&**new).asks_after(&Intent::of(&**old)),
    }
}

fn api<K: Kept>(client: kube::Client, scope: &Scope) -> Api<DeserializeGuard<K>> {
    match &scope.namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}

fn config(scope: &Scope) -> watcher::Config {
    let config = watcher::Config::default().page_size(PAGE);
    match &scope.label_selector {
        Some(selector) => config.labels(selector),
        None => config,
    }
}

/// Fills a store with what a watch tells; `read` gives none for an object that cannot be read.
async fn fill<K: Kept, G: kube::Resource>(
    events: impl Stream<Item = Event<G>> + Send,
    mut writer: Writer<K>,
    read: impl Fn(G) -> Option<K> + Send,
) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Event::Init => writer.begin(),
            Event::InitApply(object) => {
                if let Some(object) = read(object) {
                    writer.listed(lean(object));
                }
            }
            Event::InitDone => writer.complete().await,
            Event::Apply(object) => {
                let key = ObjectKey::of(&object);
                match read(object) {
                    Some(object) => writer.applied(lean(object)).await,
                    // As in a list: what is known of it is no longer true.
                    None => writer.removed(key).await,
                }
            }
            // Its name is enough, and an object that cannot be read has one too.
            Event::Delete(object) => writer.removed(ObjectKey::of(&object)).await,
        }
    }
}

/// The object without its guard; none, and a line in the log, when it cannot be read.
fn readable<K: Kept>(guard: DeserializeGuard<K>) -> Option<K> {
    match guard.0 {
        Ok(object) => Some(object),
        Err(invalid) => {
            let (namespace, name) = (invalid.metadata.namespace.as_deref(), invalid.metadata.name.as_deref());
            tracing::error!(
                controllerKind = &*K::kind(&()),
                namespace = namespace.unwrap_or_default(),
                name = name.unwrap_or_default(),
                error = invalid.error,
                "object cannot be read and is skipped"
            );
            None
        }
    }
}

/// The object without what nobody here reads.
fn lean<K: Kept>(mut object: K) -> K {
    let meta = object.meta_mut();
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
    object
}

fn log_error<K: Kept>(err: &(impl std::error::Error + 'static)) {
    tracing::error!(controllerKind = &*K::kind(&()), error = crate::report::message(err), "watch failed, repeating");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_watch_is_begun_anew_within_seconds_however_long_it_was_broken() {
        let mut repeat = Repeat::default();
        let waits: Vec<Duration> = repeat.by_ref().take(10).collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST.mul_f64(1.25)), "{waits:?}");
        assert!(waits[9] >= LONGEST.mul_f64(0.75), "{waits:?}");
        repeat.reset();
        assert!(repeat.next().is_some_and(|wait| wait <= FIRST.mul_f64(1.25)));
    }

    fn change(old: Option<Value>, new: Option<Value>) -> Change<ConfigMap> {
        let object = |meta: Value| Arc::new(serde_json::from_value(json!({ "metadata": meta })).unwrap());
        Change { key: ObjectKey::new("ns", "a"), old: old.map(object), new: new.map(object), initial: false }
    }

    #[tokio::test]
    async fn an_object_that_became_unreadable_leaves_the_store_until_it_can_be_read() {
        let guard = |data: Value| -> DeserializeGuard<ConfigMap> {
            serde_json::from_value(json!({"metadata": {"namespace": "ns", "name": "a"}, "data": data})).unwrap()
        };
        let (good, odd) = (|| guard(json!({})), || guard(json!("odd")));
        let kept = async |later: Vec<Event<DeserializeGuard<ConfigMap>>>| {
            let (objects, writer) = store();
            let began = [Event::Init, Event::InitApply(good()), Event::InitDone];
            fill(futures::stream::iter(began.into_iter().chain(later)), writer, readable).await;
            objects.len()
        };
        assert_eq!(kept(Vec::new()).await, 1);
        assert_eq!(kept(vec![Event::Apply(odd())]).await, 0);
        assert_eq!(kept(vec![Event::Apply(odd()), Event::Apply(good())]).await, 1);
        assert_eq!(kept(vec![Event::Apply(odd()), Event::Delete(odd())]).await, 0);
        assert_eq!(kept(vec![Event::Delete(odd())]).await, 0);
    }

    #[test]
    fn only_changes_of_intent_ask_for_a_run() {
        let requested = |at: &str| json!({"generation": 1, "annotations": {RECONCILE_REQUEST_ANNOTATION: at}});
        let plain = || json!({"generation": 1});
        for (what, old, new, asks) in [
            ("creation", None, Some(plain()), true),
            ("removal", Some(plain()), None, false),
            ("status", Some(plain()), Some(plain()), false),
            ("label", Some(plain()), Some(json!({"generation": 1, "labels": {"a": "b"}})), false),
            ("spec", Some(plain()), Some(json!({"generation": 2})), true),
            ("request", Some(plain()), Some(requested("1")), true),
            ("new request", Some(requested("1")), Some(requested("2")), true),
            ("same request", Some(requested("1")), Some(requested("1")), false),
            ("request removed", Some(requested("1")), Some(plain()), false),
            (
                "deletion",
                Some(plain()),
                Some(json!({"generation": 1, "deletionTimestamp": "2026-01-01T00:00:00Z"})),
                true,
            ),
            ("finalizer lost", Some(json!({"generation": 1, "finalizers": [FINALIZER]})), Some(plain()), true),
            (
                "created anew",
                Some(json!({"generation": 1, "uid": "a"})),
                Some(json!({"generation": 1, "uid": "b"})),
                true,
            ),
        ] {
            assert_eq!(asks_for_run(&change(old, new)), asks, "{what}");
        }
    }
}
