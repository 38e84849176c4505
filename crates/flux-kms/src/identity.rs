//! Who asks the services.

use flux_auth::Secret;
use flux_auth::aws::AwsCredentials;
use jiff::Timestamp;

use crate::CredentialsError;

/// Where credentials come from at the moment a key is used. Only then it is known which region, resource or server
/// they are for.
///
/// `None` means that this identity is none at the service.
pub trait Identity: Sync {
    /// Credentials for the KMS of `region`.
    fn aws(
        &self,
        region: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<AwsCredentials>, CredentialsError>> + Send;

    /// An access token for Google's APIs.
    fn gcp(&self, now: Timestamp) -> impl Future<Output = Result<Option<Secret>, CredentialsError>> + Send;

    /// An access token for `scope`, such as `https://vault.azure.net/.default`.
    fn azure(
        &self,
        scope: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Secret>, CredentialsError>> + Send;

    /// A token of the Vault server at `address`. Without one, servers are asked without.
    fn vault(
        &self,
        address: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Secret>, CredentialsError>> + Send;
}

/// Nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoIdentity;

impl Identity for NoIdentity {
    async fn aws(&self, _region: &str, _now: Timestamp) -> Result<Option<AwsCredentials>, CredentialsError> {
        Ok(None)
    }

    async fn gcp(&self, _now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        Ok(None)
    }

    async fn azure(&self, _scope: &str, _now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        Ok(None)
    }

    async fn vault(&self, _address: &str, _now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        Ok(None)
    }
}
