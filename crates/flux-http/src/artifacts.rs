//! Artifacts unpacked once, for all who read them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use flux_api::meta::Artifact;
use flux_tar::Digest;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use reqwest::Client;
use tempfile::TempDir;

use crate::{FetchError, FetchOptions, fetch_artifact};

/// What the folders of all stores begin with.
const PREFIX: &str = "artifacts-";
/// The file that the process that owns a folder keeps locked.
const LOCK: &str = "lock";
/// What a file or folder takes beside its content.
const BLOCK: u64 = 4096;

/// Unpacked artifacts in a folder of the process: each is fetched once, however many ask for it, and stays as long as anybody reads it.
/// Who names another address is not given what was fetched from this one, even if the digest is the same.
///
/// Those that nobody reads any more are kept up to a bound, so that the next reader of the same revision need not fetch; the one read
/// longest ago goes first. The folder goes with the process, or is removed by the next one that starts beside it.
#[derive(Debug)]
pub struct Artifacts {
    client: Client,
    options: FetchOptions,
    folder: Folder,
    idle_bytes: u64,
    state: Arc<Mutex<State>>,
}

/// An unpacked artifact. Its files stay as they are as long as this lives.
#[derive(Debug)]
pub struct Unpacked {
    /// None only while it is dropped.
    folder: Option<TempDir>,
    path: PathBuf,
    bytes: u64,
}

/// Why an artifact was not unpacked. Those who asked at the same time share the answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct SharedFetchError(Arc<FetchError>);

/// What an artifact is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    url: String,
    digest: Digest,
}

type Outcome = Result<Arc<Unpacked>, SharedFetchError>;
type Flight = BoxFuture<'static, Outcome>;

#[derive(Debug, Default)]
struct State {
    /// Under way, as long as anybody waits for it.
    flights: HashMap<Key, WeakShared<Flight>>,
    unpacked: HashMap<Key, Weak<Unpacked>>,
    /// Kept for later readers, the one asked for last at the end.
    kept: Vec<(Key, Arc<Unpacked>)>,
}

/// A folder that only this process uses.
#[derive(Debug)]
struct Folder {
    place: TempDir,
    /// Locked as long as the process lives.
    _lock: File,
}

impl SharedFetchError {
    /// Whether the server said that it does not have the artifact.
    pub fn is_not_found(&self) -> bool {
        self.0.is_not_found()
    }

    /// Whether there is no room to unpack it.
    pub fn is_about_folder(&self) -> bool {
        matches!(*self.0, FetchError::Folder(_))
    }
}

impl Unpacked {
    /// The folder with the artifact's files, to read only.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let folder = self.folder.take();
        // Removing many files takes its time, which no other task should wait for.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(folder))),
            Err(_) => drop(folder),
        }
    }
}

impl Artifacts {
    /// Fetches with `client` into a new folder below `within`, and removes there what processes left behind that are gone. At most
    /// `idle_bytes` of what nobody reads are kept.
    pub fn new(client: Client, options: FetchOptions, within: &Path, idle_bytes: u64) -> io::Result<Self> {
        remove_abandoned(within)?;
        let folder = Folder::new(within)?;
        Ok(Self { client, options, folder, idle_bytes, state: Arc::default() })
    }

    /// The unpacked `artifact`: the one that is there, the one that is just being fetched, or one that is fetched for this. Dropping
    /// the future ends the fetch when nobody else waits for it.
    pub async fn get(&self, artifact: &Artifact) -> Outcome {
        let digest = Digest::parse_or_sha256(&artifact.digest).map_err(|source| {
            SharedFetchError(Arc::new(FetchError::Digest { digest: artifact.digest.clone(), source }))
        })?;
        let key = Key { url: artifact.url.clone(), digest };
        let flight = match self.find(&key, artifact) {
            Found::Unpacked(unpacked) => return Ok(unpacked),
            Found::Flight(flight) => flight,
        };
        flight.await
    }

    /// The unpacked `artifact`, if it is there.
    pub fn unpacked(&self, artifact: &Artifact) -> Option<Arc<Unpacked>> {
        let digest = Digest::parse_or_sha256(&artifact.digest).ok()?;
        let key = Key { url: artifact.url.clone(), digest };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.find(&key, self.idle_bytes)
    }

    fn find(&self, key: &Key, artifact: &Artifact) -> Found {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unpacked) = state.find(key, self.idle_bytes) {
            return Found::Unpacked(unpacked);
        }
        if let Some(flight) = state.flights.get(key).and_then(WeakShared::upgrade) {
            return Found::Flight(flight);
        }
        let flight = self.flight(key.clone(), artifact.clone()).shared();
        state.flights.retain(|_, flight| flight.upgrade().is_some());
        state.flights.extend(flight.downgrade().map(|weak| (key.clone(), weak)));
        Found::Flight(flight)
    }

    /// Fetches and unpacks, and notes that it did.
    fn flight(&self, key: Key, artifact: Artifact) -> Flight {
        let (client, options, place) = (self.client.clone(), self.options.clone(), self.folder.place.path().to_owned());
        let (state, idle_bytes) = (Arc::clone(&self.state), self.idle_bytes);
        async move {
            let outcome = unpack(&client, &artifact, &options, &place).await;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.flights.remove(&key);
            if let Ok(unpacked) = &outcome {
                state.unpacked.retain(|_, unpacked| unpacked.strong_count() > 0);
                state.unpacked.insert(key.clone(), Arc::downgrade(unpacked));
                state.keep(&key, unpacked, idle_bytes);
            }
            outcome.map_err(|err| SharedFetchError(Arc::new(err)))
        }
        .boxed()
    }
}

