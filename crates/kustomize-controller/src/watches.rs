//! Which change wakes which Kustomization: an index kept from what the watches see and what the runs report.
//!
//! Three kinds of change wake an object beside an edit of its own: a new revision of its source, a change of a labelled
//! ConfigMap or Secret that it reads, and a dependency that became ready while the object waits for it. The first two also make a
//! run that merely waits out of date; the last does not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

use flux_runtime::ObjectKey;

/// An object that a Kustomization refers to: its kind and place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Referent {
    /// For example `GitRepository` or `Secret`.
    pub kind: String,
    /// Where it is.
    pub key: ObjectKey,
}

impl Referent {
    /// The object of `kind` at `key`.
    pub fn new(kind: impl Into<String>, key: ObjectKey) -> Self {
        Self { kind: kind.into(), key }
    }
}

impl fmt::Display for Referent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.key)
    }
}

/// What a Kustomization refers to, as its spec says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// The source of its manifests.
    pub source: Referent,
    /// The Kustomizations that must be ready first, and what is looked at in them.
    pub dependencies: BTreeMap<ObjectKey, Attention>,
    /// The ConfigMaps and Secrets that it reads.
    pub configs: BTreeSet<Referent>,
}

/// What a dependant looks at in a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Whether it is ready, and on which revision.
    Readiness,
    /// Anything: a readiness expression may read every field.
    Anything,
}

/// What dependants look at in a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Ready for its current generation.
    pub ready: bool,
    /// `status.lastAppliedRevision`.
    pub applied: Option<String>,
    /// The object's resource version.
    pub version: String,
}

impl Readiness {
    /// Whether a dependant with that attention may find what it waits for, where it did not in `before`.
    fn may_satisfy(&self, attention: Attention, before: Option<&Self>) -> bool {
        match attention {
            Attention::Readiness => {
                self.ready && before.is_none_or(|before| !before.ready || before.applied != self.applied)
            }
            Attention::Anything => before.is_none_or(|before| before.version != self.version),
        }
    }
}

/// Where the last run of a Kustomization is, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Looking at its source and dependencies.
    Checking,
    /// Ended because a dependency was not ready.
    Waiting,
    /// At work on a revision.
    Working(String),
    /// Ended with that revision in the cluster.
    Applied(String),
    /// Ended otherwise.
    Ended,
    /// Being deleted, and waiting for its dependents to go.
    Finalizing,
}

/// What is known of all Kustomizations and what they refer to.
#[derive(Debug, Default)]
pub struct Index {
    links: BTreeMap<ObjectKey, Links>,
    by_source: HashMap<Referent, BTreeSet<ObjectKey>>,
    by_dependency: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    by_config: HashMap<Referent, BTreeSet<ObjectKey>>,
    readiness: HashMap<ObjectKey, Readiness>,
    phases: HashMap<ObjectKey, Phase>,
    /// The last seen revision of a source, the last seen resource version of a config.
    versions: HashMap<Referent, String>,
}

impl Index {
    /// Takes a Kustomization as the API server has it, and returns the dependants that waited for it.
    pub fn kustomization(&mut self, key: &ObjectKey, links: Links, readiness: Readiness) -> Vec<ObjectKey> {
        self.relink(key, links);
        let woken = self.waiting_for(key, &readiness);
        self.readiness.insert(key.clone(), readiness);
        woken
    }

    /// Forgets a Kustomization that is gone, and returns the dependencies that waited for that to go themselves.
    pub fn kustomization_gone(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        let dependencies = self.links.get(key).into_iter().flat_map(|links| links.dependencies.keys());
        let waiting = dependencies.filter(|key| self.phases.get(*key) == Some(&Phase::Finalizing)).cloned().collect();
        self.unlink(key);
        self.readiness.remove(key);
        self.phases.remove(key);
        waiting
    }

    /// Takes the revision of a source's artifact, and returns the Kustomizations to which it is news.
    pub fn source(&mut self, source: &Referent, revision: &str) -> Vec<ObjectKey> {
        if !self.differs(source, revision) {
            return Vec::new();
        }
        let users = self.by_source.get(source).into_iter().flatten();
        let woken = users.filter(|key| match self.phases.get(*key) {
            Some(Phase::Working(at) | Phase::Applied(at)) => at != revision,
            Some(Phase::Checking | Phase::Waiting | Phase::Ended | Phase::Finalizing) | None => true,
        });
        self.ordered(&woken.cloned().collect())
    }

