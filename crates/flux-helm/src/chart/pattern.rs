//! Patterns as Go's `filepath.Match` reads them.

/// A pattern that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// `*` and `?` match all but slashes, `[…]` a class, a backslash what stands behind it.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: Vec<char>,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.chars().collect() }
    }

    /// Fails for a pattern that is none.
    pub(super) fn check(&self) -> Result<(), BadPattern> {
        self.run(&['a', 'b', 'c']).map(drop)
    }

    /// Whether the whole name matches; nothing matches a pattern that is none.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        self.run(&name).unwrap_or(false)
    }

    fn run(&self, mut name: &[char]) -> Result<bool, BadPattern> {
        let mut pattern = self.text.as_slice();
        while !pattern.is_empty() {
            let (star, chunk, rest) = split_chunk(pattern);
            pattern = rest;
            if star && chunk.is_empty() {
                // A star at the end takes all that is left, unless there is a slash.
                return Ok(!name.contains(&'/'));
            }
            let whole = |left: &[char]| left.is_empty() || !pattern.is_empty();
            if let Some(left) = match_chunk(chunk, name)?.filter(|left| whole(left)) {
                name = left;
                continue;
            }
            if star && let Some(left) = match_later(chunk, name, whole)? {
                name = left;
                continue;
            }
            // What is left of the pattern must be one all the same.
            while !pattern.is_empty() {
                let (_, chunk, rest) = split_chunk(pattern);
                pattern = rest;
                match_chunk(chunk, &[])?;
            }
            return Ok(false);
        }
        Ok(name.is_empty())
    }
}

/// What is left of a name behind the first place, after some characters but slashes, where the chunk matches.
fn match_later<'n>(
    chunk: &[char],
    name: &'n [char],
    whole: impl Fn(&[char]) -> bool,
) -> Result<Option<&'n [char]>, BadPattern> {
    for (at, passed) in name.iter().enumerate() {
        if *passed == '/' {
            break;
        }
        if let Some(left) = match_chunk(chunk, &name[at + 1..])?.filter(|left| whole(left)) {
            return Ok(Some(left));
        }
    }
    Ok(None)
}

/// Whether the pattern starts with stars, what follows up to the next star, and the rest.
fn split_chunk(pattern: &[char]) -> (bool, &[char], &[char]) {
    let stars = pattern.iter().take_while(|c| **c == '*').count();
    let behind = &pattern[stars..];
    let mut in_class = false;
    let mut at = 0;
    while at < behind.len() {
        match behind[at] {
            '\\' => at += 1,
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class => break,
            _ => {}
        }
        at += 1;
    }
    let (chunk, rest) = behind.split_at(at.min(behind.len()));
    (stars > 0, chunk, rest)
}

/// What is left of the name behind the chunk, which has no stars; the chunk is read to its end in any case.
fn match_chunk<'n>(mut chunk: &[char], mut name: &'n [char]) -> Result<Option<&'n [char]>, BadPattern> {
    let mut failed = false;
    while let Some((&c, behind)) = chunk.split_first() {
        failed = failed || name.is_empty();
        let next = if failed { None } else { name.first().copied() };
        let (fits, rest) = match c {
            '[' => class(behind, next)?,
            '?' => (next.is_some_and(|next| next != '/'), behind),
            '\\' => {
                let (escaped, rest) = behind.split_first().ok_or(BadPattern)?;
                (next == Some(*escaped), rest)
            }
            c => (next == Some(c), behind),
        };
        chunk = rest;
        if fits {
            name = &name[1..];
        } else {
            failed = true;
        }
    }
    Ok((!failed).then_some(name))
}

/// Whether the character is in the class that opened before `chunk`, and what follows the class.
fn class(chunk: &[char], next: Option<char>) -> Result<(bool, &[char]), BadPattern> {
    let (negated, mut rest) = match chunk {
        ['^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let mut ranges = 0;
    loop {
        if let [']', behind @ ..] = rest
            && ranges > 0
        {
            return Ok((next.is_some() && found != negated, behind));
        }
        let (low, behind) = class_character(rest)?;
        let (high, behind) = match behind {
            ['-', behind @ ..] => class_character(behind)?,
            behind => (low, behind),
        };
        found = found || next.is_some_and(|next| (low..=high).contains(&next));
        ranges += 1;
        rest = behind;
    }
}

fn class_character(chunk: &[char]) -> Result<(char, &[char]), BadPattern> {
    let (c, rest) = match chunk {
        [] | ['-' | ']', ..] => return Err(BadPattern),
        ['\\', c, rest @ ..] | [c, rest @ ..] => (*c, rest),
    };
    // A class must be closed.
    if c == '\\' && rest.is_empty() || rest.is_empty() { Err(BadPattern) } else { Ok((c, rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_they_do_in_go() {
        let cases = [
            ("abc", "abc", Some(true)),
            ("*", "abc", Some(true)),
            ("*c", "abc", Some(true)),
            ("a*", "ab/c", Some(false)),
            ("a*/b", "abc/b", Some(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", Some(true)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Some(true)),
            ("a*b?c*x", "abxbbxdbxebxczzy", Some(false)),
            ("ab[c]", "abc", Some(true)),
            ("ab[^e-g]", "abc", Some(true)),
            ("ab[^b-d]", "abc", Some(false)),
            ("a\\*b", "a*b", Some(true)),
            ("a?b", "a☺b", Some(true)),
            ("a[^a][^a][^a]b", "a☺b", Some(false)),
            ("*ö", "aö", Some(true)),
            ("a?b", "a/b", Some(false)),
            ("[\\]a]", "]", Some(true)),
            ("[\\-x]", "-", Some(true)),
            ("[]a]", "]", None),
            ("[-]", "-", None),
            ("[x-]", "x", None),
            ("[a-b-c]", "a", None),
            ("[", "a", None),
            ("a[", "a", None),
            ("a[", "ab", None),
            ("*x", "xxx", Some(true)),
            ("\\", "a", None),
        ];
        for (pattern, name, expected) in cases {
            let name: Vec<char> = name.chars().collect();
            assert_eq!(Pattern::new(pattern).run(&name).ok(), expected, "{pattern}");
        }
    }
}
