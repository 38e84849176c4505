//! AWS KMS.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flux_auth::aws::{AwsCredentials, SigningScope, UnsignedRequest, endpoint, sign};
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use reqwest::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::encoding::{self, STANDARD};
use crate::exchange::{Exchange, Redirect, Refusal, ServiceOptions, request_failed};
use crate::{Identity, KeyError, KeyFailure, KeyName, NameError, ServiceError};

/// Errors of AWS that a later try may not meet, though their status says that the request was wrong.
const PASSING: [&str; 9] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TooManyRequestsException",
    "RequestTimeout",
];
const JSON: &str = "application/x-amz-json-1.1";

/// A key of AWS KMS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsKmsKey {
    /// The ARN of a key or an alias; it names the region.
    pub arn: String,
    /// The role that may use the key, if another one than that of the credentials.
    pub role: Option<String>,
    /// What the data key was encrypted together with.
    pub context: BTreeMap<String, String>,
}

impl AwsKmsKey {
    /// The key's name in messages.
    pub fn key_name(&self) -> KeyName {
        KeyName::Aws(self.arn.clone())
    }

    /// The region in the ARN. Only what can be a part of a host name is one: it becomes a part of the address.
    pub fn region(&self) -> Result<&str, NameError> {
        let region = || {
            let mut parts = self.arn.splitn(6, ':');
            let mut next = || parts.next();
            let (scheme, partition, service, region, account, resource) =
                (next()?, next()?, next()?, next()?, next()?, next()?);
            let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            let label = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let (kind, id) = resource.split_once('/')?;
            let good = scheme == "arn"
                && partition.starts_with("aws")
                && word(partition)
                && service == "kms"
                && !region.is_empty()
                && label(region)
                && digits(account)
                && matches!(kind, "key" | "alias")
                && !id.is_empty();
            good.then_some(region)
        };
        region().ok_or_else(|| NameError::Arn(self.arn.clone()))
    }
}

/// How AWS is reached.
#[derive(Clone, Debug, Default)]
pub struct AwsOptions {
    /// Certificates, proxy, timeouts, repetitions.
    pub service: ServiceOptions,
    /// Where the key service is, in place of the region's own address.
    pub kms_endpoint: Option<Url>,
    /// Where the token service is, in place of the region's own address.
    pub sts_endpoint: Option<Url>,
    /// The name of this host, after which sessions of roles are called.
    pub host_name: String,
}

/// A client of AWS KMS in all regions.
#[derive(Clone)]
pub struct AwsKms {
    pub(crate) exchange: Exchange,
    pub(crate) sts_endpoint: Option<Url>,
    pub(crate) host_name: String,
    kms_endpoint: Option<Url>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DecryptRequest<'a> {
    ciphertext_blob: String,
    encryption_context: &'a BTreeMap<String, String>,
    key_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptRequest<'a> {
    encryption_context: &'a BTreeMap<String, String>,
    key_id: &'a str,
    plaintext: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DecryptAnswer<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptAnswer {
    ciphertext_blob: String,
}

#[derive(Default, Deserialize)]
struct ErrorAnswer {
    #[serde(default, rename = "__type")]
    type_: String,
    #[serde(default, alias = "Message")]
    message: String,
}

impl AwsKms {
    /// A client; no request is made.
    pub fn new(options: AwsOptions) -> Result<Self, ServiceError> {
        let AwsOptions { service, kms_endpoint, sts_endpoint, host_name } = options;
        Ok(Self { exchange: Exchange::new(service, Redirect::Refuse)?, sts_endpoint, host_name, kms_endpoint })
    }

    /// The data key that `encrypted` (base64) holds.
    pub async fn decrypt(
        &self,
        key: &AwsKmsKey,
        encrypted: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let decrypted = async {
            let blob = encoding::ciphertext(&STANDARD, encrypted)?;
            let region = key.region()?;
            let credentials = self.credentials(key, region, identity, now).await?;
            let body = DecryptRequest {
                ciphertext_blob: encoding::encode(&STANDARD, &blob).to_string(),
                encryption_context: &key.context,
                key_id: &key.arn,
            };
            let request = self.request("TrentService.Decrypt", &body, region, &credentials, now)?;
            let answer = self.exchange.call(request, refusal, &secrets(&credentials)).await?;
            let DecryptAnswer { plaintext } = answer.json("expected Plaintext")?;
            encoding::plaintext(&plaintext)
        };
        decrypted.await.map_err(|source| KeyError::Decrypt { key: key.key_name(), source })
    }

    /// `data_key` as the document is to hold it.
    pub async fn encrypt(
        &self,
        key: &AwsKmsKey,
        data_key: &[u8],
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let encrypted = async {
            let region = key.region()?;
            let credentials = self.credentials(key, region, identity, now).await?;
            let plaintext = encoding::encode(&STANDARD, data_key);
            let body = EncryptRequest { encryption_context: &key.context, key_id: &key.arn, plaintext: &plaintext };
            let request = self.request("TrentService.Encrypt", &body, region, &credentials, now)?;
            let answer = self.exchange.call(request, refusal, &secrets(&credentials)).await?;
            let EncryptAnswer { ciphertext_blob } = answer.json("expected CiphertextBlob")?;
            Ok(ciphertext_blob)
        };
        encrypted.await.map_err(|source| KeyError::Encrypt { key: key.key_name(), source })
    }

