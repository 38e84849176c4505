//! Texts in quotes that go on in lines which are not indented.
//!
//! The Go libraries take them, where the parser wants each line right of the block that the text stands in. What blanks
//! such a line starts with means nothing, so that more of them change nothing.

use std::borrow::Cow;

use crate::Error;

/// What the parser says of such a line.
const FAULT: &str = "invalid indentation in multiline quoted scalar";
/// How many such lines are helped.
const MAX_LINES: usize = 64;
/// How many bytes are read again for it in all.
const MAX_BYTES: usize = 64 << 20;

/// Reads the text, and again with the lines indented that the parser refuses for that.
pub(crate) fn indented<T>(text: &str, read: impl Fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    let first = read(text);
    let mut fault = line_of_fault(&first);
    let mut text = Cow::Borrowed(text);
    let mut left = MAX_BYTES;
    for _ in 0..MAX_LINES {
        let Some(line) = fault else { break };
        let Some(rest) = left.checked_sub(text.len()) else { break };
        left = rest;
        text = Cow::Owned(indent(&text, line));
        let again = read(&text);
        if again.is_ok() {
            return again;
        }
        fault = line_of_fault(&again);
    }
    first
}

fn line_of_fault<T>(result: &Result<T, Error>) -> Option<u32> {
    match result {
        Err(Error::Syntax { line, message }) if message == FAULT => Some(*line),
        Ok(_) | Err(_) => None,
    }
}

/// The text with a line, counted from 1, indented beyond the end of the one before.
fn indent(text: &str, line: u32) -> String {
    let at = usize::try_from(line.saturating_sub(1)).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 256);
    let mut before = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number == at {
            out.extend(std::iter::repeat_n(' ', before + 1));
        }
        out.push_str(line);
        before = line.chars().count();
    }
    out
}
