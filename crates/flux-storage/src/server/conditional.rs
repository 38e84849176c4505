//! Preconditions and ranges of RFC 9110, for one representation with a strong validator.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, Method, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The whole content.
    Whole,
    /// These bytes of it.
    Part(Range<u64>),
    /// The client has it already.
    NotModified,
    /// The client wants another one.
    PreconditionFailed,
    /// There are no such bytes.
    NotSatisfiable,
}

/// What the answer depends on.
pub(super) struct Representation<'a> {
    pub(super) etag: &'a str,
    pub(super) modified: SystemTime,
    pub(super) size: u64,
}

/// Weighs preconditions in the order of RFC 9110, 13.2.2.
pub(super) fn verdict(method: &Method, headers: &HeaderMap, of: &Representation<'_>) -> Verdict {
    let modified = whole_seconds(of.modified);
    if let Some(tags) = text(headers, &header::IF_MATCH) {
        if !any_tag(&tags, |tag| tag == of.etag) {
            return Verdict::PreconditionFailed;
        }
    } else if date(headers, &header::IF_UNMODIFIED_SINCE).is_some_and(|since| modified > since) {
        return Verdict::PreconditionFailed;
    }
    if let Some(tags) = text(headers, &header::IF_NONE_MATCH) {
        // The weak comparison: a tag stands for the same content whether it is marked weak or not.
        if any_tag(&tags, |tag| tag.strip_prefix("W/").unwrap_or(tag) == of.etag) {
            return Verdict::NotModified;
        }
    } else if date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|since| modified <= since) {
        return Verdict::NotModified;
    }
    match text(headers, &header::RANGE) {
        Some(range) if *method == Method::GET && range_applies(headers, of) => requested(&range, of.size),
        _ => Verdict::Whole,
    }
}

/// `If-Range` needs the strong comparison: a weak tag, or a date that is not exactly ours, asks for everything.
fn range_applies(headers: &HeaderMap, of: &Representation<'_>) -> bool {
    match text(headers, &header::IF_RANGE) {
        None => true,
        Some(tag) if tag.contains('"') => tag.trim() == of.etag,
        Some(_) => date(headers, &header::IF_RANGE) == Some(whole_seconds(of.modified)),
    }
}

/// Several ranges, other units and malformed texts are answered with the whole content, as a server may.
fn requested(text: &str, size: u64) -> Verdict {
    let Some(spec) = text.trim().strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else {
        return Verdict::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else { return Verdict::Whole };
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?;
    let range = match (first.is_empty(), last.is_empty()) {
        (true, true) => return Verdict::Whole,
        (true, false) => number(last).map(|suffix| size.saturating_sub(suffix)..size),
        (false, true) => number(first).map(|first| first..size),
        (false, false) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..size.min(last.saturating_add(1))),
            _ => None,
        },
    };
    match range {
        None => Verdict::Whole,
        Some(range) if range.start >= range.end => Verdict::NotSatisfiable,
        Some(range) => Verdict::Part(range),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn any_tag(tags: &str, matches: impl Fn(&str) -> bool) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || matches(tag))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let parsed = DateTimeParser::new().parse_timestamp(headers.get(name)?.to_str().ok()?).ok()?;
    Some(SystemTime::from(parsed))
}

/// HTTP dates have no fractions.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The time as `Last-Modified` says it.
pub(super) fn http_date(time: SystemTime) -> Option<String> {
    let timestamp = Timestamp::try_from(whole_seconds(time)).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers as `name: value`, for a file of 100 bytes with the ETag "abc", changed on 2024-07-13 15:09:59.5.
    fn check(headers: &[&str], expected: &Verdict) {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(1_720_883_399_500);
        let mut map = HeaderMap::new();
        for line in headers {
            let (name, value) = line.split_once(": ").unwrap();
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let of = Representation { etag: "\"abc\"", modified, size: 100 };
        assert_eq!(verdict(&Method::GET, &map, &of), *expected, "{headers:?}");
    }

    #[test]
    fn a_client_that_has_it_is_told_so() {
        check(&["if-none-match: \"abc\""], &Verdict::NotModified);
        check(&["if-none-match: W/\"abc\", \"x\""], &Verdict::NotModified);
        check(&["if-none-match: \"x\"", "if-none-match: \"abc\""], &Verdict::NotModified);
        check(&["if-none-match: *"], &Verdict::NotModified);
        check(&["if-none-match: \"x\""], &Verdict::Whole);
        check(&["if-modified-since: Sat, 13 Jul 2024 15:09:59 GMT"], &Verdict::NotModified);
        check(&["if-modified-since: Sat, 13 Jul 2024 15:09:58 GMT"], &Verdict::Whole);
        check(&["if-modified-since: yesterday"], &Verdict::Whole);
        // The tag decides where there is one.
        check(&["if-none-match: \"x\"", "if-modified-since: Sat, 13 Jul 2024 15:09:59 GMT"], &Verdict::Whole);
    }

    #[test]
    fn a_client_that_wants_another_one_is_refused() {
        check(&["if-match: \"abc\""], &Verdict::Whole);
        check(&["if-match: *"], &Verdict::Whole);
        check(&["if-match: W/\"abc\""], &Verdict::PreconditionFailed);
        check(&["if-match: \"x\""], &Verdict::PreconditionFailed);
        check(&["if-unmodified-since: Sat, 13 Jul 2024 15:09:58 GMT"], &Verdict::PreconditionFailed);
        check(&["if-unmodified-since: Sat, 13 Jul 2024 15:09:59 GMT"], &Verdict::Whole);
    }

    #[test]
    fn one_range_is_honoured() {
        check(&["range: bytes=0-9"], &Verdict::Part(0..10));
        check(&["range: bytes=90-"], &Verdict::Part(90..100));
        check(&["range: bytes=90-1000"], &Verdict::Part(90..100));
        check(&["range: bytes=-10"], &Verdict::Part(90..100));
        check(&["range: bytes=-1000"], &Verdict::Part(0..100));
        check(&["range: bytes=100-"], &Verdict::NotSatisfiable);
        check(&["range: bytes=-0"], &Verdict::NotSatisfiable);
        for whole in ["bytes=9-0", "bytes=0-1,3-4", "bytes=a-b", "bytes=-", "bytes=+1-2", "lines=0-1", "bytes"] {
            check(&[&format!("range: {whole}")], &Verdict::Whole);
        }
    }

    #[test]
    fn a_range_of_something_else_is_answered_with_everything() {
        check(&["range: bytes=0-9", "if-range: \"abc\""], &Verdict::Part(0..10));
        check(&["range: bytes=0-9", "if-range: \"x\""], &Verdict::Whole);
        check(&["range: bytes=0-9", "if-range: W/\"abc\""], &Verdict::Whole);
        check(&["range: bytes=0-9", "if-range: Sat, 13 Jul 2024 15:09:59 GMT"], &Verdict::Part(0..10));
        check(&["range: bytes=0-9", "if-range: Sat, 13 Jul 2024 15:10:00 GMT"], &Verdict::Whole);
    }

    #[test]
    fn dates_are_written_as_http_wants_them() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_720_883_399_900);
        assert_eq!(http_date(time).unwrap(), "Sat, 13 Jul 2024 15:09:59 GMT");
    }
}
