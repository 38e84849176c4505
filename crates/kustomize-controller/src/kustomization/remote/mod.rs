//! Bases and files that kustomizations name by address: over HTTP, and in Git repositories over HTTPS.
//!
//! A build asks for them from its blocking thread and waits; its run fetches, no longer than until a newer revision is due. It keeps
//! its permit meanwhile: without, the next run's build would take another thread, until none is left to answer on. Nothing is sent along: no credentials, as upstream has none to send either. What is fetched is bounded,
//! each and in all, and a repository is gone from disk when its build ends.

mod checkout;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use flux_api::kustomize::v1::Kustomization;
use flux_files::Files;
use flux_git::{Failure, FetchOptions, Limits, Reference, Resolved, Store, resolve};
use flux_http::read_limited;
use flux_kustomize::{Remote, RemoteError, Repository};
use flux_runtime::report::message;
use flux_runtime::{Interrupted, Run};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use checkout::Fetched;

/// How long one file or repository may take; kustomize gives up on a file after 27 seconds, and on a clone as well.
const TIMEOUT: Duration = Duration::from_secs(27);
/// How long all of one build may take.
const TOTAL: Duration = Duration::from_mins(5);
/// How many files and repositories one build may name.
const MOST: usize = 128;
/// The largest file that is read over HTTP.
const LARGEST_FILE: u64 = 16 << 20;
/// Builds that may wait for answers at the same time, whatever `--concurrent` says: each holds a blocking thread, of which fetching
/// needs some as well.
static BUILDS: Semaphore = Semaphore::const_new(16);
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

/// What a build asks for, and where the answer goes.
enum Request {
    File(String, oneshot::Sender<Result<Vec<u8>, RemoteError>>),
    Repository(Repository, oneshot::Sender<Result<Fetched, RemoteError>>),
}

/// A build's side: it asks and waits.
#[derive(Debug)]
pub(super) struct Network(mpsc::Sender<Request>);

/// The run's side: it fetches.
pub(super) struct Bases(mpsc::Receiver<Request>);

/// Both sides of one build's fetching.
pub(super) fn network() -> (Arc<dyn Remote>, Bases) {
    // A build waits for each answer before it asks again.
    let (asking, asked) = mpsc::channel(1);
    (Arc::new(Network(asking)), Bases(asked))
}

impl Network {
    fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, RemoteError>>) -> Request,
    ) -> Result<T, RemoteError> {
        let (answer, answered) = oneshot::channel();
        let ended = |()| RemoteError::from("the run has ended");
        self.0.blocking_send(request(answer)).map_err(|_| ended(()))?;
        answered.blocking_recv().map_err(|_| ended(()))?
    }
}

impl Remote for Network {
    fn file(&self, url: &str) -> Result<Vec<u8>, RemoteError> {
        self.ask(|answer| Request::File(url.to_owned(), answer))
    }

    fn repository(&self, repository: &Repository) -> Result<Box<dyn Files>, RemoteError> {
        let files = self.ask(|answer| Request::Repository(repository.clone(), answer))?;
        Ok(Box::new(files.read().map_err(|err| message(&err))?))
    }
}

impl Bases {
    /// The end of `build`, with all fetched that it asks for, and whether it asked for anything.
    pub(super) async fn serve<T>(
        mut self,
        build: impl Future<Output = T>,
        http: &reqwest::Client,
        run: &Run<Kustomization>,
    ) -> Result<(T, bool), Interrupted> {
        let may_ask = !self.0.is_closed();
        let _slot = if may_ask { Some(run.while_current(BUILDS.acquire()).await?) } else { None };
        let mut build = pin!(build);
        let mut budget = Budget { left: TOTAL, count: MOST };
        let mut interrupted = None;
        loop {
            tokio::select! {
                end = &mut build => return interrupted.map_or(Ok((end, budget.count < MOST)), Err),
                // A build that asks for more after the end of its run gets no answer, and ends.
                Some(request) = self.0.recv(), if interrupted.is_none() => {
                    // On the heap: the futures of fetches are large.
                    let fetched = match request {
                        Request::File(url, answer) => budget.fetch(Box::pin(file(http, &url)), answer, run).await,
                        Request::Repository(repository, answer) => {
                            budget.fetch(Box::pin(clone(&repository)), answer, run).await
                        }
                    };
                    if let Err(end) = fetched {
                        interrupted = Some(end);
                        self.0.close();
                        while self.0.try_recv().is_ok() {}
                    }
                }
            }
        }
    }
}

/// What one build may still use.
struct Budget {
    left: Duration,
    count: usize,
}

impl Budget {
    /// Answers with what `work` fetches, unless there is nothing left for it.
    async fn fetch<T>(
        &mut self,
        work: impl Future<Output = Result<T, RemoteError>>,
        answer: oneshot::Sender<Result<T, RemoteError>>,
        run: &Run<Kustomization>,
    ) -> Result<(), Interrupted> {
        let fetched = match self.allow() {
            Ok(limit) => {
                let started = Instant::now();
                let fetched = run.while_current(bounded(work, limit)).await?;
                self.left = self.left.saturating_sub(started.elapsed());
                fetched
            }
            Err(text) => Err(text.into()),
        };
        // A build that is not there any more needs no answer.
        drop(answer.send(fetched));
        Ok(())
    }

    /// How long the next one may take.
    fn allow(&mut self) -> Result<Duration, String> {
        if self.left.is_zero() {
            return Err(format!("all bases elsewhere took more than {} seconds together", TOTAL.as_secs()));
        }
        self.count = self.count.checked_sub(1).ok_or_else(|| format!("more than {MOST} bases are elsewhere"))?;
        Ok(self.left.min(TIMEOUT))
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, RemoteError>>, limit: Duration) -> Result<T, RemoteError> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(fetched)) => Ok(fetched),
        // The engine shows what it is told, and no cause.
        Ok(Err(err)) => Err(message(&*err).into()),
        Err(_) => Err(format!("no answer after {} seconds", limit.as_secs()).into()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_may_fetch_so_many_for_so_long_and_no_more() {
        let mut budget = Budget { left: TOTAL, count: 2 };
        assert_eq!(budget.allow(), Ok(TIMEOUT));
        budget.left = Duration::from_secs(3);
        assert_eq!(budget.allow(), Ok(Duration::from_secs(3)));
        assert_eq!(budget.allow(), Err("more than 128 bases are elsewhere".to_owned()));
        budget.left = Duration::ZERO;
        assert_eq!(budget.allow(), Err("all bases elsewhere took more than 300 seconds together".to_owned()));
    }
}
