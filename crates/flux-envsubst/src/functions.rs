//! The operators.

use crate::glob::{self, Malformed};
use crate::{Error, Limits};

/// What has been used up so far.
pub(crate) struct Work {
    limits: Limits,
    steps: usize,
    output: usize,
}

impl Work {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, steps: 0, output: 0 }
    }

    pub(crate) fn output(&mut self, bytes: usize) -> Result<(), Error> {
        self.output = self.output.saturating_add(bytes);
        if self.output > self.limits.output { Err(Error::TooMuch(self.limits.output)) } else { Ok(()) }
    }

    pub(crate) fn steps(&mut self, steps: usize) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps { Err(Error::TooMuch(self.limits.steps)) } else { Ok(()) }
    }
}

/// The value of the variable `name` after its operator.
pub(crate) fn apply(
    name: &str,
    operator: &str,
    value: &str,
    arguments: &[Vec<u8>],
    work: &mut Work,
) -> Result<Vec<u8>, Error> {
    let argument = |index: usize| arguments.get(index).map_or(&[][..], Vec::as_slice);
    let result = match operator {
        "," => first(value, lower),
        ",," => value.chars().map(lower).collect::<String>().into_bytes(),
        "^" => first(value, upper),
        "^^" => value.chars().map(upper).collect::<String>().into_bytes(),
        "#" if arguments.is_empty() => value.len().to_string().into_bytes(),
        "#" => trim(value.as_bytes(), argument(0), Trim::Shortest, work)?,
        "##" => trim(value.as_bytes(), argument(0), Trim::Longest, work)?,
        "%" => trim_end(value, argument(0), Trim::Shortest, work)?,
        "%%" => trim_end(value, argument(0), Trim::Longest, work)?,
        ":" => substring(name, value.as_bytes(), arguments)?,
        "/" => replace(value, argument(0), argument(1), 1, work)?,
        "//" => replace(value, argument(0), argument(1), usize::MAX, work)?,
        "/#" => replace_start(value.as_bytes(), arguments),
        "/%" => replace_end(value.as_bytes(), arguments),
        _ if value.is_empty() => arguments.concat(),
        _ => value.as_bytes().to_vec(),
    };
    Ok(result)
}

fn first(value: &str, change: fn(char) -> char) -> Vec<u8> {
    let mut chars = value.chars();
    let mut changed: String = chars.next().map(change).into_iter().collect();
    changed.push_str(chars.as_str());
    changed.into_bytes()
}

/// One character for one, as Go maps case; characters that would become several stay.
fn lower(c: char) -> char {
    let mut all = c.to_lowercase();
    match (all.next(), all.next()) {
        (Some(only), None) => only,
        _ if c == 'İ' => 'i',
        _ => c,
    }
}

fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// Bytes from a position on, a negative one counted from the end. What is not a number leaves the value alone.
fn substring(name: &str, value: &[u8], arguments: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<i64>().ok();
    let Some(position) = arguments.first().and_then(|argument| number(argument)) else {
        return Ok(value.to_vec());
    };
    let length = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let position = if position < 0 { length.saturating_add(position).max(0) } else { position };
    let start = usize::try_from(position).unwrap_or(usize::MAX);
    let rest = value.get(start..).unwrap_or_default().to_vec();
    let Some(argument) = arguments.get(1) else { return Ok(rest) };
    let Some(count) = number(argument) else { return Ok(value.to_vec()) };
    let end = position.saturating_add(count);
    if end >= length {
        return Ok(rest);
    }
    let slice = usize::try_from(end).ok().and_then(|end| value.get(start..end));
    slice.map(<[u8]>::to_vec).ok_or_else(|| Error::Substring(name.to_owned()))
}

fn replace(value: &str, old: &[u8], new: &[u8], limit: usize, work: &mut Work) -> Result<Vec<u8>, Error> {
    let bytes = value.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut from = 0;
    let mut done = 0;
    if old.is_empty() {
        // An empty text is found before each character and at the end.
        let ends = value.char_indices().map(|(at, _)| at).chain([bytes.len()]);
        for at in ends.take(limit) {
            result.extend_from_slice(&bytes[from..at]);
            work.output(new.len())?;
            result.extend_from_slice(new);
            from = at;
        }
    } else {
        work.steps(bytes.len())?;
        while done < limit
            && let Some(at) = find(&bytes[from..], old)
        {
            result.extend_from_slice(&bytes[from..from + at]);
            work.output(new.len())?;
            result.extend_from_slice(new);
            from += at + old.len();
            done += 1;
        }
    }
    result.extend_from_slice(&bytes[from..]);
    Ok(result)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn replace_start(value: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    match arguments {
        [old, new] if value.starts_with(old) => [new.as_slice(), &value[old.len()..]].concat(),
        _ => value.to_vec(),
    }
}

fn replace_end(value: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    match arguments {
        [old, new] if value.ends_with(old) => [&value[..value.len() - old.len()], new.as_slice()].concat(),
        _ => value.to_vec(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Trim {
    Shortest,
    Longest,
}

/// The value without the start that the glob matches. A malformed glob leaves it alone.
fn trim(value: &[u8], pattern: &[u8], which: Trim, work: &mut Work) -> Result<Vec<u8>, Error> {
    let mut cut = 0;
    for end in (1..=value.len()).rev() {
        match glob::matches(pattern, &value[..end], &mut |steps| work.steps(steps))? {
            Err(Malformed) => return Ok(value.to_vec()),
            Ok(false) => {}
            Ok(true) => {
                cut = end;
                if which == Trim::Longest {
                    break;
                }
            }
        }
    }
    Ok(value[cut..].to_vec())
}

/// Trimming at the end is trimming the reversed value by the reversed pattern.
fn trim_end(value: &str, pattern: &[u8], which: Trim, work: &mut Work) -> Result<Vec<u8>, Error> {
    let value: String = value.chars().rev().collect();
    let pattern: String = String::from_utf8_lossy(pattern).chars().rev().collect();
    let trimmed = trim(value.as_bytes(), pattern.as_bytes(), which, work)?;
    Ok(String::from_utf8_lossy(&trimmed).chars().rev().collect::<String>().into_bytes())
}
