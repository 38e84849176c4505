//! The status fields of the kind.

use flux_api::meta::Artifact;
use flux_api::source::v1::git_repository::{GitRepositoryInclude, GitRepositorySpec, VerificationMode};
use serde::{Deserialize, Serialize};

/// `status` without conditions, generation and request marks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// The last good artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact: Option<Artifact>,
    /// The artifacts that were copied into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) included_artifacts: Vec<Artifact>,
    /// `spec.ignore` that it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed_ignore: Option<String>,
    /// `spec.recurseSubmodules` that it was made with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) observed_recurse_submodules: bool,
    /// `spec.include` that it was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) observed_include: Vec<GitRepositoryInclude>,
    /// `spec.sparseCheckout` that it was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) observed_sparse_checkout: Vec<String>,
    /// The mode in which it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_verification_mode: Option<VerificationMode>,
}

impl Status {
    /// A new artifact, made from `spec` and `included`.
    pub(crate) fn stored(&mut self, artifact: Artifact, included: Vec<Artifact>, spec: &GitRepositorySpec) {
        self.artifact = Some(artifact);
        self.included_artifacts = included;
        self.observed_ignore.clone_from(&spec.ignore);
        self.observed_recurse_submodules = spec.recurse_submodules;
        self.observed_include.clone_from(&spec.include);
        self.observed_sparse_checkout.clone_from(&spec.sparse_checkout);
    }
}