    /// Takes the resource version of a labelled ConfigMap or Secret, and returns the Kustomizations that read it.
    pub fn config(&mut self, config: &Referent, resource_version: &str) -> Vec<ObjectKey> {
        if !self.differs(config, resource_version) {
            return Vec::new();
        }
        self.by_config.get(config).map(|keys| self.ordered(keys)).unwrap_or_default()
    }

    /// Forgets a source, ConfigMap or Secret that is gone, so that its return is news.
    pub fn referent_gone(&mut self, referent: &Referent) {
        self.versions.remove(referent);
    }

    /// Forgets the sources or configs of `kind` that a fresh listing did not have.
    pub fn relisted(&mut self, kind: &str, present: &HashSet<ObjectKey>) {
        self.versions.retain(|referent, _| referent.kind != kind || present.contains(&referent.key));
    }

    /// A run begins to look at its source and dependencies. Until it says more, every change is news to it. It brings what
    /// its object refers to, since it may be ahead of the watch that does.
    pub fn run_checks(&mut self, key: &ObjectKey, links: Links) {
        self.relink(key, links);
        self.phases.insert(key.clone(), Phase::Checking);
    }

    /// The run found its dependencies ready and works on `revision`.
    pub fn run_works(&mut self, key: &ObjectKey, revision: &str) {
        self.phases.insert(key.clone(), Phase::Working(revision.to_owned()));
    }

    /// The run ended because a dependency is not ready.
    pub fn run_waits(&mut self, key: &ObjectKey) {
        self.phases.insert(key.clone(), Phase::Waiting);
    }

    /// The run ended with `revision` applied, or otherwise.
    pub fn run_ended(&mut self, key: &ObjectKey, applied: Option<&str>) {
        let phase = applied.map_or(Phase::Ended, |revision| Phase::Applied(revision.to_owned()));
        self.phases.insert(key.clone(), phase);
    }

    /// A run begins to finalise the object. Returns its dependents but for those that it depends on itself, directly or not.
    pub fn run_finalizes(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        self.phases.insert(key.clone(), Phase::Finalizing);
        let above = self.all_dependencies(key);
        let dependents = self.by_dependency.get(key).into_iter().flatten();
        dependents.filter(|dependent| !above.contains(*dependent)).cloned().collect()
    }

    /// The dependencies of `key`, theirs, and so on; itself where they lead back to it.
    fn all_dependencies(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let mut found = BTreeSet::new();
        let mut next = vec![key];
        while let Some(key) = next.pop() {
            for dependency in self.links.get(key).into_iter().flat_map(|links| links.dependencies.keys()) {
                if found.insert(dependency.clone()) {
                    next.push(dependency);
                }
            }
        }
        found
    }

    /// The dependants of `key` to which its new readiness may matter: their run looks at it just now, or ended because a
    /// dependency was not ready.
    fn waiting_for(&self, key: &ObjectKey, now: &Readiness) -> Vec<ObjectKey> {
        let before = self.readiness.get(key);
        let dependants = self.by_dependency.get(key).into_iter().flatten();
        let waiting = dependants.filter(|dependant| {
            let attention = self.links.get(*dependant).and_then(|links| links.dependencies.get(key));
            matches!(self.phases.get(*dependant), Some(Phase::Checking | Phase::Waiting))
                && attention.is_some_and(|attention| now.may_satisfy(*attention, before))
        });
        waiting.cloned().collect()
    }

    /// Whether that version of `referent` is not the one seen last; it is from now on.
    fn differs(&mut self, referent: &Referent, version: &str) -> bool {
        if self.versions.get(referent).is_some_and(|seen| seen == version) {
            return false;
        }
        self.versions.insert(referent.clone(), version.to_owned());
        true
    }

    /// `keys` with each dependency before its dependants; members of a cycle keep the order of their names.
    fn ordered(&self, keys: &BTreeSet<ObjectKey>) -> Vec<ObjectKey> {
        let mut ordered = Vec::with_capacity(keys.len());
        let mut done: HashSet<&ObjectKey> = HashSet::new();
        // An explicit stack: chains of dependencies may be long, and the spec does not bound them.
        for root in keys {
            let mut stack = vec![(root, false)];
            while let Some((key, expanded)) = stack.pop() {
                if expanded {
                    ordered.push(key.clone());
                    continue;
                }
                if !done.insert(key) {
                    continue;
                }
                stack.push((key, true));
                let dependencies = self.links.get(key).into_iter().flat_map(|links| links.dependencies.keys());
                stack.extend(dependencies.filter_map(|dependency| keys.get(dependency)).map(|key| (key, false)));
            }
        }
        ordered
    }

