//! What is kept between the runs of an object, so that a run that would do nothing new does nothing.
//!
//! A run that ended well leaves behind what its build read, as digests, and how each of its objects was left. The next run
//! compares: where all that the build would read is the same, there is nothing to build; where every object is as it was left,
//! there is nothing to apply. It is kept in memory alone, so that the first run after a start does everything once. Every
//! `--drift-sweep-interval` an object's next run takes nothing for granted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{RECONCILE_REQUEST_ANNOTATION, ResourceInventory};
use flux_files::Reads;
use flux_objects::{ChangeSet, Inventory};
use flux_runtime::{Masker, ObjectKey};
use flux_ssa::{Discovery, Fingerprint, Known, Ready};
use kube::ResourceExt as _;
use parking_lot::Mutex;

use super::variables::Variables;

/// The annotation in which kubectl keeps a second copy of an object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The most that one build may ask of files for it to be remembered.
const MOST_READS: usize = 100_000;
/// The longest time between two sweeps, whatever the flag says.
const LONGEST_SWEEP: Duration = Duration::from_hours(24 * 365);
/// In how many steps of a 64th of the interval sweeps may come early, so that not all objects are swept at once.
const STEPS: u32 = 8;

/// What is kept of each object, and the uid that it has.
type ByObject = HashMap<ObjectKey, (String, Arc<Kept>)>;

/// What is kept of all objects. Clones share it.
#[derive(Clone, Debug)]
pub struct Memories {
    sweep_interval: Duration,
    kept: Arc<Mutex<ByObject>>,
}

/// What is kept of one object.
#[derive(Debug)]
pub(super) struct Kept {
    /// How its objects were left; none where nothing is kept.
    known: Option<Arc<Known>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sweep_at: Instant,
    last: Option<Arc<Last>>,
}

/// A run that ended well.
#[derive(Debug)]
pub(super) struct Last {
    /// What the run depended on beside files.
    pub(super) inputs: Fingerprint,
    /// The digest of the artifact that it, or one that changed nothing since, was built from.
    pub(super) artifact: String,
    /// What it read of the artifact.
    pub(super) reads: Arc<Reads>,
    /// The digest of what was built.
    pub(super) digest: String,
    /// The inventory that it left in the status.
    pub(super) inventory: Option<Fingerprint>,
    /// What it decrypted, which later runs must not show either although they decrypt nothing.
    pub(super) secrets: Option<Masker>,
}

impl Memories {
    /// Keeps nothing yet. Without an interval nothing is ever kept.
    pub fn new(sweep_interval: Duration) -> Self {
        Self { sweep_interval, kept: Arc::default() }
    }

    /// What is kept of `object`, for a run that begins now; nothing when the run is to take nothing for granted.
    pub(super) fn of(&self, object: &Kustomization, now: Instant) -> Arc<Kept> {
        let key = ObjectKey::of(object);
        let uid = object.uid().unwrap_or_default();
        let mut all = self.kept.lock();
        let known = all.get(&key).filter(|(kept_of, _)| *kept_of == uid);
        let new = || Arc::new(Kept::new(!self.sweep_interval.is_zero(), self.next_sweep(&key, now)));
        let kept = known.map_or_else(new, |(_, kept)| Arc::clone(kept));
        if kept.is_swept_by(now) {
            kept.sweep(self.next_sweep(&key, now));
        }
        all.insert(key, (uid, Arc::clone(&kept)));
        kept
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.kept.lock().remove(key);
    }

    /// Up to an eighth of the interval early, by the object's name.
    fn next_sweep(&self, key: &ObjectKey, now: Instant) -> Instant {
        let name = Fingerprint::of([key.namespace.as_bytes(), key.name.as_bytes()]);
        let early = name.as_bytes().first().map_or(0, |byte| u32::from(*byte) % STEPS);
        let whole = self.sweep_interval.min(LONGEST_SWEEP);
        now + whole.saturating_sub(whole / 64 * early)
    }
}

impl Kept {
    fn new(remembers: bool, sweep_at: Instant) -> Self {
        Self { known: remembers.then(Arc::default), state: Mutex::new(State { sweep_at, last: None }) }
    }

    /// How its objects were left.
    pub(super) fn known(&self) -> Option<&Arc<Known>> {
        self.known.as_ref()
    }

    /// The last run, if it ended well.
    pub(super) fn last(&self) -> Option<Arc<Last>> {
        self.state.lock().last.clone()
    }

    /// A run begins to change things: until it ends well, none has.
    pub(super) fn begin(&self) {
        self.state.lock().last = None;
    }

    /// A run ended well with those objects applied.
    pub(super) fn learn(&self, last: Last, applied: &Inventory) {
        let applied: Vec<_> = applied.iter().collect();
        let Some(known) = &self.known else { return };
        known.retain(&applied);
        if last.reads.len() <= MOST_READS {
            self.state.lock().last = Some(Arc::new(last));
        }
    }

    /// Notes in which version objects were found to be ready.
    pub(super) fn were_ready(&self, ready: &[Ready]) {
        for Ready { id, resource_version } in ready {
            self.known.iter().for_each(|known| known.was_ready(id, resource_version));
        }
    }

    fn is_swept_by(&self, now: Instant) -> bool {
        self.state.lock().sweep_at <= now
    }

    fn sweep(&self, next: Instant) {
        self.known.iter().for_each(|known| known.clear());
        *self.state.lock() = State { sweep_at: next, last: None };
    }
}

