//! What the error of each step means for the run: who is told, and when it is tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{self, reason};
use flux_api::source::v1::reason::DIRECTORY_CREATION_FAILED;
use flux_runtime::{Failure, Fault, Interrupted, Retry};

use super::build::Built;
use super::error::{
    ArtifactError, AtRevision, BuildError, Cause, ConfigurationError, DependencyError, SourceError, Superseded,
};
use super::observe::Source;
use super::size::TooLarge;
use super::{Settings, blame, plan, report};

/// A spec that can never work stalls the object.
pub(super) fn configuration<T>(result: Result<T, ConfigurationError>) -> Result<T, Fault> {
    result.map_err(|err| {
        let reason = match &err {
            ConfigurationError::HealthExpression(_) => reason::INVALID_CEL_EXPRESSION,
            ConfigurationError::DecryptionGate { .. } => reason::FEATURE_GATE_DISABLED,
            ConfigurationError::IgnoreRule(_) => reason::RECONCILIATION_FAILED,
        };
        Fault::Stalled(Failure::new(reason, err))
    })
}

/// A source that is forbidden stalls, one that is missing or has no artifact is waited for, one that cannot be read is tried
/// again with a backoff.
pub(super) fn source(
    found: Result<Option<Source>, SourceError>,
    object: &Kustomization,
    settings: &Settings,
) -> Result<Source, Fault> {
    let waiting =
        |err: SourceError, retry_after| Fault::Waiting { on: Failure::new(reason::ARTIFACT_FAILED, err), retry_after };
    match found {
        Ok(Some(source)) => Ok(source),
        Ok(None) => {
            let retry_after = settings.requeue_dependency;
            Err(waiting(SourceError::NoArtifact { retry_after: meta::Duration::from(retry_after) }, retry_after))
        }
        Err(err @ SourceError::NotFound(_)) => Err(waiting(err, plan::retry_interval(&object.spec))),
        Err(err @ SourceError::AccessDenied { .. }) => Err(Fault::Stalled(Failure::new(reason::ACCESS_DENIED, err))),
        Err(err @ (SourceError::Unreadable { .. } | SourceError::NoArtifact { .. })) => {
            Err(Fault::Transient { failure: Failure::new(reason::ARTIFACT_FAILED, err), retry: Retry::Backoff })
        }
    }
}

/// A run that knows its source: its faults carry the revision, and are repeated after the object's retry interval.
pub(super) struct Attempted {
    revision: String,
    origin: Option<String>,
    since: Option<String>,
    retry_interval: Duration,
    requeue_dependency: Duration,
}

impl Attempted {
    /// For a run of `object` with `source`.
    pub(super) fn new(object: &Kustomization, source: &Source, settings: &Settings) -> Self {
        Self {
            revision: source.revision().to_owned(),
            origin: source.origin.clone(),
            since: blame::since(object),
            retry_interval: plan::retry_interval(&object.spec),
            requeue_dependency: settings.requeue_dependency,
        }
    }

    /// The metadata of events and of the history.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        report::revision_metadata(Some(&self.revision), self.origin.as_deref())
    }

    /// Whether the revision is another than the one that `object` has applied.
    pub(super) fn is_new(&self, object: &Kustomization) -> bool {
        let applied = object.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
        applied != Some(self.revision.as_str())
    }

    /// A step that failed for `reason` is repeated after the retry interval.
    pub(super) fn step<T>(&self, reason: &'static str, result: Result<T, impl Into<Cause>>) -> Result<T, Fault> {
        result.map_err(|err| self.transient(reason, err))
    }

    /// A dependency that is not ready is waited for; an expression that is none stalls.
    pub(super) fn dependencies(&self, result: Result<(), DependencyError>) -> Result<(), Fault> {
        result.map_err(|err| match err {
            err @ DependencyError::Expression { .. } => {
                Fault::Stalled(self.failure(reason::INVALID_CEL_EXPRESSION, err))
            }
            err @ (DependencyError::NotFound { .. }
            | DependencyError::NotReady { .. }
            | DependencyError::NotReadyByExpression { .. }
            | DependencyError::Evaluation { .. }
            | DependencyError::Outdated { .. }) => Fault::Waiting {
                on: self.failure(reason::DEPENDENCY_NOT_READY, err),
                retry_after: self.requeue_dependency,
            },
        })
    }

    /// An artifact that its server no longer has is waited for: the source is about to announce another.
    pub(super) fn artifact<T>(&self, result: Result<T, ArtifactError>) -> Result<T, Fault> {
        result.map_err(|err| match err {
            ArtifactError::Fetch(err) if err.is_not_found() => {
                let retry_after = self.requeue_dependency;
                let err = ArtifactError::Gone { retry_after: retry_after.into() };
                Fault::Waiting { on: self.failure(reason::ARTIFACT_FAILED, err), retry_after }
            }
            err @ ArtifactError::Directory(_) => self.transient(DIRECTORY_CREATION_FAILED, err),
            err @ (ArtifactError::Fetch(_)
            | ArtifactError::Gone { .. }
            | ArtifactError::Path(_)
            | ArtifactError::Cut(_)) => self.transient(reason::ARTIFACT_FAILED, err),
        })
    }

    /// A build that failed. Upstream finds an encrypted Secret only when it applies, and says so in the reason.
    pub(super) fn build(&self, result: Result<Built, BuildError>) -> Result<Built, Fault> {
        result.map_err(|err| match err {
            BuildError::Superseded(Interrupted { by }) => {
                Fault::Interrupted(self.failure(reason::BUILD_FAILED, Superseded { by }))
            }
            err @ BuildError::Encrypted { .. } => self.transient(reason::RECONCILIATION_FAILED, err),
            err => self.transient(reason::BUILD_FAILED, err),
        })
    }

    /// More objects than the status has room for: only another layout of the source can help.
    pub(super) fn size(&self, result: Result<(), TooLarge>) -> Result<(), Fault> {
        result.map_err(|err| Fault::Stalled(self.failure(reason::RECONCILIATION_FAILED, err)))
    }

    /// A wait that a newer run cut short.
    pub(super) fn superseded(&self, interrupted: Interrupted) -> Fault {
        Fault::Interrupted(self.failure(reason::HEALTH_CHECK_CANCELED, Superseded { by: interrupted.by }))
    }

    /// A fetch that a newer run cut short.
    pub(super) fn fetch_superseded(&self, interrupted: Interrupted) -> Fault {
        Fault::Interrupted(self.failure(reason::ARTIFACT_FAILED, Superseded { by: interrupted.by }))
    }

    /// A deletion that a newer run cut short.
    pub(super) fn prune_superseded(&self, interrupted: Interrupted) -> Fault {
        Fault::Interrupted(self.failure(reason::PRUNE_FAILED, Superseded { by: interrupted.by }))
    }

    fn transient(&self, reason: &'static str, err: impl Into<Cause>) -> Fault {
        Fault::Transient { failure: self.failure(reason, err), retry: Retry::After(self.retry_interval) }
    }

    fn failure(&self, reason: &'static str, err: impl Into<Cause>) -> Failure {
        let (revision, origin, since) = (self.revision.clone(), self.origin.clone(), self.since.clone());
        Failure::new(reason, AtRevision { revision, origin, since, cause: err.into() })
    }
}
