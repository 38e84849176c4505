//! How an owner's objects were left, so that those that are still so need no request.
//!
//! For each object an owner's [`Known`] keeps what was desired, as a digest, and which version the object had when that was
//! last true of it. A watch of the metadata of all applied objects of a kind ([`LiveObjects`]) says which version it has now.
//! An object is taken to be as it was left when the same is desired on the same terms and its version is the same, or when
//! nothing but its status was written since. Whatever is not known for certain costs the requests that it always did.

mod live;
mod sight;

use std::collections::HashMap;
use std::sync::Arc;

use flux_objects::{Action, Change, Entry, Manifest, ObjectId};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::definitions::Edition;
use crate::plan::Work;
use crate::{Discovery, Resolved};
use live::Live;
pub use live::LiveObjects;
pub(crate) use sight::Sight;

/// A digest that stands for what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of `parts`, in their order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self::finish(hasher)
    }

    /// The fingerprint of a value as JSON; none when it has no such form.
    pub fn of_json<T: serde::Serialize + ?Sized>(value: &T) -> Option<Self> {
        let mut hashing = Hashing(Sha256::new());
        serde_json::to_writer(&mut hashing, value).ok()?;
        Some(Self::finish(hashing.0))
    }

    /// Its bytes, to make another one of.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn finish(hasher: Sha256) -> Self {
        let digest = hasher.finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }

    fn of_id(id: &ObjectId) -> Self {
        let ObjectId { namespace, name, group, kind } = id;
        Self::of([namespace, name, group, kind].map(String::as_bytes))
    }
}

/// Hashes what is written.
struct Hashing(Sha256);

impl std::io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How the objects of one owner were left: digests only.
#[derive(Debug, Default)]
pub struct Known {
    records: Mutex<HashMap<Fingerprint, Record>>,
}

/// How one object was left.
#[derive(Clone, Debug)]
struct Record {
    /// What was desired, and on which terms.
    desired: Fingerprint,
    /// How its kind was defined then.
    definitions: Option<Edition>,
    left: Left,
    vanishes: bool,
}

#[derive(Clone, Debug)]
enum Left {
    /// The desired object itself says that it is left alone, whatever is there.
    Alone,
    Seen {
        sight: Sight,
        /// Whether the object was left alone for a mark of its own.
        skipped: bool,
        /// The version in which it was ready.
        ready_in: Option<u64>,
        /// Tells which version there is now.
        live: Arc<Live>,
    },
}

/// What an [`Applier`](crate::Applier) needs to remember by.
#[derive(Clone, Debug)]
pub struct Memory {
    /// What is known of the owner's objects.
    pub known: Arc<Known>,
    /// What the cluster has now.
    pub live: LiveObjects,
    /// All that decides beside the object itself how it is applied: in whose name, and by which rules.
    pub terms: Fingerprint,
}

impl Known {
    /// Forgets everything, so that every object is looked at.
    pub fn clear(&self) {
        self.records.lock().clear();
    }

    /// Forgets all objects but these.
    pub fn retain<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) {
        let kept: std::collections::HashSet<_> =
            entries.into_iter().map(|entry| Fingerprint::of_id(&entry.id)).collect();
        self.records.lock().retain(|key, _| kept.contains(key));
    }

    /// How many objects are known.
    pub fn len(&self) -> usize {
        self.records.lock().len()
    }

    /// Whether no object is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The outcome of applying all of them again, where every one is as it was left; otherwise none. What is desired must be
    /// what it was.
    pub fn as_left<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a Entry>,
        discovery: &Discovery,
    ) -> Option<Vec<Change>> {
        let records = self.records.lock();
        let change = |entry: &Entry| {
            let key = Fingerprint::of_id(&entry.id);
            let record =
                records.get(&key).filter(|record| record.is_defined_as(discovery.edition_of(&entry.id.group)))?;
            let (action, settled) = match record.left.now(key)? {
                Now::Skipped => (Action::Skipped, false),
                Now::Unchanged { settled } => (Action::Unchanged, settled),
            };
            Some(Change { entry: entry.clone(), action, settled, vanishes: record.vanishes })
        };
        entries.into_iter().map(change).collect()
    }

    /// Notes that an object was ready in that version.
    pub fn was_ready(&self, id: &ObjectId, resource_version: &str) {
        if let Some(Record { left: Left::Seen { ready_in, .. }, .. }) =
            self.records.lock().get_mut(&Fingerprint::of_id(id))
        {
            *ready_in = resource_version.parse().ok();
        }
    }

    fn find(&self, id: &ObjectId, desired: Fingerprint, definitions: Option<Edition>) -> Option<Now> {
        let (records, key) = (self.records.lock(), Fingerprint::of_id(id));
        let record = records.get(&key)?;
        if record.desired == desired && record.is_defined_as(definitions) { record.left.now(key) } else { None }
    }
}

