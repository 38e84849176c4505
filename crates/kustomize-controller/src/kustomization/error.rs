//! Why a step of a Kustomization's run could not finish: one small enum a step.

use std::error::Error;
use std::fmt;

use flux_api::meta::Duration;
use flux_runtime::client::ApiError;
use flux_runtime::{ObjectKey, ReadError};

use super::blame::Why;
use super::decryption::{DecryptionError, KeysError};
use crate::watches::Referent;

/// The error of a step, boxed.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// Upstream's words before an error that only an edit of the object can heal.
pub(super) const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

/// A failure at a known revision of the source; events about it carry the revision.
#[derive(Debug)]
pub(super) struct AtRevision {
    /// The revision of the artifact.
    pub revision: String,
    /// The revision of what the artifact was made from, where the source says so.
    pub origin: Option<String>,
    /// The revision since which runs fail, if it is not this one.
    pub since: Option<String>,
    /// What went wrong.
    pub cause: Cause,
}

impl fmt::Display for AtRevision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(formatter)
    }
}

impl Error for AtRevision {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// Why the source's artifact could not be named.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The object may not use the source.
    #[error("can't access '{source_ref}', {why}")]
    AccessDenied {
        /// The source.
        source_ref: Referent,
        /// The rule that forbids it.
        why: String,
    },
    /// There is no such source.
    #[error(transparent)]
    NotFound(ApiError),
    /// The source could not be read.
    #[error("unable to get source '{key}'")]
    Unreadable {
        /// The source.
        key: ObjectKey,
        /// The cause.
        #[source]
        cause: ApiError,
    },
    /// The source has no artifact yet.
    #[error("Source artifact not found, retrying in {retry_after}")]
    NoArtifact {
        /// When it is looked at again.
        retry_after: Duration,
    },
}

/// Why a dependency does not let the object proceed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DependencyError {
    /// It does not exist, or could not be read.
    #[error("dependency '{name}' not found")]
    NotFound {
        /// The dependency.
        name: ObjectKey,
        /// The cause.
        #[source]
        cause: ApiError,
    },
    /// It is not ready for its current generation.
    #[error("dependency '{name}' is not ready")]
    NotReady {
        /// The dependency.
        name: ObjectKey,
        /// Why.
        #[source]
        why: Why,
    },
    /// The object's expression says no.
    #[error("dependency '{name}' is not ready according to readyExpr eval")]
    NotReadyByExpression {
        /// The dependency.
        name: ObjectKey,
    },
    /// The object's expression could not be evaluated on the dependency as it is.
    #[error("failed to evaluate readyExpr of dependency '{name}'")]
    Evaluation {
        /// The dependency.
        name: ObjectKey,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// It has not applied the revision of the source that both share.
    #[error("dependency '{name}' revision is not up to date")]
    Outdated {
        /// The dependency.
        name: ObjectKey,
        /// At which it is.
        #[source]
        why: Why,
    },
    /// The object's expression is no expression.
    #[error("{TERMINAL}: failed to evaluate dependency {}", .name.name)]
    Expression {
        /// The dependency.
        name: ObjectKey,
        /// The cause.
        #[source]
        cause: Cause,
    },
}

impl DependencyError {
    /// Which dependency, and what it says.
    pub(super) fn facts(&self) -> (&ObjectKey, Option<&Why>) {
        match self {
            Self::NotReady { name, why } | Self::Outdated { name, why } => (name, Some(why)),
            Self::NotFound { name, .. }
            | Self::NotReadyByExpression { name }
            | Self::Evaluation { name, .. }
            | Self::Expression { name, .. } => (name, None),
        }
    }
}

/// Why the object's own configuration can never work.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigurationError {
    /// A health expression that does not compile, or two for one kind.
    #[error("{TERMINAL}")]
    HealthExpression(#[source] Cause),
    /// An ignore rule that does not compile.
    #[error("spec.ignore is invalid")]
    IgnoreRule(#[source] Cause),
    /// A field that needs a feature gate.
    #[error(
        "to use spec.decryption.serviceAccountName for decryption authentication please enable the {gate} feature gate in \
         the controller"
    )]
    DecryptionGate {
        /// The gate.
        gate: &'static str,
    },
}

