//! The changes that wake Kustomizations, from the watches through the index.

use std::sync::Arc;

use flux_api::kustomize::v1::Kustomization;
use flux_api::source::v1::Source;
use flux_runtime::{Change, Kept, ObjectKey, Store, Wake};
use futures::stream::{BoxStream, SelectAll};
use futures::{Stream, StreamExt as _};
use kube::ResourceExt as _;
use kube::core::PartialObjectMeta;
use parking_lot::Mutex;

use crate::kustomization::{Memories, dependencies};
use crate::watches::{Index, Referent};

/// Collects what wakes Kustomizations.
pub struct Wakes {
    index: Arc<Mutex<Index>>,
    streams: SelectAll<BoxStream<'static, Wake>>,
}

impl Wakes {
    /// Those of the dependencies among `objects`. What is kept of an object that is gone, whoever let it go, is dropped from `memories`.
    pub fn new(index: Arc<Mutex<Index>>, objects: &Store<Kustomization>, memories: Memories) -> Self {
        let mut wakes = Self { index, streams: SelectAll::new() };
        wakes.add("Kustomization", objects, move |index, change| {
            let Some(object) = &change.new else {
                memories.forget(&change.key);
                return index.kustomization_gone(&change.key);
            };
            index.kustomization(&change.key, dependencies::links(object), dependencies::readiness(object))
        });
        wakes
    }

    /// Adds those of new revisions of sources.
    pub fn sources<K: Kept + Source>(&mut self, sources: &Store<K>) {
        let kind = K::kind(&()).into_owned();
        self.add(&kind.clone(), sources, move |index, change| {
            let source = Referent::new(kind.clone(), change.key.clone());
            let Some(artifact) = change.new.as_deref().and_then(Source::artifact) else {
                // Whether the source went or only lost its artifact: when one is back, that is news.
                index.referent_gone(&source);
                return Vec::new();
            };
            index.source(&source, &artifact.revision)
        });
    }

    /// Adds those of labelled ConfigMaps or Secrets.
    pub fn configs<K>(&mut self, configs: &Store<PartialObjectMeta<K>>)
    where
        PartialObjectMeta<K>: Kept,
        K: kube::Resource<DynamicType = ()>,
    {
        let kind = K::kind(&()).into_owned();
        self.add(&kind.clone(), configs, move |index, change| {
            let config = Referent::new(kind.clone(), change.key.clone());
            let Some(object) = &change.new else {
                index.referent_gone(&config);
                return Vec::new();
            };
            index.config(&config, &object.resource_version().unwrap_or_default())
        });
    }

    /// All of them as they come.
    pub fn stream(self) -> impl Stream<Item = Wake> + Send + 'static {
        self.streams
    }

    fn add<K: Kept>(
        &mut self,
        kind: &str,
        store: &Store<K>,
        woken: impl Fn(&mut Index, &Change<K>) -> Vec<ObjectKey> + Send + 'static,
    ) {
        let (index, kind) = (Arc::clone(&self.index), kind.to_owned());
        let wakes = store.changes().flat_map(move |change| {
            let by = format!("{kind}/{}", change.key);
            let keys = woken(&mut index.lock(), &change);
            // What a label or a source calls by when the watch begins is not news: every object runs then anyway.
            let keys = if change.initial { Vec::new() } else { keys };
            futures::stream::iter(keys.into_iter().map(move |key| Wake { key, by: by.clone() }))
        });
        self.streams.push(wakes.boxed());
    }
}
