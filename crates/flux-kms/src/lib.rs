//! Key services that SOPS data keys are encrypted with: AWS KMS, GCP KMS, Azure Key Vault, Vault transit.
//!
//! A SOPS document names, for each of its encrypted data keys, the key of the service that encrypted it. This crate
//! has that one data key decrypted, or another one encrypted ([`KeyServices`]): one call a data key, nothing is kept.
//! Reading documents, the order of their keys and putting Shamir shares together is the part of flux-sops; with
//! [`KeyServices::data_key`] the two give a document's data key. Who asks is an [`Identity`]: the decryption Secret's credentials ([`SecretIdentity`]) before
//! those of a workload ([`WorkloadIdentity`]).
//!
//! Answers and times are bounded, troubles of the service are told apart from refusals
//! ([`KeyError::is_transient`]), and no message repeats a credential, not even one that a server echoes.

mod assume_role;
mod aws;
mod azure;
mod azure_certificate;
mod azure_credentials;
mod data_key;
mod encoding;
mod entries;
mod error;
mod exchange;
mod gcp;
mod identity;
mod key;
mod secret;
mod services;
mod vault;
mod vault_allow;
mod vault_login;
mod workload;

pub use aws::{AwsKms, AwsKmsKey, AwsOptions};
pub use azure::{AzureKeyVault, AzureKeyVaultKey, AzureOptions};
pub use azure_certificate::CertificateError;
pub use azure_credentials::AzureCredentialsError;
pub use data_key::DataKeyError;
pub use entries::EntriesError;
pub use error::{CredentialsError, KeyError, KeyFailure, KeyName, NameError, ServiceError, is_transient_login};
pub use exchange::ServiceOptions;
pub use gcp::{GcpKms, GcpKmsKey, GcpOptions};
pub use identity::{Identity, NoIdentity};
pub use key::ServiceKey;
pub use secret::{AWS_ENTRY, AZURE_ENTRY, GCP_ENTRY, SecretIdentity, SecretKeys, SecretKeysError, VAULT_ENTRY};
pub use services::KeyServices;
pub use vault::{VaultOptions, VaultTransit, VaultTransitKey};
pub use vault_allow::{VaultAllowList, VaultAllowListError};
pub use vault_login::{VaultInstances, VaultRoleError, vault_role};
pub use workload::{CloudSettings, Workload, WorkloadIdentity};
