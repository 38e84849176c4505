//! What all kinds share: conditions, durations, references, artifacts, and the constants of fluxcd/pkg/apis/meta.

mod duration;
mod inventory;
mod references;

use std::collections::BTreeMap;
use std::fmt::Debug;

pub use duration::{Duration, ParseDurationError};
pub use inventory::{ResourceInventory, ResourceRef};
pub use references::{
    CommonMetadata, DependencyReference, KubeConfigReference, LocalObjectReference, NamespacedObjectKindReference,
    NamespacedObjectReference, SecretKeyReference,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::NamespaceResourceScope;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The finalizer of every reconciled kind.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Any change of this annotation's value asks for a run.
pub const RECONCILE_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";
/// Forces the run that [`RECONCILE_REQUEST_ANNOTATION`] asks for when both carry the same value.
pub const FORCE_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/forceAt";
/// Resets the failure counters of a HelmRelease when [`RECONCILE_REQUEST_ANNOTATION`] carries the same value.
pub const RESET_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/resetAt";
/// Label (`Enabled`) on ConfigMaps and Secrets whose changes wake their dependents.
pub const WATCH_LABEL: &str = "reconcile.fluxcd.io/watch";
/// The value of [`WATCH_LABEL`] that switches watching on.
pub const WATCH_LABEL_VALUE: &str = "Enabled";
/// Label by which several instances of a controller share the objects of a cluster.
pub const SHARD_LABEL: &str = "sharding.fluxcd.io/key";
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
    #[schemars(
        length(max = 316),
        regex(
            pattern = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
        )
    )]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: ConditionStatus,
    /// The generation that this condition was set for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// When type, status, reason or message changed last, in whole seconds.
    pub last_transition_time: Time,
    /// Why, as one CamelCase word.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// Why, for people; 32,768 characters at most.
    #[schemars(length(max = 32768))]
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
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
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
    #[schemars(regex(pattern = "^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
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

/// Reads an optional text in which the empty one means none, as upstream's Go types do.
pub(crate) fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// Whether a counter is left out, as upstream's Go types do.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
pub(crate) fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// Implements [`FluxObject`] for a kind whose spec has `suspend` and whose status has the three common fields. The
/// closure says what the kind's interval is.
macro_rules! flux_object {
    ($kind:ident, $interval:expr) => {
        impl $crate::meta::FluxObject for $kind {
            fn conditions(&self) -> &[$crate::meta::Condition] {
                self.status.as_ref().map_or(&[], |status| &status.conditions)
            }

            fn observed_generation(&self) -> i64 {
                self.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(-1)
            }

            fn last_handled_reconcile_at(&self) -> Option<&str> {
                self.status.as_ref()?.last_handled_reconcile_at.as_deref()
            }

            fn suspended(&self) -> bool {
                self.spec.suspend
            }

            fn interval(&self) -> Option<std::time::Duration> {
                let interval: fn(&$kind) -> Option<std::time::Duration> = $interval;
                interval(self)
            }
        }
    };
}
pub(crate) use flux_object;
