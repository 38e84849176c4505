//! The folder that keeps objects between runs.
//!
//! Below the root there is a folder for each store, named by a hash of URL and credentials and a number. A store that
//! is damaged or has too many packs gets a successor with the next number; the old one goes away with its last reader.

mod branch;
mod fetch;
mod lease;
pub(crate) mod objects;
mod repository;
mod scratch;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::checkout::Checkout;
use crate::error::{Error, Failure};
use crate::reference::Resolved;
use crate::remote::Remote;
use crate::transport::Clients;
pub(crate) use lease::Lease;
use repository::Repository;
pub(crate) use scratch::Scratch;

/// Object stores of remotes, one for each URL and credentials, kept between runs.
///
/// A store is made when a remote is first fetched and removed with the last object that uses it. Above the budget the
/// least used ones that nobody reads are dropped; they are fetched again when needed. Leftovers of a killed process
/// and damaged stores heal by themselves. Clones share the same stores; two processes cannot share a root.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What to bring into the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// The object that uses the store, by its UID, for [`Store::release`].
    pub owner: String,
    /// Whether submodules are fetched, recursively. Those on the remote's host, and all SSH hosts that are known, get
    /// the remote's credentials; others are asked without.
    pub submodules: bool,
    /// Directories to check out, relative to the root; empty means all.
    pub sparse: Vec<String>,
}

/// What clones of a store share.
#[derive(Debug)]
pub(crate) struct Inner {
    root: Utf8PathBuf,
    budget: u64,
    /// Held as long as the store is in use, against a second process.
    lock: OnceCell<File>,
    /// By key; the current one of each.
    repositories: Mutex<HashMap<String, Arc<Repository>>>,
    uses: AtomicU64,
    clients: Clients,
}

