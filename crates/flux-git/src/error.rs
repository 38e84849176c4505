//! What can go wrong between a URL and a tree of files.

use std::error::Error as StdError;

/// An operation on a repository that failed. Its text names the URL, its source says why.
#[derive(Debug, thiserror::Error)]
#[error("unable to clone '{url}'")]
pub struct Error {
    /// The repository, credentials masked.
    pub url: String,
    /// Why.
    #[source]
    pub failure: Failure,
}

/// Why an operation on a repository failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Only another URL can help.
    #[error("{reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The credentials cannot be used: a key that does not parse, a missing passphrase, a wrong kind for the URL.
    #[error("{reason}")]
    InvalidCredentials {
        /// What is wrong with them.
        reason: String,
    },
    /// The certificate authority, client certificate or proxy cannot be used.
    #[error("{reason}")]
    InvalidTransport {
        /// What is wrong.
        reason: String,
    },
    /// The server wants credentials and got none.
    #[error("authentication required")]
    AuthenticationRequired,
    /// The server refused the credentials.
    #[error("{reason}")]
    AuthenticationFailed {
        /// What the server, or the protocol, says.
        reason: String,
    },
    /// The SSH host is unknown, or shows another key than the known one.
    #[error("ssh: handshake failed: {reason}")]
    HostKey {
        /// Which host and key.
        reason: String,
    },
    /// There is no such repository, or it is hidden from us.
    #[error("repository not found")]
    RepositoryNotFound,
    /// The repository has no commit at all.
    #[error("remote repository is empty")]
    EmptyRepository,
    /// The server has no such reference.
    #[error("couldn't find remote ref \"{0}\"")]
    ReferenceNotFound(String),
    /// The server has no such commit, or the branch that was named does not lead to it.
    #[error("unable to resolve commit object for '{0}': object not found")]
    CommitNotFound(String),
    /// The reference leads to something that is no commit.
    #[error("\"{name}\" points to a {kind}, not to a commit")]
    NotACommit {
        /// The reference.
        name: String,
        /// What it points to.
        kind: String,
    },
    /// The commit's hash is not 40 hexadecimal digits.
    #[error("invalid commit hash \"{0}\": 40 hexadecimal digits are needed")]
    InvalidCommit(String),
    /// The version range is none.
    #[error("semver parse error")]
    InvalidRange(#[source] flux_semver::Error),
    /// No tag is a version in the range.
    #[error("no match found for semver: {0}")]
    NoMatchingVersion(String),
    /// The server could not be reached.
    #[error("{reason}")]
    Unreachable {
        /// What the system says.
        reason: String,
    },
    /// TLS could not be set up, such as by an unknown authority.
    #[error("{reason}")]
    Tls {
        /// What is wrong with the server's certificate.
        reason: String,
    },
    /// The server was too slow for the remote's timeout.
    #[error("timed out while {0}")]
    TimedOut(&'static str),
    /// The server answered with an HTTP status that has no meaning of its own here.
    #[error("unexpected status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The server redirects to where we do not follow.
    #[error("refused to follow a redirect to {0}")]
    Redirect(String),
    /// The server's own words.
    #[error("remote error: {0}")]
    Remote(String),
    /// The answer is not the Git protocol, or a part of it that we do not speak.
    #[error("protocol error: {0}")]
    Protocol(String),
    /// The pack, or an object of it, is damaged.
    #[error("corrupt pack: {0}")]
    CorruptPack(String),
    /// More than the limits allow.
    #[error("{what} is larger than the limit of {limit}")]
    LimitExceeded {
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// A directory of a sparse checkout is not in the commit.
    #[error("sparse checkout directory \"{0}\" does not exist")]
    SparseDirectory(String),
    /// A path in the tree that cannot be a file's.
    #[error("unsafe path \"{0}\" in the tree")]
    UnsafePath(String),
    /// A submodule could not be fetched.
    #[error("failed to update submodule \"{path}\"")]
    Submodule {
        /// Where it is mounted.
        path: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The local store failed.
    #[error("local object store: {context}")]
    Store {
        /// What was tried.
        context: &'static str,
        /// The system's refusal.
        #[source]
        source: std::io::Error,
    },
    /// An object that the local store should hold is missing or damaged; the store is dropped and fetched again.
    #[error("local object store: object {0} is missing or damaged")]
    StoreDamaged(String),
}

impl Error {
    pub(crate) fn new(url: String, failure: Failure) -> Self {
        Self { url, failure }
    }
}

impl Failure {
    /// Names the repository.
    pub(crate) fn at(self, remote: &crate::Remote) -> Error {
        Error::new(remote.display_url(), self)
    }

    /// A pack that `err` says is damaged.
    pub(crate) fn corrupt(err: &dyn StdError) -> Self {
        Self::CorruptPack(chain(err))
    }

    /// A failure of the local store.
    pub(crate) fn store(context: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Store { context, source }
    }
}

/// An error of another crate with its causes in one line, each once, without control characters and bounded.
pub(crate) fn chain(err: &dyn StdError) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        let next = err.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = err.source();
    }
    sanitize(&text)
}

/// Text of a server or a library, fit for a status message: one line, printable, at most 512 characters.
pub(crate) fn sanitize(text: &str) -> String {
    const MAX: usize = 512;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        if line.len() > MAX {
            break;
        }
    }
    line.chars().take(MAX).collect()
}
