//! Which fields the kinds of Kubernetes itself have.
//!
//! The API server refuses an apply with a field that the kind does not have; upstream loses such fields before it
//! applies, so that they never hurt. To be a drop-in, so does this; unlike upstream, it says which.

use k8s_openapi::api::{
    admissionregistration, apps, autoscaling, batch, certificates, coordination, core, discovery, events, flowcontrol,
    networking, node, policy, rbac, scheduling, storage,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Manifest;

/// Removes nulls and the fields that a kind of Kubernetes itself does not have, and returns the paths of the latter.
/// None when the kind is not one of Kubernetes or a field has the wrong type; the manifest is untouched then.
pub(crate) fn drop_unknown_fields(manifest: &mut Manifest) -> Option<Vec<String>> {
    let known = known_fields(manifest)?;
    let mut dropped = Vec::new();
    retain(manifest.as_map_mut(), &known, "", &mut dropped);
    Some(dropped)
}

/// The manifest as its typed form holds it.
fn known_fields(manifest: &Manifest) -> Option<Map<String, Value>> {
    let read = reader(manifest.api_version(), manifest.kind())?;
    match read(Value::Object(manifest.as_map().clone())) {
        Some(Value::Object(map)) => Some(map),
        _ => None,
    }
}

fn retain(map: &mut Map<String, Value>, known: &Map<String, Value>, path: &str, dropped: &mut Vec<String>) {
    map.retain(|key, value| {
        let Some(known) = known.get(key) else {
            if !value.is_null() {
                dropped.push(join(path, key));
            }
            return false;
        };
        match (value, known) {
            (Value::Object(map), Value::Object(known)) => retain(map, known, &join(path, key), dropped),
            (Value::Array(items), Value::Array(known)) => {
                for (index, pair) in items.iter_mut().zip(known).enumerate() {
                    if let (Value::Object(map), Value::Object(known)) = pair {
                        retain(map, known, &format!("{}[{index}]", join(path, key)), dropped);
                    }
                }
            }
            _ => {}
        }
        true
    });
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

type Reader = fn(Value) -> Option<Value>;

fn typed<K: DeserializeOwned + Serialize>(value: Value) -> Option<Value> {
    let object: K = serde_json::from_value(value).ok()?;
    serde_json::to_value(object).ok()
}

fn reader(api_version: &str, kind: &str) -> Option<Reader> {
    let reader: Reader = match (api_version, kind) {
        ("v1", "ConfigMap") => typed::<core::v1::ConfigMap>,
        ("v1", "Endpoints") => typed::<core::v1::Endpoints>,
        ("v1", "LimitRange") => typed::<core::v1::LimitRange>,
        ("v1", "Namespace") => typed::<core::v1::Namespace>,
        ("v1", "Node") => typed::<core::v1::Node>,
        ("v1", "PersistentVolume") => typed::<core::v1::PersistentVolume>,
        ("v1", "PersistentVolumeClaim") => typed::<core::v1::PersistentVolumeClaim>,
        ("v1", "Pod") => typed::<core::v1::Pod>,
        ("v1", "PodTemplate") => typed::<core::v1::PodTemplate>,
        ("v1", "ReplicationController") => typed::<core::v1::ReplicationController>,
        ("v1", "ResourceQuota") => typed::<core::v1::ResourceQuota>,
        ("v1", "Secret") => typed::<core::v1::Secret>,
        ("v1", "Service") => typed::<core::v1::Service>,
        ("v1", "ServiceAccount") => typed::<core::v1::ServiceAccount>,
        ("apps/v1", "ControllerRevision") => typed::<apps::v1::ControllerRevision>,
        ("apps/v1", "DaemonSet") => typed::<apps::v1::DaemonSet>,
        ("apps/v1", "Deployment") => typed::<apps::v1::Deployment>,
        ("apps/v1", "ReplicaSet") => typed::<apps::v1::ReplicaSet>,
        ("apps/v1", "StatefulSet") => typed::<apps::v1::StatefulSet>,
        ("autoscaling/v1", "HorizontalPodAutoscaler") => typed::<autoscaling::v1::HorizontalPodAutoscaler>,
        ("autoscaling/v2", "HorizontalPodAutoscaler") => typed::<autoscaling::v2::HorizontalPodAutoscaler>,
        ("batch/v1", "CronJob") => typed::<batch::v1::CronJob>,
        ("batch/v1", "Job") => typed::<batch::v1::Job>,
        ("certificates.k8s.io/v1", "CertificateSigningRequest") => typed::<certificates::v1::CertificateSigningRequest>,
        ("coordination.k8s.io/v1", "Lease") => typed::<coordination::v1::Lease>,
        ("discovery.k8s.io/v1", "EndpointSlice") => typed::<discovery::v1::EndpointSlice>,
        ("events.k8s.io/v1", "Event") => typed::<events::v1::Event>,
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema") => typed::<flowcontrol::v1::FlowSchema>,
        ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration") => {
            typed::<flowcontrol::v1::PriorityLevelConfiguration>
        }
        ("networking.k8s.io/v1", "Ingress") => typed::<networking::v1::Ingress>,
        ("networking.k8s.io/v1", "IngressClass") => typed::<networking::v1::IngressClass>,
        ("networking.k8s.io/v1", "NetworkPolicy") => typed::<networking::v1::NetworkPolicy>,
        ("node.k8s.io/v1", "RuntimeClass") => typed::<node::v1::RuntimeClass>,
        ("policy/v1", "PodDisruptionBudget") => typed::<policy::v1::PodDisruptionBudget>,
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => typed::<rbac::v1::ClusterRoleBinding>,
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => typed::<rbac::v1::RoleBinding>,
        ("scheduling.k8s.io/v1", "PriorityClass") => typed::<scheduling::v1::PriorityClass>,
        ("storage.k8s.io/v1", "CSIDriver") => typed::<storage::v1::CSIDriver>,
        ("storage.k8s.io/v1", "CSINode") => typed::<storage::v1::CSINode>,
        ("storage.k8s.io/v1", "StorageClass") => typed::<storage::v1::StorageClass>,
        ("storage.k8s.io/v1", "VolumeAttachment") => typed::<storage::v1::VolumeAttachment>,
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration") => {
            typed::<admissionregistration::v1::MutatingWebhookConfiguration>
        }
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration") => {
            typed::<admissionregistration::v1::ValidatingWebhookConfiguration>
        }
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy") => {
            typed::<admissionregistration::v1::ValidatingAdmissionPolicy>
        }
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding") => {
            typed::<admissionregistration::v1::ValidatingAdmissionPolicyBinding>
        }
        _ => return None,
    };
    Some(reader)
}
