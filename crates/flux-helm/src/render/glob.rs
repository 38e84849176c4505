//! Patterns of file names, as `.Files.Glob` takes them: the dialect of gobwas/glob with `/` between the parts.
//!
//! `*` and `?` stop at slashes, `**` does not; `[abc]`, `[a-z]` and their opposites `[!abc]` are one character;
//! `{a,b*}` is one of several patterns; `\` takes the meaning from the next character.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// How large a pattern may become inside.
const MOST_BYTES: usize = 1 << 20;

/// A pattern.
pub(super) struct Glob(Regex);

/// A text that is no pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoGlob;

impl Glob {
    /// The pattern of a text.
    pub(super) fn parse(pattern: &str) -> Result<Self, NoGlob> {
        let mut translation = Translation { rest: pattern.chars().peekable(), expression: "^(?s:".to_owned(), open: 0 };
        translation.all()?;
        let mut expression = translation.expression;
        // The library takes what is still open at the end for closed.
        expression.extend(std::iter::repeat_n(')', translation.open));
        expression.push_str(")$");
        let regex = regex::RegexBuilder::new(&expression).size_limit(MOST_BYTES).build();
        regex.map(Self).map_err(|_| NoGlob)
    }

    /// Whether the name fits.
    pub(super) fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// A pattern on its way to a regular expression.
struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    expression: String,
    /// Braces that are open.
    open: usize,
}

impl Translation<'_> {
    fn all(&mut self) -> Result<(), NoGlob> {
        while let Some(character) = self.rest.next() {
            match character {
                '*' if self.rest.next_if_eq(&'*').is_some() => self.expression.push_str(".*"),
                '*' => self.expression.push_str("[^/]*"),
                '?' => self.expression.push_str("[^/]"),
                '[' => self.class()?,
                '{' => {
                    self.open += 1;
                    self.expression.push_str("(?:");
                }
                ',' if self.open > 0 => self.expression.push('|'),
                '}' if self.open > 0 => {
                    self.open -= 1;
                    self.expression.push(')');
                }
                '\\' => {
                    if let Some(character) = self.rest.next() {
                        self.literal(character);
                    }
                }
                character => self.literal(character),
            }
        }
        Ok(())
    }

    fn literal(&mut self, character: char) {
        let _ = write!(self.expression, "\\x{{{:x}}}", u32::from(character));
    }

    /// What follows an opening bracket: either one range or a list of characters.
    fn class(&mut self) -> Result<(), NoGlob> {
        self.expression.push_str(if self.rest.next_if_eq(&'!').is_some() { "[^" } else { "[" });
        let first = self.rest.next().ok_or(NoGlob)?;
        if self.rest.next_if_eq(&'-').is_some() {
            let last = self.rest.next().filter(|last| *last >= first).ok_or(NoGlob)?;
            self.literal(first);
            self.expression.push('-');
            self.literal(last);
            if self.rest.next() != Some(']') {
                return Err(NoGlob);
            }
        } else {
            self.list(first)?;
        }
        self.expression.push(']');
        Ok(())
    }

    fn list(&mut self, first: char) -> Result<(), NoGlob> {
        let mut next = Some(first);
        let mut empty = true;
        loop {
            match next.ok_or(NoGlob)? {
                ']' => break,
                '\\' => {
                    let escaped = self.rest.next().ok_or(NoGlob)?;
                    self.literal(escaped);
                }
                character => self.literal(character),
            }
            empty = false;
            next = self.rest.next();
        }
        if empty { Err(NoGlob) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_gobwas_glob() {
        for (pattern, fitting, other) in [
            ("*.txt", vec!["a.txt", ".txt"], vec!["d/a.txt", "a.txt2"]),
            ("**.txt", vec!["a.txt", "d/a.txt"], vec!["a.tx"]),
            ("conf/?.yaml", vec!["conf/x.yaml"], vec!["conf/xy.yaml", "conf//.yaml"]),
            ("{a,b*}/c", vec!["a/c", "bb/c"], vec!["ab/c", "c"]),
            ("[a-c]x", vec!["bx"], vec!["dx"]),
            ("[!ab]", vec!["c", "/"], vec!["a", "cc"]),
            ("a\\*", vec!["a*"], vec!["ab"]),
            ("a,b}", vec!["a,b}"], vec!["a"]),
            ("{a,b", vec!["a", "b"], vec!["{a,b"]),
            ("a.b", vec!["a.b"], vec!["axb"]),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            for name in fitting {
                assert!(glob.matches(name), "{pattern} {name}");
            }
            for name in other {
                assert!(!glob.matches(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn open_and_empty_brackets_are_no_patterns() {
        for pattern in ["[", "[]", "[!]", "[a", "[c-a]", "[a-zA]"] {
            assert!(Glob::parse(pattern).is_err(), "{pattern}");
        }
    }
}
