//! Credentials of AWS, and what is signed with them.

mod code_commit;
mod signature;
mod sources;
mod sts;

use std::fmt;
use std::path::PathBuf;

use flux_http::ClientOptions;
use jiff::Timestamp;
use url::Url;

use crate::login::proxy_dependency;
use crate::{CloudError, CloudLogin, Secret, ServiceAccount, Token};

pub use code_commit::{CodeCommitLogin, code_commit_login, code_commit_region};
pub use signature::{SigningScope, UnsignedRequest, sign};

/// The cloud's name.
const AWS: &str = "aws";
/// The annotation that names the role of a ServiceAccount.
const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The audience of tokens for STS.
const AUDIENCE: &str = "sts.amazonaws.com";
/// How a role is named.
const ROLE_FORM: &str = "arn:aws:iam::<account>:role/<name>";
/// The longest name that STS takes for a session.
const LONGEST_SESSION: usize = 64;
/// The most digits of an account, and characters of a role's name and path.
const LONGEST_ACCOUNT: usize = 30;
const LONGEST_ROLE: usize = 200;

/// A key of AWS, with the token of its session where it has an end. Never printed.
#[derive(Clone)]
pub struct AwsCredentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expires_at: Timestamp,
}

impl AwsCredentials {
    /// A key, good until `expires_at`; [`Timestamp::MAX`] for one without an end.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: Secret,
        session_token: Option<Secret>,
        expires_at: Timestamp,
    ) -> Self {
        let session_token = session_token.filter(|token| !token.is_empty());
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token, expires_at }
    }

    /// The key's id, which is no secret by itself.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The key.
    pub fn secret_access_key(&self) -> &Secret {
        &self.secret_access_key
    }

    /// The session's token.
    pub fn session_token(&self) -> Option<&Secret> {
        self.session_token.as_ref()
    }
}

impl Token for AwsCredentials {
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn secrets(&self) -> Vec<&str> {
        std::iter::once(&self.secret_access_key).chain(&self.session_token).map(Secret::expose).collect()
    }
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsCredentials(expire at {})", self.expires_at)
    }
}

/// What the controller's environment says about AWS. Empty values are as good as none.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// `AWS_REGION`.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<Secret>,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
    /// `AWS_ROLE_ARN`.
    pub role_arn: Option<String>,
    /// `AWS_ROLE_SESSION_NAME`.
    pub role_session_name: Option<String>,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    pub web_identity_token_file: Option<PathBuf>,
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub container_credentials_full_uri: Option<String>,
    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`.
    pub container_credentials_relative_uri: Option<String>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub container_authorization_token: Option<Secret>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub container_authorization_token_file: Option<PathBuf>,
    /// `AWS_ENDPOINT_URL_STS`: where STS is asked in place of the region's own address.
    pub sts_endpoint: Option<Url>,
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT`: where instances are described in place of the link-local address.
    pub metadata_endpoint: Option<Url>,
    /// `AWS_EC2_METADATA_DISABLED`.
    pub metadata_disabled: bool,
}

/// A login at AWS in one region.
#[derive(Clone, Debug)]
pub struct AwsLogin<'a> {
    /// The controller's environment.
    pub settings: &'a AwsSettings,
    /// The region, where what is asked for has one; else `AWS_REGION` counts.
    pub region: Option<&'a str>,
    /// Proxy and trust on the way to STS.
    pub client: ClientOptions,
}

impl AwsLogin<'_> {
    fn region(&self) -> Result<&str, CloudError> {
        let environment = self.settings.region.as_deref().filter(|region| !region.is_empty());
        self.region.or(environment).ok_or(CloudError::NoRegion)
    }
}