/// Why objects could not be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApplyError {
    /// The status lists something that is no object.
    #[error("failed to read the inventory")]
    Inventory(#[source] flux_objects::ParseIdError),
    /// The objects could not be listed in the status, so none of them was written.
    #[error("failed to update status")]
    Record(#[source] flux_runtime::WriteError),
    /// A stage was refused, or broke off.
    #[error(transparent)]
    Stage(flux_ssa::ApplyError),
    /// What later stages may need did not get ready.
    #[error(transparent)]
    Settle(flux_ssa::HealthError),
}

/// Objects that could not be deleted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PruneError(pub flux_ssa::Failures);

/// Objects that did not become healthy.
#[derive(Debug, thiserror::Error)]
#[error("health check failed after {after}")]
pub(super) struct HealthError {
    /// How long they were waited for.
    pub after: Duration,
    /// Which, and why.
    #[source]
    pub cause: flux_ssa::HealthError,
}

/// Why finalising an object failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FinalizeError {
    /// Objects could not be deleted.
    #[error("pruning for deleted resource failed")]
    Prune(#[source] PruneError),
    /// Whether the ServiceAccount is still there could not be found out.
    #[error("failed to read ServiceAccount/{account}")]
    Account {
        /// The ServiceAccount.
        account: ObjectKey,
        /// The cause.
        #[source]
        cause: ApiError,
    },
    /// The cluster cannot be reached.
    #[error("failed to build kube client")]
    Cluster(#[source] ClusterError),
    /// Dependents that are deleted too go first.
    #[error("deletion waits for dependents that are deleted too: {0}")]
    Dependents(String),
    /// Dependents may be about to be deleted too.
    #[error("deletion waits for a moment, as dependents may be deleted too")]
    Undecided,
}

/// Why the variables of `spec.postBuild` could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum VariableError {
    /// A name that no expression could name.
    #[error("'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
    Name {
        /// The name.
        name: String,
    },
    /// A ConfigMap or Secret that could not be read.
    #[error("substitute from '{kind}/{name}' error")]
    Unreadable {
        /// `ConfigMap` or `Secret`.
        kind: String,
        /// Its name.
        name: String,
        /// The cause.
        #[source]
        cause: Box<ReadError>,
    },
}

/// Why the artifact could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArtifactError {
    /// There is no room for it.
    #[error("tmp dir error")]
    Directory(#[source] flux_http::SharedFetchError),
    /// The server no longer has it: the source is about to announce another.
    #[error("Source is not ready, artifact not found, retrying in {retry_after}")]
    Gone {
        /// When it is looked at again.
        retry_after: Duration,
    },
    /// It could not be downloaded, verified or unpacked.
    #[error(transparent)]
    Fetch(flux_http::SharedFetchError),
    /// It does not hold the path that the object names.
    #[error("kustomization path not found")]
    Path(#[source] flux_files::FilesError),
    /// The work on it was cut short.
    #[error("artifact could not be read")]
    Cut(#[source] flux_tasks::BlockingError),
}

/// Why the cluster cannot be reached as the object says.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The Secret or ConfigMap could not be read.
    #[error("failed to read the kubeconfig")]
    Read(#[source] Box<ReadError>),
    /// The Secret has no kubeconfig.
    #[error("Secret/{secret} has no kubeconfig under {keys}")]
    NoKey {
        /// The Secret.
        secret: ObjectKey,
        /// Where it was looked for.
        keys: String,
    },
    /// The kubeconfig is no kubeconfig, or cannot be used.
    #[error("kubeconfig of Secret/{secret} is invalid")]
    Kubeconfig {
        /// The Secret.
        secret: ObjectKey,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// The ConfigMap lacks what its provider needs, or names a provider that is not there.
    #[error("ConfigMap/{config_map} {problem}")]
    ConfigMap {
        /// The ConfigMap.
        config_map: ObjectKey,
        /// What is wrong with it.
        problem: String,
    },
    /// No token for the ServiceAccount.
    #[error("failed to create a token of ServiceAccount/{account}")]
    Token {
        /// The ServiceAccount.
        account: ObjectKey,
        /// The cause.
        #[source]
        cause: ApiError,
    },
    /// The client could not be configured.
    #[error("failed to configure the cluster's client")]
    Client(#[source] kube::Error),
}

/// Why the manifests could not be built.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    /// The keys could not be had.
    #[error(transparent)]
    Keys(Box<KeysError>),
    /// Something encrypted could not be decrypted.
    #[error(transparent)]
    Decryption(Box<DecryptionError>),
    /// The artifact's files cannot be read any more.
    #[error("failed to read the artifact")]
    Files(#[source] flux_files::FilesError),
    /// The overlay does not build.
    #[error("kustomize build failed")]
    Kustomize(#[source] flux_kustomize::Error),
    /// A variable could not be substituted.
    #[error("post build failed")]
    PostBuild(#[source] flux_kustomize::Error),
    /// A built object without name, kind or API version.
    #[error("failed to decode Kubernetes apiVersion, kind and name from {}", origin.as_deref().map_or("an object", |path| path.as_str()))]
    Unidentified {
        /// The file that it came from.
        origin: Option<camino::Utf8PathBuf>,
    },
    /// A built document that is no Kubernetes object.
    #[error("failed to decode Kubernetes object")]
    Object(#[source] flux_objects::ManifestError),
    /// A Secret that is still encrypted.
    #[error("{object} is SOPS encrypted, configuring decryption is required for this secret to be reconciled")]
    Encrypted {
        /// The Secret.
        object: flux_objects::ObjectId,
    },
    /// The build ended without an answer.
    #[error("build was cut short")]
    Cut(#[source] flux_tasks::BlockingError),
    /// A newer run is due, and key services had not answered yet.
    #[error(transparent)]
    Superseded(flux_runtime::Interrupted),
}

impl From<KeysError> for BuildError {
    fn from(err: KeysError) -> Self {
        Self::Keys(Box::new(err))
    }
}

impl From<DecryptionError> for BuildError {
    fn from(err: DecryptionError) -> Self {
        Self::Decryption(Box::new(err))
    }
}

/// A wait that ended because a newer run is due.
#[derive(Debug, thiserror::Error)]
#[error("New reconciliation triggered by {by}")]
pub(super) struct Superseded {
    /// The object whose change made the run out of date, as `Kind/namespace/name`.
    pub by: String,
}
