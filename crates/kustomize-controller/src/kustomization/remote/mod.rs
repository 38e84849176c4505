//! Bases and files that kustomizations name by address: over HTTP, and in Git repositories over HTTPS.
//!
//! A build asks for them from its blocking thread and waits. Nothing is sent along: no credentials, as upstream has none to
//! send either. What is fetched is bounded, and a repository is gone from disk when its build ends.

mod checkout;

use std::sync::Arc;
use std::time::Duration;

use flux_files::Files;
use flux_git::{Failure, FetchOptions, Limits, Reference, Resolved, Store, resolve};
use flux_http::read_limited;
use flux_kustomize::{Remote, RemoteError, Repository};
use flux_runtime::report::message;
use tokio::runtime::Handle;

use checkout::Fetched;

/// How long one file or repository may take; kustomize gives up on a file after 27 seconds, and on a clone as well.
const TIMEOUT: Duration = Duration::from_secs(27);
/// The largest file that is read over HTTP.
const LARGEST_FILE: u64 = 16 << 20;
/// Who uses the store of a repository: it is not shared.
const OWNER: &str = "build";

/// What a repository may hold.
fn limits() -> Limits {
    Limits {
        pack_bytes: 512 << 20,
        pack_objects: 500_000,
        object_bytes: 64 << 20,
        entries: 200_000,
        content_bytes: 1 << 30,
        ..Limits::default()
    }
}

/// Fetches over the network, for one build.
pub(super) struct Network {
    http: reqwest::Client,
    runtime: Handle,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    /// Fetches files with `http`, on the runtime that it is made on.
    pub(super) fn shared(http: reqwest::Client) -> Arc<dyn Remote> {
        Arc::new(Self { http, runtime: Handle::current() })
    }
}

impl Remote for Network {
    fn file(&self, url: &str) -> Result<Vec<u8>, RemoteError> {
        self.runtime.block_on(bounded(file(&self.http, url)))
    }

    fn repository(&self, repository: &Repository) -> Result<Box<dyn Files>, RemoteError> {
        let files = self.runtime.block_on(bounded(clone(repository)))?;
        Ok(Box::new(files.read().map_err(|err| message(&err))?))
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, RemoteError>>) -> Result<T, RemoteError> {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(Ok(fetched)) => Ok(fetched),
        // The engine shows what it is told, and no cause.
        Ok(Err(err)) => Err(message(&*err).into()),
        Err(_) => Err(format!("no answer after {} seconds", TIMEOUT.as_secs()).into()),
    }
}

async fn file(http: &reqwest::Client, url: &str) -> Result<Vec<u8>, RemoteError> {
    let response = http.get(url).send().await.map_err(reqwest::Error::without_url)?;
    let response = response.error_for_status().map_err(reqwest::Error::without_url)?;
    Ok(read_limited(response, LARGEST_FILE).await?.to_vec())
}

async fn clone(repository: &Repository) -> Result<Fetched, RemoteError> {
    let Repository { url, reference, submodules, path: _ } = repository;
    if url.starts_with("ssh://") || !url.contains("://") {
        return Err("SSH needs a private key, which no kustomization can name: use an HTTPS address".into());
    }
    let folder = tempfile::Builder::new().prefix("remote-base-").tempdir()?;
    let root = camino::Utf8Path::from_path(folder.path()).ok_or("the temporary folder is not UTF-8")?;
    let store = Store::new(root, u64::MAX);
    let mut remote = store.remote(url)?;
    remote.timeout = TIMEOUT;
    remote.limits = limits();
    let resolved = find(&remote, reference.as_deref()).await?;
    let options = FetchOptions { owner: OWNER.to_owned(), submodules: *submodules, sparse: Vec::new() };
    let checkout = store.fetch(&remote, &resolved, &options).await?;
    Ok(Fetched { checkout, _folder: folder })
}

/// What `reference` is on the server, in Git's own order of what a name may mean.
async fn find(remote: &flux_git::Remote, reference: Option<&str>) -> Result<Resolved, flux_git::Error> {
    let Some(name) = reference else { return resolve(remote, &Reference::Name("HEAD".to_owned())).await };
    if name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return resolve(remote, &Reference::Commit { id: name.to_owned(), branch: None }).await;
    }
    if name.starts_with("refs/") || name == "HEAD" {
        return resolve(remote, &Reference::Name(name.to_owned())).await;
    }
    match resolve(remote, &Reference::Tag(name.to_owned())).await {
        Err(err) if matches!(err.failure, Failure::ReferenceNotFound(_)) => {
            resolve(remote, &Reference::Branch(name.to_owned())).await
        }
        resolved => resolved,
    }
}
