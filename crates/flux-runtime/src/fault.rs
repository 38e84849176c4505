//! How a run can end short of its aim, named by what to do about it.

use std::error::Error;
use std::time::Duration;

/// A run's end other than an outcome.
#[derive(Debug)]
pub enum Fault {
    /// Only an edit of an object can help.
    Stalled(Failure),
    /// Something else must happen first. Not an error: logged as info, its event is informational.
    Waiting {
        /// What is missing.
        on: Failure,
        /// When to look again should no watch say so first.
        retry_after: Duration,
    },
    /// May succeed if repeated as it is.
    Transient {
        /// What went wrong.
        failure: Failure,
        /// When to repeat.
        retry: Retry,
    },
    /// A wait was cut short because a newer revision or spec arrived; the next run starts at once.
    Interrupted(Failure),
}

/// When a transient fault is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After the object's exponential backoff.
    Backoff,
    /// After this long, without jitter.
    After(Duration),
    /// At once.
    Now,
}

/// A step that could not finish, named the way the user will see it.
#[derive(Debug)]
pub struct Failure {
    /// The extra condition set to True beside Ready=False, for example `FetchFailed`.
    pub condition: Option<&'static str>,
    /// Upstream's reason constant.
    pub reason: &'static str,
    /// What went wrong; its chain of causes becomes the message.
    pub source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// A failure with its reason and no extra condition.
    pub fn new(reason: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { condition: None, reason, source: source.into() }
    }

    /// The same failure, shown in `condition` too.
    #[must_use]
    pub fn on(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }
}
