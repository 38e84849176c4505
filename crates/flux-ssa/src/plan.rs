//! What each object of a stage needs: decided from the desired object, the live one and the dry run, without a request.

use std::fmt;
use std::sync::Arc;

use flux_objects::{
    Action, Adjustment, Change, Entry, IgnoreRules, Manifest, Marks, ObjectId, StageKind, differences, drifted,
};
use flux_status::{HealthRules, State};

use crate::definitions::Edition;
use crate::{ApiFailure, Fingerprint, Resolved};

/// How many of the fields in which an object differs are told.
const FIELDS: usize = 3;

/// What to do with each object of one stage. Every object passed its dry run.
#[derive(Debug)]
pub struct Plan {
    pub(crate) kind: StageKind,
    pub(crate) steps: Vec<Step>,
}

/// One object of a plan.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) entry: Entry,
    pub(crate) resolved: Arc<Resolved>,
    pub(crate) vanishes: bool,
    /// What the desired object is remembered by.
    pub(crate) mark: Option<Fingerprint>,
    /// How its kind was defined before this was planned.
    pub(crate) definitions: Option<Edition>,
    pub(crate) work: Work,
}

/// What one object needs.
#[derive(Debug, PartialEq)]
pub(crate) enum Work {
    /// Its marks say to leave it alone.
    Skip,
    /// It is as desired.
    Nothing {
        /// Whether it is ready too.
        settled: bool,
    },
    /// It is not there.
    Create(Manifest),
    /// It differs.
    Configure {
        /// What to apply.
        payload: Manifest,
        /// Whether other managers' metadata is taken over first.
        take_over: bool,
        /// Some of the fields in which it differs; none where only metadata is taken over.
        fields: Vec<String>,
    },
    /// A field differs that cannot be changed.
    Recreate {
        /// What to apply.
        payload: Manifest,
        /// The object to delete.
        uid: String,
    },
}

impl Plan {
    /// The inventory entries of all objects, those that stay as they are too: what is to be recorded before the plan
    /// is carried out.
    pub fn entries(&self) -> Vec<Entry> {
        self.steps.iter().map(|step| step.entry.clone()).collect()
    }

    /// Which objects these are.
    pub fn kind(&self) -> StageKind {
        self.kind
    }

    /// The objects that are not as desired, for a caller that only wants to know.
    pub fn drift(&self) -> Vec<Drift> {
        let drift = |step: &Step| {
            let state = match &step.work {
                Work::Skip | Work::Nothing { .. } => return None,
                Work::Configure { fields, .. } if fields.is_empty() => return None,
                Work::Configure { fields, .. } => Drifted::Differs(fields.clone()),
                Work::Create(_) => Drifted::Missing,
                Work::Recreate { .. } => Drifted::Immutable,
            };
            Some(Drift { id: step.entry.id.clone(), state })
        };
        self.steps.iter().filter_map(drift).collect()
    }

    /// Gives the plan up: what would have been written counts as skipped.
    pub fn leave(self) -> Vec<Change> {
        let left = |step: Step| match step.work {
            Work::Nothing { settled } => step.done(Action::Unchanged, settled),
            Work::Configure { ref fields, .. } if fields.is_empty() => step.done(Action::Unchanged, false),
            Work::Skip | Work::Create(_) | Work::Configure { .. } | Work::Recreate { .. } => {
                step.done(Action::Skipped, false)
            }
        };
        self.steps.into_iter().map(left).collect()
    }

    /// Whether carrying the plan out writes nothing.
    pub fn is_noop(&self) -> bool {
        self.steps.iter().all(|step| step.work.is_noop())
    }
}

impl Work {
    /// Whether nothing is written.
    pub(crate) fn is_noop(&self) -> bool {
        match self {
            Self::Skip | Self::Nothing { .. } => true,
            Self::Create(_) | Self::Configure { .. } | Self::Recreate { .. } => false,
        }
    }
}

/// An object that is not as desired. Displayed as `ConfigMap/apps/env differs in /data/a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Which object.
    pub id: ObjectId,
    /// How it is.
    pub state: Drifted,
}

/// How an object is not as desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drifted {
    /// It is not there.
    Missing,
    /// It differs in these fields, and perhaps in more.
    Differs(Vec<String>),
    /// It differs in a field that cannot be changed.
    Immutable,
}

