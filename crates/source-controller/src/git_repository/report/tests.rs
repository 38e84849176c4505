use std::io;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::*;

const URL: &str = "http://host/gitrepository/ns/app/1.tar.gz";

fn artifact(revision: &str, digest: &str) -> Artifact {
    Artifact {
        path: "gitrepository/ns/app/1.tar.gz".to_owned(),
        url: URL.to_owned(),
        revision: revision.to_owned(),
        digest: digest.to_owned(),
        last_update_time: Time(Timestamp::UNIX_EPOCH),
        size: Some(1),
        metadata: None,
    }
}

/// The facts of a run that begins, with the conditions that `text` says (as [`shown`] writes them).
fn begun(text: &str, artifact: Option<Artifact>) -> (Facts<Status>, Before) {
    let mut conditions = Conditions::new(Vec::new(), 2, Time(Timestamp::UNIX_EPOCH));
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (head, message) = line.split_once(": ").unwrap();
        let parts: Vec<_> = head.split(' ').collect();
        let status = match parts[1] {
            "True" => ConditionStatus::True,
            "False" => ConditionStatus::False,
            _ => ConditionStatus::Unknown,
        };
        conditions.set(parts[0], status, parts[2], message);
    }
    let mut facts = Facts { status: Status { artifact, ..Status::default() }, conditions, notices: Vec::new() };
    let before = Before::of(&facts);
    begin(&mut facts);
    (facts, before)
}

/// One line a condition and event, then the rest of the report.
fn shown(facts: &Facts<Status>, end: &End) -> String {
    let clock = Clock { now: Timestamp::UNIX_EPOCH, elapsed: Duration::ZERO };
    let report = report(facts, end, &clock);
    let mut lines: Vec<String> = report
        .conditions
        .sorted()
        .iter()
        .map(|found| format!("{} {:?} {}: {}", found.type_, found.status, found.reason, found.message))
        .collect();
    for notice in facts.notices.iter().chain(&report.notices) {
        lines.push(format!("{:?} event {}: {}", notice.severity, notice.reason, notice.message));
    }
    lines.push(format!("observed {}, next {:?}", report.observed, report.requeue));
    lines.join("\n")
}

