//! Downloads an artifact, checks it, unpacks it.

use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flux_api::meta::Artifact;
use flux_tar::{Digest, Hasher, Limits, Links, ParseDigestError, Totals};
use reqwest::{Client, Response, StatusCode, header};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{RetryPolicy, UnpackError, is_retryable_status, mask_url, unpack_archive};

/// How an artifact is fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// What happens to passing troubles.
    pub retry: RetryPolicy,
    /// How much is accepted.
    pub limits: FetchLimits,
    /// What happens to symbolic links in the archive.
    pub links: Links,
    /// Other hosts than those of the URL.
    pub hosts: HostOverrides,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            limits: FetchLimits::default(),
            links: Links::Skip,
            hosts: HostOverrides::default(),
        }
    }
}

/// How much is accepted.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// Bytes of the archive as it is served.
    pub download: u64,
    /// What the archive may hold.
    pub archive: Limits,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { download: 4 << 30, archive: Limits::default() }
    }
}

/// Hosts (`host` or `host:port`) that stand in for those of artifact URLs, for controllers that run outside the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostOverrides {
    /// The value of `SOURCE_CONTROLLER_LOCALHOST`.
    pub source_controller: Option<String>,
    /// The value of `SOURCE_WATCHER_LOCALHOST`, for URLs of source-watcher.
    pub source_watcher: Option<String>,
}

impl HostOverrides {
    fn apply(&self, url: &str) -> Result<Url, FetchError> {
        let invalid = |source| FetchError::Url { url: url.to_owned(), source };
        let mut parsed = Url::parse(url).map_err(invalid)?;
        let watcher = self.source_watcher.as_deref().filter(|_| url.contains("//source-watcher"));
        if let Some(host) = watcher.or(self.source_controller.as_deref()) {
            let stand_in = Url::parse(&format!("http://{host}")).map_err(invalid)?;
            parsed.set_host(stand_in.host_str()).map_err(invalid)?;
            // Cannot fail: a URL with a host takes a port.
            let _ = parsed.set_port(stand_in.port());
        }
        Ok(parsed)
    }
}

/// An artifact that was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes of the archive as it was served.
    pub size: u64,
    /// What it held.
    pub totals: Totals,
}

