//! HashiCorp Vault's and OpenBao's transit engine.

use std::borrow::Cow;

use flux_auth::Secret;
use flux_http::mask_url;
use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::encoding::{self, STANDARD};
use crate::exchange::{Exchange, Redirect, Refusal, ServiceOptions, request_failed};
use crate::{CredentialsError, Identity, KeyError, KeyFailure, KeyName, NameError, ServiceError, VaultAllowList};

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Servers that are configured to answer only Vault's own clients look for it.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A key of a transit engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultTransitKey {
    /// The server, `vault_address` of the document.
    pub address: String,
    /// Where the engine is mounted, `engine_path`.
    pub engine_path: String,
    /// `key_name`.
    pub name: String,
}

impl VaultTransitKey {
    /// The key's name in messages.
    pub fn key_name(&self) -> KeyName {
        KeyName::Vault(format!("{}/v1/{}/keys/{}", self.address, self.engine_path, self.name))
    }
}

/// How Vault servers are reached.
#[derive(Clone, Debug, Default)]
pub struct VaultOptions {
    /// Certificates, proxy, timeouts, repetitions.
    pub service: ServiceOptions,
    /// The namespace of servers that have several, as `VAULT_NAMESPACE` says it.
    pub namespace: Option<String>,
    /// Which servers documents may name.
    pub allowed: VaultAllowList,
}

/// A client of Vault servers. Which one is asked, the key says; standby servers may point to the active one.
#[derive(Clone)]
pub struct VaultTransit {
    exchange: Exchange,
    namespace: Option<String>,
    allowed: VaultAllowList,
}

#[derive(Serialize)]
struct DecryptRequest<'a> {
    ciphertext: &'a str,
}

#[derive(Serialize)]
struct EncryptRequest<'a> {
    plaintext: &'a str,
}

#[derive(Serialize)]
struct LoginRequest<'a> {
    role: &'a str,
    jwt: &'a str,
}

#[derive(Deserialize)]
struct Wrapped<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct Plaintext<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Ciphertext {
    ciphertext: String,
}

#[derive(Deserialize)]
struct LoginAnswer {
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret,
}

#[derive(Default, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

impl VaultTransit {
    /// A client; no request is made.
    pub fn new(options: VaultOptions) -> Result<Self, ServiceError> {
        let VaultOptions { service, namespace, allowed } = options;
        let namespace = namespace.filter(|name| !name.is_empty());
        Ok(Self { exchange: Exchange::new(service, Redirect::FollowOnce)?, namespace, allowed })
    }

    /// The data key that `encrypted` (`vault:v1:…`) holds. Without a token none is sent, as agents in front of a
    /// server want it.
    pub async fn decrypt(
        &self,
        key: &VaultTransitKey,
        encrypted: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let decrypted = async {
            let url = self.key_url(key, "decrypt")?;
            let token = identity.vault(&key.address, now).await?.unwrap_or_default();
            let request = self.request(&url, &DecryptRequest { ciphertext: encrypted }, Some(&token))?;
            let answer = self.exchange.call(request, refusal, &[token.expose()]).await?;
            let reason = "expected data.plaintext";
            let Wrapped::<Plaintext<'_>> { data } = answer.json(reason)?;
            let text = data.ok_or_else(|| answer.malformed(reason))?.plaintext;
            encoding::plaintext(&text)
        };
        decrypted.await.map_err(|source| KeyError::Decrypt { key: key.key_name(), source })
    }

    /// `data_key` as the document is to hold it.
    pub async fn encrypt(
        &self,
        key: &VaultTransitKey,
        data_key: &[u8],
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let encrypted = async {
            let url = self.key_url(key, "encrypt")?;
            let token = identity.vault(&key.address, now).await?.unwrap_or_default();
            let plaintext = encoding::encode(&STANDARD, data_key);
            let request = self.request(&url, &EncryptRequest { plaintext: &plaintext }, Some(&token))?;
            let answer = self.exchange.call(request, refusal, &[token.expose(), &plaintext]).await?;
            let reason = "expected data.ciphertext";
            let Wrapped::<Ciphertext> { data } = answer.json(reason)?;
            Ok(data.ok_or_else(|| answer.malformed(reason))?.ciphertext)
        };
        encrypted.await.map_err(|source| KeyError::Encrypt { key: key.key_name(), source })
    }