fn check(shown: &str, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

fn failed(fault: Fault) -> End {
    End::Failed(fault)
}

fn transient(failure: Failure) -> End {
    failed(Fault::Transient { failure, retry: Retry::Backoff })
}

const READY_BEFORE: &str = "
    Ready True Succeeded: stored artifact for revision 'main@sha1:1'
    ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'";

#[test]
fn a_first_artifact_is_announced_with_its_commit() {
    let (mut facts, before) = begun("", None);
    let message = no_artifact(&mut facts);
    assert_eq!(message, "building artifact");
    assert_eq!(new_revision(&mut facts, "main@sha1:1"), "building artifact: new upstream revision 'main@sha1:1'");
    facts.status.artifact = Some(artifact("main@sha1:1", "sha256:1"));
    let outcome = stored(&mut facts, &before, "Add app");
    let metadata = facts.notices[0].metadata.clone();
    assert_eq!(metadata["revision"], "main@sha1:1");
    assert_eq!(metadata["digest"], "sha256:1");
    check(
        &shown(&facts, &End::Done(outcome)),
        "Ready True Succeeded: stored artifact for revision 'main@sha1:1'
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         Info event NewArtifact: stored artifact for commit 'Add app'
         observed true, next Interval",
    );
}

#[test]
fn a_poll_that_finds_nothing_new_changes_nothing() {
    let (mut facts, before) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    let outcome = unchanged(&mut facts, &before, "main@sha1:1");
    check(
        &shown(&facts, &End::Done(outcome)),
        "Ready True Succeeded: stored artifact for revision 'main@sha1:1'
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         Trace event GitOperationSucceeded: no changes since last reconciliation: observed revision 'main@sha1:1'
         observed true, next Interval",
    );
}

#[test]
fn a_failed_fetch_keeps_the_artifact_and_is_retried() {
    let (facts, _) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    let failure = Failure::new(reason::GIT_OPERATION_FAILED, io::Error::other("no route")).on(condition::FETCH_FAILED);
    check(
        &shown(&facts, &transient(failure)),
        "Reconciling True ProgressingWithRetry: reconciliation in progress
         Ready False GitOperationFailed: no route
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         FetchFailed True GitOperationFailed: no route
         Error event GitOperationFailed: no route
         observed false, next Backoff",
    );
    assert!(facts.status.artifact.is_some());
}

#[test]
fn recovery_without_a_new_artifact_is_an_event_of_its_own() {
    let text = format!("{READY_BEFORE}\nFetchFailed True GitOperationFailed: no route");
    let (mut facts, before) = begun(&text, Some(artifact("main@sha1:1", "sha256:1")));
    let outcome = unchanged(&mut facts, &before, "main@sha1:1");
    facts.notices.remove(0);
    check(
        &shown(&facts, &End::Done(outcome)),
        "Ready True Succeeded: stored artifact for revision 'main@sha1:1'
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         Info event Succeeded: stored artifact for commit 'main@sha1:1'
         observed true, next Interval",
    );
}

#[test]
fn a_new_revision_marks_the_artifact_outdated_until_it_is_replaced() {
    let (mut facts, before) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    new_revision(&mut facts, "main@sha1:2");
    let failure = Failure::new(reason::ARCHIVE_OPERATION_FAILED, io::Error::other("disk full"))
        .on(condition::STORAGE_OPERATION_FAILED);
    check(
        &shown(&facts, &transient(failure)),
        "Reconciling True ProgressingWithRetry: reconciliation in progress
         Ready False ArchiveOperationFailed: disk full
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         ArtifactOutdated True NewRevision: new upstream revision 'main@sha1:2'
         StorageOperationFailed True ArchiveOperationFailed: disk full
         Error event ArchiveOperationFailed: disk full
         observed false, next Backoff",
    );
    facts.status.artifact = Some(artifact("main@sha1:2", "sha256:2"));
    let outcome = stored(&mut facts, &before, "Fix it");
    check(
        &shown(&facts, &End::Done(outcome)),
        "Ready True Succeeded: stored artifact for revision 'main@sha1:2'
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:2'
         Info event NewArtifact: stored artifact for commit 'Fix it'
         observed true, next Interval",
    );
}

#[test]
fn a_failed_verification_decides_over_all_else() {
    let (mut facts, _) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    let err = SignatureError::UnsignedCommit { commit: "1".to_owned() };
    not_verified(&mut facts, &err);
    let failure = Failure::new(err.reason(), err);
    check(
        &shown(&facts, &transient(failure)),
        "Reconciling True ProgressingWithRetry: reconciliation in progress
         Ready False InvalidCommitSignature: signature verification of commit '1' failed: commit is not signed
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         SourceVerified False InvalidCommitSignature: signature verification of commit '1' failed: commit is not signed
         Error event InvalidCommitSignature: signature verification of commit '1' failed: commit is not signed
         observed false, next Backoff",
    );
    forget_verification(&mut facts, Some(VerificationMode::Head));
    assert!(facts.conditions.get(condition::SOURCE_VERIFIED).is_none());
}

#[test]
fn a_verification_stays_until_nobody_asks_for_it() {
    let (mut facts, _) = begun("SourceVerified True Succeeded: verified", None);
    facts.status.source_verification_mode = Some(VerificationMode::Head);
    forget_verification(&mut facts, Some(VerificationMode::Head));
    assert!(facts.conditions.is_true(condition::SOURCE_VERIFIED));
    forget_verification(&mut facts, None);
    assert_eq!((facts.conditions.get(condition::SOURCE_VERIFIED), facts.status.source_verification_mode), (None, None));
}

#[test]
fn what_only_an_edit_can_heal_stalls() {
    let (facts, _) = begun("", None);
    let failure = Failure::new(reason::URL_INVALID, io::Error::other("bad url")).on(condition::FETCH_FAILED);
    check(
        &shown(&facts, &failed(Fault::Stalled(failure))),
        "Stalled True URLInvalid: bad url
         Ready False URLInvalid: bad url
         FetchFailed True URLInvalid: bad url
         Error event URLInvalid: bad url
         observed true, next OnChange",
    );
}

#[test]
fn a_missing_include_is_waited_for_without_an_alarm() {
    let (facts, _) = begun("", None);
    let on = Failure::new(reason::INCLUDE_NO_ARTIFACT, io::Error::other("none")).on(condition::INCLUDE_UNAVAILABLE);
    let retry_after = Duration::from_secs(30);
    check(
        &shown(&facts, &failed(Fault::Waiting { on, retry_after })),
        "Reconciling True ProgressingWithRetry: reconciliation in progress
         Ready False NoArtifact: none
         IncludeUnavailable True NoArtifact: none
         Trace event NoArtifact: none
         observed false, next After(30s)",
    );
}

#[test]
fn a_failure_without_a_condition_of_its_own_is_told_by_ready() {
    let (facts, _) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    let failure = Failure::new(reason::SOURCE_IGNORE_ERROR, io::Error::other("too large"));
    check(
        &shown(&facts, &transient(failure)),
        "Reconciling True ProgressingWithRetry: reconciliation in progress
         Ready False SourceIgnoreError: too large
         ArtifactInStorage True Succeeded: stored artifact for revision 'main@sha1:1'
         Error event SourceIgnoreError: too large
         observed false, next Backoff",
    );
}

#[test]
fn storage_that_lost_the_artifact_is_progress_and_no_failure() {
    let (mut facts, before) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    assert_eq!(artifact_disappeared(&mut facts), "building artifact: disappeared from storage");
    assert!(facts.status.artifact.is_none() && facts.conditions.get(condition::ARTIFACT_IN_STORAGE).is_none());
    facts.status.artifact = Some(artifact("main@sha1:1", "sha256:1"));
    let outcome = stored(&mut facts, &before, "Add app");
    assert_eq!(facts.notices, [], "the same digest is no news");
    assert_eq!(outcome.message, "stored artifact for revision 'main@sha1:1'");
}

#[test]
fn changed_includes_outdate_an_artifact_that_had_some() {
    let (mut facts, _) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    let message = "building artifact: included artifacts differ from last observed includes";
    assert_eq!(includes_changed(&mut facts), message);
    assert!(facts.conditions.get(condition::ARTIFACT_OUTDATED).is_none());
    facts.status.included_artifacts = vec![artifact("lib@sha1:1", "sha256:3")];
    includes_changed(&mut facts);
    assert_eq!(facts.conditions.get(condition::ARTIFACT_OUTDATED).unwrap().reason, "IncludeChange");
}

#[test]
fn a_failure_that_is_retried_does_not_flap() {
    let (mut facts, _) = begun("Ready False GitOperationFailed: no route", None);
    assert!(is_failing(&facts));
    progressing(&mut facts.conditions, "building artifact");
    assert!(facts.conditions.is_false(READY));
    let (fresh, _) = begun("", None);
    assert!(!is_failing(&fresh));
}

#[test]
fn a_new_generation_is_said_while_ready_tells_of_the_last_artifact() {
    let (mut facts, _) = begun(READY_BEFORE, Some(artifact("main@sha1:1", "sha256:1")));
    new_generation(&mut facts, 1);
    assert_eq!(facts.conditions.get(RECONCILING).unwrap().message, "processing object: new generation 1 -> 2");
    assert!(facts.conditions.is_true(READY));
}

#[test]
fn tags_are_named_with_the_hash_of_their_object() {
    let id = |digit: &str| flux_git::ObjectId::from_hex(digit.repeat(40).as_bytes()).unwrap();
    let mut resolved = Resolved {
        name: Some("v1.0.0".to_owned()),
        full_name: Some("refs/tags/v1.0.0".to_owned()),
        commit: id("1"),
        tag: Some(id("2")),
    };
    assert_eq!(tag_name(&resolved), format!("v1.0.0@sha1:{}", "2".repeat(40)));
    resolved.tag = None;
    assert_eq!(tag_name(&resolved), format!("v1.0.0@sha1:{}", "1".repeat(40)));
}