/// Why an artifact was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The artifact's URL is invalid.
    #[error("invalid artifact URL \"{url}\"")]
    Url {
        /// The URL.
        url: String,
        /// The cause.
        #[source]
        source: url::ParseError,
    },
    /// The artifact's digest is invalid.
    #[error("invalid artifact digest \"{digest}\"")]
    Digest {
        /// The digest.
        digest: String,
        /// The cause.
        #[source]
        source: ParseDigestError,
    },
    /// The server does not have it, or no longer. A newer one may be announced soon.
    #[error("artifact not found at \"{url}\"")]
    NotFound {
        /// The URL.
        url: String,
    },
    /// The server answered something else than the artifact.
    #[error("failed to download artifact from \"{url}\": server answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// The server could not be reached, or went away.
    #[error("failed to download artifact from \"{url}\"")]
    Request {
        /// The URL.
        url: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The artifact is larger than accepted.
    #[error("artifact at \"{url}\" is larger than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// What was served is not what was announced.
    #[error("failed to verify artifact from \"{url}\": computed digest {found} does not match {expected}")]
    Mismatch {
        /// The URL.
        url: String,
        /// What the source announced.
        expected: Digest,
        /// What the server served.
        found: Digest,
    },
    /// There is no folder to unpack it into.
    #[error("failed to make a folder for the artifact")]
    Folder(#[source] io::Error),
    /// The temporary file could not be written.
    #[error("failed to write artifact to a temporary file")]
    Scratch(#[source] io::Error),
    /// The archive could not be unpacked.
    #[error("failed to unpack artifact from \"{url}\"")]
    Unpack {
        /// The URL.
        url: String,
        /// The cause.
        #[source]
        source: UnpackError,
    },
}

impl FetchError {
    /// Whether the server said that it does not have the artifact.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// Downloads `artifact` and unpacks it into the existing, empty directory `into`.
///
/// The archive goes to a file without a name beside `into`; its digest is checked before the first entry is read. A
/// digest without algorithm is taken for sha256. Network troubles are retried; "not found" and a wrong digest are not.
/// Dropping the future stops the work soon after; `into` may then hold a part.
pub async fn fetch_artifact(
    client: &Client,
    artifact: &Artifact,
    options: &FetchOptions,
    into: &Path,
) -> Result<Fetched, FetchError> {
    let url = options.hosts.apply(&artifact.url)?;
    let expected = Digest::parse_or_sha256(&artifact.digest)
        .map_err(|source| FetchError::Digest { digest: artifact.digest.clone(), source })?;
    let fetch = Fetch { client, url, expected, options };
    let scratch = into.parent().unwrap_or(into).to_owned();
    let (file, size) = fetch.download_with_retries(&scratch).await?;
    let totals = fetch.unpack(file, into.to_owned()).await?;
    Ok(Fetched { size, totals })
}

struct Fetch<'a> {
    client: &'a Client,
    url: Url,
    expected: Digest,
    options: &'a FetchOptions,
}

/// A failed try: final, or worth repeating after the wait that the server asked for.
enum Trouble {
    Final(FetchError),
    Passing(FetchError, Option<Duration>),
}

impl Fetch<'_> {
    async fn download_with_retries(&self, scratch: &Path) -> Result<(std::fs::File, u64), FetchError> {
        let mut repetition = 0;
        loop {
            let (err, asked) = match self.download(scratch).await {
                Ok(done) => return Ok(done),
                Err(Trouble::Final(err)) => return Err(err),
                Err(Trouble::Passing(err, asked)) => (err, asked),
            };
            let Some(wait) = self.options.retry.wait(repetition) else { return Err(err) };
            repetition += 1;
            let wait = asked.unwrap_or(wait).min(self.options.retry.longest_wait);
            tracing::debug!(url = self.shown(), error = %err, repetition, "repeating artifact download");
            tokio::time::sleep(wait).await;
        }
    }

    async fn download(&self, scratch: &Path) -> Result<(std::fs::File, u64), Trouble> {
        let mut response = self.answer().await?;
        let limit = self.options.limits.download;
        let too_large = || Trouble::Final(FetchError::TooLarge { url: self.shown(), limit });
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let scratch_failed = |err| Trouble::Final(FetchError::Scratch(err));
        let file = tempfile::tempfile_in(scratch).map_err(scratch_failed)?;
        let mut out = tokio::io::BufWriter::with_capacity(256 * 1024, tokio::fs::File::from_std(file));
        let mut hasher = Hasher::new(self.expected.algorithm());
        let mut size = 0;
        while let Some(chunk) = response.chunk().await.map_err(|err| self.network(err))? {
            size += chunk.len() as u64;
            if size > limit {
                return Err(too_large());
            }
            hasher.update(&chunk);
            out.write_all(&chunk).await.map_err(scratch_failed)?;
        }
        out.flush().await.map_err(scratch_failed)?;
        let found = hasher.finish();
        if found != self.expected {
            let (url, expected) = (self.shown(), self.expected.clone());
            return Err(Trouble::Final(FetchError::Mismatch { url, expected, found }));
        }
        Ok((out.into_inner().into_std().await, size))
    }

    async fn answer(&self) -> Result<Response, Trouble> {
        let request = self.client.get(self.url.clone()).header(header::ACCEPT_ENCODING, "identity");
        let response = request.send().await.map_err(|err| self.network(err))?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND {
            return Err(Trouble::Final(FetchError::NotFound { url: self.shown() }));
        }
        if status == StatusCode::OK {
            return Ok(response);
        }
        let err = FetchError::Status { url: self.shown(), status };
        if !is_retryable_status(status) {
            return Err(Trouble::Final(err));
        }
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Trouble::Passing(err, asked.map(Duration::from_secs)))
    }

    fn network(&self, err: reqwest::Error) -> Trouble {
        let hopeless = err.is_builder() || err.is_redirect();
        let err = FetchError::Request { url: self.shown(), source: err.without_url() };
        if hopeless { Trouble::Final(err) } else { Trouble::Passing(err, None) }
    }

    async fn unpack(&self, mut file: std::fs::File, into: PathBuf) -> Result<Totals, FetchError> {
        let token = CancellationToken::new();
        // Tells the blocking part when nobody waits for it any more.
        let _stop = token.clone().drop_guard();
        let (limits, links) = (self.options.limits.archive, self.options.links);
        let task = tokio::task::spawn_blocking(move || {
            file.seek(SeekFrom::Start(0)).map_err(FetchError::Scratch)?;
            let archive = io::BufReader::with_capacity(64 * 1024, file);
            Ok(unpack_archive(archive, &into, &limits, links, || token.is_cancelled()))
        });
        let joined = task.await.map_err(|err| FetchError::Scratch(io::Error::other(err)))?;
        joined?.map_err(|source| FetchError::Unpack { url: self.shown(), source })
    }

    fn shown(&self) -> String {
        mask_url(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_overridden_per_source() {
        let hosts = HostOverrides {
            source_controller: Some("localhost:9090".to_owned()),
            source_watcher: Some("127.0.0.1".to_owned()),
        };
        let check = |url: &str, expected: &str| assert_eq!(hosts.apply(url).unwrap().as_str(), expected);
        check("http://source-controller.flux-system.svc.cluster.local./a/b.tar.gz", "http://localhost:9090/a/b.tar.gz");
        check("http://source-watcher.flux-system.svc.cluster.local.:80/a", "http://127.0.0.1/a");
        let none = HostOverrides::default();
        assert_eq!(none.apply("http://host:1/a").unwrap().as_str(), "http://host:1/a");
        assert!(none.apply("not a url").is_err());
    }
}
