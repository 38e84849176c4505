//! HelmChart: one chart, pulled from a repository or packaged from a source, and served.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Source;
use super::oci_repository::{OIDCIdentityMatch, SignatureProvider};
use crate::crd::rules;
use crate::meta::{Artifact, Condition, Duration, LocalObjectReference, flux_object, non_empty};

/// Which chart, of which source, in which version.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "source.toolkit.fluxcd.io",
    version = "v1",
    kind = "HelmChart",
    plural = "helmcharts",
    namespaced,
    status = "HelmChartStatus",
    derive = "PartialEq",
    shortname = "hc",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-sources",
    annotation("kustomize.toolkit.fluxcd.io/substitute", "disabled"),
    printcolumn(name = "Chart", type_ = "string", json_path = ".spec.chart"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Source Kind", type_ = "string", json_path = ".spec.sourceRef.kind"),
    printcolumn(name = "Source Name", type_ = "string", json_path = ".spec.sourceRef.name"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message"),
    doc = "One chart, pulled or packaged, and served to the other controllers."
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules(&[(
    "!has(self.verify) || self.sourceRef.kind == 'HelmRepository'",
    "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'",
)])))]
pub struct HelmChartSpec {
    /// Name of the chart in a HelmRepository, or its path in the artifact of another source.
    pub chart: String,
    /// Range of versions of which the highest is taken; ignored where the source is no HelmRepository.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "*"))]
    pub version: Option<String>,
    /// Where the chart comes from.
    pub source_ref: LocalHelmChartSourceReference,
    /// How often to look for a new version; the controller adds jitter.
    pub interval: Duration,
    /// What makes a new artifact; without effect for a HelmRepository.
    #[serde(default)]
    pub reconcile_strategy: ReconcileStrategy,
    /// Files that are merged in order into the chart's default values. Their paths start at the root of the source, or
    /// of the chart in a HelmRepository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// Leaves out values files that do not exist.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_missing_values_files: bool,
    /// Stops reconciliation, but not deletion, while true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Signatures that a chart of a registry must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<HelmChartVerification>,
}

/// What makes a new artifact of a chart in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ReconcileStrategy {
    /// A new version of the chart.
    #[default]
    ChartVersion,
    /// A new revision of the source.
    Revision,
}

/// The source of a chart, in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalHelmChartSourceReference {
    /// API version of the source; informational.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the source.
    pub kind: ChartSourceKind,
    /// Name of the source.
    pub name: String,
}

/// The kinds that charts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ChartSourceKind {
    /// A chart repository or a registry.
    #[default]
    HelmRepository,
    /// A Git repository with the chart's files.
    GitRepository,
    /// A bucket with the chart's files.
    Bucket,
}

/// Which signatures to verify, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmChartVerification {
    /// What the chart was signed with.
    #[schemars(extend("default" = "cosign"))]
    pub provider: SignatureProvider,
    /// Secret with public keys (`*.pub`) for cosign, or with `trustpolicy.json` and certificates for notation. Cosign
    /// works keyless without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Identities of keyless signatures, of which one must match; any is accepted when empty.
    #[serde(rename = "matchOIDCIdentity", default, skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OIDCIdentityMatch>,
}

/// What was observed and stored last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmChartStatus {
    /// The last generation that was fully processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Revision of the source that the chart was looked for in last.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_source_artifact_revision: Option<String>,
    /// Name of the chart of the last good artifact.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_chart_name: Option<String>,
    /// Values files of the last good artifact; only with ignoreMissingValuesFiles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_values_files: Vec<String>,
    /// The state of the object, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the latest artifact is served under an unchanging name.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The last good artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

flux_object!(HelmChart, |object| Some(object.spec.interval.into()));

impl Source for HelmChart {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}
