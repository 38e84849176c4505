//! What a wait knows of one object.

use std::sync::Arc;
use std::time::Duration;

use flux_objects::Manifest;
use flux_status::{SCHEDULE_WINDOW, State, Status, is_unschedulable, unscheduled};
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use super::pods::Pods;
use super::{Target, Terms};
use crate::Resolved;

pub(super) struct Object {
    pub(super) api_version: String,
    /// None while the kind is not served.
    pub(super) resolved: Option<Arc<Resolved>>,
    /// Whether the identity could read it the last time: only then may a watch of another identity tell of it.
    pub(super) readable: bool,
    /// Whether no watch tells of it.
    pub(super) polled: bool,
    /// The Pods of a workload whose own fields do not tell that they fail.
    pub(super) pods: Option<Pods>,
    vanishes: bool,
    /// Of the version that the status is of.
    resource_version: String,
    /// What its own fields say.
    status: Status,
    /// When it has failed if it is as it is until then.
    fails_at: Option<Instant>,
}

/// What reading one object gave.
pub(super) enum Read {
    Found(Arc<Resolved>, Manifest),
    Absent(Option<Arc<Resolved>>),
    /// Why not.
    Failed(Option<Arc<Resolved>>, String),
}

impl Object {
    pub(super) fn new(target: &Target) -> Self {
        Self {
            api_version: target.entry.api_version(),
            resolved: None,
            readable: false,
            polled: true,
            pods: None,
            vanishes: target.vanishes,
            resource_version: String::new(),
            status: Status::new(State::Unknown, ""),
            fails_at: None,
        }
    }

    /// How far it is, its Pods included.
    pub(super) fn status(&self) -> Status {
        let failure = self.pods.as_ref().filter(|_| self.status.state == State::InProgress).and_then(Pods::failure);
        failure.unwrap_or_else(|| self.status.clone())
    }

    /// The version that its status is of.
    pub(super) fn into_resource_version(self) -> String {
        self.resource_version
    }

    /// How far its own fields say it is.
    pub(super) fn state(&self) -> State {
        self.status.state
    }

    /// When it has failed if nothing changes until then.
    pub(super) fn fails_at(&self) -> Option<Instant> {
        self.fails_at
    }

    /// Takes it for failed if its time is over.
    pub(super) fn expire(&mut self) {
        if self.fails_at.is_some_and(|at| at <= Instant::now()) {
            self.fails_at = None;
            self.status = unscheduled();
        }
    }

    /// Takes the answer to a read, and says whether it is in another state than was known.
    pub(super) fn update(&mut self, read: Read, terms: &Terms<'_>, began: Instant) -> bool {
        let before = self.status.state;
        self.readable = matches!(read, Read::Found(..) | Read::Absent(_));
        match read {
            Read::Found(resolved, manifest) => {
                self.resolved = Some(resolved);
                self.see(&manifest, terms, began);
            }
            Read::Absent(resolved) => {
                self.resolved = resolved;
                self.miss();
            }
            Read::Failed(resolved, message) => {
                self.resolved = resolved;
                self.status = Status::new(State::Unknown, message);
            }
        }
        self.status.state != before
    }

    /// Takes the object as it was seen, unless something newer was seen already.
    pub(super) fn see(&mut self, manifest: &Manifest, terms: &Terms<'_>, began: Instant) {
        if is_older(manifest.resource_version(), &self.resource_version) {
            return;
        }
        manifest.resource_version().clone_into(&mut self.resource_version);
        self.vanishes |= crate::plan::vanishes(manifest);
        self.status = terms.rules.status(manifest.as_map());
        self.fails_at = None;
        if terms.rules.decide(manifest.as_map()) {
            return;
        }
        if is_unschedulable(manifest.as_map()) {
            self.fails_at = Some(began + time_to_schedule(manifest, terms.now));
            self.expire();
        }
        self.pods = Pods::of(manifest, self.pods.take());
    }

    pub(super) fn miss(&mut self) {
        self.fails_at = None;
        self.pods = None;
        self.status = if self.vanishes {
            Status::new(State::Current, "Job was deleted after it finished")
        } else {
            Status::new(State::NotFound, "")
        };
    }

    /// Forgets how far it is until it is read again.
    pub(super) fn doubt(&mut self) {
        self.status = Status::new(State::Unknown, "");
    }
}

/// How long after `now` a Pod that no node fits counts as in progress.
fn time_to_schedule(pod: &Manifest, now: Timestamp) -> Duration {
    let metadata = pod.as_map().get("metadata");
    let created = metadata.and_then(|metadata| metadata.get("creationTimestamp")).and_then(serde_json::Value::as_str);
    let created = created.and_then(|text| text.parse::<Timestamp>().ok()).unwrap_or(now);
    let over = created.saturating_add(SCHEDULE_WINDOW).unwrap_or(now);
    Duration::try_from(over.duration_since(now)).unwrap_or_default().min(SCHEDULE_WINDOW * 2)
}

/// Whether a version comes before another. Versions of one kind are numbers that grow; should one not be, it is taken as newer.
fn is_older(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_has_the_rest_of_its_window_to_be_scheduled() {
        let check = |created: &str, seconds: u64| {
            let metadata = json!({"name": "a", "creationTimestamp": created});
            let pod = Manifest::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})).unwrap();
            let now = "2026-01-01T00:01:00Z".parse().unwrap();
            assert_eq!(time_to_schedule(&pod, now), Duration::from_secs(seconds), "{created}");
        };
        check("2026-01-01T00:01:00Z", 15);
        check("2026-01-01T00:00:50Z", 5);
        check("2026-01-01T00:00:00Z", 0);
        check("not a time", 15);
        // A clock that goes wrong makes no wait endless.
        check("2036-01-01T00:00:00Z", 30);
    }
}
