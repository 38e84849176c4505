//! Regular expressions in Go's dialect: the syntax and error texts of `regexp/syntax`, the matching of RE2.
//!
//! [`GoRegex::compile`] reads Go's syntax itself and hands the tree to the automata of the `regex` family, whose
//! leftmost-first search in linear time is RE2's. Perl classes and word boundaries are ASCII, groups may share a name,
//! and there are neither look-around nor back-references. Invalid UTF-8 in a text matches nothing, where Go takes each
//! stray byte for a U+FFFD.

mod class;
mod error;
mod expand;
mod parse;

use std::ops::Range;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

pub(crate) use error::SyntaxError;
pub(crate) use expand::quote_meta;

/// The most memory that one compiled expression takes, in bytes.
const SIZE_LIMIT: usize = 10 << 20;
/// The most memory that the lazy automaton of one expression takes, in bytes.
const CACHE_LIMIT: usize = 2 << 20;

/// An expression in Go's syntax in that of Rust's `regex` crate, where it matches the same; the error is Go's text.
pub fn translate(pattern: &str) -> Result<String, String> {
    parse::parse(pattern).map(|parsed| parsed.hir.to_string()).map_err(|err| err.to_string())
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct GoRegex {
    regex: Regex,
    /// The names of the groups by number, of which the first is the whole match.
    names: Vec<Option<String>>,
    is_empty: bool,
}

impl GoRegex {
    /// Compiles `pattern`; the error is worded as Go's.
    pub(crate) fn compile(pattern: &str) -> Result<Self, SyntaxError> {
        let parsed = parse::parse(pattern)?;
        let config = Config::new().utf8_empty(true).nfa_size_limit(Some(SIZE_LIMIT)).hybrid_cache_capacity(CACHE_LIMIT);
        let regex = Regex::builder().configure(config).build_from_hir(&parsed.hir);
        let regex = regex.map_err(|_| SyntaxError::too_large(pattern))?;
        Ok(Self { regex, names: parsed.names, is_empty: pattern.is_empty() })
    }

    /// The memory that the compiled expression takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.regex.memory_usage()
    }

    /// Whether the expression matches anywhere.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The leftmost match.
    pub(crate) fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        self.find_at(text, 0)
    }

    fn find_at(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let input = Input::new(text).range(start..).anchored(Anchored::No);
        self.regex.search(&input).map(|found| found.range())
    }

    /// At most `limit` matches that do not overlap; an empty one right behind another does not count.
    pub(crate) fn find_all(&self, text: &[u8], limit: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        let mut previous_end = None;
        while found.len() < limit && at <= text.len() {
            let Some(range) = self.find_at(text, at) else { break };
            let mut accepted = true;
            if range.end == at {
                accepted = previous_end != Some(range.start);
                at += width(text, at);
            } else {
                at = range.end;
            }
            previous_end = Some(range.end);
            if accepted {
                found.push(range);
            }
        }
        found
    }

    /// The pieces between matches, at most `limit` of them.
    pub(crate) fn split<'t>(&self, text: &'t [u8], limit: usize) -> Vec<&'t [u8]> {
        if !self.is_empty && text.is_empty() {
            return vec![text];
        }
        let (mut start, mut end) = (0, 0);
        let mut pieces = Vec::new();
        for range in self.find_all(text, limit) {
            if pieces.len() + 1 == limit {
                break;
            }
            end = range.start;
            if range.end != 0 {
                pieces.push(&text[start..end]);
            }
            start = range.end;
        }
        if end != text.len() {
            pieces.push(&text[start..]);
        }
        pieces
    }

    /// `text` with each match replaced by `template`, in which `$1` and `${name}` stand for groups.
    ///
    /// `None` where the result would be much longer than `limit`.
    pub(crate) fn replace_all(&self, text: &[u8], template: &[u8], limit: usize) -> Option<Vec<u8>> {
        self.replace(text, limit, |captures, out| expand::expand(template, text, captures, &self.names, out))
    }

    /// `text` with each match replaced by `literal` as it is.
    ///
    /// `None` where the result would be much longer than `limit`.
    pub(crate) fn replace_all_literal(&self, text: &[u8], literal: &[u8], limit: usize) -> Option<Vec<u8>> {
        self.replace(text, limit, |_, out| out.extend_from_slice(literal))
    }

    fn replace(&self, text: &[u8], limit: usize, mut write: impl FnMut(&Captures, &mut Vec<u8>)) -> Option<Vec<u8>> {
        let mut captures = self.regex.create_captures();
        let mut out = Vec::with_capacity(text.len());
        let (mut last_end, mut at) = (0, 0);
        while at <= text.len() {
            self.regex.search_captures(&Input::new(text).range(at..), &mut captures);
            let Some(range) = captures.get_match().map(|found| found.range()) else { break };
            out.extend_from_slice(&text[last_end..range.start]);
            if range.end > last_end || range.start == 0 {
                write(&captures, &mut out);
            }
            if out.len() > limit {
                return None;
            }
            last_end = range.end;
            at = range.end.max(at + width(text, at));
        }
        out.extend_from_slice(&text[last_end..]);
        Some(out)
    }
}

