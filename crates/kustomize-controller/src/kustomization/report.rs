//! From a run's end to conditions, events and the next run, as kustomize-controller does it upstream.
//!
//! What differs from the other controllers: a failure is repeated after `spec.retryInterval` and not after a backoff; Reconciling keeps
//! the last step's message and only changes its reason; a source that is missing shows no Reconciling of its own; and a run
//! that succeeded tells how long it took.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{self, ConditionStatus, FluxObject, READY, RECONCILING, STALLED, reason};
use flux_runtime::report;
use flux_runtime::{Clock, End, Facts, Failure, Fault, Notice, Outcome, Report, Requeue, Retry, Severity};
use flux_status::Conditions;

use super::Status;
use super::blame::{self, Blame};
use super::error::{AtRevision, Superseded};

/// The longest message of a condition, in bytes.
const LONGEST: usize = 32_767;

/// The report of a run of `object`.
pub(super) fn report(object: &Kustomization, facts: &Facts<Status>, end: &End, clock: &Clock) -> Report {
    let mut conditions = facts.conditions.clone();
    conditions.set_now(&clock.time());
    match end {
        End::Done(outcome) => done(object, &facts.status, conditions, outcome, clock),
        End::Failed(Fault::Stalled(failure)) => stalled(conditions, failure),
        End::Failed(Fault::Waiting { on, retry_after }) => waiting(object, conditions, on, *retry_after),
        End::Failed(Fault::Transient { failure, retry }) => transient(conditions, failure, *retry),
        End::Failed(Fault::Interrupted(failure)) => interrupted(conditions, failure),
    }
}

/// Metadata that names a revision.
pub(super) fn revision_metadata(revision: Option<&str>, origin: Option<&str>) -> BTreeMap<String, String> {
    let entries = [("revision", revision), ("originRevision", origin)];
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
}

fn done(
    object: &Kustomization,
    status: &Status,
    mut conditions: Conditions,
    outcome: &Outcome,
    clock: &Clock,
) -> Report {
    conditions.set(READY, ConditionStatus::True, outcome.reason, outcome.message.clone());
    conditions.remove(RECONCILING);
    conditions.remove(STALLED);
    let mut metadata =
        revision_metadata(status.last_applied_revision.as_deref(), status.last_applied_origin_revision.as_deref());
    metadata.insert("commit_status".to_owned(), "update".to_owned());
    let notice = Notice {
        severity: Severity::Info,
        reason: outcome.reason.to_owned(),
        message: format!(
            "Reconciliation finished in {}, next run in {}",
            meta::Duration::from(clock.elapsed),
            object.spec.interval
        ),
        metadata,
    };
    let requeue = outcome.requeue_after.map_or(Requeue::Interval, Requeue::After);
    Report { conditions, observed: true, notices: vec![notice], requeue }
}

fn stalled(mut conditions: Conditions, failure: &Failure) -> Report {
    let text = message(failure.source.as_ref());
    conditions.set(READY, ConditionStatus::False, failure.reason, text.clone());
    conditions.set(STALLED, ConditionStatus::True, failure.reason, text.clone());
    conditions.remove(RECONCILING);
    let notices = vec![notice(Severity::Error, failure, text)];
    Report { conditions, observed: true, notices, requeue: Requeue::OnChange }
}

/// A missing source is told in the conditions only; a dependency that is not ready is told once for as long as it stays so.
fn waiting(object: &Kustomization, mut conditions: Conditions, on: &Failure, retry_after: Duration) -> Report {
    let text = message(on.source.as_ref());
    not_ready(&mut conditions, on.reason, &text);
    // Why a dependency is not ready may change while it is not; that alone is no news.
    let fact = on.source.to_string();
    let known = object.conditions().iter().any(|condition| {
        condition.type_ == READY && condition.reason == on.reason && condition.message.starts_with(&fact)
    });
    let notices = match on.reason {
        _ if known => Vec::new(),
        reason::DEPENDENCY_NOT_READY => {
            let text =
                format!("Dependencies do not meet ready condition, retrying in {}", meta::Duration::from(retry_after));
            vec![notice(Severity::Info, on, text)]
        }
        // A deletion that waits for dependents.
        reason::PROGRESSING => vec![notice(Severity::Info, on, text)],
        _ => Vec::new(),
    };
    Report { conditions, observed: false, notices, requeue: Requeue::After(retry_after) }
}

fn transient(mut conditions: Conditions, failure: &Failure, retry: Retry) -> Report {
    let mut text = message(failure.source.as_ref());
    if let Some(at) = find::<AtRevision>(failure).filter(|_| failure.reason == reason::HEALTH_CHECK_FAILED) {
        text = bounded(format!("{text} (since {})", at.since.as_ref().unwrap_or(&at.revision)));
    }
    not_ready(&mut conditions, failure.reason, &text);
    let requeue = match retry {
        Retry::Backoff => Requeue::Backoff,
        Retry::After(delay) => Requeue::After(delay),
        Retry::Now => Requeue::Now,
    };
    Report { conditions, observed: false, notices: vec![notice(Severity::Error, failure, text)], requeue }
}

fn interrupted(mut conditions: Conditions, failure: &Failure) -> Report {
    if failure.reason != reason::HEALTH_CHECK_CANCELED {
        // Nothing was found out yet: the next run, which starts at once, says what is true.
        return Report { conditions, observed: false, notices: Vec::new(), requeue: Requeue::Now };
    }
    not_ready(&mut conditions, failure.reason, &message(failure.source.as_ref()));
    let by = find::<Superseded>(failure).map_or("a change", |superseded| superseded.by.as_str());
    let text = format!("Health checks canceled due to new reconciliation triggered by {by}");
    let notices = vec![notice(Severity::Info, failure, text)];
    Report { conditions, observed: false, notices, requeue: Requeue::Now }
}

/// Ready=False. Reconciling stays when the run, or one before it, got far enough to set it.
fn not_ready(conditions: &mut Conditions, reason: &str, text: &str) {
    conditions.set(READY, ConditionStatus::False, reason, text);
    conditions.remove(STALLED);
    if let Some(step) = conditions.get(RECONCILING).map(|condition| condition.message.clone()) {
        conditions.set(RECONCILING, ConditionStatus::True, reason::PROGRESSING_WITH_RETRY, step);
    }
}

/// The error and its causes in one line, which a condition has room for.
fn message(err: &(dyn Error + 'static)) -> String {
    bounded(report::message(err))
}

fn bounded(mut text: String) -> String {
    if text.len() > LONGEST {
        let dots = "...";
        let end = (0..=LONGEST - dots.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push_str(dots);
    }
    text
}

fn notice(severity: Severity, failure: &Failure, message: String) -> Notice {
    let metadata = find::<AtRevision>(failure).map_or_else(BTreeMap::new, |at| {
        let mut metadata = revision_metadata(Some(&at.revision), at.origin.as_deref());
        let blame = blame::blame(&*at.cause, &at.revision, at.since.as_deref());
        metadata.extend(blame.map(Blame::metadata).unwrap_or_default());
        metadata
    });
    Notice { severity, reason: failure.reason.to_owned(), message, metadata }
}

/// The error of that type in the failure: itself, or what happened at a revision.
fn find<E: Error + 'static>(failure: &Failure) -> Option<&E> {
    let error: &(dyn Error + 'static) = failure.source.as_ref();
    error.downcast_ref::<E>().or_else(|| error.downcast_ref::<AtRevision>()?.cause.downcast_ref::<E>())
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