impl Store {
    /// Stores below `root`, dropped beyond `budget` bytes. Nothing is touched before the first use.
    pub fn new(root: impl Into<Utf8PathBuf>, budget: u64) -> Self {
        let inner = Inner {
            root: root.into(),
            budget,
            lock: OnceCell::new(),
            repositories: Mutex::default(),
            uses: AtomicU64::new(0),
            clients: Clients::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The same as [`Remote::new`], but HTTP connections are kept for later remotes of this store with the same trust.
    pub fn remote(&self, url: &str) -> Result<Remote, Error> {
        let mut remote = Remote::new(url)?;
        remote.clients = self.inner.clients.clone();
        Ok(remote)
    }

    /// The tree of `resolved`, after fetching what of it is missing.
    ///
    /// Runs on the same remote wait for each other. The store stays on disk as long as the checkout lives.
    pub async fn fetch(&self, remote: &Remote, resolved: &Resolved, options: &FetchOptions) -> Result<Checkout, Error> {
        self.open().await.map_err(|failure| failure.at(remote))?;
        fetch::fetch(&self.inner, remote, resolved, options).await
    }

    /// Forgets the object `owner`, and removes the stores that only it used, now or when their last reader is done.
    pub async fn release(&self, owner: &str) -> Result<(), Error> {
        let released = async {
            self.open().await?;
            self.inner.disown(owner, &[])
        };
        released.await.map_err(|failure| Error::new(self.inner.root.to_string(), failure))
    }

    /// Takes the folder over, once: locks it, and clears what a killed process left.
    async fn open(&self) -> Result<(), Failure> {
        let inner = Arc::clone(&self.inner);
        let open = async {
            let opened = tokio::task::spawn_blocking(move || inner.take_over()).await;
            opened.unwrap_or_else(|err| Err(io::Error::other(err))).map_err(Failure::store("failed to open"))
        };
        self.inner.lock.get_or_try_init(|| open).await.map(|_| ())
    }
}

impl Inner {
    /// Locks the root and registers what is in it.
    fn take_over(&self) -> io::Result<File> {
        fs::create_dir_all(&self.root)?;
        let lock = File::create(self.root.join(".lock"))?;
        lock.try_lock().map_err(|_| io::Error::other(format!("{} is in use by another process", self.root)))?;

        let mut found: Vec<(io::Result<std::time::SystemTime>, String, u64)> = Vec::new();
        for entry in self.root.read_dir_utf8()? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let name = entry.file_name();
            match name.split_once('.').map(|(key, number)| (key, number.parse::<u64>())) {
                Some((key, Ok(number))) => {
                    found.push((entry.metadata().and_then(|metadata| metadata.modified()), key.to_owned(), number));
                }
                _ => fs::remove_dir_all(entry.path())?,
            }
        }
        // The most recently used last; of two with the same key, the younger.
        found.sort_by(|one, other| (one.0.as_ref().ok(), one.2).cmp(&(other.0.as_ref().ok(), other.2)));
        let newest: HashMap<String, u64> = found.iter().fold(HashMap::new(), |mut newest, (_, key, number)| {
            let current = newest.entry(key.clone()).or_insert(*number);
            *current = (*current).max(*number);
            newest
        });
        let mut repositories = self.repositories.lock();
        for (_, key, number) in found {
            let directory = self.directory(&key, number);
            let repository = Repository::new(directory.clone());
            if newest.get(&key) != Some(&number) || repository.clean().is_err() {
                fs::remove_dir_all(directory)?;
                continue;
            }
            repository.load_owners();
            repository.size.store(repository.measure(), Ordering::Relaxed);
            repository.used.store(self.next_use(), Ordering::Relaxed);
            repositories.insert(key, Arc::new(repository));
        }
        Ok(lock)
    }

    fn directory(&self, key: &str, number: u64) -> Utf8PathBuf {
        self.root.join(format!("{key}.{number}"))
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The store of `key`, kept on disk as long as the lease lives.
    pub(crate) fn lease(self: &Arc<Self>, key: &str) -> Result<Lease, Failure> {
        let mut repositories = self.repositories.lock();
        let repository = match repositories.get(key) {
            Some(repository) if !repository.doomed.load(Ordering::Relaxed) => Arc::clone(repository),
            predecessor => {
                let number = predecessor.map_or(0, |old| number_of(&old.directory) + 1);
                let repository = Arc::new(Repository::new(self.directory(key, number)));
                if let Some(old) = predecessor {
                    repository.owners.lock().clone_from(&old.owners.lock());
                }
                repositories.insert(key.to_owned(), Arc::clone(&repository));
                repository
            }
        };
        repository.leases.fetch_add(1, Ordering::Relaxed);
        repository.used.store(self.next_use(), Ordering::Relaxed);
        drop(repositories);
        let lease = Lease::new(Arc::clone(self), repository);
        lease.repository().create()?;
        Ok(lease)
    }

    /// Takes `owner` from all stores but those with `keys`, and removes the ones nobody uses any more.
    pub(crate) fn disown(&self, owner: &str, keys: &[String]) -> Result<(), Failure> {
        let mut repositories = self.repositories.lock();
        let others: Vec<String> = repositories.keys().filter(|key| !keys.contains(key)).cloned().collect();
        for key in others {
            let Some(repository) = repositories.get(&key) else { continue };
            let had = repository.owners.lock().contains(owner);
            if had && repository.set_owner(owner, false)? == 0 {
                repository.doomed.store(true, Ordering::Relaxed);
                remove_if_idle(&mut repositories, &key);
            }
        }
        Ok(())
    }

    /// Called when a lease ends: removes what is doomed, then the least used while the budget is exceeded.
    fn settle(&self, repository: &Arc<Repository>) {
        let mut repositories = self.repositories.lock();
        if repository.leases.fetch_sub(1, Ordering::Relaxed) == 1 && repository.doomed.load(Ordering::Relaxed) {
            remove_directory(&repository.directory);
            repositories.retain(|_, known| !Arc::ptr_eq(known, repository));
            return;
        }
        repository.size.store(repository.measure(), Ordering::Relaxed);
        loop {
            let total: u64 = repositories.values().map(|known| known.size.load(Ordering::Relaxed)).sum();
            if total <= self.budget {
                return;
            }
            let idle = repositories.iter().filter(|(_, known)| known.leases.load(Ordering::Relaxed) == 0);
            let Some(key) =
                idle.min_by_key(|(_, known)| known.used.load(Ordering::Relaxed)).map(|(key, _)| key.clone())
            else {
                return;
            };
            remove_if_idle(&mut repositories, &key);
        }
    }
}

/// Removes a store unless somebody reads it; then it goes with its last reader.
fn remove_if_idle(repositories: &mut HashMap<String, Arc<Repository>>, key: &str) {
    let idle = repositories.get(key).is_some_and(|known| known.leases.load(Ordering::Relaxed) == 0);
    if idle && let Some(repository) = repositories.remove(key) {
        remove_directory(&repository.directory);
    }
}

/// Removes a folder. What cannot be removed is only logged: it is taken up or cleared at the next start.
fn remove_directory(directory: &Utf8Path) {
    if let Err(err) = fs::remove_dir_all(directory)
        && err.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%directory, error = %err, "failed to remove an object store");
    }
}

fn number_of(directory: &Utf8Path) -> u64 {
    directory.extension().and_then(|number| number.parse().ok()).unwrap_or_default()
}
