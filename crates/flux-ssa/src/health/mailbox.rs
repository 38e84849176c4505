//! What watches tell one wait: the latest of each object, so that it never grows beyond what is waited for.

use std::collections::HashMap;
use std::sync::Arc;

use flux_objects::{Manifest, ObjectId};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What was seen of an object.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// It is like this.
    Object(Arc<Manifest>),
    /// It was deleted.
    Deleted,
    /// It may be gone: a watch that began anew did not list it.
    Missed,
}

/// The box of one wait.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    latest: Mutex<Contents>,
    arrived: Notify,
}

#[derive(Debug, Default)]
pub(super) struct Contents {
    /// By object, the latest.
    pub(super) seen: HashMap<ObjectId, Seen>,
    /// Whether a watch ended because it is not allowed.
    pub(super) denied: bool,
}

impl Mailbox {
    /// Tells of an object; what was told of it before is replaced.
    pub(super) fn put(&self, id: &ObjectId, seen: Seen) {
        self.latest.lock().seen.insert(id.clone(), seen);
        self.arrived.notify_one();
    }

    /// Tells that a watch is not allowed.
    pub(super) fn deny(&self) {
        self.latest.lock().denied = true;
        self.arrived.notify_one();
    }

    /// Waits until there is something, and takes all of it.
    pub(super) async fn take(&self) -> Contents {
        loop {
            let contents = std::mem::take(&mut *self.latest.lock());
            if contents.denied || !contents.seen.is_empty() {
                return contents;
            }
            self.arrived.notified().await;
        }
    }
}