    /// Exchanges a JWT for a token at `login_path` (such as `auth/kubernetes/login`) of the server at `address`.
    pub async fn log_in(
        &self,
        address: &str,
        login_path: &str,
        role: &str,
        jwt: &Secret,
    ) -> Result<Secret, CredentialsError> {
        let logged_in = async {
            let url = endpoint(address, &[login_path])?;
            let request = self.request(&url, &LoginRequest { role, jwt: jwt.expose() }, None)?;
            let answer = self.exchange.call(request, refusal, &[jwt.expose()]).await?;
            let reason = "expected auth.client_token";
            let LoginAnswer { auth } = answer.json(reason)?;
            let token = auth.map(|auth| auth.client_token).filter(|token| !token.is_empty());
            Ok(token.ok_or_else(|| answer.malformed(reason))?)
        };
        logged_in.await.map_err(|source: KeyFailure| CredentialsError::VaultLogin {
            address: address.to_owned(),
            login_path: login_path.to_owned(),
            role: role.to_owned(),
            source: Box::new(source),
        })
    }

    fn key_url(&self, key: &VaultTransitKey, operation: &str) -> Result<Url, NameError> {
        if !self.allowed.allows(&key.address) {
            return Err(NameError::ForbiddenVault(key.address.clone()));
        }
        endpoint(&key.address, &[&key.engine_path, operation, &key.name])
    }

    fn request(&self, url: &Url, body: &impl Serialize, token: Option<&Secret>) -> Result<Request, ServiceError> {
        let mut builder = self.exchange.client().request(Method::PUT, url.clone()).header(REQUEST, "true").json(body);
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            let mut value = HeaderValue::from_str(token.expose()).map_err(|_| ServiceError::Request {
                url: mask_url(url),
                source: "the token holds a character that no header may have".into(),
            })?;
            value.set_sensitive(true);
            builder = builder.header(TOKEN, value);
        }
        if let Some(namespace) = &self.namespace {
            builder = builder.header(NAMESPACE, namespace);
        }
        builder.build().map_err(|err| request_failed(url, err))
    }
}

/// `/v1/` and the parts below `address`. Parts are paths; they may not leave the place that they name.
fn endpoint(address: &str, parts: &[&str]) -> Result<Url, NameError> {
    let invalid_address = || NameError::VaultAddress(address.to_owned());
    let mut url = Url::parse(address).map_err(|_| invalid_address())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(invalid_address());
    }
    url.set_query(None);
    url.set_fragment(None);
    let names: Vec<&str> = parts.iter().flat_map(|part| part.split('/')).filter(|name| !name.is_empty()).collect();
    let empty = parts.iter().any(|part| part.split('/').all(str::is_empty));
    if empty || names.iter().any(|name| matches!(*name, "." | "..")) {
        return Err(NameError::VaultPath(parts.join("/")));
    }
    url.path_segments_mut().map_err(|()| invalid_address())?.pop_if_empty().push("v1").extend(names);
    Ok(url)
}

/// Vault's own words: `{"errors": ["permission denied"]}`.
fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let Errors { errors } = serde_json::from_slice(body).unwrap_or_default();
    // A standby that has not caught up with the state that the token is from.
    Refusal { message: errors.join(", "), transient: status == StatusCode::PRECONDITION_FAILED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_below_the_version_of_the_api() {
        let check = |address: &str, parts: &[&str], expected: &str| {
            assert_eq!(endpoint(address, parts).unwrap().as_str(), expected);
        };
        check(
            "https://vault.example.com:8200",
            &["transit", "decrypt", "app"],
            "https://vault.example.com:8200/v1/transit/decrypt/app",
        );
        check(
            "http://vault/",
            &["/teams/a/transit/", "decrypt", "k?y"],
            "http://vault/v1/teams/a/transit/decrypt/k%3Fy",
        );
        check("https://gateway/vault", &["transit", "encrypt", "k"], "https://gateway/vault/v1/transit/encrypt/k");
    }

    #[test]
    fn names_cannot_lead_to_another_api() {
        for key in ["../../sys/seal", "..", "", "a/../../b"] {
            let err = endpoint("https://vault", &["transit", "decrypt", key]).unwrap_err();
            assert_eq!(err, NameError::VaultPath(format!("transit/decrypt/{key}")));
        }
        for address in ["vault:8200", "unix:///run/vault.sock", "", "https://"] {
            assert_eq!(endpoint(address, &["a"]).unwrap_err(), NameError::VaultAddress(address.to_owned()));
        }
    }
}