    fn relink(&mut self, key: &ObjectKey, links: Links) {
        if self.links.get(key) != Some(&links) {
            self.unlink(key);
            self.link(key, links);
        }
    }

    fn link(&mut self, key: &ObjectKey, links: Links) {
        self.by_source.entry(links.source.clone()).or_default().insert(key.clone());
        for dependency in links.dependencies.keys() {
            self.by_dependency.entry(dependency.clone()).or_default().insert(key.clone());
        }
        for config in &links.configs {
            self.by_config.entry(config.clone()).or_default().insert(key.clone());
        }
        self.links.insert(key.clone(), links);
    }

    fn unlink(&mut self, key: &ObjectKey) {
        let Some(links) = self.links.remove(key) else { return };
        take(&mut self.by_source, &links.source, key);
        for dependency in links.dependencies.keys() {
            take(&mut self.by_dependency, dependency, key);
        }
        for config in &links.configs {
            take(&mut self.by_config, config, key);
        }
    }
}

/// Removes `key` from the set at `place`, and the set when it was the last.
fn take<K: Eq + Hash>(map: &mut HashMap<K, BTreeSet<ObjectKey>>, place: &K, key: &ObjectKey) {
    if let Some(set) = map.get_mut(place) {
        set.remove(key);
        if set.is_empty() {
            map.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("apps", name)
    }

    fn git() -> Referent {
        Referent::new("GitRepository", key("repo"))
    }

    fn secret() -> Referent {
        Referent::new("Secret", key("vars"))
    }

    fn links(dependencies: &[&str]) -> Links {
        Links {
            source: git(),
            dependencies: dependencies.iter().map(|name| (key(name), Attention::Readiness)).collect(),
            configs: BTreeSet::new(),
        }
    }

    fn ready(version: &str) -> Readiness {
        Readiness { ready: true, applied: Some("main@sha1:1".to_owned()), version: version.to_owned() }
    }

    fn names(woken: &[ObjectKey]) -> Vec<&str> {
        woken.iter().map(|key| key.name.as_str()).collect()
    }

    /// An index of Kustomizations, each with its dependencies, that all read the same repository.
    fn index(objects: &[(&str, &[&str])]) -> Index {
        let mut index = Index::default();
        for (name, dependencies) in objects {
            index.kustomization(&key(name), links(dependencies), Readiness::default());
        }
        index
    }

    #[test]
    fn a_new_revision_wakes_dependencies_before_dependants() {
        let mut index = index(&[("a", &["c"]), ("b", &["a"]), ("c", &[]), ("d", &["gone"])]);

        assert_eq!(names(&index.source(&git(), "main@sha1:1")), ["c", "a", "b", "d"]);
    }

    #[test]
    fn members_of_a_cycle_are_woken_too() {
        let mut index = index(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]);

        let mut woken = index.source(&git(), "main@sha1:1");
        woken.sort();
        assert_eq!(names(&woken), ["a", "b", "c"]);
    }

    #[test]
    fn the_same_revision_again_wakes_nobody() {
        let mut index = index(&[("a", &[])]);

        assert_eq!(names(&index.source(&git(), "main@sha1:1")), ["a"]);
        assert!(index.source(&git(), "main@sha1:1").is_empty());
        assert_eq!(names(&index.source(&git(), "main@sha1:2")), ["a"]);
    }

    #[test]
    fn a_source_that_came_back_wakes_again() {
        let mut index = index(&[("a", &[])]);
        index.source(&git(), "main@sha1:1");

        index.referent_gone(&git());
        assert_eq!(names(&index.source(&git(), "main@sha1:1")), ["a"]);

        index.relisted("GitRepository", &HashSet::new());
        assert_eq!(names(&index.source(&git(), "main@sha1:1")), ["a"]);

        index.relisted("GitRepository", &HashSet::from([key("repo")]));
        index.relisted("Bucket", &HashSet::new());
        assert!(index.source(&git(), "main@sha1:1").is_empty());
    }

    #[test]
    fn a_run_that_has_the_revision_is_not_woken_by_it() {
        let mut index = index(&[("applied", &[]), ("failed", &[]), ("old", &[]), ("working", &[])]);
        index.run_works(&key("working"), "main@sha1:2");
        index.run_works(&key("old"), "main@sha1:1");
        index.run_ended(&key("applied"), Some("main@sha1:2"));
        index.run_ended(&key("failed"), None);

        assert_eq!(names(&index.source(&git(), "main@sha1:2")), ["failed", "old"]);
    }

    #[test]
    fn a_ready_dependency_wakes_those_that_wait_for_it_and_nobody_else() {
        let mut index = index(&[
            ("base", &[]),
            ("applied", &["base"]),
            ("checking", &["base"]),
            ("other", &["applied"]),
            ("waiting", &["base"]),
            ("working", &["base"]),
        ]);
        index.run_ended(&key("applied"), Some("main@sha1:1"));
        index.run_checks(&key("checking"), links(&["base"]));
        index.run_waits(&key("other"));
        index.run_waits(&key("waiting"));
        index.run_works(&key("working"), "main@sha1:1");

        let woken = index.kustomization(&key("base"), links(&[]), ready("2"));

        assert_eq!(names(&woken), ["checking", "waiting"]);
    }

    #[test]
    fn progress_of_a_dependency_wakes_only_those_with_an_expression() {
        let mut index = index(&[("base", &[]), ("plain", &["base"])]);
        let expression = Links { dependencies: BTreeMap::from([(key("base"), Attention::Anything)]), ..links(&[]) };
        index.kustomization(&key("expression"), expression, Readiness::default());
        index.run_waits(&key("plain"));
        index.run_waits(&key("expression"));
        let mut at = |ready: bool, version: &str| {
            let readiness = Readiness { ready, applied: None, version: version.to_owned() };
            index
                .kustomization(&key("base"), links(&[]), readiness)
                .iter()
                .map(|key| key.name.clone())
                .collect::<Vec<_>>()
        };

        assert_eq!(at(false, "2"), ["expression"]);
        assert_eq!(at(true, "3"), ["expression", "plain"]);
        assert_eq!(at(true, "4"), ["expression"]);
        assert_eq!(at(true, "4"), [""; 0]);
    }

    #[test]
    fn a_dependency_ready_on_a_new_revision_wakes_again() {
        let mut index = index(&[("base", &[]), ("app", &["base"])]);
        index.kustomization(&key("base"), links(&[]), ready("2"));
        index.run_waits(&key("app"));

        let newer = Readiness { applied: Some("main@sha1:2".to_owned()), ..ready("3") };

        assert_eq!(names(&index.kustomization(&key("base"), links(&[]), newer)), ["app"]);
    }

    #[test]
    fn a_dependant_waits_for_its_new_dependencies_after_an_edit() {
        let mut index = index(&[("old", &[]), ("new", &[]), ("app", &["old"])]);
        index.run_waits(&key("app"));

        index.kustomization(&key("app"), links(&["new"]), Readiness::default());

        assert!(index.kustomization(&key("old"), links(&[]), ready("2")).is_empty());
        assert_eq!(names(&index.kustomization(&key("new"), links(&[]), ready("3"))), ["app"]);
    }

    #[test]
    fn a_labelled_secret_wakes_its_readers_once_a_change() {
        let mut index = index(&[("a", &[]), ("b", &["a"])]);
        for (name, dependencies) in [("a", &[] as &[&str]), ("b", &["a"])] {
            let links = Links { configs: BTreeSet::from([secret()]), ..links(dependencies) };
            index.kustomization(&key(name), links, Readiness::default());
        }

        assert_eq!(names(&index.config(&secret(), "7")), ["a", "b"]);
        assert!(index.config(&secret(), "7").is_empty());
        assert_eq!(names(&index.config(&secret(), "8")), ["a", "b"]);
    }

    #[test]
    fn an_object_that_is_deleted_gives_way_to_its_dependents_but_to_none_in_a_circle() {
        let mut index = index(&[("base", &["c"]), ("a", &["base"]), ("b", &["base"]), ("c", &["b"])]);

        assert_eq!(names(&index.run_finalizes(&key("base"))), ["a"]);
        assert_eq!(names(&index.kustomization_gone(&key("a"))), ["base"]);
        index.run_ended(&key("base"), None);
        assert!(index.kustomization_gone(&key("b")).is_empty());
    }

    #[test]
    fn an_object_that_is_gone_is_not_woken() {
        let mut index = index(&[("a", &[]), ("b", &[])]);

        index.kustomization_gone(&key("a"));

        assert_eq!(names(&index.source(&git(), "main@sha1:1")), ["b"]);
    }
}
