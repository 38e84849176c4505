//! From what happened to conditions and events. Pure.

use std::collections::BTreeMap;

use flux_api::meta::{Artifact, ConditionStatus, READY, RECONCILING, STALLED, reason as generic};
use flux_api::source::v1::git_repository::VerificationMode;
use flux_api::source::v1::{condition, reason};
use flux_git::Resolved;
use flux_runtime::{Clock, End, Facts, Failure, Fault, Notice, Outcome, Report, Requeue, Retry, Severity, WriteError};
use flux_status::{Conditions, Summary};

use super::error::SignatureError;
use super::status::Status;

/// What Ready says, the most telling first.
const SUMMARY: Summary<'_> = Summary {
    types: &[
        condition::STORAGE_OPERATION_FAILED,
        condition::FETCH_FAILED,
        condition::INCLUDE_UNAVAILABLE,
        condition::ARTIFACT_OUTDATED,
        condition::ARTIFACT_IN_STORAGE,
        condition::SOURCE_VERIFIED,
        STALLED,
        RECONCILING,
    ],
    harmful: &[
        condition::STORAGE_OPERATION_FAILED,
        condition::FETCH_FAILED,
        condition::INCLUDE_UNAVAILABLE,
        condition::ARTIFACT_OUTDATED,
        STALLED,
        RECONCILING,
    ],
    bipolar: &[condition::SOURCE_VERIFIED],
};

/// Conditions whose disappearance is worth an event.
const FAILURES: [&str; 3] =
    [condition::FETCH_FAILED, condition::INCLUDE_UNAVAILABLE, condition::STORAGE_OPERATION_FAILED];

/// What the facts need whichever way the run goes on. Nothing of it is written unless a step says so.
pub(super) fn begin(facts: &mut Facts<Status>) {
    progressing(&mut facts.conditions, "reconciliation in progress");
}

/// The generation that is processed is not the observed one.
pub(super) fn new_generation(facts: &mut Facts<Status>, observed: i64) {
    let message = format!("processing object: new generation {observed} -> {}", facts.conditions.generation());
    progressing(&mut facts.conditions, &message);
}

/// A verification that failed is made again, and one that nobody asks for any more is forgotten.
pub(super) fn forget_verification(facts: &mut Facts<Status>, mode: Option<VerificationMode>) {
    if mode.is_none() {
        facts.status.source_verification_mode = None;
    }
    if mode.is_none() || facts.conditions.is_false(condition::SOURCE_VERIFIED) {
        facts.conditions.remove(condition::SOURCE_VERIFIED);
    }
}

/// The status could not be written in between.
pub(super) fn unwritten(err: WriteError) -> Fault {
    Fault::Transient { failure: Failure::new(generic::FAILED, err), retry: Retry::Backoff }
}

/// All that was made for a deleted object is gone.
pub(super) fn removed(facts: &mut Facts<Status>) {
    facts.notices.push(trace(
        reason::GARBAGE_COLLECTION_SUCCEEDED,
        "garbage collected artifacts for deleted resource".to_owned(),
    ));
}

/// Work is under way; Ready keeps what it says of the last good artifact.
pub(super) fn progressing(conditions: &mut Conditions, message: &str) {
    conditions.reconciling(generic::PROGRESSING, message);
    if conditions.get(READY).is_none_or(|ready| ready.status == ConditionStatus::Unknown) {
        conditions.set(READY, ConditionStatus::Unknown, generic::PROGRESSING, message);
    }
}

/// There is no artifact yet.
pub(super) fn no_artifact(facts: &mut Facts<Status>) -> String {
    facts.conditions.remove(condition::ARTIFACT_IN_STORAGE);
    "building artifact".to_owned()
}

/// The artifact that the status tells of is gone from storage.
pub(super) fn artifact_disappeared(facts: &mut Facts<Status>) -> String {
    facts.status.artifact = None;
    format!("{}: disappeared from storage", no_artifact(facts))
}

/// Whether Ready tells of a failure of this generation.
pub(super) fn is_failing(facts: &Facts<Status>) -> bool {
    let generation = Some(facts.conditions.generation());
    facts
        .conditions
        .get(READY)
        .is_some_and(|ready| ready.status == ConditionStatus::False && ready.observed_generation == generation)
}