    /// The identity's own credentials, or those of the role that the key names.
    async fn credentials(
        &self,
        key: &AwsKmsKey,
        region: &str,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<AwsCredentials, KeyFailure> {
        let own = identity.aws(region, now).await?;
        let own = own.ok_or(KeyFailure::NoCredentials { service: "AWS KMS" })?;
        match key.role.as_deref().filter(|role| !role.is_empty()) {
            Some(role) => Ok(self.assume_role(role, region, &own, now).await?),
            None => Ok(own),
        }
    }

    fn request(
        &self,
        target: &str,
        body: &impl Serialize,
        region: &str,
        credentials: &AwsCredentials,
        now: Timestamp,
    ) -> Result<Request, ServiceError> {
        let url = service_url(self.kms_endpoint.as_ref(), "kms", region)?;
        let body = serde_json::to_vec(body).expect("texts are serializable");
        let headers = [("content-type", JSON), ("x-amz-target", target)];
        self.signed(&url, &headers, body, SigningScope { region, service: "kms" }, credentials, now)
    }

    /// A signed request with these headers.
    pub(crate) fn signed(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        scope: SigningScope<'_>,
        credentials: &AwsCredentials,
        now: Timestamp,
    ) -> Result<Request, ServiceError> {
        let unsigned = UnsignedRequest { method: "POST", url, headers, body: &body };
        let signature = sign(&unsigned, scope, credentials, now);
        let mut builder = self.exchange.client().request(Method::POST, url.clone());
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        for (name, value) in &signature {
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| ServiceError::Request {
                url: flux_http::mask_url(url),
                source: "the credentials hold a character that no header may have".into(),
            })?;
            value.set_sensitive(true);
            builder = builder.header(*name, value);
        }
        builder.body(body).build().map_err(|err| request_failed(url, err))
    }
}

/// The given address, or the service's in `region`.
pub(crate) fn service_url(given: Option<&Url>, service: &str, region: &str) -> Result<Url, ServiceError> {
    given
        .cloned()
        .map_or_else(|| endpoint(service, region), Ok)
        .map_err(|err| ServiceError::Request { url: format!("{service} of region {region}"), source: Box::new(err) })
}

/// What must not be repeated of these credentials.
pub(crate) fn secrets(credentials: &AwsCredentials) -> [&str; 2] {
    let token = credentials.session_token().map_or("", |token| token.expose());
    [credentials.secret_access_key().expose(), token]
}

/// Whether AWS means "not now" by this code.
pub(crate) fn is_passing(code: &str) -> bool {
    PASSING.contains(&code)
}

/// `{"__type": "com.amazonaws.kms#NotFoundException", "message": "…"}` as `NotFoundException: …`.
fn refusal(_status: StatusCode, body: &[u8]) -> Refusal {
    let ErrorAnswer { type_, message } = serde_json::from_slice(body).unwrap_or_default();
    let code = type_.rsplit('#').next().unwrap_or_default();
    let message = match (code, message.as_str()) {
        ("", message) => message.to_owned(),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    Refusal { message, transient: is_passing(code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_in_the_arn_and_is_no_host() {
        let check = |arn: &str, expected: Option<&str>| {
            let key = AwsKmsKey { arn: arn.to_owned(), ..AwsKmsKey::default() };
            assert_eq!(key.region().ok(), expected, "{arn}");
        };
        check("arn:aws:kms:us-west-2:107501996527:key/612d5f0a", Some("us-west-2"));
        check("arn:aws-us-gov:kms:us-gov-west-1:1:alias/team/app", Some("us-gov-west-1"));
        check("arn:aws:kms:us-west-2:107501996527:secret/x", None);
        check("arn:aws:kms:us-west-2:107501996527:key/", None);
        check("arn:aws:kms:example.com/:1:key/x", None);
        check("arn:aws:kms::1:key/x", None);
        check("arn:aws:s3:us-west-2:1:key/x", None);
        check("arn:gcp:kms:us-west-2:1:key/x", None);
        check("", None);
    }

    #[test]
    fn refusals_name_the_error_without_its_package() {
        let check = |body: &str, message: &str, transient: bool| {
            let refusal = refusal(StatusCode::BAD_REQUEST, body.as_bytes());
            assert_eq!((refusal.message.as_str(), refusal.transient), (message, transient));
        };
        check(
            r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no such key"}"#,
            "NotFoundException: no such key",
            false,
        );
        check(
            r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#,
            "ThrottlingException: Rate exceeded",
            true,
        );
        check(r#"{"__type":"InvalidCiphertextException"}"#, "InvalidCiphertextException", false);
        check("<html>", "", false);
    }
}
