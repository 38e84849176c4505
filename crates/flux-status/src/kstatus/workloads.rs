//! Deployment, ReplicaSet, StatefulSet and DaemonSet.

use serde_json::{Map, Value};

use super::Status;
use super::fields::{Condition, conditions, integer, text};

/// The value by which the API server stores that there is no deadline.
const NO_DEADLINE: i64 = i32::MAX as i64;

fn count(object: &Map<String, Value>, field: &str) -> i64 {
    integer(object, &["status", field]).unwrap_or_default()
}

/// The API server's default is one replica.
fn wanted_replicas(object: &Map<String, Value>) -> i64 {
    integer(object, &["spec", "replicas"]).unwrap_or(1)
}

pub(super) fn deployment(object: &Map<String, Value>) -> Status {
    let deadline = integer(object, &["spec", "progressDeadlineSeconds"]).unwrap_or(NO_DEADLINE);
    // Without a deadline the controller sets no Progressing condition.
    let (mut progressed, mut available) = (deadline == NO_DEADLINE, false);
    for Condition { kind, status, reason, .. } in conditions(object) {
        match (kind, status, reason) {
            ("Progressing", _, "ProgressDeadlineExceeded") => return Status::failed("Progress deadline exceeded"),
            ("Progressing", "True", "NewReplicaSetAvailable") => progressed = true,
            ("Available", "True", _) => available = true,
            _ => {}
        }
    }
    let (wanted, replicas, updated) =
        (wanted_replicas(object), count(object, "replicas"), count(object, "updatedReplicas"));
    let (ready, reachable) = (count(object, "readyReplicas"), count(object, "availableReplicas"));
    let message = if wanted > replicas {
        format!("Replicas: {replicas}/{wanted}")
    } else if wanted > updated {
        format!("Updated: {updated}/{wanted}")
    } else if replicas > wanted {
        format!("Pending termination: {}", replicas - wanted)
    } else if updated > reachable {
        format!("Available: {reachable}/{updated}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else if !progressed {
        "ReplicaSet not Available".to_owned()
    } else if !available {
        "Deployment not Available".to_owned()
    } else {
        return Status::current(format!("Deployment is available. Replicas: {replicas}"));
    };
    Status::in_progress(message)
}

pub(super) fn replica_set(object: &Map<String, Value>) -> Status {
    if conditions(object).any(|condition| condition.kind == "ReplicaFailure" && condition.status == "True") {
        return Status::in_progress("Replica Failure condition. Check Pods");
    }
    let (wanted, replicas) = (wanted_replicas(object), count(object, "replicas"));
    let (labelled, available) = (count(object, "fullyLabeledReplicas"), count(object, "availableReplicas"));
    let ready = count(object, "readyReplicas");
    let message = if wanted > labelled {
        format!("Labelled: {labelled}/{wanted}")
    } else if wanted > available {
        format!("Available: {available}/{wanted}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else if replicas > wanted {
        format!("Pending termination: {}", replicas - wanted)
    } else {
        return Status::current(format!("ReplicaSet is available. Replicas: {replicas}"));
    };
    Status::in_progress(message)
}

pub(super) fn stateful_set(object: &Map<String, Value>) -> Status {
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Status::current("StatefulSet is using the ondelete update strategy");
    }
    let (wanted, replicas) = (wanted_replicas(object), count(object, "replicas"));
    let (ready, current) = (count(object, "readyReplicas"), count(object, "currentReplicas"));
    let message = if wanted > replicas {
        format!("Replicas: {replicas}/{wanted}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else if replicas > wanted {
        format!("Pending termination: {}", replicas - wanted)
    } else if let Some(partition) = integer(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]) {
        let (updated, wanted) = (count(object, "updatedReplicas"), wanted - partition);
        if updated >= wanted {
            return Status::current(format!("Partition rollout complete. updated: {updated}"));
        }
        format!("updated: {updated}/{wanted}")
    } else if wanted > current {
        format!("current: {current}/{wanted}")
    } else if text(object, &["status", "currentRevision"]) != text(object, &["status", "updateRevision"]) {
        "Waiting for updated revision to match current".to_owned()
    } else {
        return Status::current(format!("All replicas scheduled as expected. Replicas: {replicas}"));
    };
    Status::in_progress(message)
}

pub(super) fn daemon_set(object: &Map<String, Value>) -> Status {
    // The controller sets all of these at once; without them it has not seen the object.
    for path in [["metadata", "generation"], ["status", "observedGeneration"]] {
        if integer(object, &path).is_none() {
            return Status::in_progress(format!("DaemonSet {} not found", path.join(".")));
        }
    }
    let Some(wanted) = integer(object, &["status", "desiredNumberScheduled"]) else {
        return Status::in_progress("Missing .status.desiredNumberScheduled");
    };
    let counts = [
        ("Current", "currentNumberScheduled"),
        ("Updated", "updatedNumberScheduled"),
        ("Available", "numberAvailable"),
        ("Ready", "numberReady"),
    ];
    let lacking =
        counts.into_iter().map(|(word, field)| (word, count(object, field))).find(|(_, found)| wanted > *found);
    match lacking {
        Some((word, found)) => Status::in_progress(format!("{word}: {found}/{wanted}")),
        None => Status::current(format!("All replicas scheduled as expected. Replicas: {wanted}")),
    }
}
