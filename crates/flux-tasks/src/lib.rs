//! The task set that owns every spawned task and its shutdown.
//!
//! A [`Tasks`] is cheap to clone; all clones are one set. A task learns from [`Tasks::stopping`] that it should end, and
//! [`Tasks::stop`] drops what has not ended after the grace period. Nothing outlives the set but blocking work that is
//! under way, which cannot be cut.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

/// A set of tasks that stop together.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    cut: CancellationToken,
    names: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// The work given to [`Tasks::blocking`] did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("blocking work was {}", if *.panicked { "ended by a panic" } else { "refused: shutting down" })]
pub struct BlockingError {
    panicked: bool,
}

impl Tasks {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. A panic in it is logged with `name` and ends that task alone.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (cut, names) = (self.cut.clone(), Arc::clone(&self.names));
        count(&names, name, 1);
        #[expect(clippy::disallowed_methods, reason = "this is the set that owns the spawned tasks")]
        drop(tokio::spawn(self.tracker.track_future(async move {
            let guarded = AssertUnwindSafe(task).catch_unwind();
            match cut.run_until_cancelled(guarded).await {
                Some(Ok(())) => {}
                Some(Err(panic)) => tracing::error!(task = name, error = panic_text(&*panic), "task panicked"),
                None => tracing::debug!(task = name, "task cut at shutdown"),
            }
            count(&names, name, -1);
        })));
    }

    /// Starts a task that is dropped as soon as the set is told to stop, for loops that have nothing to bring to an end.
    pub fn spawn_until_stopped(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.spawn(name, async move {
            // Dropped or done: either way the task has ended.
            let _done = stopping.run_until_cancelled(task).await;
        });
    }

    /// Runs work that blocks or computes for long on a thread of its own, and waits for it.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T, BlockingError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let task = tokio::task::spawn_blocking(work);
        task.await.map_err(|err| BlockingError { panicked: err.is_panic() })
    }

    /// Completes when the set is told to stop.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stopping.cancelled()
    }

    /// The token that is cancelled when the set is told to stop; cancelling it tells the set.
    pub fn token(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Tells all tasks to end, without waiting.
    pub fn begin_stop(&self) {
        self.stopping.cancel();
    }

    /// Whether the set was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Tells all tasks to end, waits up to `grace` for them, then drops those that are left and returns their names.
    pub async fn stop(&self, grace: Duration) -> Vec<&'static str> {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return Vec::new();
        }
        let left = self.running();
        self.cut.cancel();
        // A dropped task ends at its next await; this bound is for one that computes without any.
        let _ended = tokio::time::timeout(Duration::from_secs(1), self.tracker.wait()).await;
        left
    }

    /// The names of the tasks that run, each once.
    pub fn running(&self) -> Vec<&'static str> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().filter(|(_, running)| **running > 0).map(|(name, _)| *name).collect()
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

fn count(names: &Mutex<BTreeMap<&'static str, usize>>, name: &'static str, by: isize) {
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    let running = names.entry(name).or_default();
    *running = running.saturating_add_signed(by);
    if *running == 0 {
        names.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn stop_waits_for_tasks_that_end_when_told() {
        let tasks = Tasks::new();
        let ended = Arc::new(AtomicBool::new(false));
        let (told, seen) = (tasks.clone(), Arc::clone(&ended));
        tasks.spawn("obedient", async move {
            told.stopping().await;
            seen.store(true, Ordering::SeqCst);
        });
        assert_eq!(tasks.stop(Duration::from_secs(10)).await, Vec::<&str>::new());
        assert!(ended.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn tasks_without_an_end_of_their_own_are_dropped_at_once() {
        let tasks = Tasks::new();
        tasks.spawn_until_stopped("loop", pending());
        assert_eq!(tasks.stop(Duration::from_secs(10)).await, Vec::<&str>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn stop_drops_and_names_tasks_that_do_not_end() {
        let tasks = Tasks::new();
        tasks.spawn("stubborn", pending());
        assert_eq!(tasks.stop(Duration::from_secs(10)).await, vec!["stubborn"]);
        assert_eq!(tasks.running(), Vec::<&str>::new());
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_task_only() {
        let tasks = Tasks::new();
        tasks.spawn("broken", async { panic!("on purpose") });
        let told = tasks.clone();
        tasks.spawn("sound", async move { told.stopping().await });
        assert_eq!(tasks.stop(Duration::from_secs(10)).await, Vec::<&str>::new());
    }

    #[tokio::test]
    async fn blocking_work_gives_back_its_result_or_its_panic() {
        let tasks = Tasks::new();
        assert_eq!(tasks.blocking(|| 7).await.unwrap(), 7);
        let err = tasks.blocking(|| panic!("on purpose")).await.unwrap_err();
        assert_eq!(err.to_string(), "blocking work was ended by a panic");
    }
}
