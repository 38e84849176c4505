//! How far an object is from what it was asked to be, by kstatus' rules.

mod fields;
mod pods;
mod rules;
#[cfg(test)]
mod tests;
mod workloads;

use std::fmt;

use serde_json::{Map, Value};

pub use pods::{SCHEDULE_WINDOW, is_unschedulable, unscheduled};
pub(crate) use rules::unobserved;

/// How far an object is, in kstatus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// It is being brought to its desired state.
    InProgress,
    /// It failed and will not get better by itself.
    Failed,
    /// It is as desired.
    Current,
    /// It is being deleted.
    Terminating,
    /// It does not exist.
    NotFound,
    /// It cannot be read.
    Unknown,
}

impl State {
    /// kstatus' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A state and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How far the object is.
    pub state: State,
    /// Why, for people; may be empty.
    pub message: String,
}

impl Status {
    /// `state` because of `message`.
    pub fn new(state: State, message: impl Into<String>) -> Self {
        Self { state, message: message.into() }
    }

    fn current(message: impl Into<String>) -> Self {
        Self::new(State::Current, message)
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self::new(State::InProgress, message)
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(State::Failed, message)
    }
}

/// The status of an object as it was read: by the rules of its kind, or by its generation and its Ready, Reconciling and
/// Stalled conditions. An object that has none of these is Current as soon as it exists.
pub fn kstatus(object: &Map<String, Value>) -> Status {
    rules::status(object)
}
