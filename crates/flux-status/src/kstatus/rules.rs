//! The rules that hold for all kinds, and which kind has rules of its own.

use serde_json::{Map, Value};

use super::fields::{self, Condition};
use super::{State, Status, pods, workloads};

pub(super) fn status(object: &Map<String, Value>) -> Status {
    generic(object).unwrap_or_else(|| match own_rule(object) {
        Some(rule) => rule(object),
        None => by_ready_condition(object),
    })
}

type Rule = fn(&Map<String, Value>) -> Status;

fn own_rule(object: &Map<String, Value>) -> Option<Rule> {
    let api_version = fields::text(object, &["apiVersion"]);
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let rule: Rule = match (group, fields::text(object, &["kind"])) {
        ("", "Service") => service,
        ("", "Pod") => pods::pod,
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => always_ready,
        ("", "PersistentVolumeClaim") => claim,
        ("apps" | "extensions", "Deployment") => workloads::deployment,
        ("apps" | "extensions", "ReplicaSet") => workloads::replica_set,
        ("apps" | "extensions", "DaemonSet") => workloads::daemon_set,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("policy", "PodDisruptionBudget") => disruption_budget,
        ("batch", "Job") => pods::job,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition,
        _ => return None,
    };
    Some(rule)
}

/// What deletion, generation and the Reconciling and Stalled conditions say; none when they say nothing.
fn generic(object: &Map<String, Value>) -> Option<Status> {
    if !fields::text(object, &["metadata", "deletionTimestamp"]).is_empty() {
        return Some(Status::new(State::Terminating, "Resource scheduled for deletion"));
    }
    unobserved(object).or_else(|| {
        fields::conditions(object).find_map(|Condition { kind, status, message, .. }| match (kind, status) {
            ("Reconciling", "True") => Some(Status::in_progress(message)),
            ("Stalled", "True") => Some(Status::failed(message)),
            _ => None,
        })
    })
}

/// In progress when the controller has not seen the latest generation.
pub(crate) fn unobserved(object: &Map<String, Value>) -> Option<Status> {
    let generation = fields::integer(object, &["metadata", "generation"])?;
    let observed = fields::integer(object, &["status", "observedGeneration"])?;
    let kind = fields::text(object, &["kind"]);
    let message = || format!("{kind} generation is {generation}, but latest observed generation is {observed}");
    (generation != observed).then(|| Status::in_progress(message()))
}

fn by_ready_condition(object: &Map<String, Value>) -> Status {
    let ready = fields::conditions(object).find(|condition| condition.kind == "Ready");
    match ready {
        Some(Condition { status: "True", message, .. }) => {
            Status::current(if message.is_empty() { "Resource is Ready" } else { message })
        }
        Some(Condition { message, .. }) => Status::in_progress(message),
        None => Status::current("Resource is current"),
    }
}

fn always_ready(_: &Map<String, Value>) -> Status {
    Status::current("Resource is always ready")
}

fn service(object: &Map<String, Value>) -> Status {
    let balancer = fields::text(object, &["spec", "type"]) == "LoadBalancer";
    if balancer && fields::text(object, &["spec", "clusterIP"]).is_empty() {
        Status::in_progress("ClusterIP not set. Service type: LoadBalancer")
    } else {
        Status::current("Service is ready")
    }
}

fn claim(object: &Map<String, Value>) -> Status {
    match fields::text(object, &["status", "phase"]) {
        "Bound" => Status::current("PVC is Bound"),
        phase => {
            let phase = if phase.is_empty() { "unknown" } else { phase };
            Status::in_progress(format!("PVC is not Bound. phase: {phase}"))
        }
    }
}

fn disruption_budget(_: &Map<String, Value>) -> Status {
    Status::current("AllowedDisruptions has been computed.")
}

fn definition(object: &Map<String, Value>) -> Status {
    for Condition { kind, status, reason, message } in fields::conditions(object) {
        match (kind, status, reason) {
            ("NamesAccepted", "False", _) => return Status::failed(message),
            ("Established", "False", reason) if reason != "Installing" => return Status::failed(message),
            ("Established", "True", _) => return Status::current("CRD is established"),
            _ => {}
        }
    }
    Status::in_progress("Install in progress")
}