impl fmt::Display for Drift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.id;
        match &self.state {
            Drifted::Missing => write!(formatter, "{id} is missing"),
            Drifted::Differs(fields) => write!(formatter, "{id} differs in {}", fields.join(", ")),
            Drifted::Immutable => write!(formatter, "{id} differs in a field that cannot be changed"),
        }
    }
}

impl Step {
    /// The step as it was carried out.
    pub(crate) fn done(&self, action: Action, settled: bool) -> Change {
        Change { entry: self.entry.clone(), action, settled, vanishes: self.vanishes }
    }
}

/// What decisions are made by.
pub(crate) struct Criteria<'a> {
    pub(crate) marks: &'a Marks,
    pub(crate) ignore: &'a IgnoreRules,
    pub(crate) health: &'a HealthRules,
    pub(crate) manager: &'a str,
    pub(crate) force: bool,
}

impl Criteria<'_> {
    /// Whether the object is left alone, whatever is there.
    pub(crate) fn leaves_alone(&self, desired: &Manifest) -> bool {
        self.marks.is_ignored(desired)
    }

    /// Whether the object is left alone because of what is there.
    pub(crate) fn skips(&self, desired: &Manifest, live: Option<&Manifest>) -> bool {
        live.is_some_and(|live| self.marks.is_ignored(live) || self.marks.is_create_only(desired))
    }

    /// Whether an object whose dry run failed may be deleted and created again.
    pub(crate) fn recreates(&self, desired: &Manifest, live: &Manifest, failure: &ApiFailure) -> bool {
        let forced = self.force || self.marks.is_forced(desired) || self.marks.is_forced(live);
        forced && failure.is_immutable()
    }

    /// Whether other managers' metadata may be taken over.
    pub(crate) fn takes_over(&self, desired: &Manifest, live: &Manifest) -> bool {
        !self.marks.is_merged(desired) && !self.marks.is_merged(live)
    }

    /// What an object needs whose dry run passed. `take_over`: whether other managers left something to take over.
    pub(crate) fn work(&self, desired: Manifest, live: Option<&Manifest>, dry_run: &Manifest, take_over: bool) -> Work {
        let Some(live) = live else { return Work::Create(desired) };
        if dry_run.resource_version().is_empty() {
            return Work::Create(desired);
        }
        if !take_over && !drifted(live, dry_run, self.ignore) {
            return Work::Nothing { settled: self.is_settled(live) };
        }
        let fields = differences(live, dry_run, self.ignore, FIELDS);
        let mut payload = desired;
        let adjustment: Adjustment = self.ignore.adjustment(live, dry_run, self.manager);
        adjustment.apply(&mut payload);
        Work::Configure { payload, take_over, fields }
    }

    /// Whether an object as it was read is ready.
    pub(crate) fn is_settled(&self, live: &Manifest) -> bool {
        self.health.status(live.as_map()).state == State::Current
    }
}

/// Whether the cluster deletes the object once it is done.
pub(crate) fn vanishes(manifest: &Manifest) -> bool {
    let ttl = || manifest.as_map().get("spec").and_then(|spec| spec.get("ttlSecondsAfterFinished"));
    manifest.group() == "batch" && manifest.kind() == "Job" && ttl().is_some_and(|ttl| !ttl.is_null())
}

#[cfg(test)]
mod tests {
    use flux_api::kustomize::v1::kustomization::IgnoreRule;
    use serde_json::{Value, json};

    use super::*;