/// Other artifacts are included than last time.
pub(super) fn includes_changed(facts: &mut Facts<Status>) -> String {
    let message = "included artifacts differ from last observed includes";
    if !facts.status.included_artifacts.is_empty() {
        outdated(facts, reason::INCLUDE_CHANGE, message);
    }
    format!("building artifact: {message}")
}

/// The server has another revision than the artifact.
pub(super) fn new_revision(facts: &mut Facts<Status>, revision: &str) -> String {
    let message = format!("new upstream revision '{revision}'");
    if facts.status.artifact.is_some() {
        outdated(facts, reason::NEW_REVISION, &message);
    }
    format!("building artifact: {message}")
}

fn outdated(facts: &mut Facts<Status>, reason: &str, message: &str) {
    facts.conditions.set(condition::ARTIFACT_OUTDATED, ConditionStatus::True, reason, message);
}

/// The revision is signed as it must be; `lines` say by whom.
pub(super) fn verified(facts: &mut Facts<Status>, lines: &[String]) {
    let message = format!("verified signature of\n{}", lines.join("\n"));
    facts.conditions.set(condition::SOURCE_VERIFIED, ConditionStatus::True, generic::SUCCEEDED, message.clone());
    facts.notices.push(trace(generic::SUCCEEDED, message));
}

/// The revision is not signed as it must be.
pub(super) fn not_verified(facts: &mut Facts<Status>, err: &SignatureError) {
    let message = flux_runtime::report::message(err);
    facts.conditions.set(condition::SOURCE_VERIFIED, ConditionStatus::False, err.reason(), message);
}

/// The server still has the artifact's revision.
pub(super) fn unchanged(facts: &mut Facts<Status>, before: &Before, revision: &str) -> Outcome {
    let message = format!("no changes since last reconciliation: observed revision '{revision}'");
    facts.notices.push(trace(reason::GIT_OPERATION_SUCCEEDED, message));
    stored(facts, before, revision)
}

/// The fetched revision is that of the artifact, made from the same things.
pub(super) fn up_to_date(facts: &mut Facts<Status>, before: &Before, revision: &str, commit: &str) -> Outcome {
    let message = format!("artifact up-to-date with remote revision: '{revision}'");
    facts.notices.push(trace(reason::ARTIFACT_UP_TO_DATE, message));
    stored(facts, before, commit)
}

/// There is an artifact of the wanted revision; `commit` is how events name it.
pub(super) fn stored(facts: &mut Facts<Status>, before: &Before, commit: &str) -> Outcome {
    let conditions = &mut facts.conditions;
    for failure in FAILURES.into_iter().chain([condition::ARTIFACT_OUTDATED]) {
        conditions.remove(failure);
    }
    let revision = facts.status.artifact.as_ref().map_or("", |artifact| artifact.revision.as_str());
    let message = format!("stored artifact for revision '{revision}'");
    let (type_, reason) = (condition::ARTIFACT_IN_STORAGE, generic::SUCCEEDED);
    conditions.set(type_, ConditionStatus::True, reason, message.clone());
    if let Some(artifact) = &facts.status.artifact {
        facts.notices.extend(announcement(before, artifact, commit));
    }
    Outcome { reason, message, requeue_after: None }
}

/// What the object said when the run began.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    digest: Option<String>,
    failing: bool,
}

impl Before {
    pub(super) fn of(facts: &Facts<Status>) -> Self {
        Self {
            digest: facts.status.artifact.as_ref().map(|artifact| artifact.digest.clone()),
            failing: FAILURES.iter().any(|type_| facts.conditions.is_true(type_)),
        }
    }
}

/// An artifact with another digest is news, and so is the end of a failure.
fn announcement(before: &Before, artifact: &Artifact, commit: &str) -> Option<Notice> {
    let reason = match &before.digest {
        Some(digest) if *digest == artifact.digest => before.failing.then_some(generic::SUCCEEDED)?,
        Some(_) | None => reason::NEW_ARTIFACT,
    };
    let metadata = [("revision", &artifact.revision), ("digest", &artifact.digest)];
    Some(Notice {
        severity: Severity::Info,
        reason: reason.to_owned(),
        message: format!("stored artifact for commit '{commit}'"),
        metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect(),
    })
}

