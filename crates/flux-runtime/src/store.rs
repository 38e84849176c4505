//! The objects of one kind as the cluster has them, kept by a watch.
//!
//! A [`Store`] is a reader; its watch runs in the task set. Objects that cannot be read are logged and skipped. A write of
//! our own is entered at once, so that no later run works on what was there before it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures::Stream;
use kube::core::NamespaceResourceScope;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

/// How many changes a slow listener may lag behind before the watch waits for it.
const LISTENER_BUFFER: usize = 256;

/// The namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// Names an object.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of `object`.
    pub fn of<K: kube::Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What a store can hold: any namespaced kind with a type of its own, or its metadata.
pub trait Kept:
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + fmt::Debug + Send + Sync + 'static
{
}

impl<K> Kept for K where
    K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + fmt::Debug + Send + Sync + 'static
{
}

/// A change as the watch saw it.
#[derive(Debug)]
pub struct Change<K> {
    /// The object that changed.
    pub key: ObjectKey,
    /// What the watch saw before; `None` when it is new to it.
    pub old: Option<Arc<K>>,
    /// What there is now; `None` when it is gone.
    pub new: Option<Arc<K>>,
    /// Whether the object was there when the watch began.
    pub initial: bool,
}

impl<K> Clone for Change<K> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), old: self.old.clone(), new: self.new.clone(), initial: self.initial }
    }
}

/// Reads the objects of one kind. Clones read the same objects.
pub struct Store<K> {
    state: Arc<RwLock<State<K>>>,
    ready: watch::Receiver<bool>,
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), ready: self.ready.clone() }
    }
}

impl<K> fmt::Debug for Store<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

struct State<K> {
    entries: HashMap<ObjectKey, Entry<K>>,
    listeners: Vec<mpsc::Sender<Change<K>>>,
}

struct Entry<K> {
    /// The newest that is known, our own writes included.
    current: Arc<K>,
    /// The newest that the watch delivered; changes are told from this, so that an own write hides none.
    watched: Arc<K>,
}

/// The writing side of a [`Store`], held by its watch.
pub(crate) struct Writer<K> {
    state: Arc<RwLock<State<K>>>,
    ready: watch::Sender<bool>,
    /// The objects of a list under way.
    listing: Option<HashMap<ObjectKey, Arc<K>>>,
}

/// An empty store and its writer.
pub(crate) fn store<K: Kept>() -> (Store<K>, Writer<K>) {
    let state = Arc::new(RwLock::new(State { entries: HashMap::new(), listeners: Vec::new() }));
    let (sender, ready) = watch::channel(false);
    (Store { state: Arc::clone(&state), ready }, Writer { state, ready: sender, listing: None })
}

impl<K: Kept> Store<K> {
    /// The object of that key.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.read().entries.get(key).map(|entry| Arc::clone(&entry.current))
    }

    /// All objects, in no order.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.read().entries.values().map(|entry| Arc::clone(&entry.current)).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.read().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Completes once the first list is in. Never, when the kind cannot be listed.
    pub async fn ready(&self) {
        let mut ready = self.ready.clone();
        if ready.wait_for(|ready| *ready).await.is_err() {
            // The watch has ended with the task set: there is nothing to wait for and nobody to answer to.
            std::future::pending::<()>().await;
        }
    }

    /// Whether the first list is in.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// All objects as they are now, as initial changes, and every change from here on. A listener that does not read
    /// holds up the watch.
    pub fn changes(&self) -> impl Stream<Item = Change<K>> + Send + use<K> {
        let (sender, receiver) = mpsc::channel(LISTENER_BUFFER);
        let mut state = self.write();
        let existing: Vec<Change<K>> = state
            .entries
            .iter()
            .map(|(key, entry)| Change {
                key: key.clone(),
                old: None,
                new: Some(Arc::clone(&entry.watched)),
                initial: true,
            })
            .collect();
        state.listeners.push(sender);
        drop(state);
        futures::StreamExt::chain(futures::stream::iter(existing), ReceiverStream::new(receiver))
    }

    /// Enters the answer to an own write, unless the object is gone, was replaced, or is known in a newer version.
    pub(crate) fn wrote(&self, object: &Arc<K>) {
        let mut state = self.write();
        if let Some(entry) = state.entries.get_mut(&ObjectKey::of(&**object)) {
            let same = entry.current.meta().uid == object.meta().uid;
            if same && !older(&**object, &*entry.current) {
                entry.current = Arc::clone(object);
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State<K>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State<K>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Kept> Writer<K> {
    /// A list begins.
    pub(crate) fn begin(&mut self) {
        self.listing = Some(HashMap::new());
    }

    /// An object of the list.
    pub(crate) fn listed(&mut self, object: K) {
        let key = ObjectKey::of(&object);
        self.listing.get_or_insert_default().insert(key, Arc::new(object));
    }

    /// The list is complete: what it does not hold is gone.
    pub(crate) async fn complete(&mut self) {
        let listed = self.listing.take().unwrap_or_default();
        let initial = !*self.ready.borrow();
        let gone: Vec<ObjectKey> = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            state.entries.keys().filter(|key| !listed.contains_key(key)).cloned().collect()
        };
        for key in gone {
            self.removed(key).await;
        }
        for (key, object) in listed {
            self.insert(key, object, initial).await;
        }
        self.ready.send_replace(true);
    }

    /// An object was added or changed.
    pub(crate) async fn applied(&mut self, object: K) {
        self.insert(ObjectKey::of(&object), Arc::new(object), false).await;
    }

    async fn insert(&mut self, key: ObjectKey, new: Arc<K>, initial: bool) {
        let (old, listeners) = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let fresh = Entry { current: Arc::clone(&new), watched: Arc::clone(&new) };
            let old = if let Some(entry) = state.entries.get_mut(&key) {
                let behind = older(&*new, &*entry.current) && entry.current.meta().uid == new.meta().uid;
                let current = if behind { Arc::clone(&entry.current) } else { Arc::clone(&new) };
                Some(std::mem::replace(entry, Entry { current, ..fresh }).watched)
            } else {
                state.entries.insert(key.clone(), fresh);
                None
            };
            (old, state.listeners.clone())
        };
        let unchanged = old.as_ref().is_some_and(|old| old.meta().resource_version == new.meta().resource_version);
        if !unchanged {
            self.tell(listeners, Change { key, old, new: Some(new), initial }).await;
        }
    }

    /// An object is gone.
    pub(crate) async fn removed(&mut self, key: ObjectKey) {
        let (old, listeners) = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            (state.entries.remove(&key).map(|entry| entry.watched), state.listeners.clone())
        };
        if old.is_some() {
            self.tell(listeners, Change { key, old, new: None, initial: false }).await;
        }
    }

    async fn tell(&mut self, listeners: Vec<mpsc::Sender<Change<K>>>, change: Change<K>) {
        let mut closed = false;
        for listener in listeners {
            closed |= listener.send(change.clone()).await.is_err();
        }
        if closed {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.listeners.retain(|listener| !listener.is_closed());
        }
    }
}

/// Whether `a` is an older version than `b`. Versions that are not numbers are never older.
fn older<K: kube::Resource>(a: &K, b: &K) -> bool {
    let version = |object: &K| object.meta().resource_version.as_deref().and_then(|text| text.parse::<u64>().ok());
    matches!((version(a), version(b)), (Some(a), Some(b)) if a < b)
}

#[cfg(test)]
mod tests;
