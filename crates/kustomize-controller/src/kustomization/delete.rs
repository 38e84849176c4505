//! Deletes what an object applied, in the order in which that can be taken down.

use std::time::Duration;

use flux_api::kustomize::v1::Kustomization;
use flux_objects::{Change, ChangeSet, Deletion, Entry, ObjectId, Owner};
use flux_runtime::{Interrupted, Run};
use flux_ssa::{Failures, Pruned};

use super::cluster::Cluster;
use crate::step::{Step, reached};

/// What became of a deletion.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    /// What was done to each object that was tried.
    pub changes: ChangeSet,
    /// What is to be tried again.
    pub survivors: Vec<Entry>,
    /// Why, one text for each object that could not be deleted.
    pub failures: Failures,
    /// Objects that are still there after their deletion.
    pub terminating: Vec<Entry>,
    /// Objects that did not go in time, so that what they may need went before them.
    pub overdue: Vec<ObjectId>,
}

/// Whether a wait for objects to go may be cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A newer revision ends it.
    Interruptible,
    /// It lasts until its time is over.
    ToTheEnd,
}

/// Deletes `stale` wave after wave; objects that later waves wait for get `patience` each time, without a permit. What is left
/// when that is over, or when a newer revision comes, is in the answer.
pub(super) async fn delete(
    stale: Vec<Entry>,
    cluster: &Cluster,
    owner: &Owner,
    patience: Duration,
    wait: Wait,
    run: &Run<Kustomization>,
) -> (Deleted, Result<(), Interrupted>) {
    let deletion = Deletion::of(stale, &cluster.custom_stage_kinds);
    let mut deleted = Deleted::default();
    let mut waves = deletion.waves().iter().peekable();
    while let Some(wave) = waves.next() {
        deleted.took(cluster.applier.prune(wave.clone(), owner).await);
        if waves.peek().is_none() {
            break;
        }
        reached(Step::WavePruned).await;
        // What did not go in its time gets no more of it.
        let held: Vec<Entry> = deleted.awaited().filter(|entry| deletion.holds(&entry.id)).cloned().collect();
        if held.is_empty() {
            continue;
        }
        let gone = cluster.applier.wait_terminated(&held, patience);
        let gone = match wait {
            Wait::ToTheEnd => Ok(run.wait_uninterrupted(gone).await),
            Wait::Interruptible => run.wait(gone).await,
        };
        match gone {
            Ok(Ok(())) => deleted.terminating.retain(|entry| !held.contains(entry)),
            Ok(Err(late)) => {
                deleted.terminating.retain(|entry| !held.contains(entry) || late.0.contains(&entry.id));
                deleted.overdue.extend(late.0);
            }
            Err(interrupted) => {
                // What went on ahead is listed too: the next run has to wait for it as well.
                let held = deleted.terminating.iter().filter(|entry| deletion.holds(&entry.id));
                deleted.survivors.extend(held.chain(waves.flatten()).cloned());
                return (deleted, Err(interrupted));
            }
        }
    }
    (deleted, Ok(()))
}

impl Deleted {
    fn took(&mut self, pruned: Pruned) {
        let Pruned { changes, survivors, failures, terminating } = pruned;
        self.changes.extend::<Vec<Change>>(changes);
        self.survivors.extend(survivors);
        self.failures.extend(failures);
        self.terminating.extend(terminating);
    }

    /// Objects that are still there and were not waited for in vain.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &Entry> {
        self.terminating.iter().filter(|entry| !self.overdue.contains(&entry.id))
    }

    /// What a user is told of objects that did not go in time; none when all did.
    pub(super) fn overdue_text(&self) -> Option<String> {
        if self.overdue.is_empty() {
            return None;
        }
        let ids: Vec<String> = self.overdue.iter().map(ToString::to_string).collect();
        Some(format!("went on although these objects are still terminating:\n{}", ids.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_did_not_go_in_time_are_not_waited_for_again() {
        let entry = |name: &str| Entry {
            id: ObjectId::parse(&format!("apps_{name}__ConfigMap")).unwrap(),
            version: "v1".to_owned(),
        };
        let deleted = Deleted {
            terminating: vec![entry("stuck"), entry("going")],
            overdue: vec![entry("stuck").id],
            ..Deleted::default()
        };
        assert_eq!(deleted.awaited().cloned().collect::<Vec<_>>(), [entry("going")]);
        let text = deleted.overdue_text().unwrap();
        assert!(text.ends_with("still terminating:\nConfigMap/apps/stuck"), "{text}");
    }
}
