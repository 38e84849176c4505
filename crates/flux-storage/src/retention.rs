//! Which artifacts of an object have served their time.

use std::time::{Duration, SystemTime};

/// How long, and how many, artifacts are kept beside the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The age from which an artifact may go.
    pub ttl: Duration,
    /// How many artifacts stay, the current one among them.
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ttl: Duration::from_mins(1), records: 2 }
    }
}

/// One file of an object's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) modified: SystemTime,
}

/// The names that go: all that are older than the TTL, and then the oldest while more than the wanted number remain.
/// `current` always stays.
pub(crate) fn garbage(mut files: Vec<Candidate>, current: &str, retention: Retention, now: SystemTime) -> Vec<String> {
    files.sort_by(|left, right| (left.modified, &left.name).cmp(&(right.modified, &right.name)));
    let mut remaining = files.len();
    let expired = |file: &Candidate| now.duration_since(file.modified).is_ok_and(|age| age > retention.ttl);
    let old = files.iter().filter(|file| file.name != current && expired(file)).count();
    let surplus = (remaining - old).saturating_sub(retention.records);
    remaining = old + surplus;
    // Sorted by age, the expired ones come first, so that a count says it all.
    files.into_iter().filter(|file| file.name != current).take(remaining).map(|file| file.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files as `name:age in seconds`.
    fn check(files: &[&str], current: &str, records: usize, expected: &[&str]) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let candidate = |text: &&str| {
            let (name, age) = text.split_once(':').unwrap();
            Candidate { name: name.to_owned(), modified: now - Duration::from_secs(age.parse().unwrap()) }
        };
        let retention = Retention { ttl: Duration::from_mins(1), records };
        let gone = garbage(files.iter().map(candidate).collect(), current, retention, now);
        assert_eq!(gone, expected, "{files:?}");
    }

    #[test]
    fn old_artifacts_go_and_the_current_one_stays_however_old() {
        check(&["a:300", "b:200", "c:100"], "a", 2, &["b", "c"]);
        check(&["a:300", "b:200", "c:10"], "c", 2, &["a", "b"]);
        check(&["a:61", "b:60"], "b", 2, &["a"]);
        check(&["a:300"], "a", 2, &[]);
        check(&[], "a", 2, &[]);
    }

    #[test]
    fn young_artifacts_go_oldest_first_once_there_are_too_many() {
        check(&["a:30", "b:20", "c:10"], "c", 2, &["a"]);
        check(&["a:50", "b:40", "c:30", "d:20"], "a", 2, &["b", "c"]);
        check(&["a:30", "b:20"], "b", 2, &[]);
        check(&["a:30", "b:20"], "b", 1, &["a"]);
        check(&["a:30", "b:20"], "b", 0, &["a"]);
    }

    #[test]
    fn files_from_the_future_are_young() {
        let now = SystemTime::UNIX_EPOCH;
        let file = Candidate { name: "a".to_owned(), modified: now + Duration::from_secs(500) };
        assert!(garbage(vec![file], "b", Retention::default(), now).is_empty());
    }
}
