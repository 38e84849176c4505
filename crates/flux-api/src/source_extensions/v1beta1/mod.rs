//! `source.extensions.fluxcd.io/v1beta1`: artifacts composed from other artifacts.

pub mod artifact_generator;

pub use artifact_generator::ArtifactGenerator;

/// The group of this module's kinds.
pub const GROUP: &str = "source.extensions.fluxcd.io";
/// The finalizer of ArtifactGenerators, which is not the one of the other kinds.
pub const FINALIZER: &str = "source.extensions.fluxcd.io/finalizer";
/// Annotation of an ArtifactGenerator that, when `disabled`, stops its reconciliation.
pub const RECONCILE_ANNOTATION: &str = "source.extensions.fluxcd.io/reconcile";
/// Label of generated ExternalArtifacts: the uid of their generator.
pub const GENERATOR_LABEL: &str = "source.extensions.fluxcd.io/generator";

/// Reasons of conditions and events of ArtifactGenerators, next to the generic ones of [`crate::meta`].
pub mod reason {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const SOURCE_FETCH_FAILED: &str = "SourceFetchFailed";
    pub const VALIDATION_FAILED: &str = "ValidationFailed";
    pub const RECONCILIATION_DISABLED: &str = "ReconciliationDisabled";
}