/// How many bytes the character at `at` has; one at the end of the text and for stray bytes.
fn width(text: &[u8], at: usize) -> usize {
    let rest = &text[at.min(text.len())..];
    let expected = match rest.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return 1,
    };
    rest.get(..expected).filter(|character| std::str::from_utf8(character).is_ok()).map_or(1, <[u8]>::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    fn all<'t>(pattern: &str, subject: &'t str) -> Vec<&'t str> {
        let found = GoRegex::compile(pattern).unwrap().find_all(subject.as_bytes(), usize::MAX);
        found.into_iter().map(|range| &subject[range]).collect()
    }

    #[test]
    fn matches_do_not_overlap_and_empty_ones_stand_apart() {
        assert_eq!(all("a*", "baaac"), ["", "aaa", ""]);
        assert_eq!(all("é*", "aéé"), ["", "éé"]);
        assert_eq!(all(r"\B", "aé b"), [""]);
        assert_eq!(all("(?i)k", "kK\u{212a}"), ["k", "K", "\u{212a}"]);
        assert_eq!(all(r"\w+", "añb"), ["a", "b"]);
        assert_eq!(all("(?U)a+", "aaa"), ["a", "a", "a"]);
        assert_eq!(all("[^a-y]", "xyz\n"), ["z", "\n"]);
    }

    #[test]
    fn groups_stand_in_replacements() {
        let replace = |pattern: &str, subject: &str, template: &str| {
            let regex = GoRegex::compile(pattern).unwrap();
            text(&regex.replace_all(subject.as_bytes(), template.as_bytes(), 1000).unwrap()).to_owned()
        };
        assert_eq!(replace("a(x*)b", "-ab-axxb-", "$1W"), "---");
        assert_eq!(replace("a(x*)b", "-ab-axxb-", "${1}W"), "-W-xxW-");
        assert_eq!(replace("(?P<y>a)(?<y>b)", "ab", "[$y|$2|$$|$|${|$9]"), "[a|b|$|$|${|]");
        assert_eq!(replace("", "éa", "-"), "-é-a-");
    }

    #[test]
    fn texts_are_split_at_matches() {
        let split = |pattern: &str, subject: &str, limit: usize| {
            let regex = GoRegex::compile(pattern).unwrap();
            regex.split(subject.as_bytes(), limit).into_iter().map(|piece| text(piece).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(split("a", "banana", usize::MAX), ["b", "n", "n", ""]);
        assert_eq!(split("a", "banana", 2), ["b", "nana"]);
        assert_eq!(split("z+", "pizza", usize::MAX), ["pi", "a"]);
        assert_eq!(split("", "abc", usize::MAX), ["a", "b", "c"]);
        assert_eq!(split("x", "", usize::MAX), [""]);
    }

    #[test]
    fn errors_name_the_faulty_part() {
        for (pattern, expected) in [
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("[a", "missing closing ]: `[a`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("[[:nope:]]", "invalid character class range: `[:nope:]`"),
            (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("(a{100}){100}", "invalid repeat count: `{100}`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<!a)", "invalid named capture: `(?<!a)`"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
            ("(?P<n-m>a)", "invalid named capture: `(?P<n-m>`"),
            (r"\1", r"invalid escape sequence: `\1`"),
            (r"a\", "trailing backslash at end of expression: ``"),
        ] {
            let error = GoRegex::compile(pattern).unwrap_err();
            assert_eq!(error.to_string(), format!("error parsing regexp: {expected}"), "{pattern}");
        }
        assert!(GoRegex::compile(&"(".repeat(2000)).is_err());
        assert!(GoRegex::compile("((a{30}){30}){1}").is_ok());
    }
}
