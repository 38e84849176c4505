//! Credentials files of Google.

use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Secret;

/// Where tokens are issued when the file does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// How long an assertion is good, in seconds.
const ASSERTION_LIFE: i64 = 3600;

/// What a credentials file holds: the key of a service account, or the consent of a user. Never printed.
#[derive(Clone)]
pub struct GoogleKey {
    token_uri: Url,
    owner: Owner,
}

#[derive(Clone)]
enum Owner {
    ServiceAccount { email: String, key_id: Option<String>, key: EncodingKey },
    User { client_id: String, client_secret: Secret, refresh_token: Secret },
}

/// Why a credentials file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no JSON object of this shape. The parser's own words would quote what is in the file.
    #[error("expected a JSON credentials file")]
    Json,
    /// It is of another kind, for example of one that would make the controller read files or run programs.
    #[error("unsupported credentials of type \"{0}\", expected service_account or authorized_user")]
    Type(String),
    /// A field is missing.
    #[error("field \"{0}\" is missing")]
    Missing(&'static str),
    /// The address of the issuer is unusable.
    #[error("field \"token_uri\" is no http or https URL")]
    TokenUri,
    /// The private key is no RSA key in PEM.
    #[error("invalid private key")]
    PrivateKey(#[source] jsonwebtoken::errors::Error),
}

/// The fields of a form, in order.
pub(super) type Form = Vec<(&'static str, String)>;

#[derive(Deserialize)]
struct File {
    #[serde(default, rename = "type")]
    type_: String,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<Secret>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    refresh_token: Option<Secret>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl GoogleKey {
    /// Reads a credentials file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let file: File = serde_json::from_slice(text).map_err(|_| KeyError::Json)?;
        let token_uri = file.token_uri.filter(|uri| !uri.is_empty()).unwrap_or_else(|| TOKEN_URI.to_owned());
        let token_uri = Url::parse(&token_uri).map_err(|_| KeyError::TokenUri)?;
        if !matches!(token_uri.scheme(), "http" | "https") {
            return Err(KeyError::TokenUri);
        }
        let owner = match file.type_.as_str() {
            "service_account" => {
                let key = file.private_key.ok_or(KeyError::Missing("private_key"))?;
                Owner::ServiceAccount {
                    email: file.client_email.ok_or(KeyError::Missing("client_email"))?,
                    key_id: file.private_key_id,
                    key: EncodingKey::from_rsa_pem(key.expose().as_bytes()).map_err(KeyError::PrivateKey)?,
                }
            }
            "authorized_user" => Owner::User {
                client_id: file.client_id.ok_or(KeyError::Missing("client_id"))?,
                client_secret: file.client_secret.ok_or(KeyError::Missing("client_secret"))?,
                refresh_token: file.refresh_token.ok_or(KeyError::Missing("refresh_token"))?,
            },
            other => return Err(KeyError::Type(other.chars().take(40).collect())),
        };
        Ok(Self { token_uri, owner })
    }

    /// Where a token is asked for, and with which form.
    pub(super) fn request(&self, scopes: &[&str], now: Timestamp) -> Result<(Url, Form), KeyError> {
        let form = match &self.owner {
            Owner::ServiceAccount { email, key_id, key } => {
                let header = Header { kid: key_id.clone(), ..Header::new(Algorithm::RS256) };
                let (scope, iat) = (scopes.join(" "), now.as_second());
                let aud = self.token_uri.as_str();
                let claims = Claims { iss: email, scope, aud, iat, exp: iat + ASSERTION_LIFE };
                let assertion = jsonwebtoken::encode(&header, &claims, key).map_err(KeyError::PrivateKey)?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
                vec![("grant_type", grant), ("assertion", assertion)]
            }
            Owner::User { client_id, client_secret, refresh_token } => vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", client_id.clone()),
                ("client_secret", client_secret.expose().to_owned()),
                ("refresh_token", refresh_token.expose().to_owned()),
            ],
        };
        Ok((self.token_uri.clone(), form))
    }
}

impl fmt::Debug for GoogleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GoogleKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_hold_a_secret_of_their_own_are_taken() {
        let err = |text: &str| GoogleKey::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            err(r#"{"type": "external_account", "credential_source": {"file": "/etc/passwd"}}"#),
            "unsupported credentials of type \"external_account\", expected service_account or authorized_user"
        );
        assert_eq!(err(r#"{"type": "service_account"}"#), "field \"private_key\" is missing");
        assert_eq!(
            err(r#"{"type": "authorized_user", "token_uri": "file:///x"}"#),
            "field \"token_uri\" is no http or https URL"
        );
        assert_eq!(err("no"), "expected a JSON credentials file");
    }

    #[test]
    fn what_is_in_an_unreadable_file_is_in_no_cause_either() {
        for text in [r#""hidden""#, r#"{"type": "authorized_user", "client_secret": {"hidden": 1}}"#, "[\"hidden\"]"] {
            let err = GoogleKey::parse(text.as_bytes()).unwrap_err();
            assert_eq!(err.to_string(), "expected a JSON credentials file", "{text}");
            assert!(std::error::Error::source(&err).is_none() && !format!("{err:?}").contains("hidden"), "{text}");
        }
    }
}
