//! What all kinds share: conditions, durations, references, artifacts, and the constants of fluxcd/pkg/apis/meta.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The finalizer of every reconciled kind.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Any change of this annotation's value asks for a run.
pub const RECONCILE_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";
/// Label (`Enabled`) on ConfigMaps and Secrets whose changes wake their dependents.
pub const WATCH_LABEL: &str = "reconcile.fluxcd.io/watch";
/// Annotations with this prefix are copied into the metadata of the object's events.
pub const EVENT_ANNOTATION_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// Condition type: the summary that users wait for.
pub const READY: &str = "Ready";
/// Condition type, present only when True: work is under way or will be retried.
pub const RECONCILING: &str = "Reconciling";
/// Condition type, present only when True: only an edit can help.
pub const STALLED: &str = "Stalled";
/// Condition type: the health checks passed.
pub const HEALTHY: &str = "Healthy";

/// The generic reasons of fluxcd/pkg/apis/meta.
pub mod reason {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const SUCCEEDED: &str = "Succeeded";
    pub const FAILED: &str = "Failed";
    pub const PROGRESSING: &str = "Progressing";
    pub const SUSPENDED: &str = "Suspended";
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
    pub const INVALID_PATH: &str = "InvalidPath";
    pub const INVALID_URL: &str = "InvalidURL";
    pub const INSECURE_CONNECTIONS_DISALLOWED: &str = "InsecureConnectionsDisallowed";
    pub const UNSUPPORTED_CONNECTION_TYPE: &str = "UnsupportedConnectionType";
    pub const PRUNE_FAILED: &str = "PruneFailed";
    pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
    pub const BUILD_FAILED: &str = "BuildFailed";
    pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
    pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
    pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
    pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
    pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
    pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
    pub const ACCESS_DENIED: &str = "AccessDenied";
}

/// metav1.Condition with the validation that upstream's CRDs carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The condition's name in CamelCase, 316 characters at most.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: ConditionStatus,
    /// The generation that this condition was set for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When type, status, reason or message changed last, in whole seconds.
    pub last_transition_time: Time,
    /// Why, as one CamelCase word.
    pub reason: String,
    /// Why, for people; 32,768 characters at most.
    pub message: String,
}

/// The three values of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the three values are Kubernetes' own")]
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}

/// What a controller needs from any Flux kind that it reconciles.
pub trait FluxObject:
    kube::Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static
{
    /// `status.conditions`.
    fn conditions(&self) -> &[Condition];
    /// `status.observedGeneration`; -1 when there is no status.
    fn observed_generation(&self) -> i64;
    /// `status.lastHandledReconcileAt`.
    fn last_handled_reconcile_at(&self) -> Option<&str>;
    /// `spec.suspend`.
    fn suspended(&self) -> bool;
    /// `spec.interval`; none for kinds without one.
    fn interval(&self) -> Option<std::time::Duration>;
}

/// `status.artifact` of every source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Relative to the storage root.
    pub path: String,
    /// Where the artifact is served.
    pub url: String,
    /// The source's revision, for example `main@sha1:…`.
    pub revision: String,
    /// `<algorithm>:<hex>` of the file.
    pub digest: String,
    /// When the artifact was written.
    pub last_update_time: Time,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Annotations that came with the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Names an object in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalObjectReference {
    /// The object's name.
    pub name: String,
}
