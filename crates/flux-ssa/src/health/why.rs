//! What keeps a workload from being ready: the state of one of its Pods.
//!
//! Asked once, at the end of a wait that failed, as the identity that waited. Whoever may not see Pods gets no reason.

use std::time::Duration;

use flux_objects::Manifest;
use futures::future::join_all;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;

use super::pods::selector;
use super::watches::{api_resource, manifest};
use super::{HealthError, Unhealthy};
use crate::Discovery;
use crate::request::{self, Place};

/// Of how many workloads the Pods are looked at.
const WORKLOADS: usize = 5;
/// How many Pods of a workload are looked at.
const PODS: u32 = 50;
/// How long all of that may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest text of a container's state.
const LONGEST: usize = 200;
/// What containers say that are about to start.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The same end with the reasons of the Pods.
pub(super) async fn explained(end: HealthError, client: &Client, discovery: &Discovery) -> HealthError {
    let (HealthError::Stalled(objects) | HealthError::Timeout(objects)) = &end;
    let looked = objects.iter().filter(|object| is_workload(object)).take(WORKLOADS);
    let looked = join_all(looked.map(|object| async { (object.id.clone(), pod(object, client, discovery).await) }));
    let Ok(found) = tokio::time::timeout(LIMIT, looked).await else { return end };
    let with_pod = |mut object: Unhealthy| {
        let pod = found.iter().find(|(id, _)| *id == object.id).and_then(|(_, pod)| pod.clone());
        object.pod = pod;
        object
    };
    match end {
        HealthError::Stalled(objects) => HealthError::Stalled(objects.into_iter().map(with_pod).collect()),
        HealthError::Timeout(objects) => HealthError::Timeout(objects.into_iter().map(with_pod).collect()),
    }
}

/// Whether the object runs Pods and does not tell of them itself.
fn is_workload(object: &Unhealthy) -> bool {
    let kinds: &[&str] = match object.id.group.as_str() {
        "apps" => &["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"],
        "batch" => &["Job"],
        _ => return false,
    };
    kinds.contains(&object.id.kind.as_str()) && !object.status.message.contains("pods have failed")
}

/// The Pod that keeps a workload from being ready, and why.
async fn pod(object: &Unhealthy, client: &Client, discovery: &Discovery) -> Option<String> {
    let id = &object.id;
    let resolved = discovery.resolve(client, &format!("{}/v1", id.group), &id.kind).await.ok()?;
    let place = Place { resolved: &resolved, namespace: &id.namespace, name: &id.name };
    let selector = selector(&request::get(client, place).await.ok()??)?;
    let pods = discovery.resolve(client, "v1", "Pod").await.ok()?;
    let resource = api_resource(&pods);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &id.namespace, &resource);
    let listed = api.list(&ListParams::default().labels(&selector).limit(PODS)).await.ok()?;
    let mut found: Vec<(Blame, String)> = listed
        .items
        .into_iter()
        .filter_map(|pod| manifest(pod, &resource))
        .filter(|pod| !pod.is_terminating())
        .filter_map(|pod| reason(&pod).map(|(blame, reason)| (blame, format!("Pod {}: {reason}", pod.name()))))
        .collect();
    found.sort();
    found.into_iter().next().map(|(_, text)| text)
}

/// How telling a reason is, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Blame {
    /// A container cannot start, or ended.
    Container,
    /// No node takes the Pod.
    Node,
    /// A container runs and is not ready.
    Readiness,
}

/// Why a Pod is not ready; none when it is, or is about to start.
fn reason(pod: &Manifest) -> Option<(Blame, String)> {
    let status = pod.as_map().get("status")?;
    let containers = ["initContainerStatuses", "containerStatuses"].into_iter();
    let containers: Vec<&Value> = containers.filter_map(|field| status.get(field)?.as_array()).flatten().collect();
    if let Some(text) = containers.iter().find_map(|container| stopped(container)) {
        return Some((Blame::Container, text));
    }
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    let mut unscheduled = conditions.filter(|found| found["type"] == "PodScheduled" && found["status"] == "False");
    if let Some(condition) = unscheduled.next() {
        return Some((Blame::Node, joined(text(&condition["reason"]), text(&condition["message"]))));
    }
    let unready = containers.iter().find(|container| {
        container["ready"] == false && container["state"]["running"].is_object() && container["started"] != false
    });
    unready.map(|container| (Blame::Readiness, format!("container {:?} is not ready", text(&container["name"]))))
}

/// Why a container does not run.
fn stopped(container: &Value) -> Option<String> {
    let name = text(&container["name"]);
    let (waiting, ended) = (&container["state"]["waiting"], &container["state"]["terminated"]);
    let why = text(&waiting["reason"]);
    if !why.is_empty() && !STARTING.contains(&why) {
        let last = &container["lastState"]["terminated"];
        let message = match last["exitCode"].as_i64() {
            Some(code) => format!("exit code {code}"),
            None => text(&waiting["message"]).to_owned(),
        };
        return Some(format!("container {name:?} is in {}", joined(why, &message)));
    }
    let code = ended["exitCode"].as_i64().filter(|code| *code != 0)?;
    Some(format!("container {name:?} ended in {}", joined(text(&ended["reason"]), &format!("exit code {code}"))))
}

fn joined(reason: &str, message: &str) -> String {
    let line: String = message.lines().next().unwrap_or_default().chars().take(LONGEST).collect();
    if line.is_empty() { reason.to_owned() } else { format!("{reason}: {line}") }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: &Value, expected: Option<&str>) {
        let metadata = json!({"name": "web-1"});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status});
        let found = reason(&Manifest::new(pod).unwrap()).map(|(_, text)| text);
        assert_eq!(found.as_deref(), expected, "{status}");
    }

    #[test]
    fn a_pod_tells_what_keeps_it_from_being_ready() {
        let container = |state: Value, last: Value| json!({"containerStatuses": [{"name": "web", "ready": false, "state": state, "lastState": last}]});
        let waiting = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
        let image = container(waiting("ImagePullBackOff", "no such image\nat all"), json!({}));
        check(&image, Some(r#"container "web" is in ImagePullBackOff: no such image"#));
        let crash = container(waiting("CrashLoopBackOff", "back-off 10s"), json!({"terminated": {"exitCode": 2}}));
        check(&crash, Some(r#"container "web" is in CrashLoopBackOff: exit code 2"#));
        let ended = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        check(&container(ended, json!({})), Some(r#"container "web" ended in OOMKilled: exit code 137"#));
        check(&container(json!({"running": {}}), json!({})), Some(r#"container "web" is not ready"#));
        check(&container(waiting("ContainerCreating", ""), json!({})), None);
        let unscheduled =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"});
        check(&json!({"conditions": [unscheduled]}), Some("Unschedulable: 0/1 nodes"));
        check(&json!({}), None);
    }
}
