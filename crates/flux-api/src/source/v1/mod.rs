//! `source.toolkit.fluxcd.io/v1`: where manifests and charts come from.

pub mod bucket;
pub mod external_artifact;
pub mod git_repository;
pub mod helm_chart;
pub mod helm_repository;
pub mod oci_repository;

pub use bucket::Bucket;
pub use external_artifact::ExternalArtifact;
pub use git_repository::GitRepository;
pub use helm_chart::HelmChart;
pub use helm_repository::HelmRepository;
pub use oci_repository::OCIRepository;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::Artifact;

/// The group of this module's kinds.
pub const GROUP: &str = "source.toolkit.fluxcd.io";

/// An object whose content is served as an artifact.
pub trait Source {
    /// `status.artifact`: the last good one.
    fn artifact(&self) -> Option<&Artifact>;
}

/// How long an operation against an upstream may take where the object does not say.
pub const DEFAULT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

/// How to log in to a container registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegistryProvider {
    /// By pull secrets.
    #[default]
    Generic,
    /// By workload identity, to Amazon's registries.
    Aws,
    /// By workload identity, to Azure's registry.
    Azure,
    /// By workload identity, to Google's registries.
    Gcp,
}

/// Condition types of sources, next to the generic ones of [`crate::meta`].
pub mod condition {
    /// Present while the artifact could not be written, read or verified in storage.
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
    /// Present while the upstream could not be fetched.
    pub const FETCH_FAILED: &str = "FetchFailed";
    /// Present while an included source has no artifact.
    pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
    /// Present while the artifact is older than what the upstream holds.
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    /// True while the artifact of the current revision is stored.
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    /// Whether the signature of the revision was verified.
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
    /// Present while a chart could not be built.
    pub const BUILD_FAILED: &str = "BuildFailed";
}

/// Reasons of conditions and events of sources.
pub mod reason {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const URL_INVALID: &str = "URLInvalid";
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    pub const VERIFICATION_ERROR: &str = "VerificationError";
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
    pub const SYMLINK_UPDATE_FAILED: &str = "SymlinkUpdateFailed";
    pub const ILLEGAL_PATH: &str = "IllegalPath";
    pub const COPY_FAILURE: &str = "CopyFailure";
    pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
    pub const INVALID_PATH: &str = "InvalidPath";
    pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
    pub const NEW_ARTIFACT: &str = "NewArtifact";
    pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
    pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
    pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
    pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
    pub const NEW_REVISION: &str = "NewRevision";
    pub const NO_SOURCE_ARTIFACT: &str = "NoSourceArtifact";

    pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
    pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
    pub const EMPTY_GIT_REPOSITORY: &str = "EmptyGitRepository";
    pub const INVALID_VERIFICATION_MODE: &str = "InvalidVerificationMode";
    pub const INVALID_GIT_OBJECT: &str = "InvalidGitObject";
    pub const INVALID_TAG_SIGNATURE: &str = "InvalidTagSignature";
    pub const INVALID_COMMIT_SIGNATURE: &str = "InvalidCommitSignature";
    pub const INCLUDE_NOT_FOUND: &str = "NotFound";
    pub const INCLUDE_NO_ARTIFACT: &str = "NoArtifact";
    pub const INCLUDE_CHANGE: &str = "IncludeChange";

    pub const OCI_ARTIFACT_PULL_FAILED: &str = "OCIArtifactPullFailed";
    pub const OCI_ARTIFACT_LAYER_OPERATION_FAILED: &str = "OCIArtifactLayerOperationFailed";

    pub const INDEXATION_FAILED: &str = "IndexationFailed";

    pub const BUCKET_OPERATION_FAILED: &str = "BucketOperationFailed";
    pub const INVALID_STS_CONFIGURATION: &str = "InvalidSTSConfiguration";

    pub const SOURCE_UNAVAILABLE: &str = "SourceUnavailable";
    pub const UNSUPPORTED_SOURCE_KIND: &str = "UnsupportedSourceKind";
    pub const INVALID_CHART_REFERENCE: &str = "InvalidChartReference";
    pub const CHART_PULL_ERROR: &str = "ChartPullError";
    pub const CHART_PULL_SUCCEEDED: &str = "ChartPullSucceeded";
    pub const CHART_PACKAGE_ERROR: &str = "ChartPackageError";
    pub const CHART_PACKAGE_SUCCEEDED: &str = "ChartPackageSucceeded";
    pub const CHART_VERIFICATION_ERROR: &str = "ChartVerificationError";
    pub const METADATA_PATCH_ERROR: &str = "MetadataPatchError";
    pub const VALUES_FILES_ERROR: &str = "ValuesFilesError";
    pub const DEPENDENCY_BUILD_ERROR: &str = "DependencyBuildError";
    pub const RESOLVED_DEPENDENCIES: &str = "ResolvedDependencies";
    pub const NEW_CHART: &str = "NewChart";
    pub const UNKNOWN: &str = "Unknown";
}

/// Event metadata key: the revision of the artifact.
pub const REVISION_METADATA: &str = "source.toolkit.fluxcd.io/revision";
/// Event metadata key: the digest of the artifact.
pub const DIGEST_METADATA: &str = "source.toolkit.fluxcd.io/digest";
