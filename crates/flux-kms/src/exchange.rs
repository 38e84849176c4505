//! One request to a key service and its answer, bounded in time, size and number of tries.

use std::time::Duration;

use flux_http::{ClientOptions, Redirects, RetryPolicy, is_retryable_status, mask_url, read_limited};
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Request, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use crate::ServiceError;

/// A data key has 32 bytes; no answer or refusal about one comes near this.
const MAX_ANSWER: u64 = 64 << 10;
/// How much of a service's own words is shown.
const MAX_MESSAGE: usize = 300;
/// How long one try may take in all, where the client's options do not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How a key service is reached.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// Certificates, proxy and timeouts. A try takes 30 s at most where no total is set.
    pub client: ClientOptions,
    /// How often a busy or failing service is asked again. Waits that the service asks for are cut to the longest.
    pub retry: RetryPolicy,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        // The vendors' clients make three tries, a second and more apart.
        let retry =
            RetryPolicy { retries: 2, shortest_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(5) };
        Self { client: ClientOptions::default(), retry }
    }
}

/// Whether a request goes where a redirect points to, with its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// Never.
    Refuse,
    /// Once, but not in the clear after TLS.
    FollowOnce,
}

/// A client that makes such requests.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    client: Client,
    retry: RetryPolicy,
    redirect: Redirect,
}

/// A complete answer. The body may hold a data key and is wiped when dropped.
pub(crate) struct Answer {
    url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// What a service says when it refuses.
pub(crate) struct Refusal {
    pub(crate) message: String,
    /// Whether the words say that later may be different; some statuses say so by themselves.
    pub(crate) transient: bool,
}

impl Exchange {
    pub(crate) fn new(options: ServiceOptions, redirect: Redirect) -> Result<Self, ServiceError> {
        let ServiceOptions { client, retry } = options;
        let client = ClientOptions {
            total_timeout: client.total_timeout.or(Some(TIMEOUT)),
            redirects: Redirects::Refuse,
            ..client
        };
        Ok(Self { client: client.client().map_err(ServiceError::Client)?, retry, redirect })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The successful answer to `request`, asked again while the service has passing troubles. `refusal`
    /// reads the service's words; `secrets` are kept out of them.
    pub(crate) async fn call(
        &self,
        request: Request,
        refusal: fn(StatusCode, &[u8]) -> Refusal,
        secrets: &[&str],
    ) -> Result<Answer, ServiceError> {
        self.call_for(StatusCode::is_success, request, refusal, secrets).await
    }

    /// The same for an answer whose status is one that is `wanted`.
    pub(crate) async fn call_for(
        &self,
        wanted: impl Fn(&StatusCode) -> bool + Send + Sync,
        request: Request,
        refusal: fn(StatusCode, &[u8]) -> Refusal,
        secrets: &[&str],
    ) -> Result<Answer, ServiceError> {
        let mut repetition = 0;
        loop {
            let (err, asked) = match self.try_with_redirect(&request).await {
                Ok(answer) if wanted(&answer.status) => return Ok(answer),
                Ok(answer) => {
                    let asked = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    (answer.refused(refusal, secrets), asked.map(Duration::from_secs))
                }
                Err(err) => (err, None),
            };
            let wait = self.retry.wait(repetition).filter(|_| err.is_transient());
            let Some(wait) = wait else { return Err(err) };
            repetition += 1;
            let wait = asked.unwrap_or(wait).min(self.retry.longest_wait);
            tracing::debug!(url = mask_url(request.url()), error = %err, repetition, "repeating key service request");
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_with_redirect(&self, request: &Request) -> Result<Answer, ServiceError> {
        let answer = self.try_once(request).await?;
        let target = match self.redirect {
            Redirect::Refuse => None,
            Redirect::FollowOnce => answer.redirected_to(),
        };
        let (Some(target), Some(mut forwarded)) = (target, request.try_clone()) else { return Ok(answer) };
        *forwarded.url_mut() = target;
        self.try_once(&forwarded).await
    }

    /// The answer to one try, whatever its status.
    pub(crate) async fn try_once(&self, request: &Request) -> Result<Answer, ServiceError> {
        let shown = || mask_url(request.url());
        let copy = request
            .try_clone()
            .ok_or_else(|| ServiceError::Request { url: shown(), source: "its body cannot be sent twice".into() })?;
        let response = self
            .client
            .execute(copy)
            .await
            .map_err(|err| ServiceError::Unreachable { url: shown(), source: err.without_url() })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body =
            read_limited(response, MAX_ANSWER).await.map_err(|source| ServiceError::Answer { url: shown(), source })?;
        // The buffer itself where nobody else holds it, so that no copy stays behind.
        Ok(Answer { url: request.url().clone(), status, headers, body: Zeroizing::new(Vec::from(body)) })
    }
}

impl Answer {
    fn redirected_to(&self) -> Option<Url> {
        if !matches!(self.status.as_u16(), 301 | 302 | 307 | 308) {
            return None;
        }
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        let target = self.url.join(location).ok()?;
        let sealed_enough = target.scheme() == "https" || (target.scheme() == "http" && self.url.scheme() == "http");
        sealed_enough.then_some(target)
    }

    /// The answer as an error.
    pub(crate) fn refused(&self, refusal: fn(StatusCode, &[u8]) -> Refusal, secrets: &[&str]) -> ServiceError {
        let Refusal { message, transient } = refusal(self.status, &self.body);
        ServiceError::Refused {
            url: mask_url(&self.url),
            status: self.status,
            message: one_line(&message, secrets),
            transient: transient || is_retryable_status(self.status),
        }
    }

    /// The answer read as `T`. What does not fit is not repeated: it may be the data key.
    pub(crate) fn json<'a, T: serde::Deserialize<'a>>(&'a self, reason: &'static str) -> Result<T, ServiceError> {
        serde_json::from_slice(&self.body).map_err(|_| self.malformed(reason))
    }

    pub(crate) fn malformed(&self, reason: &'static str) -> ServiceError {
        ServiceError::Malformed { url: mask_url(&self.url), reason }
    }
}

/// A request that could not be made of its parts.
pub(crate) fn request_failed(url: &Url, err: reqwest::Error) -> ServiceError {
    ServiceError::Request { url: mask_url(url), source: Box::new(err.without_url()) }
}

/// The first line of `text` without control characters and secrets, cut to a readable length.
fn one_line(text: &str, secrets: &[&str]) -> String {
    let mut line = text.trim().lines().next().unwrap_or_default().to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        line = line.replace(secret, "***");
    }
    line.retain(|char| !char.is_control());
    match line.char_indices().nth(MAX_MESSAGE) {
        _ if line.is_empty() => "no reason given".to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_short_line_without_secrets() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text, &["s.3cret", ""]), expected);
        check("permission denied", "permission denied");
        check("\n* token s.3cret has\tno policy\nrequest id 7", "* token *** hasno policy");
        check("", "no reason given");
        assert_eq!(one_line(&"ä".repeat(1000), &[]).chars().count(), MAX_MESSAGE + 1);
    }
}
