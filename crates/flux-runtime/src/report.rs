//! From the end of a run to what is written and when to run next: pure functions.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use flux_api::meta::{ConditionStatus, READY, RECONCILING, STALLED, reason};
use flux_status::Conditions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{Facts, Failure, Fault, Notice, Outcome, Retry, Severity};

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

/// What most kinds do at the end of a run:
///
/// | end | Ready | beside it | observed | event | next run |
/// |---|---|---|---|---|---|
/// | done | True | – | yes | – | interval, or as the outcome says |
/// | waiting | False | Reconciling=`ProgressingWithRetry` | no | info | after the fault's delay |
/// | transient | False | the same, and the failure's own condition | no | error | as the fault says |
/// | stalled | False | Stalled, and the failure's own condition | yes | error | on change |
/// | interrupted | False | Reconciling=`ProgressingWithRetry` | no | info | at once |
pub fn standard<S>(facts: &Facts<S>, end: &End, clock: &Clock) -> Report {
    let mut conditions = facts.conditions.clone();
    conditions.set_now(&clock.time());
    match end {
        End::Done(outcome) => {
            conditions.remove(RECONCILING);
            conditions.remove(STALLED);
            conditions.set(READY, ConditionStatus::True, outcome.reason, outcome.message.clone());
            let requeue = outcome.requeue_after.map_or(Requeue::Interval, Requeue::After);
            Report { conditions, observed: true, notices: Vec::new(), requeue }
        }
        End::Failed(Fault::Waiting { on, retry_after }) => {
            let notices = retried(&mut conditions, on, Severity::Info);
            Report { conditions, observed: false, notices, requeue: Requeue::After(*retry_after) }
        }
        End::Failed(Fault::Transient { failure, retry }) => {
            let notices = retried(&mut conditions, failure, Severity::Error);
            let requeue = match retry {
                Retry::Backoff => Requeue::Backoff,
                Retry::After(delay) => Requeue::After(*delay),
                Retry::Now => Requeue::Now,
            };
            Report { conditions, observed: false, notices, requeue }
        }
        End::Failed(Fault::Stalled(failure)) => {
            let text = fail(&mut conditions, failure);
            conditions.stalled(failure.reason, text.clone());
            let notices = vec![notice(Severity::Error, failure.reason, text)];
            Report { conditions, observed: true, notices, requeue: Requeue::OnChange }
        }
        End::Failed(Fault::Interrupted(failure)) => {
            let notices = retried(&mut conditions, failure, Severity::Info);
            Report { conditions, observed: false, notices, requeue: Requeue::Now }
        }
    }
}

/// An error and its causes in one line. A cause that the text already says is not said again; of an API server's answer
/// only the message is shown.
pub fn message(err: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(err);
    while let Some(err) = next {
        let answer = api_message(err);
        let own = answer.map_or_else(|| err.to_string(), str::to_owned);
        if text.is_empty() {
            text = own;
        } else if !text.contains(&own) {
            text.push_str(": ");
            text.push_str(&own);
        }
        // What stands behind an answer's message is the same answer again.
        next = if answer.is_some() { None } else { err.source() };
    }
    text
}

impl Failure {
    /// The failure and its causes in one line.
    pub fn message(&self) -> String {
        message(&*self.source)
    }
}

impl Fault {
    /// What the fault is about.
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Stalled(failure)
            | Self::Waiting { on: failure, .. }
            | Self::Transient { failure, .. }
            | Self::Interrupted(failure) => failure,
        }
    }
}

fn api_message<'a>(err: &'a (dyn Error + 'static)) -> Option<&'a str> {
    match err.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if !status.message.is_empty() => Some(&status.message),
        _ => None,
    }
}

/// Marks what will be tried again.
fn retried(conditions: &mut Conditions, failure: &Failure, severity: Severity) -> Vec<Notice> {
    let text = fail(conditions, failure);
    conditions.reconciling(reason::PROGRESSING_WITH_RETRY, text.clone());
    vec![notice(severity, failure.reason, text)]
}

/// Sets Ready to False, and the failure's own condition to True.
fn fail(conditions: &mut Conditions, failure: &Failure) -> String {
    let text = failure.message();
    if let Some(condition) = failure.condition {
        conditions.set(condition, ConditionStatus::True, failure.reason, text.clone());
    }
    conditions.set(READY, ConditionStatus::False, failure.reason, text.clone());
    text
}

fn notice(severity: Severity, reason: &str, message: String) -> Notice {
    Notice { severity, reason: reason.to_owned(), message, metadata: BTreeMap::new() }
}

#[cfg(test)]
mod tests;
