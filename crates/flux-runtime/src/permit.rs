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

/// One run's permit, which the run gives back while it waits. Waits may lie inside of waits, and side by side.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Permits,
    state: Mutex<State>,
    changed: Notify,
    /// Who asks for a permit again: one at a time, as a second one would wait for what the first has got.
    retaking: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    held: Option<OwnedSemaphorePermit>,
    /// How many waits are under way.
    waits: usize,
}

/// A wait that is under way; it is over when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Wait<'p>(&'p Permit);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.lock().waits -= 1;
    }
}

impl Permit {
    /// A permit that is held.
    pub(crate) fn held(permits: Permits, permit: OwnedSemaphorePermit) -> Self {
        let state = Mutex::new(State { held: Some(permit), waits: 0 });
        Self { permits, state, changed: Notify::new(), retaking: tokio::sync::Mutex::default() }
    }

    /// Begins a wait, for which the permit is given back unless an earlier wait has done so.
    pub(crate) fn release(&self) -> Wait<'_> {
        let mut state = self.lock();
        state.waits += 1;
        drop(state.held.take());
        drop(state);
        self.changed.notify_waiters();
        Wait(self)
    }

    /// Takes a permit again. Without effect when one is held, or while another wait is under way, which takes it at its end.
    pub(crate) async fn retake(&self) {
        if self.lock().waits > 0 {
            return;
        }
        let _alone = self.retaking.lock().await;
        if self.is_held() {
            return;
        }
        let permit = self.permits.take().await;
        self.lock().held.get_or_insert(permit);
    }

    /// Whether the permit is held, which is when the run works.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().held.is_some()
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    async fn held() -> (Permits, Permit) {
        let permits = Permits::new(1);
        let permit = Permit::held(permits.clone(), permits.take().await);
        (permits, permit)
    }

    #[tokio::test]
    async fn the_end_of_a_wait_inside_of_another_takes_no_permit() {
        let (permits, permit) = held().await;
        let outer = permit.release();
        drop(permit.release());
        permit.retake().await;
        assert!(!permit.is_held() && permits.take().now_or_never().is_some());
        drop(outer);
        permit.retake().await;
        assert!(permit.is_held());
    }

    #[tokio::test]
    async fn two_waits_that_end_while_no_permit_is_free_share_the_next_one() {
        let (permits, permit) = held().await;
        drop(permit.release());
        let other = permits.take().await;
        let mut ends = Box::pin(futures::future::join(permit.retake(), permit.retake()));
        assert!((&mut ends).now_or_never().is_none());
        drop(other);
        ends.await;
        assert!(permit.is_held());
    }
}
