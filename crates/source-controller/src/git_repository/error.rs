//! What can go wrong in each step, and what follows from it.

use std::io;

use camino::Utf8PathBuf;
use flux_api::meta::reason as generic;
use flux_api::source::v1::{condition, reason};
use flux_git::verify::VerifyError;
use flux_runtime::{Failure, Fault, ReadError, Retry};

use super::credentials::CredentialsError;

/// The stored artifact could not be looked after.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    #[error("failed to remove artifact after digest mismatch")]
    RemoveDamaged(#[source] flux_storage::StorageError),
    #[error("failed to read the stored artifact")]
    Read(#[source] flux_storage::StorageError),
    #[error("invalid storage path for object")]
    Path(#[from] flux_storage::PathError),
    #[error("garbage collection for deleted resource failed")]
    Remove(#[source] flux_storage::StorageError),
    #[error("failed to remove the Git objects of deleted resource")]
    Release(#[source] flux_git::Error),
    #[error("failed to work on the storage")]
    Blocking(#[from] flux_tasks::BlockingError),
}

impl From<StorageError> for Fault {
    fn from(err: StorageError) -> Self {
        let reason = match err {
            StorageError::Path(_) => reason::INVALID_PATH,
            StorageError::RemoveDamaged(_) | StorageError::Read(_) => reason::STAT_OPERATION_FAILED,
            StorageError::Remove(_) | StorageError::Release(_) => reason::GARBAGE_COLLECTION_FAILED,
            StorageError::Blocking(_) => generic::FAILED,
        };
        transient(Failure::new(reason, err).on(condition::STORAGE_OPERATION_FAILED))
    }
}

/// The server cannot be talked to as the object says.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("failed to configure proxy options")]
    ProxySecret(#[source] Box<ReadError>),
    #[error("failed to configure proxy options: invalid Secret/{secret}")]
    Proxy {
        secret: String,
        #[source]
        source: CredentialsError,
    },
    #[error("failed to parse url '{url}'")]
    Url {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("failed to get secret '{secret}'")]
    Secret {
        secret: String,
        #[source]
        source: Box<ReadError>,
    },
    #[error("failed to configure authentication options")]
    Credentials(#[source] CredentialsError),
    #[error("failed to configure authentication options")]
    GitHubApp(#[source] flux_auth::GitHubAppError),
    #[error("failed to configure authentication options")]
    Cloud(#[source] flux_auth::CloudError),
    #[error("failed to configure authentication options")]
    Login(#[source] Box<flux_runtime::LoginError>),
    #[error("failed to configure authentication options")]
    Client(#[source] flux_http::ConfigureError),
    #[error("secretRef with github app data must be specified when provider is set to github")]
    NoAppSecret,
    #[error("secretRef '{secret}' has github app data but provider is not set to github")]
    UnexpectedAppSecret { secret: String },
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the {gate} feature gate in the controller"
    )]
    Gate { gate: &'static str },
}

impl From<RemoteError> for Fault {
    fn from(err: RemoteError) -> Self {
        let (reason, stalled) = match err {
            RemoteError::Url { .. } => (reason::URL_INVALID, true),
            RemoteError::Gate { .. } => (generic::FEATURE_GATE_DISABLED, true),
            RemoteError::NoAppSecret => (reason::INVALID_PROVIDER_CONFIGURATION, true),
            RemoteError::UnexpectedAppSecret { .. } => (reason::INVALID_PROVIDER_CONFIGURATION, false),
            RemoteError::ProxySecret(_)
            | RemoteError::Proxy { .. }
            | RemoteError::Secret { .. }
            | RemoteError::Credentials(_)
            | RemoteError::GitHubApp(_)
            | RemoteError::Cloud(_)
            | RemoteError::Login(_)
            | RemoteError::Client(_) => (reason::AUTHENTICATION_FAILED, false),
        };
        let failure = Failure::new(reason, err).on(condition::FETCH_FAILED);
        if stalled { Fault::Stalled(failure) } else { transient(failure) }
    }
}

/// An included repository has nothing to include yet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum IncludeError {
    #[error("could not get resource for include '{name}': GitRepository/{namespace}/{name} not found")]
    NotFound { namespace: String, name: String },
    #[error("no artifact available for include '{name}'")]
    NoArtifact { name: String },
}

impl IncludeError {
    /// Waits for the repository, which a watch reports, or for the time to look again.
    pub(super) fn waiting(self, retry_after: std::time::Duration) -> Fault {
        let reason = match self {
            Self::NotFound { .. } => reason::INCLUDE_NOT_FOUND,
            Self::NoArtifact { .. } => reason::INCLUDE_NO_ARTIFACT,
        };
        Fault::Waiting { on: Failure::new(reason, self).on(condition::INCLUDE_UNAVAILABLE), retry_after }
    }
}

/// The server could not be asked, or did not give what it has.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckoutError {
    #[error("failed to checkout and determine revision of '{reference}'")]
    Git {
        reference: String,
        #[source]
        source: flux_git::Error,
    },
    #[error("git repository is empty")]
    Empty,
    #[error("failed to sparse checkout directories")]
    Sparse(#[source] flux_git::Error),
    #[error("failed to parse url '{}'", source.url)]
    Url {
        #[source]
        source: flux_git::Error,
    },
    #[error("failed to configure authentication options")]
    Credentials(#[source] flux_git::Error),
}

impl CheckoutError {
    /// What a Git operation on `reference` failed with.
    pub(super) fn of(source: flux_git::Error, reference: &flux_git::Reference) -> Self {
        use flux_git::Failure as Git;
        match source.failure {
            Git::EmptyRepository => Self::Empty,
            Git::SparseDirectory(_) => Self::Sparse(source),
            Git::InvalidUrl { .. } => Self::Url { source },
            Git::InvalidCredentials { .. } | Git::InvalidTransport { .. } => Self::Credentials(source),
            _ => Self::Git { reference: reference.to_string(), source },
        }
    }
}

impl From<CheckoutError> for Fault {
    fn from(err: CheckoutError) -> Self {
        let (reason, stalled) = match err {
            CheckoutError::Git { .. } => (reason::GIT_OPERATION_FAILED, false),
            CheckoutError::Empty => (reason::EMPTY_GIT_REPOSITORY, false),
            CheckoutError::Sparse(_) => (reason::GIT_OPERATION_FAILED, true),
            CheckoutError::Url { .. } => (reason::URL_INVALID, true),
            CheckoutError::Credentials(_) => (reason::AUTHENTICATION_FAILED, false),
        };
        let failure = Failure::new(reason, err).on(condition::FETCH_FAILED);
        if stalled { Fault::Stalled(failure) } else { transient(failure) }
    }
}

/// The revision is not signed as it must be.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignatureError {
    #[error("public keys secret error")]
    Secret(#[source] Box<ReadError>),
    #[error("public keys secret error")]
    Keys(#[source] VerifyError),
    #[error("cannot verify tag object's signature if a tag reference is not specified")]
    NoTag,
    #[error("cannot verify signature of tag '{tag}' since it is not signed")]
    UnsignedTag { tag: String },
    #[error("signature verification of tag '{tag}' failed")]
    Tag {
        tag: String,
        #[source]
        source: VerifyError,
    },
    #[error("signature verification of commit '{commit}' failed: commit is not signed")]
    UnsignedCommit { commit: String },
    #[error("signature verification of commit '{commit}' failed")]
    Commit {
        commit: String,
        #[source]
        source: VerifyError,
    },
}

impl SignatureError {
    /// The reason that SourceVerified=False gets.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Secret(_) | Self::Keys(_) => reason::VERIFICATION_ERROR,
            Self::NoTag => reason::INVALID_VERIFICATION_MODE,
            Self::UnsignedTag { .. } => reason::INVALID_GIT_OBJECT,
            Self::Tag { .. } => reason::INVALID_TAG_SIGNATURE,
            Self::UnsignedCommit { .. } | Self::Commit { .. } => reason::INVALID_COMMIT_SIGNATURE,
        }
    }
}

impl From<SignatureError> for Fault {
    fn from(err: SignatureError) -> Self {
        let stalled = matches!(err, SignatureError::NoTag);
        let failure = Failure::new(err.reason(), err);
        if stalled { Fault::Stalled(failure) } else { transient(failure) }
    }
}

/// The artifact could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("path calculation for include '{include}' failed")]
    IllegalPath {
        include: String,
        #[source]
        source: IncludePathError,
    },
    #[error("failed to copy '{include}' include from \"{from}\" to \"{to}\"")]
    Copy {
        include: String,
        from: Utf8PathBuf,
        to: Utf8PathBuf,
        #[source]
        source: Box<CopyError>,
    },
    #[error("failed to load source ignore patterns from repository")]
    Ignore(#[source] IgnoreError),
    #[error("unable to archive artifact to storage")]
    Tree(#[source] flux_git::Error),
    #[error("unable to archive artifact to storage")]
    Write(#[source] flux_tar::WriteError),
    #[error("unable to archive artifact to storage")]
    File {
        #[source]
        source: io::Error,
    },
    #[error("unable to archive artifact to storage")]
    Storage(#[source] flux_storage::StorageError),
    #[error("invalid storage path for object")]
    Path(#[source] flux_storage::PathError),
    #[error("archiving was cut short")]
    Cancelled,
    #[error("archiving ended early")]
    Blocking(#[from] flux_tasks::BlockingError),
}

/// Why the artifact that an included repository's status names is none of its own.
#[derive(Debug, thiserror::Error)]
pub(super) enum IncludePathError {
    #[error(transparent)]
    Path(#[from] flux_storage::PathError),
    #[error("artifact \"{path}\" of its status is not in its directory \"{directory}\"")]
    Elsewhere { path: flux_storage::ArtifactPath, directory: flux_storage::ObjectDirectory },
}

/// Why an included artifact could not be copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error(transparent)]
    Integrity(#[from] flux_storage::IntegrityError),
    #[error("invalid digest of the included artifact")]
    Digest(#[from] flux_tar::ParseDigestError),
    #[error(transparent)]
    Unpack(#[from] flux_http::UnpackError),
    #[error("no such file or directory in the included artifact")]
    NoSource,
    #[error("\"{0}\" exists")]
    Exists(Utf8PathBuf),
    #[error("\"{0}\" is not a directory")]
    NotADirectory(Utf8PathBuf),
    #[error("failed to read the included artifact")]
    Read(#[from] io::Error),
}

/// Why patterns could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum IgnoreError {
    #[error("more than {limit} bytes in all {} files", flux_sourceignore::FILE_NAME)]
    TooLarge { limit: u64 },
    #[error("more than {limit} lines in all {} files", flux_sourceignore::FILE_NAME)]
    TooMany { limit: usize },
    #[error(transparent)]
    Git(#[from] flux_git::Error),
    #[error("\"{path}\" cannot be read")]
    Io {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
}

impl ArchiveError {
    /// What follows; a tree that cannot be read is a matter of the fetch, and `reference` is what was fetched.
    pub(super) fn fault(self, reference: &flux_git::Reference) -> Fault {
        let err = match self {
            Self::Tree(source) => return CheckoutError::of(source, reference).into(),
            err => err,
        };
        let reason = match &err {
            ArchiveError::IllegalPath { .. } => reason::ILLEGAL_PATH,
            ArchiveError::Path(_) => reason::INVALID_PATH,
            ArchiveError::Copy { .. } => reason::COPY_FAILURE,
            ArchiveError::Ignore(_) => reason::SOURCE_IGNORE_ERROR,
            ArchiveError::Storage(flux_storage::StorageError::Io { action: "create", .. }) => {
                reason::DIRECTORY_CREATION_FAILED
            }
            ArchiveError::Tree(_) | ArchiveError::Write(_) | ArchiveError::File { .. } | ArchiveError::Storage(_) => {
                reason::ARCHIVE_OPERATION_FAILED
            }
            ArchiveError::Cancelled | ArchiveError::Blocking(_) => generic::FAILED,
        };
        let plain = matches!(err, ArchiveError::Ignore(_) | ArchiveError::Cancelled | ArchiveError::Blocking(_));
        let failure = Failure::new(reason, err);
        transient(if plain { failure } else { failure.on(condition::STORAGE_OPERATION_FAILED) })
    }
}

fn transient(failure: Failure) -> Fault {
    Fault::Transient { failure, retry: Retry::Backoff }
}

#[cfg(test)]
mod tests {
    use flux_git::{Failure as Git, Reference};

    use super::*;

    /// What a Git operation on `main` that failed so amounts to: stalled or not, reason and message.
    fn check(failure: Git, expected: (bool, &str, &str)) {
        let err = flux_git::Error { url: "https://*****@host/app".to_owned(), failure };
        let fault: Fault = CheckoutError::of(err, &Reference::Branch("main".to_owned())).into();
        let stalled = matches!(fault, Fault::Stalled(_));
        assert_eq!(fault.failure().condition, Some(condition::FETCH_FAILED));
        assert_eq!((stalled, fault.failure().reason, fault.failure().message().as_str()), expected);
    }

    #[test]
    fn each_git_failure_has_its_reason_and_names_url_and_reference() {
        let start =
            "failed to checkout and determine revision of 'refs/heads/main': unable to clone 'https://*****@host/app'";
        let asked = format!("{start}: authentication required");
        check(Git::AuthenticationRequired, (false, "GitOperationFailed", &asked));
        let damaged = format!("{start}: corrupt pack: short");
        check(Git::CorruptPack("short".to_owned()), (false, "GitOperationFailed", &damaged));
        let escaping = format!("{start}: unsafe path \"..\" in the tree");
        check(Git::UnsafePath("..".to_owned()), (false, "GitOperationFailed", &escaping));
        check(Git::EmptyRepository, (false, "EmptyGitRepository", "git repository is empty"));
        check(
            Git::InvalidCredentials { reason: "no key".to_owned() },
            (
                false,
                "AuthenticationFailed",
                "failed to configure authentication options: unable to clone 'https://*****@host/app': no key",
            ),
        );
        check(
            Git::SparseDirectory("apps".to_owned()),
            (
                true,
                "GitOperationFailed",
                "failed to sparse checkout directories: unable to clone 'https://*****@host/app': \
                 sparse checkout directory \"apps\" does not exist",
            ),
        );
    }

    #[test]
    fn a_tree_that_cannot_be_read_is_a_failed_fetch_and_a_full_disk_a_failed_storage() {
        let reference = Reference::Branch("main".to_owned());
        let failure = Git::StoreDamaged("1".to_owned());
        let tree = ArchiveError::Tree(flux_git::Error { url: "https://host/app".to_owned(), failure });
        assert_eq!(tree.fault(&reference).failure().condition, Some(condition::FETCH_FAILED));
        let full = ArchiveError::Write(flux_tar::WriteError::Output(io::Error::other("disk full"))).fault(&reference);
        assert_eq!(full.failure().condition, Some(condition::STORAGE_OPERATION_FAILED));
        assert_eq!(full.failure().reason, "ArchiveOperationFailed");
        assert_eq!(
            full.failure().message(),
            "unable to archive artifact to storage: failed to write archive: disk full"
        );
    }
}
