//! The decryption Secret's keys for the services.

use flux_auth::Secret;
use flux_auth::aws::AwsCredentials;
use flux_auth::gcp::{GcpLogin, GcpSettings, GoogleKey};
use flux_http::ClientOptions;
use jiff::Timestamp;
use url::Url;

use crate::azure_credentials::{AzureCredentials, AzureCredentialsError};
use crate::entries::{Entries, EntriesError};
use crate::{CredentialsError, Identity};

/// The name of AWS' credentials in a decryption Secret.
pub const AWS_ENTRY: &str = "sops.aws-kms";
/// The name of Google Cloud's credentials in a decryption Secret.
pub const GCP_ENTRY: &str = "sops.gcp-kms";
/// The name of Azure's credentials in a decryption Secret.
pub const AZURE_ENTRY: &str = "sops.azure-kv";
/// The name of Vault's token in a decryption Secret.
pub const VAULT_ENTRY: &str = "sops.vault-token";

/// Credentials for the services as a decryption Secret holds them. Never printed.
#[derive(Clone, Default)]
pub struct SecretKeys {
    aws: Option<AwsCredentials>,
    gcp: Option<GoogleKey>,
    azure: Option<AzureCredentials>,
    vault: Option<Secret>,
}

/// An entry of the decryption Secret that is of no use. What it holds is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeysError {
    /// `sops.aws-kms`.
    #[error("failed to import \"{AWS_ENTRY}\"")]
    Aws(#[source] EntriesError),
    /// `sops.gcp-kms`.
    #[error("failed to import \"{GCP_ENTRY}\"")]
    Gcp(#[source] flux_auth::gcp::KeyError),
    /// `sops.azure-kv`.
    #[error("failed to import \"{AZURE_ENTRY}\"")]
    Azure(#[source] AzureCredentialsError),
    /// `sops.vault-token`.
    #[error("failed to import \"{VAULT_ENTRY}\"")]
    Vault(#[source] EntriesError),
}

impl SecretKeys {
    /// Reads the entries of a decryption Secret. Those of other names, such as keys of age and PGP, are left alone.
    pub fn read<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, SecretKeysError> {
        let mut keys = Self::default();
        for (name, value) in entries {
            match name {
                AWS_ENTRY => keys.aws = Some(aws_credentials(value).map_err(SecretKeysError::Aws)?),
                GCP_ENTRY => {
                    keys.gcp = Some(GoogleKey::parse(value.trim_ascii()).map_err(SecretKeysError::Gcp)?);
                }
                AZURE_ENTRY => {
                    keys.azure = Some(AzureCredentials::parse(value).map_err(SecretKeysError::Azure)?);
                }
                VAULT_ENTRY => {
                    let text = std::str::from_utf8(value);
                    let text = text.map_err(|_| SecretKeysError::Vault(EntriesError::Encoding))?;
                    keys.vault = Some(Secret::new(text.trim())).filter(|token| !token.is_empty());
                }
                _ => {}
            }
        }
        Ok(keys)
    }

    /// Whether there is a token for Vault, so that no login is needed.
    pub fn has_vault_token(&self) -> bool {
        self.vault.is_some()
    }
}

fn aws_credentials(value: &[u8]) -> Result<AwsCredentials, EntriesError> {
    let entries = Entries::parse(std::str::from_utf8(value).map_err(|_| EntriesError::Encoding)?)?;
    let secret = |field| entries.text(field).map(|text| Secret::new(text.as_str()));
    let id = entries.text("aws_access_key_id")?;
    let (key, token) = (secret("aws_secret_access_key")?, secret("aws_session_token")?);
    Ok(AwsCredentials::new(id.as_str(), key, Some(token), Timestamp::MAX))
}

/// The identity of a decryption Secret; for services that it has nothing for, another one.
#[derive(Clone)]
pub struct SecretIdentity<I> {
    /// What the Secret holds.
    pub keys: SecretKeys,
    /// How issuers of tokens are reached.
    pub client: ClientOptions,
    /// Where managed identities of Azure are asked for in place of the link-local address.
    pub metadata_host: Option<Url>,
    /// Who else asks.
    pub otherwise: I,
}

impl<I: Identity> Identity for SecretIdentity<I> {
    async fn aws(&self, region: &str, now: Timestamp) -> Result<Option<AwsCredentials>, CredentialsError> {
        match &self.keys.aws {
            Some(keys) if keys.access_key_id().is_empty() || keys.secret_access_key().is_empty() => {
                Err(CredentialsError::Empty)
            }
            Some(keys) => Ok(Some(keys.clone())),
            None => self.otherwise.aws(region, now).await,
        }
    }

    async fn gcp(&self, now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        let Some(key) = &self.keys.gcp else { return self.otherwise.gcp(now).await };
        let settings = GcpSettings::default();
        let token = GcpLogin { settings: &settings, client: self.client.clone() }.key_token(key, now).await?;
        Ok(Some(Secret::new(token.expose())))
    }

    async fn azure(&self, scope: &str, now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        let Some(credentials) = &self.keys.azure else { return self.otherwise.azure(scope, now).await };
        credentials.token(scope, self.client.clone(), self.metadata_host.as_ref(), now).await.map(Some)
    }

    async fn vault(&self, address: &str, now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        match &self.keys.vault {
            Some(token) => Ok(Some(token.clone())),
            None => self.otherwise.vault(address, now).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(entries: &[(&str, &[u8])]) -> String {
        let err = SecretKeys::read(entries.iter().copied()).err().unwrap();
        let cause = std::error::Error::source(&err).unwrap().to_string();
        format!("{err}: {cause}")
    }

    #[test]
    fn entries_of_other_names_are_left_alone() {
        let keys =
            SecretKeys::read([("a.agekey", &b"x"[..]), ("b.asc", b"\xff"), ("other.vault-token", b"t")]).unwrap();
        assert!(!keys.has_vault_token());
        assert!(keys.aws.is_none() && keys.gcp.is_none() && keys.azure.is_none());
    }

    #[test]
    fn a_token_of_vault_is_trimmed() {
        let token = |text: &str| SecretKeys::read([(VAULT_ENTRY, text.as_bytes())]).unwrap().vault;
        assert_eq!(token("  s.abc \n\n").unwrap().expose(), "s.abc");
        assert!(token(" \n").is_none());
    }

    #[test]
    fn keys_of_aws_are_read() {
        let text = "aws_access_key_id: AKIA\naws_secret_access_key: hidden\naws_session_token: session";
        let keys = SecretKeys::read([(AWS_ENTRY, text.as_bytes())]).unwrap().aws.unwrap();
        assert_eq!(keys.access_key_id(), "AKIA");
        assert_eq!(keys.secret_access_key().expose(), "hidden");
        assert_eq!(keys.session_token().unwrap().expose(), "session");
    }

    #[test]
    fn unusable_entries_are_named_without_their_text() {
        let check = |name: &str, text: &str, expected: &str| {
            let message = message(&[(name, text.as_bytes())]);
            assert_eq!(message, expected);
        };
        check(AWS_ENTRY, "hidden", "failed to import \"sops.aws-kms\": expected a YAML mapping");
        check(GCP_ENTRY, "hidden", "failed to import \"sops.gcp-kms\": expected a JSON credentials file");
        check(AZURE_ENTRY, "hidden", "failed to import \"sops.azure-kv\": failed to read Azure authentication file");
    }
}