enum Found {
    Unpacked(Arc<Unpacked>),
    Flight(Shared<Flight>),
}

impl State {
    fn find(&mut self, key: &Key, idle_bytes: u64) -> Option<Arc<Unpacked>> {
        let unpacked = self.unpacked.get(key).and_then(Weak::upgrade)?;
        self.keep(key, &unpacked, idle_bytes);
        Some(unpacked)
    }

    /// Keeps an artifact that was just asked for, and lets go of those asked for longest ago until what is kept fits. One that does not
    /// fit alone is not kept, and takes no other's place.
    fn keep(&mut self, key: &Key, unpacked: &Arc<Unpacked>, idle_bytes: u64) {
        if unpacked.bytes > idle_bytes {
            return;
        }
        self.kept.retain(|(other, _)| other != key);
        self.kept.push((key.clone(), Arc::clone(unpacked)));
        let mut total: u64 = self.kept.iter().map(|(_, kept)| kept.bytes).sum();
        while total > idle_bytes && !self.kept.is_empty() {
            let (_, gone) = self.kept.remove(0);
            total -= gone.bytes;
        }
    }
}

async fn unpack(
    client: &Client,
    artifact: &Artifact,
    options: &FetchOptions,
    place: &Path,
) -> Result<Arc<Unpacked>, FetchError> {
    let folder = TempDir::with_prefix_in("tree-", place).map_err(FetchError::Folder)?;
    let fetched = fetch_artifact(client, artifact, options, folder.path()).await?;
    let (path, bytes) = (folder.path().to_owned(), fetched.totals.bytes + fetched.totals.entries * BLOCK);
    Ok(Arc::new(Unpacked { folder: Some(folder), path, bytes }))
}

impl Folder {
    /// The lock is taken before it has its name, so that nobody finds the folder unlocked.
    fn new(within: &Path) -> io::Result<Self> {
        let place = TempDir::with_prefix_in(PREFIX, within)?;
        let unnamed = place.path().join("new");
        let lock = File::create(&unnamed)?;
        lock.try_lock().map_err(io::Error::from)?;
        fs::rename(&unnamed, place.path().join(LOCK))?;
        Ok(Self { place, _lock: lock })
    }
}

/// Removes the folders whose processes are gone.
fn remove_abandoned(within: &Path) -> io::Result<()> {
    for entry in fs::read_dir(within)?.filter_map(Result::ok) {
        let folder = entry.path();
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Ok(lock) = File::open(folder.join(LOCK))
            && lock.try_lock().is_ok()
            && let Err(err) = fs::remove_dir_all(&folder)
        {
            tracing::warn!(folder = %folder.display(), error = %err, "folder of an ended process could not be removed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(within: &Path) -> Artifacts {
        let client = crate::ClientOptions::default().client().unwrap();
        Artifacts::new(client, FetchOptions::default(), within, 0).unwrap()
    }

    fn folders(within: &Path) -> usize {
        fs::read_dir(within).unwrap().count()
    }

    #[test]
    fn an_artifact_that_is_too_large_to_keep_leaves_the_others_where_they_are() {
        let mut state = State::default();
        let mut keep = |name: &str, bytes| {
            let digest = Digest::parse_or_sha256(&format!("sha256:{:064}", 0)).unwrap();
            let unpacked = Unpacked { folder: None, path: PathBuf::new(), bytes };
            state.keep(&Key { url: name.to_owned(), digest }, &Arc::new(unpacked), 10);
            state.kept.iter().map(|(key, _)| key.url.clone()).collect::<Vec<_>>()
        };
        keep("a", 4);
        assert_eq!(keep("b", 4), ["a", "b"]);
        assert_eq!(keep("large", 11), ["a", "b"]);
        assert_eq!(keep("c", 4), ["b", "c"]);
    }

    #[test]
    fn folders_of_ended_processes_are_removed_and_those_of_others_stay() {
        let within = tempfile::tempdir().unwrap();
        let living = store(within.path());
        let dead = within.path().join("artifacts-dead");
        fs::create_dir_all(dead.join("tree-1")).unwrap();
        File::create(dead.join(LOCK)).unwrap();
        fs::create_dir(within.path().join("artifacts-unfinished")).unwrap();
        assert_eq!(folders(within.path()), 3);

        let next = store(within.path());

        assert!(!dead.exists());
        assert_eq!(folders(within.path()), 3);
        drop((living, next));
        assert_eq!(folders(within.path()), 1);
    }
}