/// Old artifacts were removed.
pub(super) fn collected(facts: &mut Facts<Status>, count: usize) {
    let message = format!("garbage collected {count} artifacts");
    facts.notices.push(trace(reason::GARBAGE_COLLECTION_SUCCEEDED, message));
}

/// The stored file is not the announced one.
pub(super) fn damaged(facts: &mut Facts<Status>, err: &flux_storage::IntegrityError) {
    let message = format!("failed to verify integrity of artifact: {}", flux_runtime::report::message(err));
    facts.notices.push(notice(Severity::Error, reason::ARTIFACT_VERIFICATION_FAILED, message));
}

/// How a tag is named in conditions: with the hash of its object.
pub(super) fn tag_name(resolved: &Resolved) -> String {
    let name = resolved.full_name.as_deref().unwrap_or_default();
    let short = name.strip_prefix("refs/tags/").unwrap_or(name);
    match &resolved.tag {
        Some(id) => format!("{short}@sha1:{id}"),
        None => format!("{short}@sha1:{}", resolved.commit),
    }
}

/// The end of a run. Ready is what the other conditions amount to.
pub(super) fn report(facts: &Facts<Status>, end: &End, clock: &Clock) -> Report {
    let mut conditions = facts.conditions.clone();
    conditions.set_now(&clock.time());
    let (observed, notices, requeue) = match end {
        End::Done(outcome) => {
            conditions.remove(RECONCILING);
            conditions.remove(STALLED);
            conditions.summarize(&SUMMARY);
            (true, Vec::new(), outcome.requeue_after.map_or(Requeue::Interval, Requeue::After))
        }
        End::Failed(Fault::Stalled(failure)) => {
            let message = fail(&mut conditions, failure);
            conditions.stalled(failure.reason, message.clone());
            summarize_failure(&mut conditions, failure, &message);
            (true, vec![notice(Severity::Error, failure.reason, message)], Requeue::OnChange)
        }
        End::Failed(Fault::Waiting { on, retry_after }) => {
            (false, retried(&mut conditions, on, Severity::Trace), Requeue::After(*retry_after))
        }
        End::Failed(Fault::Transient { failure, retry }) => {
            let requeue = match retry {
                Retry::Backoff => Requeue::Backoff,
                Retry::After(delay) => Requeue::After(*delay),
                Retry::Now => Requeue::Now,
            };
            (false, retried(&mut conditions, failure, Severity::Error), requeue)
        }
        End::Failed(Fault::Interrupted(failure)) => {
            (false, retried(&mut conditions, failure, Severity::Trace), Requeue::Now)
        }
    };
    Report { conditions, observed, notices, requeue }
}

/// What is tried again stays Reconciling, with the message of the step that it has come to.
fn retried(conditions: &mut Conditions, failure: &Failure, severity: Severity) -> Vec<Notice> {
    let message = fail(conditions, failure);
    let step = conditions.get(RECONCILING).map(|reconciling| reconciling.message.clone());
    conditions.reconciling(generic::PROGRESSING_WITH_RETRY, step.unwrap_or_else(|| message.clone()));
    summarize_failure(conditions, failure, &message);
    vec![notice(severity, failure.reason, message)]
}

fn fail(conditions: &mut Conditions, failure: &Failure) -> String {
    let message = failure.message();
    if let Some(type_) = failure.condition {
        conditions.set(type_, ConditionStatus::True, failure.reason, message.clone());
    }
    message
}

/// A failure that no condition of its own tells of is told by Ready.
fn summarize_failure(conditions: &mut Conditions, failure: &Failure, message: &str) {
    let told = failure.condition.is_some() || conditions.is_false(condition::SOURCE_VERIFIED);
    if told {
        conditions.summarize(&SUMMARY);
    } else {
        conditions.set(READY, ConditionStatus::False, failure.reason, message);
    }
}

fn trace(reason: &str, message: String) -> Notice {
    notice(Severity::Trace, reason, message)
}

fn notice(severity: Severity, reason: &str, message: String) -> Notice {
    Notice { severity, reason: reason.to_owned(), message, metadata: BTreeMap::new() }
}

#[cfg(test)]
mod tests;
