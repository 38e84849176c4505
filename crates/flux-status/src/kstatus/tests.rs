use serde_json::{Value, json};

use super::{State, is_unschedulable, kstatus};

/// `object` gets the API version and kind, generation 2 and, where it has a status without one, an observed generation.
fn check(kind: &str, mut object: Value, state: State, message: &str) {
    let (api_version, kind) = kind.split_once(' ').unwrap();
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    if object.get("metadata").is_none() {
        object["metadata"] = json!({"name": "x", "generation": 2});
    }
    if let Some(Value::Object(status)) = object.get_mut("status") {
        status.entry("observedGeneration").or_insert(json!(2));
    }
    let status = kstatus(object.as_object().unwrap());
    assert_eq!((status.state, status.message.as_str()), (state, message), "{object}");
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

#[test]
fn any_object_is_judged_by_deletion_generation_and_standard_conditions() {
    let kind = "example.com/v1 Thing";
    let with = |conditions: Value| json!({"status": {"conditions": conditions}});
    check(kind, json!({}), State::Current, "Resource is current");
    check(kind, json!({"spec": {}, "status": {}}), State::Current, "Resource is current");
    check(
        kind,
        json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        State::Terminating,
        "Resource scheduled for deletion",
    );
    check(
        kind,
        json!({"status": {"observedGeneration": 1, "conditions": [condition("Ready", "True", "", "")]}}),
        State::InProgress,
        "Thing generation is 2, but latest observed generation is 1",
    );
    check(kind, with(json!([condition("Ready", "True", "A", "done")])), State::Current, "done");
    check(kind, with(json!([condition("Ready", "True", "A", "")])), State::Current, "Resource is Ready");
    check(kind, with(json!([condition("Ready", "False", "A", "not yet")])), State::InProgress, "not yet");
    check(kind, with(json!([condition("Ready", "Unknown", "A", "who knows")])), State::InProgress, "who knows");
    let ready = condition("Ready", "True", "A", "");
    check(kind, with(json!([ready, condition("Reconciling", "True", "B", "busy")])), State::InProgress, "busy");
    check(kind, with(json!([ready, condition("Stalled", "True", "B", "stuck")])), State::Failed, "stuck");
    check(kind, with(json!([ready, condition("Stalled", "False", "B", "")])), State::Current, "Resource is Ready");
}

#[test]
fn malformed_fields_are_as_good_as_absent() {
    check("example.com/v1 Thing", json!({"status": "fine"}), State::Current, "Resource is current");
    check("example.com/v1 Thing", json!({"status": {"conditions": {}}}), State::Current, "Resource is current");
    check("apps/v1 Deployment", json!({"spec": {"replicas": "two"}}), State::InProgress, "Replicas: 0/1");
}

#[test]
fn a_deployment_is_current_when_its_new_replicas_are_available() {
    let kind = "apps/v1 Deployment";
    let with = |counts: [u32; 4], conditions: Value| {
        let [replicas, updated, available, ready] = counts;
        json!({"spec": {"replicas": 2, "progressDeadlineSeconds": 600}, "status": {"replicas": replicas,
            "updatedReplicas": updated, "availableReplicas": available, "readyReplicas": ready,
            "conditions": conditions}})
    };
    let good =
        json!([condition("Progressing", "True", "NewReplicaSetAvailable", ""), condition("Available", "True", "", "")]);
    check(kind, json!({}), State::InProgress, "Replicas: 0/1");
    check(kind, with([1, 1, 1, 1], good.clone()), State::InProgress, "Replicas: 1/2");
    check(kind, with([2, 1, 2, 2], good.clone()), State::InProgress, "Updated: 1/2");
    check(kind, with([3, 2, 2, 2], good.clone()), State::InProgress, "Pending termination: 1");
    check(kind, with([2, 2, 1, 2], good.clone()), State::InProgress, "Available: 1/2");
    check(kind, with([2, 2, 2, 1], good.clone()), State::InProgress, "Ready: 1/2");
    check(kind, with([2, 2, 2, 2], json!([])), State::InProgress, "ReplicaSet not Available");
    check(kind, with([2, 2, 2, 2], json!([good[0]])), State::InProgress, "Deployment not Available");
    check(kind, with([2, 2, 2, 2], good), State::Current, "Deployment is available. Replicas: 2");
    let exceeded = json!([condition("Progressing", "False", "ProgressDeadlineExceeded", "")]);
    check(kind, with([2, 2, 1, 1], exceeded), State::Failed, "Progress deadline exceeded");
    let paused = json!({"spec": {"replicas": 0}, "status": {"conditions": [condition("Available", "True", "", "")]}});
    check(kind, paused, State::Current, "Deployment is available. Replicas: 0");
}

#[test]
fn a_replica_set_is_current_when_its_replicas_are_ready() {
    let kind = "apps/v1 ReplicaSet";
    let with = |replicas: u32, labelled: u32, available: u32, ready: u32| {
        json!({"spec": {"replicas": 2}, "status": {"replicas": replicas, "fullyLabeledReplicas": labelled,
            "availableReplicas": available, "readyReplicas": ready}})
    };
    check(kind, with(2, 1, 2, 2), State::InProgress, "Labelled: 1/2");
    check(kind, with(2, 2, 1, 2), State::InProgress, "Available: 1/2");
    check(kind, with(2, 2, 2, 1), State::InProgress, "Ready: 1/2");
    check(kind, with(3, 2, 2, 2), State::InProgress, "Pending termination: 1");
    check(kind, with(2, 2, 2, 2), State::Current, "ReplicaSet is available. Replicas: 2");
    let failing = json!({"status": {"conditions": [condition("ReplicaFailure", "True", "", "")]}});
    check(kind, failing, State::InProgress, "Replica Failure condition. Check Pods");
}

#[test]
fn a_stateful_set_is_current_when_its_revision_is_rolled_out() {
    let kind = "apps/v1 StatefulSet";
    let with = |strategy: Value, counts: [u32; 4], revision: &str| {
        let [replicas, ready, current, updated] = counts;
        json!({"spec": {"replicas": 2, "updateStrategy": strategy}, "status": {"replicas": replicas,
            "readyReplicas": ready, "currentReplicas": current, "updatedReplicas": updated,
            "currentRevision": "a", "updateRevision": revision}})
    };
    let rolling = json!({"type": "RollingUpdate"});
    check(kind, with(rolling.clone(), [1, 1, 1, 1], "a"), State::InProgress, "Replicas: 1/2");
    check(kind, with(rolling.clone(), [2, 1, 2, 2], "a"), State::InProgress, "Ready: 1/2");
    check(kind, with(rolling.clone(), [3, 3, 2, 2], "a"), State::InProgress, "Pending termination: 1");
    check(kind, with(rolling.clone(), [2, 2, 1, 2], "a"), State::InProgress, "current: 1/2");
    check(
        kind,
        with(rolling.clone(), [2, 2, 2, 2], "b"),
        State::InProgress,
        "Waiting for updated revision to match current",
    );
    check(kind, with(rolling, [2, 2, 2, 2], "a"), State::Current, "All replicas scheduled as expected. Replicas: 2");
    let partitioned = json!({"rollingUpdate": {"partition": 1}});
    check(kind, with(partitioned.clone(), [2, 2, 1, 0], "b"), State::InProgress, "updated: 0/1");
    check(kind, with(partitioned, [2, 2, 1, 1], "b"), State::Current, "Partition rollout complete. updated: 1");
    let manual = json!({"type": "OnDelete"});
    check(kind, with(manual, [0, 0, 0, 0], "b"), State::Current, "StatefulSet is using the ondelete update strategy");
}

#[test]
fn a_daemon_set_is_current_when_every_node_has_the_new_pod() {
    let kind = "apps/v1 DaemonSet";
    let with = |current: u32, updated: u32, available: u32, ready: u32| {
        json!({"status": {"desiredNumberScheduled": 2, "currentNumberScheduled": current,
            "updatedNumberScheduled": updated, "numberAvailable": available, "numberReady": ready}})
    };
    check(kind, json!({}), State::InProgress, "DaemonSet status.observedGeneration not found");
    check(kind, json!({"metadata": {}, "status": {}}), State::InProgress, "DaemonSet metadata.generation not found");
    check(kind, json!({"status": {}}), State::InProgress, "Missing .status.desiredNumberScheduled");
    check(kind, with(1, 2, 2, 2), State::InProgress, "Current: 1/2");
    check(kind, with(2, 1, 2, 2), State::InProgress, "Updated: 1/2");
    check(kind, with(2, 2, 1, 2), State::InProgress, "Available: 1/2");
    check(kind, with(2, 2, 2, 1), State::InProgress, "Ready: 1/2");
    check(kind, with(2, 2, 2, 2), State::Current, "All replicas scheduled as expected. Replicas: 2");
}

#[test]
fn a_pod_is_judged_by_its_phase() {
    let kind = "v1 Pod";
    let with = |phase: &str, condition: Value, waiting: &str| {
        json!({"status": {"phase": phase, "conditions": [condition],
            "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": waiting}}}]}})
    };
    let none = || json!({});
    check(kind, none(), State::InProgress, "Pod phase not available");
    check(kind, with("Succeeded", none(), ""), State::Current, "Pod has completed successfully");
    check(kind, with("Failed", none(), ""), State::Current, "Pod has completed, but not successfully");
    check(kind, with("Running", condition("Ready", "True", "", ""), ""), State::Current, "Pod is Ready");
    check(
        kind,
        with("Running", condition("Ready", "False", "", ""), ""),
        State::InProgress,
        "Pod is running but is not Ready",
    );
    check(kind, with("Running", none(), "CrashLoopBackOff"), State::Failed, "Containers in CrashLoop state: a");
    check(kind, with("Pending", none(), ""), State::InProgress, "Pod is in the Pending phase");
    let unscheduled = || condition("PodScheduled", "False", "Unschedulable", "");
    check(kind, with("Pending", unscheduled(), ""), State::InProgress, "Pod has not been scheduled");
    let misfit = |mut pod: Value| {
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        is_unschedulable(pod.as_object().unwrap())
    };
    assert!(misfit(with("Pending", unscheduled(), "")));
    assert!(!misfit(with("Running", unscheduled(), "")) && !misfit(with("Pending", none(), "")));
    check(kind, with("Odd", none(), ""), State::Unknown, "unknown phase Odd");
}