    fn object(annotations: Value, data: &str, resource_version: &str) -> Manifest {
        let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": data, "b": "same"},
            "metadata": {"name": "x", "namespace": "apps", "uid": "u", "resourceVersion": resource_version}});
        value["metadata"]["annotations"] = annotations;
        Manifest::new(value).unwrap()
    }

    fn plain(data: &str, resource_version: &str) -> Manifest {
        object(json!({}), data, resource_version)
    }

    fn marked(key: &str, value: &str) -> Manifest {
        object(json!({format!("kustomize.toolkit.fluxcd.io/{key}"): value}), "1", "7")
    }

    fn decide<T>(force: bool, ignored: &[&str], decide: impl FnOnce(&Criteria<'_>) -> T) -> T {
        let rule = IgnoreRule { paths: ignored.iter().map(ToString::to_string).collect(), target: None };
        let criteria = Criteria {
            marks: &Marks::of("kustomize.toolkit.fluxcd.io"),
            ignore: &IgnoreRules::compile(&[rule]).unwrap(),
            health: &HealthRules::default(),
            manager: "kustomize-controller",
            force,
        };
        decide(&criteria)
    }

    #[test]
    fn marks_on_either_side_skip_an_object() {
        let check = |desired: Manifest, live: Option<Manifest>, expected: bool| {
            let skips = |by: &Criteria<'_>| by.leaves_alone(&desired) || by.skips(&desired, live.as_ref());
            assert_eq!(decide(false, &[], skips), expected);
        };
        check(plain("1", ""), Some(plain("1", "7")), false);
        check(marked("reconcile", "disabled"), None, true);
        check(plain("1", ""), Some(marked("reconcile", "disabled")), true);
        check(marked("ssa", "Ignore"), Some(plain("1", "7")), true);
        check(marked("ssa", "IfNotPresent"), None, false);
        check(marked("ssa", "IfNotPresent"), Some(plain("1", "7")), true);
        check(plain("1", ""), Some(marked("ssa", "IfNotPresent")), false);
    }

    #[test]
    fn only_forced_objects_with_immutable_changes_are_recreated() {
        let failure = |reason: &str| ApiFailure {
            code: 422,
            reason: reason.into(),
            message: String::new(),
            manager_conflict: false,
        };
        let check = |force, desired: Manifest, live: Manifest, reason: &str, expected: bool| {
            assert_eq!(decide(force, &[], |by| by.recreates(&desired, &live, &failure(reason))), expected);
        };
        check(false, plain("1", ""), plain("1", "7"), "Invalid", false);
        check(true, plain("1", ""), plain("1", "7"), "Invalid", true);
        check(true, plain("1", ""), plain("1", "7"), "Forbidden", false);
        check(false, marked("force", "enabled"), plain("1", "7"), "Conflict", true);
        check(false, plain("1", ""), marked("force", "Enabled"), "Invalid", true);
    }

    #[test]
    fn objects_are_created_configured_or_left() {
        let check = |live: Option<Manifest>, dry_run: Manifest, take_over: bool, expected: Work| {
            let work = decide(false, &[], |by| by.work(plain("1", ""), live.as_ref(), &dry_run, take_over));
            assert_eq!(work, expected);
        };
        check(None, plain("1", ""), false, Work::Create(plain("1", "")));
        check(Some(plain("1", "7")), plain("1", ""), false, Work::Create(plain("1", "")));
        check(Some(plain("1", "7")), plain("1", "7"), false, Work::Nothing { settled: true });
        let configure = |take_over, fields: &[&str]| {
            let fields = fields.iter().map(ToString::to_string).collect();
            Work::Configure { payload: plain("1", ""), take_over, fields }
        };
        check(Some(plain("2", "7")), plain("1", "7"), false, configure(false, &["/data/a"]));
        check(Some(plain("1", "7")), plain("1", "7"), true, configure(true, &[]));
    }

    #[test]
    fn ignored_fields_alone_need_nothing_and_else_keep_their_live_value() {
        let work = |ignored: &[&str]| {
            decide(false, ignored, |by| by.work(plain("1", ""), Some(&plain("2", "7")), &plain("1", "7"), false))
        };
        assert_eq!(work(&["/data/a"]), Work::Nothing { settled: true });
        let fields = vec!["/data/a".to_owned()];
        assert_eq!(work(&["/data/b"]), Work::Configure { payload: plain("1", ""), take_over: false, fields });
        let taken =
            decide(false, &["/data/a"], |by| by.work(plain("1", ""), Some(&plain("2", "7")), &plain("1", "7"), true));
        assert_eq!(taken, Work::Configure { payload: plain("2", ""), take_over: true, fields: Vec::new() });
    }

    #[test]
    fn merged_objects_keep_other_managers() {
        let check = |desired: Manifest, live: Manifest, expected: bool| {
            assert_eq!(decide(false, &[], |by| by.takes_over(&desired, &live)), expected);
        };
        check(plain("1", ""), plain("1", "7"), true);
        check(marked("ssa", "merge"), plain("1", "7"), false);
        check(plain("1", ""), marked("ssa", "Merge"), false);
    }
}
