//! Deletes what an owner no longer wants, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flux_objects::{Action, Change, Entry, Manifest, Marks, ObjectId, Owner};
use futures::{StreamExt as _, stream};

use crate::apply::place;
use crate::request::{self, Left};
use crate::{ApiFailure, Applier, DiscoveryError, Failed, Failures, Resolved, gone};

/// What became of the objects that were to be deleted.
#[derive(Debug)]
pub struct Pruned {
    /// Objects that were deleted, are gone already, or were left alone because they are not the owner's or are marked.
    pub changes: Vec<Change>,
    /// Objects that could not be deleted: they stay in the inventory, to be tried again.
    pub survivors: Vec<Entry>,
    /// Why, one text for each survivor.
    pub failures: Failures,
    /// Objects that were deleted and are still there, held by finalizers or by what they do at their end.
    pub terminating: Vec<Entry>,
}

impl Pruned {
    /// Whether every object is gone or may stay.
    pub fn is_complete(&self) -> bool {
        self.survivors.is_empty()
    }
}

/// Deleted objects that did not go in time, held by finalizers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timeout waiting for termination of: {}", list(.0))]
pub struct TerminationError(pub Vec<ObjectId>);

fn list(ids: &[ObjectId]) -> Failures {
    Failures::new(ids.iter().map(|id| Failed { id: id.clone(), file: None, text: id.to_string() }).collect())
}

impl Applier {
    /// Deletes objects in the background, one after another as they come ([`flux_objects::Deletion`] orders them). Only objects
    /// that carry the owner's labels, and no mark that keeps them, are deleted. A failure does not keep the others from being
    /// deleted.
    pub async fn prune(&self, stale: Vec<Entry>, owner: &Owner) -> Pruned {
        let (mut changes, mut survivors, mut failures, mut terminating) = (vec![], vec![], vec![], vec![]);
        for entry in stale {
            match self.prune_one(&entry, owner).await {
                Ok((action, left)) => {
                    if left == Left::Terminating {
                        terminating.push(entry.clone());
                    }
                    changes.push(Change { entry, action, settled: true, vanishes: false });
                }
                Err(failure) => {
                    let text = format!("{} delete failed: {failure}", entry.id);
                    failures.push(Failed { id: entry.id.clone(), file: None, text });
                    survivors.push(entry);
                }
            }
        }
        Pruned { changes, survivors, failures: Failures::new(failures), terminating }
    }

    /// Waits until none of the objects exists.
    pub async fn wait_terminated(&self, entries: &[Entry], timeout: Duration) -> Result<(), TerminationError> {
        let mut left: BTreeSet<ObjectId> = entries.iter().map(|entry| entry.id.clone()).collect();
        // Owned entries, since a future that borrows an item of the stream is not known to be Send.
        let waits = stream::iter(entries.to_vec()).map(|entry| async move {
            self.terminated(&entry).await;
            entry.id
        });
        let mut waits = waits.buffer_unordered(entries.len().clamp(1, MAX_WAITS));
        let all = async {
            while let Some(id) = waits.next().await {
                left.remove(&id);
            }
        };
        match tokio::time::timeout(timeout, all).await {
            Ok(()) => Ok(()),
            Err(_) => Err(TerminationError(left.into_iter().collect())),
        }
    }

    async fn prune_one(&self, entry: &Entry, owner: &Owner) -> Result<(Action, Left), ApiFailure> {
        self.forget(&entry.id);
        let Some((resolved, live)) = self.find(entry).await? else { return Ok((Action::Deleted, Left::Nothing)) };
        if !may_delete(&live, owner, &self.marks) {
            return Ok((Action::Skipped, Left::Nothing));
        }
        let place = place(&resolved, &entry.id);
        match self.paced(|| request::delete(&self.client, place, live.uid())).await {
            Ok(left) => Ok((Action::Deleted, left)),
            // Somebody else may have deleted the object and created it anew since it was read.
            Err(failure) if failure.is_conflict() => match request::get(&self.client, place).await? {
                Some(now) if now.uid() == live.uid() => Err(failure),
                _ => Ok((Action::Deleted, Left::Nothing)),
            },
            Err(failure) => Err(failure),
        }
    }

    /// The object, in whichever version its kind is served now; none when it or its kind is gone.
    async fn find(&self, entry: &Entry) -> Result<Option<(Arc<Resolved>, Manifest)>, ApiFailure> {
        let resolved = self.discovery.resolve(&self.client, &entry.api_version(), &entry.id.kind).await;
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(DiscoveryError::NoMatch { .. }) => {
                let served = self.discovery.served(&self.client, &entry.id.group, &entry.id.kind).await?;
                let Some(resolved) = served else { return Ok(None) };
                resolved
            }
            Err(DiscoveryError::Api { source, .. }) => return Err(source),
        };
        let live = self.paced(|| request::get(&self.client, place(&resolved, &entry.id))).await?;
        Ok(live.map(|live| (resolved, live)))
    }

    async fn terminated(&self, entry: &Entry) {
        loop {
            match self.find(entry).await {
                Ok(None) => return,
                Ok(Some((resolved, live))) => {
                    return gone::wait(&self.client, place(&resolved, &entry.id), live.uid()).await;
                }
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }
}

/// How long after a failed request an object is looked for again.
const RETRY: Duration = Duration::from_secs(2);
/// How many objects are waited for at the same time; each takes a connection.
const MAX_WAITS: usize = 32;

fn may_delete(live: &Manifest, owner: &Owner, marks: &Marks) -> bool {
    owner.owns(live) && !marks.is_kept(live)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(labels: Value, annotations: Value, expected: bool) {
        let owner =
            Owner { group: "kustomize.toolkit.fluxcd.io".into(), name: "apps".into(), namespace: "flux".into() };
        let mut metadata = json!({"name": "x"});
        metadata["labels"] = labels;
        metadata["annotations"] = annotations;
        let live = Manifest::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap();
        assert_eq!(may_delete(&live, &owner, &Marks::of(&owner.group)), expected, "{live:?}");
    }

    #[test]
    fn only_unmarked_objects_of_the_owner_are_deleted() {
        let mine = json!({"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"});
        check(mine.clone(), json!({}), true);
        check(mine.clone(), json!({"kustomize.toolkit.fluxcd.io/prune": "Disabled"}), false);
        check(mine.clone(), json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}), false);
        check(mine.clone(), json!({"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}), false);
        check(mine, json!({"kustomize.toolkit.fluxcd.io/ssa": "Merge"}), true);
        check(json!({}), json!({}), false);
        let others = json!({"kustomize.toolkit.fluxcd.io/name": "b", "kustomize.toolkit.fluxcd.io/namespace": "flux"});
        check(others, json!({}), false);
    }
}
