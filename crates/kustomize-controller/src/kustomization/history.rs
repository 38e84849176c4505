//! `status.history`: the last runs that reached the cluster, one entry for each pair of what was built and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use flux_api::kustomize::v1::kustomization::Snapshot;
use flux_runtime::{Fault, Outcome};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Entries that are kept.
const LIMIT: usize = 5;

/// A run that reached the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// `sha256:…` of the built manifests.
    pub digest: String,
    /// `revision`, and `originRevision` where the source says one.
    pub metadata: BTreeMap<String, String>,
}

/// The reason under which a run that reached the cluster is recorded; none for one that a newer run cut short.
pub(super) fn reason(end: &Result<Outcome, Fault>) -> Option<&'static str> {
    match end {
        Ok(outcome) => Some(outcome.reason),
        Err(Fault::Interrupted(_)) => None,
        Err(fault) => Some(fault.failure().reason),
    }
}

/// Records in `history` that `attempt` ended at `now` for `reason`. Newest first.
pub(super) fn record(history: &mut Vec<Snapshot>, attempt: Attempt, reason: &str, now: &Time, elapsed: Duration) {
    let known = history
        .iter()
        .position(|entry| entry.digest == attempt.digest && entry.last_reconciled_status == reason)
        .map(|position| history.remove(position));
    let (first_reconciled, count) =
        known.map_or((now.clone(), 0), |entry| (entry.first_reconciled, entry.total_reconciliations));
    let entry = Snapshot {
        digest: attempt.digest,
        first_reconciled,
        last_reconciled: now.clone(),
        last_reconciled_duration: elapsed.into(),
        last_reconciled_status: reason.to_owned(),
        total_reconciliations: count.saturating_add(1),
        metadata: attempt.metadata,
    };
    history.insert(0, entry);
    history.truncate(LIMIT);
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn attempt(digest: &str) -> Attempt {
        let metadata = BTreeMap::from([("revision".to_owned(), format!("main@{digest}"))]);
        Attempt { digest: digest.to_owned(), metadata }
    }

    /// One line an entry: digest, status, first and last second, count.
    fn check(runs: &[(&str, &str)], expected: &[&str]) {
        let mut history = Vec::new();
        for (second, (digest, status)) in (0..).zip(runs) {
            record(&mut history, attempt(digest), status, &at(second), Duration::from_millis(1_500));
        }
        let lines: Vec<_> = history
            .iter()
            .map(|entry| {
                let (first, last) = (entry.first_reconciled.0.as_second(), entry.last_reconciled.0.as_second());
                let count = entry.total_reconciliations;
                format!("{} {} {first}-{last} x{count}", entry.digest, entry.last_reconciled_status)
            })
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_same_build_with_the_same_end_is_counted() {
        check(&[("a", "Ok"), ("a", "Ok"), ("a", "Ok")], &["a Ok 0-2 x3"]);
    }

    #[test]
    fn another_build_or_another_end_is_another_entry() {
        check(&[("a", "Ok"), ("b", "Ok"), ("b", "Failed")], &["b Failed 2-2 x1", "b Ok 1-1 x1", "a Ok 0-0 x1"]);
    }

    #[test]
    fn a_known_entry_moves_to_the_front() {
        check(&[("a", "Ok"), ("b", "Ok"), ("a", "Ok")], &["a Ok 0-2 x2", "b Ok 1-1 x1"]);
    }

    #[test]
    fn the_oldest_entries_go() {
        check(
            &[("a", "Ok"), ("b", "Ok"), ("c", "Ok"), ("d", "Ok"), ("e", "Ok"), ("f", "Ok")],
            &["f Ok 5-5 x1", "e Ok 4-4 x1", "d Ok 3-3 x1", "c Ok 2-2 x1", "b Ok 1-1 x1"],
        );
    }

    #[test]
    fn durations_and_metadata_are_those_of_the_last_run() {
        let mut history = Vec::new();
        record(&mut history, attempt("a"), "Ok", &at(0), Duration::from_secs(9));
        let newer = Attempt { metadata: BTreeMap::from([("revision".to_owned(), "next".to_owned())]), ..attempt("a") };
        record(&mut history, newer, "Ok", &at(1), Duration::from_nanos(363_543_040));

        assert_eq!(history[0].last_reconciled_duration.to_string(), "363.54304ms");
        assert_eq!(history[0].metadata["revision"], "next");
    }
}
