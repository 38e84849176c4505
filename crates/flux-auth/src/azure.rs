//! Access tokens of Azure, from Microsoft Entra.

use std::path::PathBuf;

use flux_http::ClientOptions;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::{Host, Url};

use crate::exchange::{Answer, ExchangeError, client, metadata_client, read_file, send};
use crate::login::proxy_dependency;
use crate::{AccessToken, CloudError, CloudLogin, Secret, ServiceAccount};

/// The scope of Azure DevOps.
pub const DEV_OPS: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default";
/// The scope of Key Vault.
pub const KEY_VAULT: &str = "https://vault.azure.net/.default";

/// The cloud's name.
const AZURE: &str = "azure";
const TENANT_ANNOTATION: &str = "azure.workload.identity/tenant-id";
const CLIENT_ANNOTATION: &str = "azure.workload.identity/client-id";
/// The audience of tokens for Entra.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The authority of the public cloud.
const AUTHORITY: &str = "https://login.microsoftonline.com/";
const AUTHORITY_SETTING: &str = "AZURE_AUTHORITY_HOST";
const FILE_SETTING: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Where a virtual machine describes itself.
const METADATA_HOST: &str = "http://169.254.169.254/";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What the name of a tenant or client may be made of.
const NAME_FORM: &str = "letters, digits, dots and dashes";

/// What the controller's environment says about Azure. Empty values are as good as none.
#[derive(Clone, Debug, Default)]
pub struct AzureSettings {
    /// `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<Secret>,
    /// `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token_file: Option<PathBuf>,
    /// `AZURE_AUTHORITY_HOST`: where Entra is asked in place of the public cloud's address.
    pub authority_host: Option<Url>,
    /// `AZURE_POD_IDENTITY_AUTHORITY_HOST`: where managed identities are asked for in place of the link-local address.
    pub metadata_host: Option<Url>,
}

/// An application or managed identity in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureIdentity {
    /// The tenant's id or domain.
    pub tenant: String,
    /// The client's id.
    pub client: String,
}

/// What proves to Entra that one is the identity.
#[derive(Clone, Debug)]
pub enum AzureProof {
    /// A token of an issuer that the identity trusts.
    Assertion(Secret),
    /// The identity's own secret.
    ClientSecret(Secret),
}

/// A login at Azure for one scope.
#[derive(Clone, Debug)]
pub struct AzureLogin<'a> {
    /// The controller's environment.
    pub settings: &'a AzureSettings,
    /// What the token is for, such as [`DEV_OPS`].
    pub scope: &'a str,
    /// Proxy and trust on the way to Entra.
    pub client: ClientOptions,
}

impl AzureLogin<'_> {
    /// A new token for `identity`.
    pub async fn token(
        &self,
        identity: &AzureIdentity,
        proof: &AzureProof,
        now: Timestamp,
    ) -> Result<AccessToken, CloudError> {
        let url = self.authority(&identity.tenant)?;
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", identity.client.as_str()), ("scope", self.scope)];
        match proof {
            AzureProof::Assertion(token) => {
                form.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", token.expose())]);
            }
            AzureProof::ClientSecret(secret) => form.push(("client_secret", secret.expose())),
        }
        let exchange = async { send(client(&self.client)?.post(url.clone()).form(&form), &url).await };
        read(exchange.await, now)
    }

    /// The address of the tenant's tokens. Secrets are sent there: without TLS only to this machine.
    fn authority(&self, tenant: &str) -> Result<Url, CloudError> {
        let invalid =
            |setting, value: &str, expected| CloudError::Setting { setting, value: value.to_owned(), expected };
        let mut url = match &self.settings.authority_host {
            Some(url) => url.clone(),
            None => Url::parse(AUTHORITY).expect("the constant is a URL"),
        };
        let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !safe {
            return Err(invalid(AUTHORITY_SETTING, url.as_str(), "an https URL"));
        }
        if !is_name(tenant) {
            return Err(invalid("Azure tenant", tenant, NAME_FORM));
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([tenant, "oauth2", "v2.0", "token"]);
        }
        Ok(url)
    }

    /// The identity of the virtual machine or its node pool; `AZURE_CLIENT_ID` says which, where it has several.
    async fn managed_identity(&self, now: Timestamp) -> Result<AccessToken, CloudError> {
        let mut url = match &self.settings.metadata_host {
            Some(url) => url.clone(),
            None => Url::parse(METADATA_HOST).expect("the constant is a URL"),
        };
        url.set_path("metadata/identity/oauth2/token");
        let resource = self.scope.strip_suffix("/.default").unwrap_or(self.scope);
        url.query_pairs_mut().append_pair("api-version", "2018-02-01").append_pair("resource", resource);
        if let Some(client) = given(self.settings.client_id.as_ref()) {
            url.query_pairs_mut().append_pair("client_id", client);
        }
        let exchange = async { send(metadata_client()?.get(url.clone()).header("metadata", "true"), &url).await };
        read(exchange.await, now)
    }
}

