//! A kind's conditions, edited by upstream's rules.

use std::cmp::Reverse;

use flux_api::meta::{Condition, ConditionStatus, READY, RECONCILING, STALLED};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

/// The CRDs' limit on a message, in characters.
pub const MESSAGE_LIMIT: usize = 32_768;

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
        Self { list, generation, now: whole_seconds(now) }
    }

    /// The condition of that type.
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        self.list.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether the condition of that type is True.
    pub fn is_true(&self, type_: &str) -> bool {
        self.has(type_, ConditionStatus::True)
    }

    /// Whether the condition of that type is False.
    pub fn is_false(&self, type_: &str) -> bool {
        self.has(type_, ConditionStatus::False)
    }

    /// The generation that conditions set from here on carry.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// From here on a change is dated `now`, in whole seconds.
    pub fn set_now(&mut self, now: &Time) {
        self.now = whole_seconds(now.clone());
    }

    /// Sets a condition. Its transition time moves only when status, reason or message differ.
    ///
    /// A message over [`MESSAGE_LIMIT`] characters is cut there, its last three characters being dots. Reconciling and
    /// Stalled exclude each other, and exist only while True: setting one True removes the other, setting it to
    /// anything else removes itself.
    pub fn set(&mut self, type_: &str, status: ConditionStatus, reason: &str, message: impl Into<String>) {
        if let Some(other) = opposite(type_) {
            if status != ConditionStatus::True {
                return self.remove(type_);
            }
            self.remove(other);
        }
        let mut condition = Condition {
            type_: type_.to_owned(),
            status,
            observed_generation: Some(self.generation),
            last_transition_time: self.now.clone(),
            reason: reason.to_owned(),
            message: shortened(message.into(), MESSAGE_LIMIT),
        };
        match self.list.iter_mut().find(|known| known.type_ == type_) {
            Some(known) => {
                if same_state(known, &condition) {
                    condition.last_transition_time = whole_seconds(known.last_transition_time.clone());
                }
                *known = condition;
            }
            None => self.list.push(condition),
        }
    }

    /// Sets Reconciling to True, which removes Stalled.
    pub fn reconciling(&mut self, reason: &str, message: impl Into<String>) {
        self.set(RECONCILING, ConditionStatus::True, reason, message);
    }

    /// Sets Stalled to True, which removes Reconciling.
    pub fn stalled(&mut self, reason: &str, message: impl Into<String>) {
        self.set(STALLED, ConditionStatus::True, reason, message);
    }

    /// Removes a condition.
    pub fn remove(&mut self, type_: &str) {
        self.list.retain(|condition| condition.type_ != type_);
    }

    /// All conditions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.list.iter()
    }

    /// All conditions in the order in which they are written: Stalled, Reconciling and Ready first, then by higher
    /// observedGeneration, then by type.
    pub fn sorted(&self) -> Vec<Condition> {
        sorted(self.list.clone())
    }

    /// Sets Ready to what the conditions named in `rule` amount to. Without any of them Ready stays as it is.
    ///
    /// They are grouped by status and polarity, and the first group that has a member decides: harmful and True, wanted
    /// and False, wanted and True, harmful and False, Unknown. Reason and message are those of the group's first type in
    /// the rule's order. A type that is bad news when False decides over all groups.
    pub fn summarize(&mut self, rule: &Summary<'_>) {
        let listed = || rule.types.iter().filter_map(|type_| self.get(type_));
        let top = listed().min_by_key(|condition| rule.group(condition));
        let doubted = rule.bipolar.iter().filter_map(|type_| self.get(type_));
        let doubted = doubted.into_iter().find(|condition| condition.status == ConditionStatus::False);
        let (deciding, status) = match (doubted, top) {
            (Some(condition), _) => (condition, ConditionStatus::False),
            (None, Some(condition)) => (condition, rule.group(condition).ready()),
            (None, None) => return,
        };
        let Condition { reason, message, .. } = deciding.clone();
        self.set(READY, status, &reason, message);
    }

    fn has(&self, type_: &str, status: ConditionStatus) -> bool {
        self.get(type_).is_some_and(|condition| condition.status == status)
    }
}

/// Which conditions make up Ready, and what each is worth.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a> {
    /// The conditions that count, the most telling first.
    pub types: &'a [&'a str],
    /// Those of them that are harmful when True; the others are wanted.
    pub harmful: &'a [&'a str],
    /// Those that make Ready False whenever they are False, whatever else holds.
    pub bipolar: &'a [&'a str],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    HarmfulTrue,
    WantedFalse,
    WantedTrue,
    HarmfulFalse,
    Unknown,
}

impl Group {
    fn ready(self) -> ConditionStatus {
        match self {
            Self::HarmfulTrue | Self::WantedFalse => ConditionStatus::False,
            Self::WantedTrue | Self::HarmfulFalse => ConditionStatus::True,
            Self::Unknown => ConditionStatus::Unknown,
        }
    }
}

impl Summary<'_> {
    fn group(&self, condition: &Condition) -> Group {
        let harmful = self.harmful.contains(&condition.type_.as_str());
        match (condition.status, harmful) {
            (ConditionStatus::True, true) => Group::HarmfulTrue,
            (ConditionStatus::False, false) => Group::WantedFalse,
            (ConditionStatus::True, false) => Group::WantedTrue,
            (ConditionStatus::False, true) => Group::HarmfulFalse,
            (ConditionStatus::Unknown, _) => Group::Unknown,
        }
    }
}

/// `latest` with the changes that lead from `base` to `wanted`: types that did not change between these two keep what
/// `latest` says, so that other owners' conditions survive. In the order of [`Conditions::sorted`].
pub fn rebase(base: &[Condition], wanted: &[Condition], latest: &[Condition]) -> Vec<Condition> {
    let find = |list: &[Condition], type_: &str| list.iter().find(|condition| condition.type_ == type_).cloned();
    let untouched = |type_: &str| find(base, type_) == find(wanted, type_);
    let kept = latest.iter().filter(|condition| untouched(&condition.type_)).cloned();
    let changed = wanted.iter().filter(|condition| !untouched(&condition.type_)).cloned();
    sorted(kept.chain(changed).collect())
}

fn sorted(mut list: Vec<Condition>) -> Vec<Condition> {
    let leading = |type_: &str| [STALLED, RECONCILING, READY].iter().position(|lead| *lead == type_).unwrap_or(3);
    list.sort_by(|a, b| {
        let key = |condition: &Condition| (leading(&condition.type_), Reverse(condition.observed_generation));
        key(a).cmp(&key(b)).then_with(|| a.type_.cmp(&b.type_))
    });
    list
}

fn opposite(type_: &str) -> Option<&'static str> {
    match type_ {
        RECONCILING => Some(STALLED),
        STALLED => Some(RECONCILING),
        _ => None,
    }
}

fn same_state(a: &Condition, b: &Condition) -> bool {
    a.status == b.status && a.reason == b.reason && a.message == b.message
}

fn shortened(text: String, limit: usize) -> String {
    const ELLIPSIS: &str = "...";
    if text.len() <= limit || text.chars().count() <= limit {
        return text;
    }
    let mut short: String = text.chars().take(limit - ELLIPSIS.len()).collect();
    short.push_str(ELLIPSIS);
    short
}

fn whole_seconds(time: Time) -> Time {
    let whole = Timestamp::from_second(time.0.as_second());
    debug_assert!(whole.is_ok(), "the second of a timestamp is in range");
    whole.map_or(time, Time)
}

#[cfg(test)]
mod tests;
