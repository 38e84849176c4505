//! Globs as Go's `path.Match` reads them, but that `*` and `?` match slashes too.

use crate::Error;

/// A pattern that breaks the grammar.
#[derive(Debug, PartialEq)]
pub(crate) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// Whether the whole of `name` matches. `spend` is asked before work is done.
pub(crate) fn matches(
    pattern: &[u8],
    name: &[u8],
    spend: &mut dyn FnMut(usize) -> std::result::Result<(), Error>,
) -> std::result::Result<Result<bool>, Error> {
    let (mut pattern, mut name) = (pattern, name);
    'pattern: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(Ok(true));
        }
        spend(chunk.len() + 1)?;
        let first = match_chunk(chunk, name);
        match first {
            Ok(Some(left)) if left.is_empty() || !pattern.is_empty() => {
                name = left;
                continue;
            }
            Err(malformed) => return Ok(Err(malformed)),
            Ok(_) => {}
        }
        if star {
            for start in 1..=name.len() {
                spend(chunk.len() + 1)?;
                match match_chunk(chunk, &name[start..]) {
                    Err(malformed) => return Ok(Err(malformed)),
                    Ok(None) => {}
                    Ok(Some(left)) if pattern.is_empty() && !left.is_empty() => {}
                    Ok(Some(left)) => {
                        name = left;
                        continue 'pattern;
                    }
                }
            }
        }
        return Ok(Ok(false));
    }
    Ok(Ok(name.is_empty()))
}

/// Leading stars, then what stands before the next star outside of brackets, then the rest.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let pattern = &pattern[stars..];
    let mut in_range = false;
    let mut end = 0;
    while end < pattern.len() {
        match pattern[end] {
            b'\\' if end + 1 < pattern.len() => end += 1,
            b'[' => in_range = true,
            b']' => in_range = false,
            b'*' if !in_range => break,
            _ => {}
        }
        end += 1;
    }
    (stars > 0, &pattern[..end], &pattern[end..])
}

/// What is left of `text` after `chunk`, if it matches.
fn match_chunk<'t>(mut chunk: &[u8], mut text: &'t [u8]) -> Result<Option<&'t [u8]>> {
    while let Some(&head) = chunk.first() {
        let Some(&next) = text.first() else { return Ok(None) };
        match head {
            b'[' => {
                let (c, width) = decode(text);
                let (matched, rest) = match_range(&chunk[1..], c)?;
                if !matched {
                    return Ok(None);
                }
                text = &text[width..];
                chunk = rest;
            }
            b'?' => {
                text = &text[decode(text).1..];
                chunk = &chunk[1..];
            }
            literal => {
                let mut literal = literal;
                if literal == b'\\' {
                    chunk = &chunk[1..];
                    literal = *chunk.first().ok_or(Malformed)?;
                }
                if literal != next {
                    return Ok(None);
                }
                text = &text[1..];
                chunk = &chunk[1..];
            }
        }
    }
    Ok(Some(text))
}

/// Whether `c` is in the range that `chunk` opens with, and what follows the range.
fn match_range(mut chunk: &[u8], c: char) -> Result<(bool, &[u8])> {
    let negated = chunk.first() == Some(&b'^');
    if negated {
        chunk = &chunk[1..];
    }
    let mut matched = false;
    let mut count = 0;
    loop {
        if count > 0 && chunk.first() == Some(&b']') {
            return Ok((matched != negated, &chunk[1..]));
        }
        let (low, rest) = range_end(chunk)?;
        chunk = rest;
        let mut high = low;
        if chunk.first() == Some(&b'-') {
            (high, chunk) = range_end(&chunk[1..])?;
        }
        matched |= (low..=high).contains(&c);
        count += 1;
    }
}

fn range_end(mut chunk: &[u8]) -> Result<(char, &[u8])> {
    match chunk.first() {
        None | Some(b'-' | b']') => return Err(Malformed),
        Some(b'\\') => chunk = &chunk[1..],
        Some(_) => {}
    }
    if chunk.is_empty() {
        return Err(Malformed);
    }
    let (c, width) = decode(chunk);
    let rest = &chunk[width..];
    if rest.is_empty() || (c == char::REPLACEMENT_CHARACTER && width == 1) { Err(Malformed) } else { Ok((c, rest)) }
}

/// The first character and its width; a broken one counts as one byte.
fn decode(text: &[u8]) -> (char, usize) {
    let head = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(err) => std::str::from_utf8(&head[..err.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8()))
}
