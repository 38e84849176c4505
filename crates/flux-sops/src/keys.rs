//! The keys that hold a document's data key.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// The key of 32 bytes that a document's values are encrypted with. Overwritten when dropped; Debug does not show it.
#[derive(Clone)]
pub struct DataKey(Zeroizing<Vec<u8>>);

impl DataKey {
    /// A data key from its bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new data key.
    pub fn random(random: &mut Random<'_>) -> Self {
        let mut bytes = vec![0; 32];
        random(&mut bytes);
        Self::new(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// Fills bytes with randomness that an attacker cannot guess.
pub type Random<'r> = dyn FnMut(&mut [u8]) + 'r;

/// Keys of which each holds the same part of the data key.
pub type KeyGroup = Vec<MasterKey>;

/// A key outside the document, with what it made of the data key or of its group's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKey {
    /// An age recipient: X25519 or an SSH key.
    Age {
        /// The recipient as text.
        recipient: String,
        /// The data key as an armored age file.
        encrypted: String,
    },
    /// A PGP key.
    Pgp {
        /// The fingerprint in hexadecimal digits.
        fingerprint: String,
        /// When the data key was encrypted, as RFC 3339.
        created_at: String,
        /// The data key as an armored message.
        encrypted: String,
    },
    /// A key of AWS KMS.
    AwsKms {
        /// The key's ARN; an alias' ARN is possible.
        arn: String,
        /// The role to assume, if any.
        role: Option<String>,
        /// The encryption context; a value may be missing.
        context: BTreeMap<String, Option<String>>,
        /// The profile of the credentials, which means nothing in a controller.
        profile: String,
        /// When the data key was encrypted, as RFC 3339.
        created_at: String,
        /// The ciphertext blob in Base64.
        encrypted: String,
    },
    /// A key of Google Cloud KMS.
    GcpKms {
        /// `projects/…/locations/…/keyRings/…/cryptoKeys/…`.
        resource_id: String,
        /// When the data key was encrypted, as RFC 3339.
        created_at: String,
        /// The ciphertext in Base64.
        encrypted: String,
    },
    /// A key of Azure Key Vault.
    AzureKeyVault {
        /// The vault's address.
        vault_url: String,
        /// The key's name.
        name: String,
        /// The key's version.
        version: String,
        /// When the data key was encrypted, as RFC 3339.
        created_at: String,
        /// The ciphertext in Base64 for URLs, without padding.
        encrypted: String,
    },
    /// A key of the transit engine of Vault or OpenBao.
    Vault {
        /// The server's address.
        address: String,
        /// The path of the engine.
        engine_path: String,
        /// The key's name.
        key_name: String,
        /// When the data key was encrypted, as RFC 3339.
        created_at: String,
        /// The ciphertext, `vault:v1:…`.
        encrypted: String,
    },
    /// A key of Huawei Cloud KMS.
    HuaweiKms {
        /// The key's id with its region.
        key_id: String,
        /// When the data key was encrypted, as RFC 3339.
        created_at: String,
        /// The ciphertext.
        encrypted: String,
    },
}

impl MasterKey {
    /// SOPS's name of the kind of key, which is also that of its list in the metadata.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Age { .. } => "age",
            Self::Pgp { .. } => "pgp",
            Self::AwsKms { .. } => "kms",
            Self::GcpKms { .. } => "gcp_kms",
            Self::AzureKeyVault { .. } => "azure_kv",
            Self::Vault { .. } => "hc_vault",
            Self::HuaweiKms { .. } => "hckms",
        }
    }

    /// The key's name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::Age { recipient, .. } => recipient.clone(),
            Self::Pgp { fingerprint, .. } => fingerprint.clone(),
            Self::AwsKms { arn, .. } => arn.clone(),
            Self::GcpKms { resource_id, .. } => resource_id.clone(),
            Self::AzureKeyVault { vault_url, name, version, .. } => format!("{vault_url}/keys/{name}/{version}"),
            Self::Vault { address, engine_path, key_name, .. } => format!("{address}/v1/{engine_path}/keys/{key_name}"),
            Self::HuaweiKms { key_id, .. } => key_id.clone(),
        }
    }

    /// What the key made of the data key or of its group's part.
    pub fn encrypted(&self) -> &str {
        match self {
            Self::Age { encrypted, .. }
            | Self::Pgp { encrypted, .. }
            | Self::AwsKms { encrypted, .. }
            | Self::GcpKms { encrypted, .. }
            | Self::AzureKeyVault { encrypted, .. }
            | Self::Vault { encrypted, .. }
            | Self::HuaweiKms { encrypted, .. } => encrypted,
        }
    }

    /// Sets what the key made of the data key or of its group's part.
    pub fn set_encrypted(&mut self, text: String) {
        match self {
            Self::Age { encrypted, .. }
            | Self::Pgp { encrypted, .. }
            | Self::AwsKms { encrypted, .. }
            | Self::GcpKms { encrypted, .. }
            | Self::AzureKeyVault { encrypted, .. }
            | Self::Vault { encrypted, .. }
            | Self::HuaweiKms { encrypted, .. } => *encrypted = text,
        }
    }
}
