//! Azure Key Vault.

use std::borrow::Cow;

use flux_auth::Secret;
use jiff::Timestamp;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::encoding::{self, URL_SAFE};
use crate::exchange::{Answer, Exchange, Redirect, Refusal, ServiceOptions, request_failed};
use crate::{Identity, KeyError, KeyFailure, KeyName, NameError, ServiceError};

/// The version of the API that SOPS 3.13 speaks.
const API_VERSION: &str = "2025-07-01";
const ALGORITHM: &str = "RSA-OAEP-256";
/// What a scope ends with when it stands for all that a resource allows.
const DEFAULT_SCOPE: &str = "/.default";

/// A key of Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureKeyVaultKey {
    /// The vault, `vaultUrl` of the document, such as `https://team.vault.azure.net`.
    pub vault_url: String,
    /// The key's name, `key`.
    pub name: String,
    /// The key's version; the current one where it is empty.
    pub version: String,
}

impl AzureKeyVaultKey {
    /// The key's name in messages.
    pub fn key_name(&self) -> KeyName {
        KeyName::Azure(self.address())
    }

    fn address(&self) -> String {
        format!("{}/keys/{}/{}", self.vault_url.trim_end_matches('/'), self.name, self.version)
    }

    /// The vault's URL. A token is only sent under TLS.
    fn vault(&self) -> Result<Url, NameError> {
        let dots = |name: &str| matches!(name, "." | "..");
        let url = Url::parse(&self.vault_url).ok().filter(|url| url.scheme() == "https" && url.has_host());
        url.filter(|_| !self.name.is_empty() && !dots(&self.name) && !dots(&self.version))
            .ok_or_else(|| NameError::KeyVault(self.address()))
    }
}

/// How Azure Key Vault is reached.
#[derive(Clone, Debug, Default)]
pub struct AzureOptions {
    /// Certificates, proxy, timeouts, repetitions.
    pub service: ServiceOptions,
    /// Where all vaults are, in place of their own addresses.
    pub endpoint: Option<Url>,
}

/// A client of Azure Key Vault. Which vault is asked, the key says.
#[derive(Clone)]
pub struct AzureKeyVault {
    exchange: Exchange,
    endpoint: Option<Url>,
}

#[derive(Serialize)]
struct Operation<'a> {
    alg: &'static str,
    value: &'a str,
}

#[derive(Deserialize)]
struct OperationAnswer<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorAnswer {
    error: ErrorBody,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: String,
    message: String,
}

impl AzureKeyVault {
    /// A client; no request is made.
    pub fn new(options: AzureOptions) -> Result<Self, ServiceError> {
        let AzureOptions { service, endpoint } = options;
        Ok(Self { exchange: Exchange::new(service, Redirect::Refuse)?, endpoint })
    }

    /// The data key that `encrypted` (URL-safe base64 without padding) holds.
    pub async fn decrypt(
        &self,
        key: &AzureKeyVaultKey,
        encrypted: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let decrypted = async {
            let blob = encoding::ciphertext(&URL_SAFE, encrypted)?;
            let value = encoding::encode(&URL_SAFE, &blob);
            self.operate(key, "decrypt", &value, identity, now).await
        };
        decrypted.await.map_err(|source| KeyError::Decrypt { key: key.key_name(), source })
    }

    /// `data_key` as the document is to hold it.
    pub async fn encrypt(
        &self,
        key: &AzureKeyVaultKey,
        data_key: &[u8],
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let encrypted = async {
            let value = encoding::encode(&URL_SAFE, data_key);
            let blob = self.operate(key, "encrypt", &value, identity, now).await?;
            Ok(encoding::encode(&URL_SAFE, &blob).to_string())
        };
        encrypted.await.map_err(|source| KeyError::Encrypt { key: key.key_name(), source })
    }

    /// What the vault makes of `value`. The vault is first asked without anything, to learn which tokens it takes.
    async fn operate(
        &self,
        key: &AzureKeyVaultKey,
        operation: &'static str,
        value: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
        let vault = key.vault()?;
        let url = self.operation_url(&vault, key, operation)?;
        let builder = self.exchange.client().post(url.clone()).header("content-length", "0");
        let question = builder.build().map_err(|err| request_failed(&url, err))?;
        let unauthorized = |status: &StatusCode| *status == StatusCode::UNAUTHORIZED;
        let challenge = self.exchange.call_for(unauthorized, question, refusal, &[]).await?;
        let scope = scope_of(&challenge, &vault)?;
        let token = identity.azure(&scope, now).await?;
        let token = token.ok_or(KeyFailure::NoCredentials { service: "Azure Key Vault" })?;
        let request = self.request(&url, &Operation { alg: ALGORITHM, value }, &token)?;
        let answer = self.exchange.call(request, refusal, &[token.expose(), value]).await?;
        let OperationAnswer { value } = answer.json("expected value")?;
        encoding::url_safe_answer(&value)
    }