#[test]
fn a_job_is_current_only_when_complete_or_suspended() {
    let kind = "batch/v1 Job";
    check(kind, json!({}), State::InProgress, "Job not started. active: 0/1");
    check(kind, json!({"spec": {"suspend": true}}), State::Current, "Job is suspended");
    let started = json!({"status": {"startTime": "2026-01-01T00:00:00Z", "active": 1, "failed": 2}});
    check(kind, started, State::InProgress, "Job in progress. success:0, active: 1, failed: 2");
    let ended = |kind: &str| {
        json!({"spec": {"completions": 3}, "status": {"startTime": "2026-01-01T00:00:00Z", "succeeded": 3, "failed": 1,
            "conditions": [condition(kind, "True", "", "")]}})
    };
    check(kind, ended("Complete"), State::Current, "Job Completed. succeeded: 3/3");
    check(kind, ended("Failed"), State::Failed, "Job Failed. failed: 1/3");
}

#[test]
fn other_kinds_of_kubernetes_have_their_rules() {
    check("v1 ConfigMap", json!({}), State::Current, "Resource is always ready");
    check("v1 Secret", json!({}), State::Current, "Resource is always ready");
    check("batch/v1 CronJob", json!({"status": {"active": []}}), State::Current, "Resource is always ready");
    check("v1 Service", json!({"spec": {"type": "ClusterIP"}}), State::Current, "Service is ready");
    let balancer = |address: &str| json!({"spec": {"type": "LoadBalancer", "clusterIP": address}});
    check("v1 Service", balancer(""), State::InProgress, "ClusterIP not set. Service type: LoadBalancer");
    check("v1 Service", balancer("10.0.0.1"), State::Current, "Service is ready");
    let claim = "v1 PersistentVolumeClaim";
    check(claim, json!({"status": {"phase": "Bound"}}), State::Current, "PVC is Bound");
    check(claim, json!({"status": {"phase": "Pending"}}), State::InProgress, "PVC is not Bound. phase: Pending");
    check(claim, json!({}), State::InProgress, "PVC is not Bound. phase: unknown");
    check(
        "policy/v1 PodDisruptionBudget",
        json!({"status": {}}),
        State::Current,
        "AllowedDisruptions has been computed.",
    );
}

#[test]
fn a_definition_is_current_when_established() {
    let kind = "apiextensions.k8s.io/v1 CustomResourceDefinition";
    let with = |condition: Value| json!({"status": {"conditions": [condition]}});
    check(kind, json!({}), State::InProgress, "Install in progress");
    check(kind, with(condition("Established", "True", "", "")), State::Current, "CRD is established");
    check(kind, with(condition("Established", "False", "Installing", "")), State::InProgress, "Install in progress");
    check(kind, with(condition("Established", "False", "Other", "no")), State::Failed, "no");
    check(kind, with(condition("NamesAccepted", "False", "", "taken")), State::Failed, "taken");
}
