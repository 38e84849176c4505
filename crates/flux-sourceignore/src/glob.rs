//! Go's `filepath.Match` for one part of a path: `*`, `?`, `[a-z]`, `[^a-z]` and `\` escapes.

/// Whether `name` as a whole matches `pattern`. A malformed pattern matches nothing.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Only the last star is ever returned to, so the work is bounded by the product of the lengths.
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < name.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at + 1, position));
            at += 1;
            continue;
        }
        if let Some(next) = single(&pattern, at, name[position]) {
            at = next;
            position += 1;
            continue;
        }
        let Some((after_star, taken)) = star else { return false };
        star = Some((after_star, taken + 1));
        (at, position) = (after_star, taken + 1);
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// Where the pattern goes on when its element at `at` takes `c`; `None` when it does not take it.
fn single(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match *pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => class(pattern, at + 1, c),
        '\\' => (*pattern.get(at + 1)? == c).then_some(at + 2),
        literal => (literal == c).then_some(at + 1),
    }
}

/// The same for a character class whose first element is at `at`.
fn class(pattern: &[char], mut at: usize, c: char) -> Option<usize> {
    let negated = pattern.get(at) == Some(&'^');
    at += usize::from(negated);
    let first = at;
    let mut found = false;
    while at == first || *pattern.get(at)? != ']' {
        let (low, next) = element(pattern, at)?;
        at = next;
        let mut high = low;
        if pattern.get(at) == Some(&'-') {
            (high, at) = element(pattern, at + 1)?;
        }
        found |= (low..=high).contains(&c);
    }
    (found != negated).then_some(at + 1)
}

/// One end of a range. A bare `-` or `]` is malformed there, as it is in Go.
fn element(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match *pattern.get(at)? {
        '-' | ']' => None,
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        c => Some((c, at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_go() {
        let cases = [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "abc", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b?c", "aXXbYYc", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("[]a]", "]", false),
            ("[a-]", "a", false),
            ("[", "a", false),
            ("a[", "ab", false),
            ("[\\-x]", "-", true),
            ("*x", "xxx", true),
            ("", "", true),
            ("**", "", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern:?} on {name:?}");
        }
    }
}
