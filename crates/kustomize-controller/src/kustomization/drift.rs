//! Drift: objects that somebody changed or deleted since they were applied, where that is to be reported and not undone.

use flux_api::kustomize::v1::{DRIFT_DETECTED, DRIFTED, Kustomization, annotation};
use flux_api::meta::{ConditionStatus, FluxObject as _, reason};
use flux_ssa::Drift;
use flux_status::Conditions;
use kube::ResourceExt as _;

/// How many objects a text names.
const NAMED: usize = 10;

/// What a run does about objects that are not as desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It makes them so.
    Undo,
    /// It says so.
    Report,
}

/// What a run of `object` does that has built the manifests of that digest. What was never rolled out is, whatever the annotation
/// says: a new state is no drift.
pub(super) fn mode(object: &Kustomization, digest: &str) -> Mode {
    let value = object.annotations().get(annotation::DRIFT);
    let warns = value.is_some_and(|value| value.eq_ignore_ascii_case(annotation::WARN));
    if warns && is_rolled_out(object, digest) { Mode::Report } else { Mode::Undo }
}

/// Whether these manifests were all applied for the object's present generation, and no others were tried since. A run that failed
/// since then, as on a request without an answer, takes nothing of that back.
fn is_rolled_out(object: &Kustomization, digest: &str) -> bool {
    let applied = [reason::RECONCILIATION_SUCCEEDED, reason::HEALTH_CHECK_FAILED, reason::PRUNE_FAILED];
    let history = object.status.iter().flat_map(|status| &status.history);
    let mut since = history.take_while(|entry| entry.digest == digest);
    object.metadata.generation == Some(object.observed_generation())
        && since.any(|entry| applied.contains(&entry.last_reconciled_status.as_str()))
}

/// Says in `conditions` what drifted. Returns the text where it is news.
pub(super) fn tell(found: &[Drift], conditions: &mut Conditions) -> Option<String> {
    if found.is_empty() {
        conditions.remove(DRIFTED);
        return None;
    }
    let text = text(found);
    let known = conditions.get(DRIFTED).is_some_and(|known| known.message == text);
    conditions.set(DRIFTED, ConditionStatus::True, DRIFT_DETECTED, text.clone());
    (!known).then_some(text)
}

fn text(found: &[Drift]) -> String {
    let mut texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    texts.sort();
    let more = texts.len().saturating_sub(NAMED);
    texts.truncate(NAMED);
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    format!("drift detected and left as it is: {}", texts.join("; "))
}

#[cfg(test)]
mod tests {
    use flux_objects::ObjectId;
    use flux_ssa::Drifted;
    use serde_json::json;

    use super::*;

    fn check(annotation: &str, generation: i64, digest: &str, status: &str, expected: Mode) {
        check_all(annotation, generation, &[(digest, status)], expected);
    }

    /// For an object with those runs in its history, the last one first.
    fn check_all(annotation: &str, generation: i64, runs: &[(&str, &str)], expected: Mode) {
        let time = "2026-01-01T00:00:00Z";
        let object: Kustomization = serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {
                "name": "app", "namespace": "apps", "generation": 2,
                "annotations": {"kustomize.toolkit.fluxcd.io/drift": annotation},
            },
            "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
            "status": {"observedGeneration": generation, "history": runs.iter().map(|(digest, status)| json!({
                "digest": digest, "firstReconciled": time, "lastReconciled": time, "lastReconciledDuration": "1s",
                "lastReconciledStatus": status, "totalReconciliations": 1,
            })).collect::<Vec<_>>()},
        }))
        .unwrap();
        assert_eq!(mode(&object, "sha256:1"), expected, "{annotation} {generation} {runs:?}");
    }

    #[test]
    fn only_what_was_rolled_out_can_drift() {
        check("warn", 2, "sha256:1", "ReconciliationSucceeded", Mode::Report);
        check("Warn", 2, "sha256:1", "HealthCheckFailed", Mode::Report);
        check("", 2, "sha256:1", "ReconciliationSucceeded", Mode::Undo);
        check("warn", 1, "sha256:1", "ReconciliationSucceeded", Mode::Undo);
        check("warn", 2, "sha256:0", "ReconciliationSucceeded", Mode::Undo);
        check("warn", 2, "sha256:1", "ReconciliationFailed", Mode::Undo);
    }

    #[test]
    fn a_run_that_failed_since_the_roll_out_undoes_no_drift() {
        let (done, failed) = ("ReconciliationSucceeded", "ReconciliationFailed");
        check_all("warn", 2, &[("sha256:1", failed), ("sha256:1", done)], Mode::Report);
        check_all("warn", 2, &[("sha256:1", failed), ("sha256:0", failed), ("sha256:1", done)], Mode::Undo);
        check_all("warn", 1, &[("sha256:1", failed), ("sha256:1", done)], Mode::Undo);
    }

    #[test]
    fn the_text_names_objects_in_order_and_counts_the_rest() {
        let drift = |number: usize| Drift {
            id: ObjectId::parse(&format!("apps_n{number:02}__ConfigMap")).unwrap(),
            state: if number == 0 { Drifted::Missing } else { Drifted::Differs(vec!["/data/a".to_owned()]) },
        };
        let text = text(&(0..12).rev().map(drift).collect::<Vec<_>>());
        assert!(text.starts_with(
            "drift detected and left as it is: ConfigMap/apps/n00 is missing; ConfigMap/apps/n01 differs in /data/a; "
        ));
        assert!(text.ends_with("ConfigMap/apps/n09 differs in /data/a; and 2 more"), "{text}");
    }
}