impl Record {
    /// Whether the kind is known to be the same as it was. For what is left alone in any case that does not matter.
    fn is_defined_as(&self, definitions: Option<Edition>) -> bool {
        match self.left {
            Left::Alone => true,
            Left::Seen { .. } => definitions.is_some() && self.definitions == definitions,
        }
    }
}

/// What an object that is as it was left needs.
enum Now {
    Skipped,
    Unchanged {
        /// Whether it is known to be ready.
        settled: bool,
    },
}

impl Left {
    fn now(&self, key: Fingerprint) -> Option<Now> {
        match self {
            Self::Alone => Some(Now::Skipped),
            Self::Seen { sight, skipped, ready_in, live } => {
                let version = live.version_of(key, sight)?;
                let settled = *ready_in == Some(version);
                Some(if *skipped { Now::Skipped } else { Now::Unchanged { settled } })
            }
        }
    }
}

impl Memory {
    /// What `desired` is told by: the object and the terms.
    pub(crate) fn mark(&self, desired: &Manifest) -> Option<Fingerprint> {
        let object = Fingerprint::of_json(desired)?;
        Some(Fingerprint::of([self.terms.as_bytes(), object.as_bytes()]))
    }

    /// What the object needs if that is known without a request.
    pub(crate) fn work(&self, id: &ObjectId, desired: Fingerprint, definitions: Option<Edition>) -> Option<Work> {
        Some(match self.known.find(id, desired, definitions)? {
            Now::Skipped => Work::Skip,
            Now::Unchanged { settled } => Work::Nothing { settled },
        })
    }

    /// Forgets an object that is about to change.
    pub(crate) fn forget(&self, id: &ObjectId) {
        self.known.records.lock().remove(&Fingerprint::of_id(id));
    }

    /// Remembers that an object is left alone, whatever is there.
    pub(crate) fn leave_alone(&self, id: &ObjectId, desired: Fingerprint) {
        let record = Record { desired, definitions: None, left: Left::Alone, vanishes: false };
        self.known.records.lock().insert(Fingerprint::of_id(id), record);
    }

    /// Remembers that `left` is how the object is to be.
    pub(crate) fn remember(&self, note: &Note<'_>, desired: Fingerprint, left: &Manifest) {
        let Note { id, resolved, definitions, vanishes, skipped, settled } = *note;
        let key = Fingerprint::of_id(id);
        let record = Sight::of(left).map(|sight| {
            let ready_in = settled.then_some(sight.version);
            let live = self.live.watch(resolved, &id.namespace);
            Record { desired, definitions, left: Left::Seen { sight, skipped, ready_in, live }, vanishes }
        });
        let mut records = self.known.records.lock();
        match record {
            Some(record) => drop(records.insert(key, record)),
            None => drop(records.remove(&key)),
        }
    }
}

/// What is remembered of an object beside its state.
#[derive(Clone, Copy)]
pub(crate) struct Note<'a> {
    pub(crate) id: &'a ObjectId,
    pub(crate) resolved: &'a Arc<Resolved>,
    /// How its kind was defined before it was planned.
    pub(crate) definitions: Option<Edition>,
    pub(crate) vanishes: bool,
    /// Whether it was left alone.
    pub(crate) skipped: bool,
    /// Whether it was seen to be ready.
    pub(crate) settled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: &[&str]| Fingerprint::of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
    }
}
