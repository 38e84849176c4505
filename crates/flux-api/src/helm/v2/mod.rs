//! `helm.toolkit.fluxcd.io/v2`: charts installed and kept as Helm releases.

mod actions;
mod chart;
pub mod helm_release;
mod status;

pub use actions::{
    CRDsPolicy, ChartNameChangeStrategy, DeletionPropagation, Install, InstallRemediation, InstallStrategy,
    RemediationStrategy, Rollback, ServerSideApplyMode, StrategyName, Test, TestFilter, Uninstall, Upgrade,
    UpgradeRemediation, UpgradeStrategy,
};
pub use chart::{
    ChartReference, ChartReferenceKind, HelmChartTemplate, HelmChartTemplateSourceReference, HelmChartTemplateSpec,
    HelmChartTemplateVerification,
};
pub use helm_release::HelmRelease;
pub use status::{HelmReleaseStatus, ReleaseAction, Snapshot, TestHookStatus};

/// The group of this module's kinds.
pub const GROUP: &str = "helm.toolkit.fluxcd.io";

/// Condition types of HelmReleases, next to the generic ones of [`crate::meta`].
pub mod condition {
    /// Whether the last install, upgrade or uninstall succeeded.
    pub const RELEASED: &str = "Released";
    /// Whether the tests of the release succeeded.
    pub const TEST_SUCCESS: &str = "TestSuccess";
    /// Whether a failed release was rolled back or uninstalled.
    pub const REMEDIATED: &str = "Remediated";
    /// Whether the cluster differs from the release.
    pub const DRIFTED: &str = "Drifted";
}

/// Reasons of conditions and events of HelmReleases, next to the generic ones of [`crate::meta`].
pub mod reason {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const INSTALL_SUCCEEDED: &str = "InstallSucceeded";
    pub const INSTALL_FAILED: &str = "InstallFailed";
    pub const UPGRADE_SUCCEEDED: &str = "UpgradeSucceeded";
    pub const UPGRADE_FAILED: &str = "UpgradeFailed";
    pub const UNINSTALL_SUCCEEDED: &str = "UninstallSucceeded";
    pub const UNINSTALL_FAILED: &str = "UninstallFailed";
    pub const PENDING_RELEASE: &str = "PendingRelease";
    pub const ROLLBACK_SUCCEEDED: &str = "RollbackSucceeded";
    pub const ROLLBACK_FAILED: &str = "RollbackFailed";
    pub const TEST_SUCCEEDED: &str = "TestSucceeded";
    pub const TEST_FAILED: &str = "TestFailed";
    pub const AWAITING_TESTS: &str = "AwaitingTests";
    pub const DRIFT_DETECTED: &str = "DriftDetected";
    pub const NO_DRIFT_DETECTED: &str = "NoDriftDetected";
    pub const DRIFT_CORRECTED: &str = "DriftCorrected";
    pub const DRIFT_CORRECTION_FAILED: &str = "DriftCorrectionFailed";
    pub const SOURCE_NOT_READY: &str = "SourceNotReady";
    pub const VALUES_ERROR: &str = "ValuesError";
    pub const CHART_MUTATE_ERROR: &str = "ChartMutateError";
    pub const REST_CLIENT_ERROR: &str = "RESTClientError";
    pub const RESOURCE_MANAGER_ERROR: &str = "ResourceManagerError";
    pub const FACTORY_ERROR: &str = "FactoryError";
    pub const CONFIG_FACTORY_ERROR: &str = "ConfigFactoryErr";
    pub const STATE_ERROR: &str = "StateError";
    pub const RECONCILE_ERROR: &str = "ReconcileError";
    pub const RETRIES_EXCEEDED: &str = "RetriesExceeded";
    pub const MISSING_ROLLBACK_TARGET: &str = "MissingRollbackTarget";
    pub const INVENTORY_BUILD_FAILED: &str = "InventoryBuildFailed";
    pub const NAMESPACE_CHECK_SKIPPED: &str = "NamespaceCheckSkipped";
    pub const HELM_CHART_CREATED: &str = "HelmChartCreated";
    pub const HELM_CHART_CONFIGURED: &str = "HelmChartConfigured";
    pub const HELM_CHART_DELETED: &str = "HelmChartDeleted";
    pub const HELM_CHART_SYNC_ERROR: &str = "HelmChartSyncErr";
}

/// Labels and annotations of the objects of a release.
pub mod annotation {
    /// Label: the name of the owning HelmRelease.
    pub const NAME: &str = "helm.toolkit.fluxcd.io/name";
    /// Label: the namespace of the owning HelmRelease.
    pub const NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";
    /// `disabled`: the object is left out of drift detection.
    pub const DRIFT_DETECTION: &str = "helm.toolkit.fluxcd.io/driftDetection";
}
