//! What the logins of all clouds have in common.

use std::collections::BTreeMap;

use flux_http::{ClientOptions, ProxySetting};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::exchange::{ExchangeError, FileError};
use crate::{Secret, Token};

/// What the controller's environment says about the clouds.
#[derive(Clone, Debug, Default)]
pub struct CloudSettings {
    /// About AWS.
    pub aws: crate::aws::AwsSettings,
    /// About Azure.
    pub azure: crate::azure::AzureSettings,
    /// About Google Cloud.
    pub gcp: crate::gcp::GcpSettings,
}

/// A ServiceAccount as far as it names an identity at a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The annotations, some of which name the identity.
    pub annotations: BTreeMap<String, String>,
}

/// A login at a cloud for one purpose: as the controller itself, or as a ServiceAccount whose token the cloud trusts.
pub trait CloudLogin: Sync {
    /// What the cloud issues.
    type Token: Token;

    /// The cloud's name, as in `spec.provider`.
    fn provider(&self) -> &'static str;

    /// All that a token depends on but the identity, as `name=value`.
    fn dependencies(&self) -> Vec<String>;

    /// The identity at the cloud that `account` stands for; empty where the account itself is one.
    fn identity(&self, account: &ServiceAccount) -> Result<String, CloudError>;

    /// The audience that a token of `account` must have to be exchanged.
    fn audience(&self, account: &ServiceAccount) -> impl Future<Output = Result<String, CloudError>> + Send;

    /// A new token for the controller.
    fn controller_token(&self, now: Timestamp) -> impl Future<Output = Result<Self::Token, CloudError>> + Send;

    /// A new token for `account` in exchange for `token`, which the Kubernetes API server issued for it.
    fn account_token(
        &self,
        account: &ServiceAccount,
        token: &Secret,
        now: Timestamp,
    ) -> impl Future<Output = Result<Self::Token, CloudError>> + Send;
}

/// The key under which a token of `login` is kept: equal for two logins only when their tokens may stand in for each
/// other. `account` is the ServiceAccount with its audience, or none for the controller itself. It holds no secret.
pub fn cache_key<L: CloudLogin>(login: &L, account: Option<(&ServiceAccount, &str)>) -> Result<String, CloudError> {
    let mut parts = vec![format!("provider={}", login.provider())];
    if let Some((account, audience)) = account {
        parts.push(format!("audiences={audience}"));
        parts.push(format!("providerIdentity={}", login.identity(account)?));
        parts.push(format!("serviceAccountName={}", account.name));
        parts.push(format!("serviceAccountNamespace={}", account.namespace));
    }
    parts.extend(login.dependencies());
    let hash: [u8; 32] = Sha256::digest(parts.join("\n").as_bytes()).into();
    Ok(hex::encode(hash))
}

/// The part of a token's key that names the proxy.
pub(crate) fn proxy_dependency(client: &ClientOptions) -> Option<String> {
    match &client.proxy {
        ProxySetting::Environment => None,
        ProxySetting::Direct => Some("proxyURL=".to_owned()),
        ProxySetting::Address(address) => Some(format!("proxyURL={}", address.expose_url())),
    }
}

/// Why a cloud gives no token.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The ServiceAccount names no identity.
    #[error("ServiceAccount/{account} has no annotation {annotation}")]
    NoAnnotation {
        /// `namespace/name`.
        account: String,
        /// The annotation's key.
        annotation: &'static str,
    },
    /// The ServiceAccount names an identity that cannot be one.
    #[error("invalid annotation {annotation} of ServiceAccount/{account}: \"{value}\", expected {expected}")]
    Annotation {
        /// `namespace/name`.
        account: String,
        /// The annotation's key.
        annotation: &'static str,
        /// Its value.
        value: String,
        /// How it must look.
        expected: &'static str,
    },
    /// Nothing says which region to ask.
    #[error("no AWS region is known: set AWS_REGION for the controller")]
    NoRegion,
    /// No source of credentials is set up.
    #[error("the controller has no credentials of {cloud}")]
    NoCredentials {
        /// Which cloud.
        cloud: &'static str,
    },
    /// The URL is not one of the service.
    #[error("\"{url}\" is no {service} URL, expected {expected}")]
    Url {
        /// The URL, without credentials.
        url: String,
        /// Which service.
        service: &'static str,
        /// How it must look.
        expected: &'static str,
    },
    /// A setting of the controller is unusable.
    #[error("invalid {setting} \"{value}\", expected {expected}")]
    Setting {
        /// The environment variable.
        setting: &'static str,
        /// Its value.
        value: String,
        /// How it must look.
        expected: &'static str,
    },
    /// A file that a setting names cannot be read.
    #[error("failed to read the file of {setting}")]
    File {
        /// The environment variable.
        setting: &'static str,
        /// The cause.
        #[source]
        source: FileError,
    },
    /// A key of a service account cannot be used.
    #[error("invalid Google credentials")]
    GoogleCredentials(#[source] crate::gcp::KeyError),
    /// The issuer gave nothing.
    #[error("{cloud} gave no token")]
    Exchange {
        /// Which cloud.
        cloud: &'static str,
        /// The cause.
        #[source]
        source: ExchangeError,
    },
}

impl ServiceAccount {
    /// The value of an annotation, if there is one and it is not empty.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The same where it must be there.
    pub(crate) fn required(&self, annotation: &'static str) -> Result<&str, CloudError> {
        self.annotation(annotation).ok_or_else(|| CloudError::NoAnnotation { account: self.to_string(), annotation })
    }

    /// The error of an annotation with an unusable value.
    pub(crate) fn invalid(&self, annotation: &'static str, value: &str, expected: &'static str) -> CloudError {
        CloudError::Annotation { account: self.to_string(), annotation, value: value.to_owned(), expected }
    }
}

impl std::fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