    fn operation_url(&self, vault: &Url, key: &AzureKeyVaultKey, operation: &str) -> Result<Url, NameError> {
        let mut url = self.endpoint.as_ref().unwrap_or(vault).clone();
        let names = ["keys", &key.name, &key.version, operation];
        url.path_segments_mut().map_err(|()| NameError::KeyVault(key.address()))?.pop_if_empty().extend(names);
        url.set_fragment(None);
        url.set_query(Some(&format!("api-version={API_VERSION}")));
        Ok(url)
    }

    fn request(&self, url: &Url, body: &impl Serialize, token: &Secret) -> Result<Request, ServiceError> {
        let builder = self.exchange.client().post(url.clone()).bearer_auth(token.expose()).json(body);
        builder.build().map_err(|err| request_failed(url, err))
    }
}

/// The scope of the tokens that the vault takes, from `Bearer authorization="https://login…/TENANT",
/// resource="https://vault.azure.net"`. It must be one of the domain that the vault is in: otherwise a document could
/// have tokens for other services sent to a server of its choice.
fn scope_of(challenge: &Answer, vault: &Url) -> Result<String, ServiceError> {
    let header = challenge.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let header = header.ok_or_else(|| challenge.malformed("expected a WWW-Authenticate header"))?;
    let parameter = |wanted: &str| {
        let parts = header.trim_start_matches("Bearer").split([' ', ',']);
        let mut pairs = parts.filter_map(|part| part.split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.trim_matches('"'))
    };
    let resource = parameter("scope").or_else(|| parameter("resource")).filter(|text| !text.is_empty());
    let resource = resource.ok_or_else(|| challenge.malformed("expected a resource in the WWW-Authenticate header"))?;
    if !is_domain_of(resource, vault) {
        return Err(challenge.malformed("the resource of the challenge is not of the vault's domain"));
    }
    if resource.ends_with(DEFAULT_SCOPE) { Ok(resource.to_owned()) } else { Ok(format!("{resource}{DEFAULT_SCOPE}")) }
}

fn is_domain_of(resource: &str, vault: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else { return false };
    let (Some(domain), Some(host)) = (resource.host_str(), vault.host_str()) else { return false };
    resource.port() == vault.port() && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// `{"error": {"code": "Forbidden", "message": "…"}}` as `Forbidden: …`.
fn refusal(_status: StatusCode, body: &[u8]) -> Refusal {
    let ErrorAnswer { error: ErrorBody { code, message } } = serde_json::from_slice(body).unwrap_or_default();
    let message = if code.is_empty() { message } else { format!("{code}: {message}") };
    Refusal { message, transient: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(vault_url: &str, name: &str, version: &str) -> AzureKeyVaultKey {
        AzureKeyVaultKey { vault_url: vault_url.into(), name: name.into(), version: version.into() }
    }

    #[test]
    fn keys_have_an_address_below_their_vault() {
        let service = AzureKeyVault::new(AzureOptions::default()).unwrap();
        let check = |key: &AzureKeyVaultKey, expected: &str| {
            let url = service.operation_url(&key.vault().unwrap(), key, "decrypt").unwrap();
            assert_eq!(url.as_str(), expected);
        };
        check(
            &key("https://team.vault.azure.net/", "sops", "3b2a"),
            "https://team.vault.azure.net/keys/sops/3b2a/decrypt?api-version=2025-07-01",
        );
        check(
            &key("https://team.vault.azure.net", "so/ps", ""),
            "https://team.vault.azure.net/keys/so%2Fps//decrypt?api-version=2025-07-01",
        );
        for bad in [
            key("http://team.vault.azure.net", "sops", "1"),
            key("team.vault.azure.net", "sops", "1"),
            key("https://team.vault.azure.net", "", "1"),
            key("https://team.vault.azure.net", "..", "1"),
            key("https://team.vault.azure.net", "sops", ".."),
        ] {
            assert!(bad.vault().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tokens_are_for_the_domain_of_the_vault() {
        let check = |resource: &str, vault: &str, expected: bool| {
            assert_eq!(is_domain_of(resource, &Url::parse(vault).unwrap()), expected, "{resource} {vault}");
        };
        check("https://vault.azure.net", "https://team.vault.azure.net", true);
        check("https://vault.azure.net/.default", "https://team.vault.azure.net", true);
        check("https://managedhsm.azure.net", "https://team.vault.azure.net", false);
        check("https://management.azure.com", "https://example.com", false);
        check("https://vault.azure.net", "https://team-vault.azure.net", false);
        check("https://vault.azure.net", "https://vault.azure.net", false);
        check("vault.azure.net", "https://team.vault.azure.net", false);
    }
}
