//! Which events become new ones, which raise a count, and which are too many: client-go's rules.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use flux_api::event::Event as Payload;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

/// Different texts of one reason before they are counted together.
const SIMILAR: usize = 10;
/// How long similar events are remembered, in seconds.
const WINDOW: i64 = 600;
/// Events of one object that may come at once; after that, one in five minutes.
const BURST: f64 = 25.0;
const REFILL_PER_SECOND: f64 = 1.0 / 300.0;
/// How many objects, reasons and texts are remembered.
const REMEMBERED: usize = 1_024;

/// What to do with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Write a new one with this text.
    Create { message: String },
    /// Raise the count of the one named so.
    Count { name: String, count: i32, first: Time, message: String },
    /// There are too many about this object.
    Drop,
}

/// What has been written lately.
#[derive(Default)]
pub(super) struct Correlator {
    seen: HashMap<Key, Seen>,
    similar: HashMap<Key, Similar>,
    tokens: HashMap<Object, Tokens>,
}

/// The object, the reason, the type, and the text unless it is a combination of texts. Texts may be long and are kept as
/// hashes: two that share one are counted as one, which does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key(Object, String, bool, Option<u64>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Object(String, String);

struct Seen {
    name: String,
    count: i32,
    first: Time,
    last: Timestamp,
}

struct Similar {
    texts: BTreeSet<u64>,
    last: Timestamp,
}

struct Tokens {
    left: f64,
    at: Timestamp,
}

impl Correlator {
    /// What to do with `event`.
    pub(super) fn decide(&mut self, event: &Payload) -> Decision {
        let (key, message) = self.aggregate(event);
        if !self.allow(event) {
            return Decision::Drop;
        }
        match self.seen.get_mut(&key) {
            Some(seen) if !seen.name.is_empty() => {
                seen.count = seen.count.saturating_add(1);
                seen.last = event.timestamp.0;
                Decision::Count { name: seen.name.clone(), count: seen.count, first: seen.first.clone(), message }
            }
            _ => {
                let seen =
                    Seen { name: String::new(), count: 1, first: event.timestamp.clone(), last: event.timestamp.0 };
                self.seen.insert(key, seen);
                self.forget_oldest();
                Decision::Create { message }
            }
        }
    }

    /// The event is in the cluster under that name.
    pub(super) fn wrote(&mut self, event: &Payload, name: &str) {
        let key = self.key(event);
        if let Some(seen) = self.seen.get_mut(&key) {
            name.clone_into(&mut seen.name);
        }
    }

    /// The event's key, and its text; both stand for many once there are too many texts of one reason.
    fn aggregate(&mut self, event: &Payload) -> (Key, String) {
        let now = event.timestamp.0;
        let similar = self.similar.entry(group(event)).or_insert_with(|| Similar { texts: BTreeSet::new(), last: now });
        if now.as_second() - similar.last.as_second() > WINDOW {
            similar.texts.clear();
        }
        similar.last = now;
        similar.texts.insert(hash(&event.message));
        if similar.texts.len() > SIMILAR {
            // One more than the limit says all there is to know.
            similar.texts.pop_first();
        }
        let combined = similar.texts.len() >= SIMILAR;
        let message = event.message.clone();
        (self.key(event), if combined { format!("(combined from similar events): {message}") } else { message })
    }

    fn key(&self, event: &Payload) -> Key {
        let Key(object, reason, error, _) = group(event);
        let similar = self.similar.get(&group(event)).map_or(0, |similar| similar.texts.len());
        Key(object, reason, error, (similar < SIMILAR).then(|| hash(&event.message)))
    }

