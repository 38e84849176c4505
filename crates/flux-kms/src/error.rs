//! Why a data key was not resolved.

use std::error::Error;
use std::fmt;

use flux_auth::{CloudError, ExchangeError};
use flux_http::{BodyError, ConfigureError, is_retryable_status};
use reqwest::StatusCode;

use crate::VaultRoleError;

/// A key of a service, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// By its ARN.
    Aws(String),
    /// By its resource id.
    Gcp(String),
    /// By its URL.
    Azure(String),
    /// By its URL.
    Vault(String),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws(arn) => write!(f, "AWS KMS key \"{arn}\""),
            Self::Gcp(resource_id) => write!(f, "GCP KMS key \"{resource_id}\""),
            Self::Azure(url) => write!(f, "Azure Key Vault key \"{url}\""),
            Self::Vault(url) => write!(f, "Vault transit key \"{url}\""),
        }
    }
}

/// Why a key service did not decrypt or encrypt a data key. No variant holds a key, a token or a part of one.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The data key stays encrypted.
    #[error("failed to decrypt sops data key with {key}")]
    Decrypt {
        /// The key that it is encrypted with.
        key: KeyName,
        /// The cause.
        #[source]
        source: KeyFailure,
    },
    /// The data key was not encrypted.
    #[error("failed to encrypt sops data key with {key}")]
    Encrypt {
        /// The key that it was to be encrypted with.
        key: KeyName,
        /// The cause.
        #[source]
        source: KeyFailure,
    },
}

impl KeyError {
    /// Whether the same request may succeed later: the service could not be reached, was busy or had a fault.
    /// Otherwise the document, the credentials or the key's policy must change first.
    pub fn is_transient(&self) -> bool {
        let (Self::Decrypt { source, .. } | Self::Encrypt { source, .. }) = self;
        source.is_transient()
    }
}

/// What went wrong with one key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFailure {
    /// The key's name is not what the service's names look like.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The encrypted data key of the document is no base64.
    #[error("encrypted data key is not base64")]
    Ciphertext(#[source] base64::DecodeError),
    /// The data key of the answer is no base64.
    #[error("data key in the answer is not base64")]
    Plaintext,
    /// There is nothing to identify with.
    #[error("no credentials for {service} are configured")]
    NoCredentials {
        /// The service.
        service: &'static str,
    },
    /// The identity has no access of its own: its token or its role was not granted.
    #[error("failed to obtain credentials")]
    Credentials(#[from] CredentialsError),
    /// The service did not answer as asked.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl KeyFailure {
    fn is_transient(&self) -> bool {
        match self {
            Self::Name(_) | Self::Ciphertext(_) | Self::Plaintext | Self::NoCredentials { .. } => false,
            Self::Credentials(err) => err.is_transient(),
            Self::Service(err) => err.is_transient(),
        }
    }
}

/// A key's name that its service cannot have given.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No ARN of a KMS key or alias.
    #[error("no valid ARN found in \"{0}\"")]
    Arn(String),
    /// No resource id of a crypto key.
    #[error("no valid resource ID found in \"{0}\"")]
    ResourceId(String),
    /// No URL of a key vault, or no name of a key.
    #[error("no valid Azure Key Vault key found in \"{0}\"")]
    KeyVault(String),
    /// No URL of a Vault server.
    #[error("no valid Vault address found in \"{0}\"")]
    VaultAddress(String),
    /// A Vault server that documents may not name.
    #[error("allowlist does not allow \"{0}\"")]
    ForbiddenVault(String),
    /// A path that leaves the engine.
    #[error("no valid Vault transit path found in \"{0}\"")]
    VaultPath(String),
}

/// Why no credentials could be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The entry `sops.aws-kms` of the decryption Secret has no key.
    #[error("static credentials are empty")]
    Empty,
    /// The role that the document names is not granted.
    #[error("failed to assume role \"{role}\"")]
    Role {
        /// The role's ARN.
        role: String,
        /// The cause.
        #[source]
        source: ServiceError,
    },
    /// The certificate's key cannot sign.
    #[error("failed to sign with the client certificate's key")]
    Certificate(#[source] jsonwebtoken::errors::Error),
    /// The cloud gave no token.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// No login path is configured for the server.
    #[error("no Vault login path configured for address \"{address}\"")]
    UnknownVault {
        /// The server's address.
        address: String,
    },
    /// The workload's token names no role.
    #[error("failed to derive Vault role for authentication")]
    VaultRole(#[from] VaultRoleError),
    /// The server did not accept the login.
    #[error("failed to authenticate with Vault \"{address}\" at login path \"{login_path}\" as role \"{role}\"")]
    VaultLogin {
        /// The server's address.
        address: String,
        /// The path of the auth method.
        login_path: String,
        /// The role.
        role: String,
        /// The cause.
        #[source]
        source: Box<KeyFailure>,
    },
    /// Another source of credentials failed, for example the Kubernetes API server.
    #[error("{what}")]
    Source {
        /// What was asked for.
        what: String,
        /// Whether asking again may help.
        transient: bool,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl CredentialsError {
    /// Whether asking again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Empty | Self::Certificate(_) | Self::UnknownVault { .. } | Self::VaultRole(_) => false,
            Self::Role { source, .. } => source.is_transient(),
            Self::Cloud(err) => is_transient_login(err),
            Self::VaultLogin { source, .. } => source.is_transient(),
            Self::Source { transient, .. } => *transient,
        }
    }
}

/// Whether the same login may succeed if it is tried again.
pub fn is_transient_login(err: &CloudError) -> bool {
    let CloudError::Exchange { source, .. } = err else { return false };
    match source {
        ExchangeError::Unreachable { source, .. } => !source.is_builder() && !source.is_redirect(),
        ExchangeError::Answer { source, .. } => matches!(source, BodyError::Read(_)),
        ExchangeError::Refused { status, .. } => is_retryable_status(*status),
        ExchangeError::Client(_) | ExchangeError::Malformed { .. } | ExchangeError::Missing { .. } => false,
    }
}

/// What a service said, or that it did not.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The client cannot be made as configured.
    #[error("failed to configure the client of the key service")]
    Client(#[source] ConfigureError),
    /// The request cannot be made.
    #[error("failed to prepare the request to {url}")]
    Request {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The service could not be reached, or did not answer in time.
    #[error("failed to reach {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is too long or broke off.
    #[error("failed to read the answer of {url}")]
    Answer {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: BodyError,
    },
    /// The service said no.
    #[error("{url} refused with status {status}: {message}")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: StatusCode,
        /// What the service says about it, cut to a line.
        message: String,
        /// Whether it may answer differently later.
        transient: bool,
    },
    /// The answer is not what the service's documentation says.
    #[error("unexpected answer of {url}: {reason}")]
    Malformed {
        /// The address.
        url: String,
        /// What is missing.
        reason: &'static str,
    },
}

impl ServiceError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Client(_) | Self::Request { .. } | Self::Malformed { .. } => false,
            Self::Unreachable { source, .. } => !source.is_builder() && !source.is_redirect(),
            Self::Answer { source, .. } => matches!(source, BodyError::Read(_)),
            Self::Refused { transient, .. } => *transient,
        }
    }
}

/// The text of an error with its causes, but those that the text holds already.
pub(crate) fn whole_message(err: &(dyn Error + 'static)) -> String {
    let mut text = err.to_string();
    for cause in std::iter::successors(err.source(), |&err| err.source()) {
        let next = cause.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
    }
    text
}
