//! The right to find a store on disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::store::Inner;
use crate::store::repository::Repository;

/// Keeps a store on disk as long as it lives.
#[derive(Debug)]
pub(crate) struct Lease {
    inner: Arc<Inner>,
    repository: Arc<Repository>,
}

impl Lease {
    /// For a repository whose lease is already counted.
    pub(super) fn new(inner: Arc<Inner>, repository: Arc<Repository>) -> Self {
        Self { inner, repository }
    }

    pub(super) fn repository(&self) -> &Arc<Repository> {
        &self.repository
    }

    /// Gives the store up: the next lease is of an empty one.
    pub(crate) fn doom(&self) {
        self.repository.doomed.store(true, Ordering::Relaxed);
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.repository.leases.fetch_add(1, Ordering::Relaxed);
        Self { inner: Arc::clone(&self.inner), repository: Arc::clone(&self.repository) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.inner.settle(&self.repository);
    }
}
