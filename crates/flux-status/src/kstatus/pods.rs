//! Pod and Job.

use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::{Condition, conditions, integer, is_true, items, text};
use super::{State, Status};

/// How long a Pod may have no node that fits before kstatus takes that for a failure.
pub const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

/// What a Pod that no node fits is once its time to be scheduled is over.
pub fn unscheduled() -> Status {
    Status::failed("Pod could not be scheduled")
}

/// Whether `object` is a Pod that no node fits. [`kstatus`](super::kstatus) knows no clock and says that it is in progress;
/// [`SCHEDULE_WINDOW`] after its creation it is [`unscheduled`].
pub fn is_unschedulable(object: &Map<String, Value>) -> bool {
    let is_pod = text(object, &["apiVersion"]) == "v1" && text(object, &["kind"]) == "Pod";
    let refused = |condition: &Condition<'_>| condition.status == "False" && condition.reason == "Unschedulable";
    is_pod
        && text(object, &["status", "phase"]) == "Pending"
        && conditions(object).find(|condition| condition.kind == "PodScheduled").as_ref().is_some_and(refused)
}

pub(super) fn pod(object: &Map<String, Value>) -> Status {
    let condition = |kind: &str| conditions(object).find(|condition| condition.kind == kind);
    match text(object, &["status", "phase"]) {
        "Succeeded" => Status::current("Pod has completed successfully"),
        // Whether that is a failure is for whoever made the Pod to say.
        "Failed" => Status::current("Pod has completed, but not successfully"),
        "Running" if condition("Ready").is_some_and(|ready| ready.status == "True") => Status::current("Pod is Ready"),
        "Running" => match crash_looping(object) {
            names if names.is_empty() => Status::in_progress("Pod is running but is not Ready"),
            names => Status::failed(format!("Containers in CrashLoop state: {}", names.join(","))),
        },
        "Pending" => match condition("PodScheduled") {
            Some(Condition { status: "False", reason: "Unschedulable", .. }) => {
                Status::in_progress("Pod has not been scheduled")
            }
            _ => Status::in_progress("Pod is in the Pending phase"),
        },
        "" => Status::in_progress("Pod phase not available"),
        phase => Status::new(State::Unknown, format!("unknown phase {phase}")),
    }
}

fn crash_looping(object: &Map<String, Value>) -> Vec<&str> {
    items(object, &["status", "containerStatuses"])
        .filter(|container| text(container, &["state", "waiting", "reason"]) == "CrashLoopBackOff")
        .map(|container| text(container, &["name"]))
        .collect()
}

/// Unlike kstatus' own rule, a Job that runs is in progress: it is Current only when it is complete or suspended.
pub(super) fn job(object: &Map<String, Value>) -> Status {
    if is_true(object, &["spec", "suspend"]) {
        return Status::current("Job is suspended");
    }
    let count = |field: &str| integer(object, &["status", field]).unwrap_or_default();
    let parallelism = integer(object, &["spec", "parallelism"]).unwrap_or(1);
    let completions = integer(object, &["spec", "completions"]).unwrap_or(parallelism);
    let (active, succeeded, failed) = (count("active"), count("succeeded"), count("failed"));
    for Condition { kind, status, .. } in conditions(object) {
        match (kind, status) {
            ("Complete", "True") => {
                return Status::current(format!("Job Completed. succeeded: {succeeded}/{completions}"));
            }
            ("Failed", "True") => return Status::failed(format!("Job Failed. failed: {failed}/{completions}")),
            _ => {}
        }
    }
    if text(object, &["status", "startTime"]).is_empty() {
        Status::in_progress(format!("Job not started. active: 0/{parallelism}"))
    } else {
        Status::in_progress(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}"))
    }
}
