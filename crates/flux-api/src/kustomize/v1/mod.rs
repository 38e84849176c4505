//! `kustomize.toolkit.fluxcd.io/v1`: manifests built by kustomize and applied to a cluster.

pub mod kustomization;

pub use kustomization::Kustomization;

/// The group of this module's kinds.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// Event metadata key: the artifact revision.
pub const REVISION_METADATA: &str = "kustomize.toolkit.fluxcd.io/revision";
/// Event metadata key: the revision that an artifact was made from.
pub const ORIGIN_REVISION_METADATA: &str = "kustomize.toolkit.fluxcd.io/originRevision";
/// Event metadata key of events that commit status providers wait for; its value is [`COMMIT_STATUS_UPDATE`].
pub const COMMIT_STATUS_METADATA: &str = "kustomize.toolkit.fluxcd.io/commit_status";
/// The value of [`COMMIT_STATUS_METADATA`].
pub const COMMIT_STATUS_UPDATE: &str = "update";

/// Condition: objects are not as they were applied, and are left so. Only with [`annotation::DRIFT`].
pub const DRIFTED: &str = "Drifted";
/// The reason of [`DRIFTED`].
pub const DRIFT_DETECTED: &str = "DriftDetected";

/// Labels and annotations of the objects that a Kustomization applies.
pub mod annotation {
    /// Label: the name of the owning Kustomization.
    pub const NAME: &str = "kustomize.toolkit.fluxcd.io/name";
    /// Label: the namespace of the owning Kustomization.
    pub const NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
    /// `disabled`: the object is neither applied nor pruned.
    pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
    /// `disabled`: the object is not pruned.
    pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
    /// `Merge`, `IfNotPresent` or `Ignore`.
    pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
    /// `enabled`: the object is recreated when an immutable field changed.
    pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
    /// `disabled`: variables of the object are left as they are.
    pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
    /// `disabled`: the object is not decrypted.
    pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";
    /// On a Kustomization. [`REVERSE`]: while it is deleted it waits for those of its dependents that have the same and are deleted
    /// too, and goes only when what it applied is gone.
    pub const DELETION_ORDER: &str = "kustomize.toolkit.fluxcd.io/deletion-order";
    /// A value of [`DELETION_ORDER`].
    pub const REVERSE: &str = "reverse";
    /// On a Kustomization. [`WARN`]: drift is reported and not undone.
    pub const DRIFT: &str = "kustomize.toolkit.fluxcd.io/drift";
    /// A value of [`DRIFT`].
    pub const WARN: &str = "warn";
    /// The value that switches something off, compared without regard to case but for [`SUBSTITUTE`].
    pub const DISABLED: &str = "disabled";
    /// The value that switches something on, compared without regard to case.
    pub const ENABLED: &str = "enabled";
    /// A value of [`SSA`]: fields and managers of others are kept.
    pub const SSA_MERGE: &str = "Merge";
    /// A value of [`SSA`]: the object is only created, never updated.
    pub const SSA_IF_NOT_PRESENT: &str = "IfNotPresent";
    /// A value of [`SSA`]: the object is neither applied nor pruned.
    pub const SSA_IGNORE: &str = "Ignore";
}
