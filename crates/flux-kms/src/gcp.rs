//! Google Cloud KMS.

use std::borrow::Cow;

use flux_auth::Secret;
use jiff::Timestamp;
use reqwest::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::encoding::{self, STANDARD};
use crate::exchange::{Exchange, Redirect, Refusal, ServiceOptions, request_failed};
use crate::{Identity, KeyError, KeyFailure, KeyName, NameError, ServiceError};

/// The service of the public cloud.
const PUBLIC: &str = "https://cloudkms.googleapis.com/";
/// The names before the parts of a resource id.
const COLLECTIONS: [&str; 4] = ["projects", "locations", "keyRings", "cryptoKeys"];

/// A key of Google Cloud KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcpKmsKey {
    /// `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
    pub resource_id: String,
}

impl GcpKmsKey {
    /// The key's name in messages.
    pub fn key_name(&self) -> KeyName {
        KeyName::Gcp(self.resource_id.clone())
    }

    fn check(&self) -> Result<(), NameError> {
        let parts: Vec<&str> = self.resource_id.split('/').collect();
        let collections = parts.iter().step_by(2);
        // Dots alone would be taken for a way through the API.
        let named = |name: &&str| !name.is_empty() && !matches!(*name, "." | "..");
        let good = parts.len() == 8 && collections.eq(&COLLECTIONS) && parts.iter().skip(1).step_by(2).all(named);
        if good { Ok(()) } else { Err(NameError::ResourceId(self.resource_id.clone())) }
    }
}

/// How Google Cloud KMS is reached.
#[derive(Clone, Debug, Default)]
pub struct GcpOptions {
    /// Certificates, proxy, timeouts, repetitions.
    pub service: ServiceOptions,
    /// Where the service is, in place of the public cloud's.
    pub endpoint: Option<Url>,
}

/// A client of Google Cloud KMS.
#[derive(Clone)]
pub struct GcpKms {
    exchange: Exchange,
    endpoint: Url,
}

#[derive(Serialize)]
struct DecryptRequest<'a> {
    ciphertext: &'a str,
}

#[derive(Serialize)]
struct EncryptRequest<'a> {
    plaintext: &'a str,
}

#[derive(Deserialize)]
struct DecryptAnswer<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
}

#[derive(Deserialize)]
struct EncryptAnswer {
    ciphertext: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorAnswer {
    error: ErrorBody,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    message: String,
    status: String,
}

impl GcpKms {
    /// A client; no request is made.
    pub fn new(options: GcpOptions) -> Result<Self, ServiceError> {
        let GcpOptions { service, endpoint } = options;
        let endpoint = endpoint.map_or_else(|| Url::parse(PUBLIC), Ok).expect("the constant is a URL");
        Ok(Self { exchange: Exchange::new(service, Redirect::Refuse)?, endpoint })
    }

    /// The data key that `encrypted` (base64) holds.
    pub async fn decrypt(
        &self,
        key: &GcpKmsKey,
        encrypted: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let decrypted = async {
            key.check()?;
            let blob = encoding::ciphertext(&STANDARD, encrypted)?;
            let token = token(identity, now).await?;
            let ciphertext = encoding::encode(&STANDARD, &blob);
            let request = self.request(key, "decrypt", &DecryptRequest { ciphertext: &ciphertext }, &token)?;
            let answer = self.exchange.call(request, refusal, &[token.expose()]).await?;
            let DecryptAnswer { plaintext } = answer.json("expected plaintext")?;
            encoding::plaintext(&plaintext)
        };
        decrypted.await.map_err(|source| KeyError::Decrypt { key: key.key_name(), source })
    }

    /// `data_key` as the document is to hold it.
    pub async fn encrypt(
        &self,
        key: &GcpKmsKey,
        data_key: &[u8],
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let encrypted = async {
            key.check()?;
            let token = token(identity, now).await?;
            let plaintext = encoding::encode(&STANDARD, data_key);
            let request = self.request(key, "encrypt", &EncryptRequest { plaintext: &plaintext }, &token)?;
            let answer = self.exchange.call(request, refusal, &[token.expose(), &plaintext]).await?;
            let EncryptAnswer { ciphertext } = answer.json("expected ciphertext")?;
            Ok(ciphertext)
        };
        encrypted.await.map_err(|source| KeyError::Encrypt { key: key.key_name(), source })
    }

    fn request(
        &self,
        key: &GcpKmsKey,
        verb: &str,
        body: &impl Serialize,
        token: &Secret,
    ) -> Result<Request, KeyFailure> {
        let mut url = self.endpoint.clone();
        let invalid = || NameError::ResourceId(key.resource_id.clone());
        let mut names: Vec<String> = key.resource_id.split('/').map(str::to_owned).collect();
        let last = names.last_mut().ok_or_else(invalid)?;
        *last = format!("{last}:{verb}");
        url.path_segments_mut().map_err(|()| invalid())?.pop_if_empty().push("v1").extend(names);
        let builder = self.exchange.client().post(url.clone()).bearer_auth(token.expose()).json(body);
        Ok(builder.build().map_err(|err| request_failed(&url, err))?)
    }
}

async fn token(identity: &impl Identity, now: Timestamp) -> Result<Secret, KeyFailure> {
    let token = identity.gcp(now).await?;
    token.ok_or(KeyFailure::NoCredentials { service: "GCP KMS" })
}

/// `{"error": {"code": 403, "message": "…", "status": "PERMISSION_DENIED"}}` as `PERMISSION_DENIED: …`.
fn refusal(_status: StatusCode, body: &[u8]) -> Refusal {
    let ErrorAnswer { error: ErrorBody { message, status } } = serde_json::from_slice(body).unwrap_or_default();
    let message = if status.is_empty() { message } else { format!("{status}: {message}") };
    Refusal { message, transient: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_have_four_named_parts() {
        let check = |resource_id: &str, expected: bool| {
            let key = GcpKmsKey { resource_id: resource_id.to_owned() };
            assert_eq!(key.check().is_ok(), expected, "{resource_id}");
        };
        check("projects/p/locations/global/keyRings/r/cryptoKeys/k", true);
        check("projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", false);
        check("projects/p/locations/global/keyRings//cryptoKeys/k", false);
        check("projects/../locations/global/keyRings/r/cryptoKeys/k", false);
        check("projects/p/locations/global/keyRings/r/keys/k", false);
        check("", false);
    }
}
