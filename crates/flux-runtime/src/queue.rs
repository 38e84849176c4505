//! Which object runs next: a queue that holds each object once and never lets two runs of one object overlap.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use crate::ObjectKey;

/// The queue. It has no clock: callers say what time it is.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    states: HashMap<ObjectKey, State>,
    ready: VecDeque<ObjectKey>,
    waiting: BTreeSet<(Instant, ObjectKey)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready { since: Instant },
    Waiting { until: Instant },
    Running { again: bool },
}

/// What waking an object did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// It is ready now.
    Added,
    /// It was ready already.
    Already,
    /// It is running, and runs again right after.
    Running,
}

impl Queue {
    /// Makes the object ready; one that runs will run again.
    pub(crate) fn wake(&mut self, key: &ObjectKey, now: Instant) -> Woken {
        match self.states.get_mut(key) {
            Some(State::Running { again }) => {
                *again = true;
                Woken::Running
            }
            Some(State::Ready { .. }) => Woken::Already,
            Some(State::Waiting { until }) => {
                self.waiting.remove(&(*until, key.clone()));
                self.push(key.clone(), now);
                Woken::Added
            }
            None => {
                self.push(key.clone(), now);
                Woken::Added
            }
        }
    }

    /// Makes ready what has waited long enough; says how many that were.
    pub(crate) fn promote(&mut self, now: Instant) -> usize {
        let mut promoted = 0;
        while self.waiting.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, key)) = self.waiting.pop_first() {
                self.push(key, now);
                promoted += 1;
            }
        }
        promoted
    }

    /// The next object to run, which counts as running from here on, and since when it was ready.
    pub(crate) fn pop(&mut self) -> Option<(ObjectKey, Instant)> {
        while let Some(key) = self.ready.pop_front() {
            // Forgotten objects are still listed here.
            if let Some(State::Ready { since }) = self.states.get(&key).copied() {
                self.states.insert(key.clone(), State::Running { again: false });
                return Some((key, since));
            }
        }
        None
    }

    /// The object's run has ended. It runs again at `next`, or at once when it was woken meanwhile; true in that case.
    pub(crate) fn done(&mut self, key: &ObjectKey, next: Option<Instant>, now: Instant) -> bool {
        let again = matches!(self.states.remove(key), Some(State::Running { again: true }));
        match next {
            _ if again => self.push(key.clone(), now),
            Some(until) => {
                self.states.insert(key.clone(), State::Waiting { until });
                self.waiting.insert((until, key.clone()));
            }
            None => {}
        }
        again
    }

    /// The object is gone: it neither waits nor is ready any more. A run in flight goes on.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        match self.states.get_mut(key) {
            Some(State::Running { again }) => *again = false,
            Some(State::Waiting { until }) => {
                self.waiting.remove(&(*until, key.clone()));
                self.states.remove(key);
            }
            Some(State::Ready { .. }) => {
                self.states.remove(key);
                self.ready.retain(|ready| ready != key);
            }
            None => {}
        }
    }

    /// How many are ready.
    pub(crate) fn depth(&self) -> usize {
        self.ready.len()
    }

    /// When the next waiting object becomes ready.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.first().map(|(until, _)| *until)
    }

    fn push(&mut self, key: ObjectKey, since: Instant) {
        self.states.insert(key.clone(), State::Ready { since });
        self.ready.push_back(key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("ns", name)
    }

    fn name(popped: Option<(ObjectKey, Instant)>) -> Option<String> {
        popped.map(|(key, _)| key.name)
    }

    #[test]
    fn an_object_is_queued_once_and_in_turn() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert_eq!(queue.wake(&key("a"), now), Woken::Added);
        assert_eq!(queue.wake(&key("b"), now), Woken::Added);
        assert_eq!(queue.wake(&key("a"), now), Woken::Already);
        assert_eq!(queue.depth(), 2);
        assert_eq!(name(queue.pop()).as_deref(), Some("a"));
        assert_eq!(name(queue.pop()).as_deref(), Some("b"));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn an_object_woken_while_it_runs_runs_again_but_never_twice_at_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.wake(&key("a"), now);
        queue.pop();
        assert_eq!(queue.wake(&key("a"), now), Woken::Running);
        assert_eq!(queue.pop(), None);
        assert!(queue.done(&key("a"), Some(now + Duration::from_secs(60)), now));
        assert_eq!(name(queue.pop()).as_deref(), Some("a"));
        assert!(!queue.done(&key("a"), None, now));
        assert_eq!((queue.pop(), queue.next_due()), (None, None));
    }

    #[test]
    fn a_waiting_object_is_ready_when_its_time_has_come_or_when_woken() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let later = now + Duration::from_secs(60);
        for object in ["a", "b"] {
            queue.wake(&key(object), now);
            queue.pop();
            queue.done(&key(object), Some(later), now);
        }
        assert_eq!((queue.promote(now), queue.next_due()), (0, Some(later)));
        assert_eq!(queue.wake(&key("b"), now), Woken::Added);
        assert_eq!(name(queue.pop()).as_deref(), Some("b"));
        assert_eq!(queue.promote(later), 1);
        assert_eq!(name(queue.pop()).as_deref(), Some("a"));
    }

    #[test]
    fn a_forgotten_object_does_not_run() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for object in ["ready", "waiting"] {
            queue.wake(&key(object), now);
        }
        queue.pop();
        queue.done(&key("ready"), Some(now), now);
        queue.forget(&key("waiting"));
        queue.forget(&key("ready"));
        queue.promote(now);
        assert_eq!((queue.pop(), queue.depth()), (None, 0));
    }
}
