use std::time::Duration;

use flux_api::meta::reason;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Layer {
    text: &'static str,
    #[source]
    cause: Option<Box<Layer>>,
}

fn layers(texts: &[&'static str]) -> Layer {
    let mut all = texts.iter().rev();
    let mut error = Layer { text: all.next().unwrap(), cause: None };
    for text in all {
        error = Layer { text, cause: Some(Box::new(error)) };
    }
    error
}

fn failure() -> Failure {
    Failure::new(reason::FAILED, layers(&["failed to fetch", "no route"]))
}

/// The report of `end` for an object that is being reconciled after an earlier stall.
fn reported(end: &End) -> String {
    let mut conditions = Conditions::new(Vec::new(), 7, Time("2026-01-01T00:00:00Z".parse().unwrap()));
    conditions.reconciling(reason::PROGRESSING, "on it");
    let facts = Facts { status: (), conditions, notices: Vec::new() };
    let clock = Clock { now: "2026-01-01T00:01:00Z".parse().unwrap(), elapsed: Duration::from_secs(1) };
    let Report { conditions, observed, notices, requeue } = standard(&facts, end, &clock);
    let mut lines: Vec<String> = conditions
        .sorted()
        .iter()
        .map(|c| format!("{}={:?} {}: {} #{}", c.type_, c.status, c.reason, c.message, c.last_transition_time.0))
        .collect();
    lines.push(format!("observed {observed}, then {requeue:?}"));
    lines.extend(notices.iter().map(|n| format!("{:?} {}: {}", n.severity, n.reason, n.message)));
    lines.join("\n")
}

fn check(end: &End, expected: &[&str]) {
    assert_eq!(reported(end), expected.join("\n"));
}

#[test]
fn a_run_that_reached_its_aim_is_ready_and_repeats_after_its_interval() {
    let mut outcome = Outcome { reason: reason::SUCCEEDED, message: "stored".to_owned(), requeue_after: None };
    let ready = "Ready=True Succeeded: stored #2026-01-01T00:01:00Z";
    check(&End::Done(outcome.clone()), &[ready, "observed true, then Interval"]);
    outcome.requeue_after = Some(Duration::from_secs(5));
    check(&End::Done(outcome), &[ready, "observed true, then After(5s)"]);
}

#[test]
fn a_waiting_run_is_no_error() {
    let fault = Fault::Waiting { on: failure(), retry_after: Duration::from_secs(30) };
    check(
        &End::Failed(fault),
        &[
            "Reconciling=True ProgressingWithRetry: failed to fetch: no route #2026-01-01T00:01:00Z",
            "Ready=False Failed: failed to fetch: no route #2026-01-01T00:01:00Z",
            "observed false, then After(30s)",
            "Info Failed: failed to fetch: no route",
        ],
    );
}

#[test]
fn a_transient_fault_shows_its_condition_and_is_retried() {
    for (retry, requeue) in
        [(Retry::Backoff, "Backoff"), (Retry::After(Duration::from_secs(9)), "After(9s)"), (Retry::Now, "Now")]
    {
        let fault = Fault::Transient { failure: failure().on("FetchFailed"), retry };
        check(
            &End::Failed(fault),
            &[
                "Reconciling=True ProgressingWithRetry: failed to fetch: no route #2026-01-01T00:01:00Z",
                "Ready=False Failed: failed to fetch: no route #2026-01-01T00:01:00Z",
                "FetchFailed=True Failed: failed to fetch: no route #2026-01-01T00:01:00Z",
                &format!("observed false, then {requeue}"),
                "Error Failed: failed to fetch: no route",
            ],
        );
    }
}

#[test]
fn a_stalled_run_is_observed_and_waits_for_a_change() {
    check(
        &End::Failed(Fault::Stalled(failure())),
        &[
            "Stalled=True Failed: failed to fetch: no route #2026-01-01T00:01:00Z",
            "Ready=False Failed: failed to fetch: no route #2026-01-01T00:01:00Z",
            "observed true, then OnChange",
            "Error Failed: failed to fetch: no route",
        ],
    );
}

#[test]
fn an_interrupted_run_starts_over_at_once() {
    check(
        &End::Failed(Fault::Interrupted(Failure::new(reason::HEALTH_CHECK_CANCELED, layers(&["superseded"])))),
        &[
            "Reconciling=True ProgressingWithRetry: superseded #2026-01-01T00:01:00Z",
            "Ready=False HealthCheckCanceled: superseded #2026-01-01T00:01:00Z",
            "observed false, then Now",
            "Info HealthCheckCanceled: superseded",
        ],
    );
}

#[test]
fn causes_are_said_once() {
    for (texts, expected) in [
        (&["a"][..], "a"),
        (&["failed to fetch", "connection refused"], "failed to fetch: connection refused"),
        (&["failed to fetch: timed out", "timed out"], "failed to fetch: timed out"),
        (&["outer", "middle", "outer", "inner"], "outer: middle: inner"),
    ] {
        assert_eq!(message(&layers(texts)), expected);
    }
}

#[test]
fn of_an_api_servers_answer_only_the_message_is_shown() {
    let status = kube::core::Status::failure("the server is on fire", "InternalError").with_code(500);
    assert_eq!(message(&kube::Error::Api(status.boxed())), "the server is on fire");
}
