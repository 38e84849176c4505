//! Whether an object that is being deleted waits for its dependents to go before it.
//!
//! Only where both sides ask for that by an annotation, only for dependents that are deleted too, never for those that wait
//! for this one in a circle, and never longer than all of them together may take.

use std::time::Duration;

use flux_api::kustomize::v1::{Kustomization, annotation};
use flux_runtime::{ObjectKey, Store};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use parking_lot::Mutex;

use super::plan;
use crate::watches::Index;

/// How long after an object's own deletion dependents may still turn out to be deleted too: whoever deletes both does it one
/// after the other.
const GRACE: Duration = Duration::from_secs(3);

/// Where dependents are found.
pub(super) struct Dependents<'a> {
    /// Who depends on whom.
    pub index: &'a Mutex<Index>,
    /// All objects that the controller sees.
    pub objects: &'a Store<Kustomization>,
}

/// A dependent that asks for the reverse order too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dependent {
    /// Which one.
    pub key: ObjectKey,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// How long its own deletion may take.
    pub timeout: Duration,
}

/// What an object that is being deleted does about its dependents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Nothing: it may go.
    Go,
    /// It goes although these are still there: their time is over.
    GoWithout(Vec<ObjectKey>),
    /// It waits for these.
    WaitFor(Vec<ObjectKey>),
    /// It looks again after that long whether they are deleted too.
    LookAgain(Duration),
}

/// Whether the object asks to be deleted in the reverse order of its dependencies.
pub(super) fn is_reverse(object: &Kustomization) -> bool {
    let value = object.annotations().get(annotation::DELETION_ORDER);
    value.is_some_and(|value| value.eq_ignore_ascii_case(annotation::REVERSE))
}

impl Dependents<'_> {
    /// What `object`, which is being deleted, does at `now`. From here on it is woken when a dependent goes.
    pub(super) fn order(&self, object: &Kustomization, now: Timestamp) -> Order {
        if !is_reverse(object) {
            return Order::Go;
        }
        let key = ObjectKey::of(object);
        let found = self.index.lock().run_finalizes(&key);
        let known = found.into_iter().filter_map(|key| self.objects.get(&key).map(|dependent| (key, dependent)));
        let dependents: Vec<Dependent> = known
            .filter(|(_, dependent)| is_reverse(dependent))
            .map(|(key, dependent)| Dependent {
                key,
                deleting: dependent.metadata.deletion_timestamp.is_some(),
                timeout: plan::timeout(&dependent.spec),
            })
            .collect();
        let since = object.metadata.deletion_timestamp.as_ref().map_or(now, |deleted| deleted.0);
        let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        order(waited, plan::timeout(&object.spec), &dependents)
    }
}

/// What to do `waited` after the own deletion, which may take `timeout`.
fn order(waited: Duration, timeout: Duration, dependents: &[Dependent]) -> Order {
    let (deleting, others): (Vec<&Dependent>, Vec<&Dependent>) =
        dependents.iter().partition(|dependent| dependent.deleting);
    let limit = deleting.iter().map(|dependent| dependent.timeout).fold(timeout, Duration::saturating_add);
    let keys = || deleting.iter().map(|dependent| dependent.key.clone()).collect();
    match GRACE.checked_sub(waited).filter(|rest| !rest.is_zero()) {
        _ if !deleting.is_empty() && waited < limit => Order::WaitFor(keys()),
        _ if !deleting.is_empty() => Order::GoWithout(keys()),
        Some(rest) if !others.is_empty() => Order::LookAgain(rest),
        Some(_) | None => Order::Go,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(waited: u64, dependents: &[(&str, bool)], expected: &Order) {
        let dependent = |(name, deleting): &(&str, bool)| Dependent {
            key: ObjectKey::new("apps", *name),
            deleting: *deleting,
            timeout: Duration::from_mins(1),
        };
        let dependents: Vec<Dependent> = dependents.iter().map(dependent).collect();
        let found = order(Duration::from_secs(waited), Duration::from_mins(2), &dependents);
        assert_eq!(found, *expected, "{waited} {dependents:?}");
    }

    #[test]
    fn dependents_that_are_deleted_too_go_first_for_as_long_as_all_may_take() {
        let keys = |names: &[&str]| names.iter().map(|name| ObjectKey::new("apps", *name)).collect::<Vec<_>>();
        check(0, &[], &Order::Go);
        check(0, &[("a", true), ("b", false)], &Order::WaitFor(keys(&["a"])));
        check(239, &[("a", true), ("b", true)], &Order::WaitFor(keys(&["a", "b"])));
        check(240, &[("a", true), ("b", true)], &Order::GoWithout(keys(&["a", "b"])));
    }

    #[test]
    fn dependents_that_stay_are_waited_for_only_until_it_is_clear_that_they_do() {
        check(0, &[("a", false)], &Order::LookAgain(GRACE));
        check(3, &[("a", false)], &Order::Go);
    }
}
