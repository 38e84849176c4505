//! The keys of services that a document's data keys are encrypted with.

use flux_sops::MasterKey;

use crate::{AwsKmsKey, AzureKeyVaultKey, GcpKmsKey, KeyName, VaultTransitKey};

/// A key of one of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceKey {
    /// An entry of `kms`.
    Aws(AwsKmsKey),
    /// An entry of `gcp_kms`.
    Gcp(GcpKmsKey),
    /// An entry of `azure_kv`.
    Azure(AzureKeyVaultKey),
    /// An entry of `hc_vault`.
    Vault(VaultTransitKey),
}

impl ServiceKey {
    /// The key of a service that a document names; none for keys that a ring opens, and for services that are not
    /// supported. The profile of AWS credentials means nothing here, and values that are missing in an encryption
    /// context do not count.
    pub fn of(key: &MasterKey) -> Option<Self> {
        Some(match key {
            MasterKey::AwsKms { arn, role, context, .. } => {
                let given = context.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
                Self::Aws(AwsKmsKey { arn: arn.clone(), role: role.clone(), context: given.collect() })
            }
            MasterKey::GcpKms { resource_id, .. } => Self::Gcp(GcpKmsKey { resource_id: resource_id.clone() }),
            MasterKey::AzureKeyVault { vault_url, name, version, .. } => Self::Azure(AzureKeyVaultKey {
                vault_url: vault_url.clone(),
                name: name.clone(),
                version: version.clone(),
            }),
            MasterKey::Vault { address, engine_path, key_name, .. } => Self::Vault(VaultTransitKey {
                address: address.clone(),
                engine_path: engine_path.clone(),
                name: key_name.clone(),
            }),
            MasterKey::Age { .. } | MasterKey::Pgp { .. } | MasterKey::HuaweiKms { .. } => return None,
        })
    }

    /// The key's name in messages.
    pub fn key_name(&self) -> KeyName {
        match self {
            Self::Aws(key) => key.key_name(),
            Self::Gcp(key) => key.key_name(),
            Self::Azure(key) => key.key_name(),
            Self::Vault(key) => key.key_name(),
        }
    }
}
