//! Permits: how many runs work at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The permits of one controller.
#[derive(Clone, Debug)]
pub(crate) struct Permits(Arc<Semaphore>);

impl Permits {
    /// As many as runs may work at once; at least one.
    pub(crate) fn new(concurrent: usize) -> Self {
        Self(Arc::new(Semaphore::new(concurrent.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// The next free permit; waiters get them in the order in which they asked.
    pub(crate) async fn take(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }
}

/// One run's permit, which the run gives back while it waits.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Permits,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    changed: Notify,
}

impl Permit {
    /// A permit that is held.
    pub(crate) fn held(permits: Permits, permit: OwnedSemaphorePermit) -> Self {
        Self { permits, held: Mutex::new(Some(permit)), changed: Notify::new() }
    }

    /// Gives the permit back. Without effect when it was given back already.
    pub(crate) fn release(&self) {
        drop(self.lock().take());
        self.changed.notify_waiters();
    }

    /// Takes a permit again. Without effect when one is held.
    pub(crate) async fn retake(&self) {
        if self.is_held() {
            return;
        }
        let permit = self.permits.take().await;
        self.lock().get_or_insert(permit);
    }

    /// Whether the permit is held, which is when the run works.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().is_some()
    }

    /// Completes as soon as the permit is not held.
    pub(crate) async fn released(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.is_held() {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
