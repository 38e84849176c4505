//! What watches tell one wait: the latest of each object, so that it never grows beyond what is waited for.

use std::collections::HashMap;
use std::sync::Arc;

use flux_objects::{Manifest, ObjectId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::pods::News;

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
    /// By workload, what was told of its Pods.
    pub(super) pods: HashMap<ObjectId, News>,
    /// Whether a watch ended because it is not allowed.
    pub(super) denied: bool,
}

impl Mailbox {
    /// Tells of an object; what was told of it before is replaced.
    pub(super) fn put(&self, id: &ObjectId, seen: Seen) {
        self.latest.lock().seen.insert(id.clone(), seen);
        self.arrived.notify_one();
    }

    /// Tells why a Pod of a workload fails, or that it does not.
    pub(super) fn put_pod(&self, workload: &ObjectId, pod: &str, failure: Option<String>) {
        self.latest.lock().pods.entry(workload.clone()).or_default().pods.insert(pod.to_owned(), failure);
        self.arrived.notify_one();
    }

    /// Tells that the Pods of a workload are told anew from here on.
    pub(super) fn forget_pods(&self, workload: &ObjectId) {
        self.latest.lock().pods.insert(workload.clone(), News { afresh: true, ..News::default() });
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
            if contents.denied || !contents.seen.is_empty() || !contents.pods.is_empty() {
                return contents;
            }
            self.arrived.notified().await;
        }
    }
}
