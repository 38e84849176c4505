//! What a user sees while a run is under way.

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{self, ConditionStatus, FluxObject as _, READY, RECONCILING, reason};
use flux_runtime::report::message;
use flux_runtime::{Facts, Run, WriteError};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use parking_lot::Mutex;

use super::observe::Source;
use super::{Status, plan};

/// Ready's message while a run is under way.
const IN_PROGRESS: &str = "Reconciliation in progress";

/// Tells the steps of one run.
///
/// A run that only looks whether what was applied is still so tells nothing until it has something to do or fails: an object
/// that is ready and stays so costs one write a run, and does not flicker. A run that has something to do tells that it
/// began; the later steps are told together with what else has to be written.
pub(super) struct Progress {
    revision: String,
    timeout: meta::Duration,
    /// Whether the object is ready at the revision already.
    settled: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    quiet: bool,
    told: bool,
    step: String,
}

impl Progress {
    /// For a run of `object` at the revision of `source`.
    pub(super) fn new(object: &Kustomization, source: &Source) -> Self {
        let settled = is_settled(object, source.revision());
        Self {
            revision: source.revision().to_owned(),
            timeout: plan::timeout(&object.spec).into(),
            settled,
            state: Mutex::new(State { quiet: settled, ..State::default() }),
        }
    }

    /// Tells nothing from here on, as long as the run only looks whether there is anything to do.
    pub(super) fn hush(&self) {
        self.state.lock().quiet = true;
    }

    /// There is something to do: a run that changes what the object's status says tells its steps.
    pub(super) fn speak(&self) {
        self.state.lock().quiet = self.settled;
    }

    /// Whether the run tells nothing until it has to.
    pub(super) fn is_quiet(&self) -> bool {
        self.state.lock().quiet
    }

    /// The run fetches the artifact.
    pub(super) async fn fetching(&self, facts: &mut Facts<Status>, run: &Run<Kustomization>) {
        self.tell("Fetching manifests", facts, run).await;
    }

    /// The run builds.
    pub(super) async fn building(&self, facts: &mut Facts<Status>, run: &Run<Kustomization>) {
        self.tell("Building manifests", facts, run).await;
    }

    /// The run compares what it built with the cluster.
    pub(super) async fn detecting(&self, facts: &mut Facts<Status>, run: &Run<Kustomization>) {
        self.tell("Detecting drift", facts, run).await;
    }

    /// The run waits for health. Returns what it says; nothing is written yet.
    pub(super) fn checking(&self) -> String {
        self.enter("Running health checks")
    }

    /// Lets the conditions show the step that the run is at.
    pub(super) fn show(&self, facts: &mut Facts<Status>, run: &Run<Kustomization>) {
        facts.conditions.set_now(&Time(run.now()));
        facts.conditions.set(READY, ConditionStatus::Unknown, reason::PROGRESSING, IN_PROGRESS);
        facts.conditions.reconciling(reason::PROGRESSING, self.state.lock().step.clone());
    }

    /// Writes the facts so far, which must be on record before the run goes on.
    pub(super) async fn record(&self, facts: &mut Facts<Status>, run: &Run<Kustomization>) -> Result<(), WriteError> {
        self.show(facts, run);
        run.save(facts).await
    }

    async fn tell(&self, what: &str, facts: &mut Facts<Status>, run: &Run<Kustomization>) {
        self.enter(what);
        if !self.is_first_to_tell() {
            return;
        }
        if let Err(err) = self.record(facts, run).await {
            tracing::warn!(error = message(&err), "progress could not be written");
        }
    }

    /// Whether the run may tell its steps and has told none: it has from now on.
    fn is_first_to_tell(&self) -> bool {
        let mut state = self.state.lock();
        !state.quiet && !std::mem::replace(&mut state.told, true)
    }

    fn enter(&self, what: &str) -> String {
        let text = format!("{what} for revision {} with a timeout of {}", self.revision, self.timeout);
        self.state.lock().step.clone_from(&text);
        text
    }
}

/// Whether `object` is ready as it is at `revision`.
fn is_settled(object: &Kustomization, revision: &str) -> bool {
    let status = object.status.as_ref();
    let at = |field: Option<&String>| field.is_some_and(|found| found == revision);
    let is = |type_: &str| {
        object.conditions().iter().any(|found| found.type_ == type_ && found.status == ConditionStatus::True)
    };
    at(status.and_then(|status| status.last_applied_revision.as_ref()))
        && at(status.and_then(|status| status.last_attempted_revision.as_ref()))
        && object.metadata.generation == Some(object.observed_generation())
        && is(READY)
        && !is(RECONCILING)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(status: &Value, expected: bool) {
        let object: Kustomization = serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "app", "namespace": "apps", "generation": 2},
            "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
            "status": status,
        }))
        .unwrap();
        assert_eq!(is_settled(&object, "main@sha1:1"), expected, "{status}");
    }

    #[test]
    fn only_an_object_that_is_ready_at_the_revision_is_looked_at_in_silence() {
        let ready = |ready: &str, generation: i64, revision: &str, attempted: &str| {
            json!({
                "observedGeneration": generation, "lastAppliedRevision": revision, "lastAttemptedRevision": attempted,
                "conditions": [{
                    "type": "Ready", "status": ready, "reason": "Any", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            })
        };
        check(&ready("True", 2, "main@sha1:1", "main@sha1:1"), true);
        check(&ready("False", 2, "main@sha1:1", "main@sha1:1"), false);
        check(&ready("True", 1, "main@sha1:1", "main@sha1:1"), false);
        check(&ready("True", 2, "main@sha1:0", "main@sha1:1"), false);
        check(&ready("True", 2, "main@sha1:1", "main@sha1:2"), false);
        check(&json!({}), false);
    }
}
