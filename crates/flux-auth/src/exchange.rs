//! One request to an issuer of tokens, and its bounded answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use flux_http::{BodyError, ClientOptions, ConfigureError, ProxySetting, Redirects, mask_url, read_limited};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt;
use url::Url;

use crate::Secret;

/// The longest answer of an issuer.
const MAX_ANSWER: u64 = 1 << 20;
/// The largest file that holds a token or a key.
const MAX_FILE: u64 = 1 << 20;
/// How long an issuer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a metadata server, which is near, may take to accept a connection.
const METADATA_CONNECT: Duration = Duration::from_secs(2);
/// The longest text of an issuer that is repeated in an error.
const MAX_REASON: usize = 300;

/// Why an issuer gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Certificates or proxy are unusable.
    #[error("failed to configure the client")]
    Client(#[from] ConfigureError),
    /// The issuer could not be reached.
    #[error("failed to reach {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is too long or broke off.
    #[error("failed to read the answer of {url}")]
    Answer {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: BodyError,
    },
    /// The answer is not what the issuer's documentation says. It may be a token, so that nothing of it is repeated.
    #[error("unexpected answer of {url}")]
    Malformed {
        /// The address.
        url: String,
    },
    /// The answer lacks something.
    #[error("the answer of {url} has no {field}")]
    Missing {
        /// The address.
        url: String,
        /// What.
        field: &'static str,
    },
    /// The issuer said no.
    #[error("{url} refused with status {status}: {message}")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: StatusCode,
        /// What the issuer says about it, cut to a line.
        message: String,
    },
}

/// A file with a token or a key that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("failed to read \"{}\"", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than any token.
    #[error("\"{}\" is larger than {MAX_FILE} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// What an issuer answered.
pub(crate) struct Answer {
    url: String,
    status: StatusCode,
    body: bytes::Bytes,
}

/// A client for an issuer, with the trust and the proxy of `options`. A redirect is not followed: it would carry
/// credentials to where nobody sent them.
pub(crate) fn client(options: &ClientOptions) -> Result<reqwest::Client, ExchangeError> {
    let total_timeout = Some(options.total_timeout.map_or(TIMEOUT, |timeout| timeout.min(TIMEOUT)));
    Ok(ClientOptions { total_timeout, redirects: Redirects::Refuse, ..options.clone() }.client()?)
}

/// A client for servers of the node itself, past every proxy.
pub(crate) fn metadata_client() -> Result<reqwest::Client, ExchangeError> {
    let options = ClientOptions {
        proxy: ProxySetting::Direct,
        connect_timeout: METADATA_CONNECT,
        total_timeout: Some(TIMEOUT),
        redirects: Redirects::Refuse,
        ..ClientOptions::default()
    };
    Ok(options.client()?)
}

/// Sends `request`, which goes to `url`.
pub(crate) async fn send(request: RequestBuilder, url: &Url) -> Result<Answer, ExchangeError> {
    let url = mask_url(url);
    let response = request
        .send()
        .await
        .map_err(|source| ExchangeError::Unreachable { url: url.clone(), source: source.without_url() })?;
    let status = response.status();
    let body = read_limited(response, MAX_ANSWER)
        .await
        .map_err(|source| ExchangeError::Answer { url: url.clone(), source })?;
    Ok(Answer { url, status, body })
}

impl Answer {
    /// The answer itself when it is a success; else `reason` finds the issuer's words in the body.
    pub(crate) fn accepted(self, reason: impl FnOnce(&[u8]) -> Option<String>) -> Result<Self, ExchangeError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let message = reason(&self.body).map_or_else(|| "no reason given".to_owned(), |text| one_line(&text));
        Err(ExchangeError::Refused { url: self.url, status: self.status, message })
    }

    /// The body as text, with what is no UTF-8 replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ExchangeError> {
        serde_json::from_slice(&self.body).map_err(|_| ExchangeError::Malformed { url: self.url.clone() })
    }

    /// The error of an answer without `field`.
    pub(crate) fn missing(&self, field: &'static str) -> ExchangeError {
        ExchangeError::Missing { url: self.url.clone(), field }
    }
}

/// The text of a file that holds a token or a key, without white space around it.
pub(crate) async fn read_file(path: &Path) -> Result<Secret, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(MAX_FILE + 1).read_to_string(&mut text).await.map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        return Err(FileError::TooLarge { path: path.to_owned() });
    }
    Ok(Secret::new(text.trim()))
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(MAX_REASON).collect()
}
