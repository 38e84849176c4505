//! What a run leaves behind: facts whichever way it ended, an outcome when it reached its aim.

use std::collections::BTreeMap;
use std::time::Duration;

use flux_status::Conditions;

/// A run that reached its aim.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Ready's reason.
    pub reason: &'static str,
    /// Ready's message.
    pub message: String,
    /// When to run next; `None` is the object's interval with jitter.
    pub requeue_after: Option<Duration>,
}

/// What is true whichever way the run ends. The runtime starts it from the object's status.
#[derive(Clone, Debug)]
pub struct Facts<S> {
    /// The kind's own status fields.
    pub status: S,
    /// All conditions of the object; a run edits only those that its kind owns.
    pub conditions: Conditions,
    /// Events not sent yet, in order; sent at the next progress point or at the end.
    pub notices: Vec<Notice>,
}

/// An event about the object, before the runtime adds the object, the controller and the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Who gets it.
    pub severity: Severity,
    /// The reason, one CamelCase word.
    pub reason: String,
    /// The text.
    pub message: String,
    /// Unprefixed keys (`revision`, `digest`, …); the runtime prefixes them with the object's API group.
    pub metadata: BTreeMap<String, String>,
}

/// How loud an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A Kubernetes event only, never posted.
    Trace,
    /// Normal, posted as `info`.
    Info,
    /// Warning, posted as `error`.
    Error,
}
