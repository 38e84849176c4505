//! Logins at Vault servers with tokens of ServiceAccounts.

use std::collections::BTreeMap;

use base64::Engine;
use serde::Deserialize;

use crate::CredentialsError;
use crate::encoding::URL_SAFE;
use crate::entries::{Entries, EntriesError};

/// The servers that ServiceAccounts' tokens may be sent to, each with the path of its auth method: what the ConfigMap of
/// `--sops-vault-configmap` holds under `config.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultInstances {
    login_paths: BTreeMap<String, String>,
}

impl VaultInstances {
    /// Reads `instances: [{address: …, loginPath: …}]`.
    pub fn parse(text: &str) -> Result<Self, EntriesError> {
        let mut login_paths = BTreeMap::new();
        for instance in Entries::parse(text)?.list("instances")? {
            let (address, path) = (instance.text("address")?, instance.text("loginPath")?);
            login_paths.insert(address.to_string(), path.to_string());
        }
        Ok(Self { login_paths })
    }

    /// The login path of the server at `address`, spelled as the documents spell it. No other server is trusted: this
    /// comes before a token is even issued for one.
    pub fn login_path(&self, address: &str) -> Result<&str, CredentialsError> {
        let path = self.login_paths.get(address).map(String::as_str).filter(|path| !path.is_empty());
        path.ok_or_else(|| CredentialsError::UnknownVault { address: address.to_owned() })
    }
}

/// A token that is none of a ServiceAccount.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultRoleError {
    /// It is no JWT.
    #[error("token is not a JWT")]
    NoJwt,
    /// Its subject is something else.
    #[error("unexpected token subject \"{0}\"")]
    Subject(String),
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
}

/// The role to log in as, `NAMESPACE_NAME` of the ServiceAccount that `token` was issued for.
pub fn vault_role(token: &str) -> Result<String, VaultRoleError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts[..] else { return Err(VaultRoleError::NoJwt) };
    let payload = URL_SAFE.decode(payload).map_err(|_| VaultRoleError::NoJwt)?;
    let Claims { sub } = serde_json::from_slice(&payload).map_err(|_| VaultRoleError::NoJwt)?;
    let account = sub.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    match account {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Ok(format!("{namespace}_{name}")),
        Some(_) | None => Err(VaultRoleError::Subject(sub)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_servers_have_a_login_path() {
        let text =
            "instances:\n- address: https://vault:8200\n  loginPath: auth/kubernetes/login\n- address: https://b\n";
        let instances = VaultInstances::parse(text).unwrap();
        assert_eq!(instances.login_path("https://vault:8200").unwrap(), "auth/kubernetes/login");
        for unknown in ["https://vault:8200/", "https://b", ""] {
            let err = instances.login_path(unknown).unwrap_err();
            assert_eq!(err.to_string(), format!("no Vault login path configured for address \"{unknown}\""));
        }
        assert_eq!(VaultInstances::parse("").unwrap(), VaultInstances::default());
        assert!(VaultInstances::parse("instances: https://vault").is_err());
    }

    #[test]
    fn the_role_is_called_after_the_service_account() {
        let role = |claims: &str| vault_role(&format!("e30.{}.c2ln", URL_SAFE.encode(claims)));
        assert_eq!(role(r#"{"sub":"system:serviceaccount:apps:flux"}"#).unwrap(), "apps_flux");
        assert_eq!(role(r#"{"sub":"admin"}"#), Err(VaultRoleError::Subject("admin".into())));
        assert!(role(r#"{"sub":"system:serviceaccount::flux"}"#).is_err());
        assert_eq!(role("{}"), Err(VaultRoleError::Subject(String::new())));
        assert_eq!(vault_role("opaque"), Err(VaultRoleError::NoJwt));
    }
}
