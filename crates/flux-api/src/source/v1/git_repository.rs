//! GitRepository: a revision of a Git repository, archived and served.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Source;
use crate::crd::{SHORT_DURATION, rules};
use crate::meta::{Artifact, Condition, Duration, LocalObjectReference, flux_object, non_empty};

/// What to clone, how often, and what of it to archive.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "source.toolkit.fluxcd.io",
    version = "v1",
    kind = "GitRepository",
    plural = "gitrepositories",
    namespaced,
    status = "GitRepositoryStatus",
    derive = "PartialEq",
    shortname = "gitrepo",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-sources",
    annotation("kustomize.toolkit.fluxcd.io/substitute", "disabled"),
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message"),
    doc = "A revision of a Git repository, archived and served to the other controllers."
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules(&[(
    "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
    "serviceAccountName can only be set when provider is 'azure' or 'aws'",
)])))]
pub struct GitRepositorySpec {
    /// Where to clone from: an http, https or ssh URL.
    #[schemars(regex(pattern = "^(http|https|ssh)://.*$"))]
    pub url: String,
    /// Secret with the credentials: `username` and `password`, `bearerToken`, `identity` and `known_hosts`, the keys of
    /// a GitHub App, and `ca.crt`, `tls.crt`, `tls.key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// How to authenticate; `generic` when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// ServiceAccount whose workload identity is used, for the providers `aws` and `azure`.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// How often to look for a new revision; the controller adds jitter.
    pub interval: Duration,
    /// Bound of each Git operation; 60s when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = SHORT_DURATION), extend("default" = "60s"))]
    pub timeout: Option<Duration>,
    /// What to check out; the branch `master` when empty.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub ref_: Option<GitRepositoryRef>,
    /// Signatures that the commit or the tag must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitRepositoryVerification>,
    /// Patterns in .gitignore syntax, appended to those of .sourceignore files. A non-empty set replaces the built-in
    /// exclusions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Stops reconciliation, but not deletion, while true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Also checks out submodules, recursively and with the credentials of the parent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recurse_submodules: bool,
    /// Other GitRepositories of the namespace whose artifacts are copied into this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// Secret with the `address` of a proxy and, optionally, its `username` and `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Directories to check out; all of them when empty. One that is missing is an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
}

/// How to authenticate against a Git server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GitProvider {
    /// By what the Secret holds.
    #[default]
    Generic,
    /// AWS CodeCommit, by workload identity.
    Aws,
    /// Azure DevOps, by workload identity.
    Azure,
    /// A GitHub App, whose keys the Secret holds.
    #[serde(rename = "github")]
    Github,
}

/// What to check out. Where several are set the order is commit, name, semver, tag, branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryRef {
    /// Branch to check out; `master` when nothing else is set.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Tag to check out; wins over branch.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Range of tag versions of which the highest is checked out; wins over tag.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Full name of a reference, such as `refs/heads/main` or `refs/pull/1/head`; wins over semver, tag and branch.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Full hash of a commit; wins over everything. With branch only that branch is fetched.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Which signatures to verify, and with which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryVerification {
    /// Which Git objects must be signed.
    #[serde(default)]
    pub mode: VerificationMode,
    /// Secret with the public keys: `*.asc` are PGP, `*.sshpub` SSH authorized keys, others PGP.
    pub secret_ref: LocalObjectReference,
}

/// Which Git objects must be signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum VerificationMode {
    /// An older spelling of `HEAD`.
    #[serde(rename = "head")]
    LegacyHead,
    /// The commit that is checked out.
    #[default]
    #[serde(rename = "HEAD")]
    Head,
    /// The tag that was asked for.
    Tag,
    /// Both, the tag and its commit.
    #[serde(rename = "TagAndHEAD")]
    TagAndHead,
}

/// Another GitRepository whose artifact is copied into this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryInclude {
    /// The GitRepository to include.
    pub repository: LocalObjectReference,
    /// Directory to copy from; the root when empty.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// Directory to copy to; the name of the included GitRepository when empty.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

/// What was observed and stored last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryStatus {
    /// The last generation that was fully processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The state of the object, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last good artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The artifacts that were copied in for the last good artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// `spec.ignore` of the last good artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// `spec.recurseSubmodules` of the last good artifact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed_recurse_submodules: bool,
    /// `spec.include` of the last good artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// `spec.sparseCheckout` of the last good artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// The mode in which the last good artifact was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub source_verification_mode: Option<VerificationMode>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

flux_object!(GitRepository, |object| Some(object.spec.interval.into()));

impl GitRepositorySpec {
    /// [`Self::timeout`] or its default.
    pub fn timeout(&self) -> std::time::Duration {
        self.timeout.map_or(super::DEFAULT_TIMEOUT, Duration::as_std)
    }
}

impl Source for GitRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}