    fn allow(&mut self, event: &Payload) -> bool {
        let now = event.timestamp.0;
        let tokens = self.tokens.entry(object(event)).or_insert(Tokens { left: BURST, at: now });
        #[expect(clippy::cast_precision_loss, reason = "seconds between two events")]
        let passed = (now.as_second() - tokens.at.as_second()).max(0) as f64;
        tokens.left = (tokens.left + passed * REFILL_PER_SECOND).min(BURST);
        tokens.at = now;
        let allowed = tokens.left >= 1.0;
        if allowed {
            tokens.left -= 1.0;
        }
        allowed
    }

    fn forget_oldest(&mut self) {
        if self.seen.len() > REMEMBERED {
            let oldest = self.seen.iter().min_by_key(|(_, seen)| seen.last).map(|(key, _)| key.clone());
            oldest.map(|key| self.seen.remove(&key));
        }
        if self.similar.len() > REMEMBERED {
            let oldest = self.similar.iter().min_by_key(|(_, similar)| similar.last).map(|(key, _)| key.clone());
            oldest.map(|key| self.similar.remove(&key));
        }
        if self.tokens.len() > REMEMBERED {
            let oldest = self.tokens.iter().min_by_key(|(_, tokens)| tokens.at).map(|(key, _)| key.clone());
            oldest.map(|key| self.tokens.remove(&key));
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn object(event: &Payload) -> Object {
    let object = &event.involved_object;
    Object(object.uid.clone().unwrap_or_default(), object.name.clone().unwrap_or_default())
}

fn group(event: &Payload) -> Key {
    Key(object(event), event.reason.clone(), event.severity == flux_api::event::Severity::Error, None)
}

#[cfg(test)]
mod tests {
    use flux_api::event::Severity;
    use k8s_openapi::api::core::v1::ObjectReference;

    use super::*;

    fn event(message: &str, second: i64) -> Payload {
        Payload {
            involved_object: ObjectReference { uid: Some("u".to_owned()), ..ObjectReference::default() },
            severity: Severity::Info,
            timestamp: Time(Timestamp::from_second(second).unwrap()),
            message: message.to_owned(),
            reason: "Reason".to_owned(),
            metadata: std::collections::BTreeMap::new(),
            reporting_controller: "controller".to_owned(),
            reporting_instance: String::new(),
        }
    }

    #[test]
    fn a_repeated_event_raises_the_count_of_the_first() {
        let mut correlator = Correlator::default();
        let (first, again) = (event("text", 100), event("text", 160));
        assert_eq!(correlator.decide(&first), Decision::Create { message: "text".to_owned() });
        correlator.wrote(&first, "a.1");
        let counted =
            Decision::Count { name: "a.1".to_owned(), count: 2, first: first.timestamp, message: "text".to_owned() };
        assert_eq!(correlator.decide(&again), counted);
        assert_eq!(correlator.decide(&event("other", 161)), Decision::Create { message: "other".to_owned() });
    }

    #[test]
    fn many_different_texts_of_one_reason_become_one_event() {
        let mut correlator = Correlator::default();
        for number in 0..9 {
            let event = event(&format!("text {number}"), 100);
            assert!(matches!(correlator.decide(&event), Decision::Create { .. }));
            correlator.wrote(&event, "single");
        }
        let tenth = event("text 9", 100);
        let message = "(combined from similar events): text 9".to_owned();
        assert_eq!(correlator.decide(&tenth), Decision::Create { message });
        correlator.wrote(&tenth, "combined");
        let Decision::Count { name, count, .. } = correlator.decide(&event("text 10", 101)) else {
            panic!("not counted")
        };
        assert_eq!((name.as_str(), count), ("combined", 2));
    }

    #[test]
    fn an_object_has_a_burst_and_then_one_event_in_five_minutes() {
        let mut correlator = Correlator::default();
        let dropped = |correlator: &mut Correlator, second| correlator.decide(&event("text", second)) == Decision::Drop;
        assert_eq!((0..30).filter(|_| dropped(&mut correlator, 100)).count(), 5);
        assert!(dropped(&mut correlator, 200) && !dropped(&mut correlator, 500));
    }
}