impl Last {
    /// The outcome of applying what was built again, if every object is as the run left it and listed as it left it.
    pub(super) fn applied(
        &self,
        kept: &Kept,
        discovery: &Discovery,
        inventory: Option<&ResourceInventory>,
        listed: &Inventory,
    ) -> Option<ChangeSet> {
        if self.inventory != listed_as(inventory) {
            return None;
        }
        let entries: Vec<_> = listed.iter().collect();
        kept.known()?.as_left(&entries, discovery).map(|changes| ChangeSet { changes })
    }

    /// The same run, with another artifact that made no difference.
    pub(super) fn with_artifact(&self, digest: &str) -> Self {
        let Self { inputs, artifact: _, reads, digest: built, inventory, secrets } = self;
        Self {
            inputs: *inputs,
            artifact: digest.to_owned(),
            reads: Arc::clone(reads),
            digest: built.clone(),
            inventory: *inventory,
            secrets: secrets.clone(),
        }
    }
}

/// What an inventory in a status is told by.
pub(super) fn listed_as(inventory: Option<&ResourceInventory>) -> Option<Fingerprint> {
    Fingerprint::of_json(&inventory?)
}

/// What a run of `object` depends on beside files: the object as its author wrote it, the cluster and identity, the variables and
/// the keys.
pub(super) fn inputs(
    object: &Kustomization,
    cluster: Fingerprint,
    variables: &Variables,
    keys: Option<Fingerprint>,
) -> Option<Fingerprint> {
    let own = |key: &&String| *key != RECONCILE_REQUEST_ANNOTATION && *key != LAST_APPLIED;
    let annotations: BTreeMap<_, _> = object.annotations().iter().filter(|(key, _)| own(key)).collect();
    let written = Fingerprint::of_json(&(&object.metadata.uid, object.metadata.generation, annotations))?;
    let variables = Fingerprint::of_json(variables.as_map())?;
    let keys = keys.as_ref().map(Fingerprint::as_bytes).unwrap_or_default();
    Some(Fingerprint::of([written.as_bytes(), cluster.as_bytes(), variables.as_bytes(), keys]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use flux_files::ReadLog;
    use serde_json::json;

    use super::*;

    fn object(name: &str, uid: &str) -> Kustomization {
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "apps", "uid": uid, "generation": 1},
            "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
        }))
        .unwrap()
    }

    fn learned(kept: &Kept) {
        let last = Last {
            inputs: Fingerprint::of([]),
            artifact: String::new(),
            reads: Arc::new(ReadLog::default().reads()),
            digest: String::new(),
            inventory: None,
            secrets: None,
        };
        kept.learn(last, &Inventory::default());
    }

    /// Whether what a run leaves behind is there for the next one, which is `later` and of an object with that uid.
    fn check(interval: Duration, later: Duration, uid: &str, expected: bool) {
        let (memories, began) = (Memories::new(interval), Instant::now());
        learned(&memories.of(&object("app", "a"), began));
        assert_eq!(memories.of(&object("app", uid), began + later).last().is_some(), expected, "{later:?} {uid}");
    }

    #[test]
    fn a_run_finds_what_the_last_one_left_until_the_next_sweep() {
        let hour = Duration::from_hours(1);
        check(hour, Duration::from_mins(50), "a", true);
        check(hour, hour, "a", false);
        check(hour, Duration::ZERO, "another", false);
        check(Duration::ZERO, Duration::ZERO, "a", false);
        check(Duration::MAX, hour, "a", true);
    }

    #[test]
    fn a_run_that_has_begun_and_not_ended_leaves_nothing() {
        let memories = Memories::new(Duration::from_hours(1));
        let kept = memories.of(&object("app", "a"), Instant::now());
        learned(&kept);
        kept.begin();
        assert!(memories.of(&object("app", "a"), Instant::now()).last().is_none());
        learned(&kept);
        memories.forget(&ObjectKey::new("apps", "app"));
        assert!(memories.of(&object("app", "a"), Instant::now()).last().is_none());
    }

    #[test]
    fn sweeps_of_many_objects_do_not_fall_together() {
        let (memories, now) = (Memories::new(Duration::from_hours(1)), Instant::now());
        let at: BTreeSet<_> =
            (0..100).map(|n| memories.next_sweep(&ObjectKey::new("apps", n.to_string()), now) - now).collect();
        assert!(at.len() > 4, "{at:?}");
        assert!(at.iter().all(|at| *at > Duration::from_mins(53) && *at <= Duration::from_hours(1)), "{at:?}");
    }

    #[test]
    fn what_a_run_depends_on_is_told_apart() {
        let cluster = |name: &str| Fingerprint::of([name.as_bytes()]);
        let variables = |value: &str| Variables::merge([BTreeMap::from([("A".to_owned(), value.to_owned())])]).unwrap();
        let of = |object: &Kustomization, name: &str, value: &str, keys: Option<&str>| {
            inputs(object, cluster(name), &variables(value), keys.map(cluster)).unwrap()
        };
        let plain = object("app", "a");
        let mut requested = plain.clone();
        requested.annotations_mut().insert(RECONCILE_REQUEST_ANNOTATION.to_owned(), "now".to_owned());
        let mut annotated = plain.clone();
        annotated.annotations_mut().insert("kustomize.toolkit.fluxcd.io/drift".to_owned(), "warn".to_owned());
        let mut edited = plain.clone();
        edited.metadata.generation = Some(2);

        let same = of(&plain, "own", "1", None);
        assert_eq!(of(&requested, "own", "1", None), same);
        let others = [
            of(&annotated, "own", "1", None),
            of(&edited, "own", "1", None),
            of(&plain, "other", "1", None),
            of(&plain, "own", "2", None),
            of(&plain, "own", "1", Some("secret")),
        ];
        let distinct: BTreeSet<_> = others.into_iter().chain([same]).collect();
        assert_eq!(distinct.len(), 6);
    }
}
