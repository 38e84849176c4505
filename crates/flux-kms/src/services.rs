//! All services behind one call.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::{AwsKms, AzureKeyVault, GcpKms, Identity, KeyError, ServiceKey, VaultTransit};

/// Clients of all services. Cheap to clone; the clones share connections.
#[derive(Clone)]
pub struct KeyServices {
    /// AWS KMS.
    pub aws: AwsKms,
    /// Google Cloud KMS.
    pub gcp: GcpKms,
    /// Azure Key Vault.
    pub azure: AzureKeyVault,
    /// Vault's transit engine.
    pub vault: VaultTransit,
}

impl KeyServices {
    /// The data key that `encrypted`, the document's `enc`, holds, decrypted with `key` by `identity`.
    pub async fn decrypt(
        &self,
        key: &ServiceKey,
        encrypted: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match key {
            ServiceKey::Aws(key) => self.aws.decrypt(key, encrypted, identity, now).await,
            ServiceKey::Gcp(key) => self.gcp.decrypt(key, encrypted, identity, now).await,
            ServiceKey::Azure(key) => self.azure.decrypt(key, encrypted, identity, now).await,
            ServiceKey::Vault(key) => self.vault.decrypt(key, encrypted, identity, now).await,
        }
    }

    /// `data_key` encrypted with `key` by `identity`, as the document is to hold it in `enc`.
    pub async fn encrypt(
        &self,
        key: &ServiceKey,
        data_key: &[u8],
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        match key {
            ServiceKey::Aws(key) => self.aws.encrypt(key, data_key, identity, now).await,
            ServiceKey::Gcp(key) => self.gcp.encrypt(key, data_key, identity, now).await,
            ServiceKey::Azure(key) => self.azure.encrypt(key, data_key, identity, now).await,
            ServiceKey::Vault(key) => self.vault.encrypt(key, data_key, identity, now).await,
        }
    }
}
