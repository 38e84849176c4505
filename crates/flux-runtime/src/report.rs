//! From the end of a run to what is written and when to run next: pure functions.

use std::time::Duration;

use flux_status::Conditions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{Fault, Notice, Outcome};

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// It reached its aim.
    Done(Outcome),
    /// It did not.
    Failed(Fault),
}

/// The times a report is made with, so that it can be a pure function.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Now, in whole seconds, for conditions.
    pub now: k8s_openapi::jiff::Timestamp,
    /// How long the run took.
    pub elapsed: Duration,
}

impl Clock {
    /// `now` as conditions carry it.
    pub fn time(&self) -> Time {
        Time(self.now)
    }
}

/// What the runtime carries out at the end of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The object's conditions from now on.
    pub conditions: Conditions,
    /// Whether `status.observedGeneration` moves to the generation that was reconciled.
    pub observed: bool,
    /// Events to send after the facts' own.
    pub notices: Vec<Notice>,
    /// When to run next.
    pub requeue: Requeue,
}

/// When the next run starts, should nothing wake the object before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// After the interval, with jitter.
    Interval,
    /// After this long.
    After(Duration),
    /// After the object's backoff, which grows.
    Backoff,
    /// At once.
    Now,
    /// Only when something changes.
    OnChange,
}