impl CloudLogin for AzureLogin<'_> {
    type Token = AccessToken;

    fn provider(&self) -> &'static str {
        AZURE
    }

    fn dependencies(&self) -> Vec<String> {
        std::iter::once(format!("scopes={}", self.scope)).chain(proxy_dependency(&self.client)).collect()
    }

    fn identity(&self, account: &ServiceAccount) -> Result<String, CloudError> {
        identity(account).map(|AzureIdentity { tenant, client }| format!("{tenant}/{client}"))
    }

    async fn audience(&self, _account: &ServiceAccount) -> Result<String, CloudError> {
        Ok(AUDIENCE.to_owned())
    }

    /// By, in this order: a client secret in the environment, the token file of workload identity, a managed identity.
    async fn controller_token(&self, now: Timestamp) -> Result<AccessToken, CloudError> {
        let settings = self.settings;
        let (tenant, id) = (given(settings.tenant_id.as_ref()), given(settings.client_id.as_ref()));
        let (Some(tenant), Some(id)) = (tenant, id) else { return self.managed_identity(now).await };
        let identity = AzureIdentity { tenant: tenant.to_owned(), client: id.to_owned() };
        let secret = settings.client_secret.clone().filter(|secret| !secret.is_empty());
        let proof = match (secret, &settings.federated_token_file) {
            (Some(secret), _) => AzureProof::ClientSecret(secret),
            (None, Some(file)) => {
                let token = read_file(file).await;
                AzureProof::Assertion(token.map_err(|source| CloudError::File { setting: FILE_SETTING, source })?)
            }
            (None, None) => return self.managed_identity(now).await,
        };
        self.token(&identity, &proof, now).await
    }

    async fn account_token(
        &self,
        account: &ServiceAccount,
        token: &Secret,
        now: Timestamp,
    ) -> Result<AccessToken, CloudError> {
        self.token(&identity(account)?, &AzureProof::Assertion(token.clone()), now).await
    }
}

/// The identity that a ServiceAccount names.
fn identity(account: &ServiceAccount) -> Result<AzureIdentity, CloudError> {
    let part = |annotation| {
        let value = account.required(annotation)?;
        if is_name(value) { Ok(value.to_owned()) } else { Err(account.invalid(annotation, value, NAME_FORM)) }
    };
    Ok(AzureIdentity { tenant: part(TENANT_ANNOTATION)?, client: part(CLIENT_ANNOTATION)? })
}

/// Whether `text` can be a tenant or a client, and no path.
fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(word)
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Numbers are numbers from Entra, and texts from the metadata server.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<Secret>,
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}

fn read(answer: Result<Answer, ExchangeError>, now: Timestamp) -> Result<AccessToken, CloudError> {
    let exchange = || {
        let answer = answer?.accepted(refusal)?;
        let TokenAnswer { access_token, expires_in } = answer.json()?;
        let token = access_token.ok_or_else(|| answer.missing("access_token"))?;
        let life = expires_in.as_ref().and_then(|life| life.as_i64().or_else(|| life.as_str()?.parse().ok()));
        let life = life.ok_or_else(|| answer.missing("expires_in"))?;
        let until = now.checked_add(SignedDuration::from_secs(life)).unwrap_or(Timestamp::MAX);
        Ok(AccessToken::new(token.expose().to_owned(), until))
    };
    exchange().map_err(|source| CloudError::Exchange { cloud: AZURE, source })
}

/// Entra's words without the ids and the time of this one request.
fn refusal(body: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let text = refusal.error_description.or(refusal.error)?;
    let end = ["Trace ID:", "Correlation ID:", "Timestamp:"].iter().filter_map(|word| text.find(word)).min();
    Some(text[..end.unwrap_or(text.len())].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_the_same_text_each_time() {
        let body =
            r#"{"error": "invalid_client", "error_description": "AADSTS700016: not found. Trace ID: 1 Timestamp: 2"}"#;
        assert_eq!(refusal(body.as_bytes()).as_deref(), Some("AADSTS700016: not found."));
        assert_eq!(refusal(br#"{"error": "invalid_client"}"#).as_deref(), Some("invalid_client"));
        assert_eq!(refusal(b"<html>"), None);
    }

    #[test]
    fn secrets_go_to_an_authority_with_tls_only_and_to_the_tenant_named() {
        let authority = |host: Option<&str>, tenant: &str| {
            let settings =
                AzureSettings { authority_host: host.map(|url| url.parse().unwrap()), ..AzureSettings::default() };
            let login = AzureLogin { settings: &settings, scope: DEV_OPS, client: ClientOptions::default() };
            login.authority(tenant).map(String::from).map_err(|err| err.to_string())
        };
        let public = "https://login.microsoftonline.com/t-1/oauth2/v2.0/token";
        assert_eq!(authority(None, "t-1").as_deref(), Ok(public));
        let china = "https://login.chinacloudapi.cn/t-1/oauth2/v2.0/token";
        assert_eq!(authority(Some("https://login.chinacloudapi.cn"), "t-1").as_deref(), Ok(china));
        assert!(authority(Some("http://127.0.0.1:1234/"), "t-1").is_ok());
        assert!(authority(Some("http://example.com/"), "t-1").is_err());
        assert!(authority(None, "../common").is_err());
    }
}