impl CloudLogin for AwsLogin<'_> {
    type Token = AwsCredentials;

    fn provider(&self) -> &'static str {
        AWS
    }

    fn dependencies(&self) -> Vec<String> {
        let region = self.region.map(|region| format!("stsRegion={region}"));
        region.into_iter().chain(proxy_dependency(&self.client)).collect()
    }

    fn identity(&self, account: &ServiceAccount) -> Result<String, CloudError> {
        role(account).map(str::to_owned)
    }

    async fn audience(&self, _account: &ServiceAccount) -> Result<String, CloudError> {
        Ok(AUDIENCE.to_owned())
    }

    /// From, in this order: a key in the environment, the token file of IRSA, the credentials server of EKS Pod Identity
    /// or ECS, the instance's role.
    async fn controller_token(&self, _now: Timestamp) -> Result<AwsCredentials, CloudError> {
        sources::controller_credentials(self).await
    }

    async fn account_token(
        &self,
        account: &ServiceAccount,
        token: &Secret,
        _now: Timestamp,
    ) -> Result<AwsCredentials, CloudError> {
        let region = self.region()?;
        let session = session_name(account, region);
        let request = sts::AssumeRole { role: role(account)?, session: &session, token };
        sts::assume_role(&request, region, self).await
    }
}

/// The address of `service` in `region`, for example `https://kms.eu-west-1.amazonaws.com/`.
pub fn endpoint(service: &str, region: &str) -> Result<Url, CloudError> {
    let valid = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let domain = match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        region if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        region if region.starts_with("us-iso-") => "c2s.ic.gov",
        region if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    Url::parse(&format!("https://{service}.{region}.{domain}/")).ok().filter(|_| valid(region)).ok_or_else(|| {
        CloudError::Setting { setting: "AWS region", value: region.to_owned(), expected: "a name such as eu-west-1" }
    })
}

/// The role that a ServiceAccount names.
fn role(account: &ServiceAccount) -> Result<&str, CloudError> {
    let arn = account.required(ROLE_ANNOTATION)?;
    if is_role(arn) { Ok(arn) } else { Err(account.invalid(ROLE_ANNOTATION, arn, ROLE_FORM)) }
}

fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, partition, service, region, account, role) = (next(), next(), next(), next(), next(), next());
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    scheme == "arn"
        && partition.starts_with("aws")
        && partition.bytes().all(word)
        && (service, region) == ("iam", "")
        && (1..=LONGEST_ACCOUNT).contains(&account.len())
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role.strip_prefix("role/").is_some_and(|name| (1..=LONGEST_ROLE).contains(&name.chars().count()))
}

/// Names the session after the ServiceAccount, cut to what STS takes.
fn session_name(account: &ServiceAccount, region: &str) -> String {
    let name = format!("{}.{}.{region}.fluxcd.io", account.name, account.namespace);
    name.chars().take(LONGEST_SESSION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_by_its_arn() {
        for good in ["arn:aws:iam::123456789012:role/flux", "arn:aws-us-gov:iam::1:role/path/to:flux"] {
            assert!(is_role(good), "{good}");
        }
        for bad in [
            "",
            "flux",
            "arn:aws:iam::x:role/flux",
            "arn:aws:iam::1:user/flux",
            "arn:aws:iam::1:role/",
            "arn:gcp:iam::1:role/a",
        ] {
            assert!(!is_role(bad), "{bad}");
        }
    }

    #[test]
    fn sessions_are_named_after_the_account_and_not_too_long() {
        let account = |name: &str| ServiceAccount {
            namespace: "apps".to_owned(),
            name: name.to_owned(),
            annotations: std::collections::BTreeMap::new(),
        };
        assert_eq!(session_name(&account("flux"), "eu-west-1"), "flux.apps.eu-west-1.fluxcd.io");
        assert_eq!(session_name(&account(&"x".repeat(200)), "eu-west-1").len(), 64);
    }

    #[test]
    fn a_region_has_the_domain_of_its_partition_and_is_no_host() {
        let check = |region: &str, expected: Option<&str>| {
            assert_eq!(endpoint("kms", region).ok().map(String::from).as_deref(), expected);
        };
        check("eu-west-1", Some("https://kms.eu-west-1.amazonaws.com/"));
        check("cn-north-1", Some("https://kms.cn-north-1.amazonaws.com.cn/"));
        check("example.com/", None);
        check("", None);
    }

    #[test]
    fn keys_never_show() {
        let credentials =
            AwsCredentials::new("AKID", Secret::new("hidden"), Some(Secret::new("hidden")), Timestamp::MAX);
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
