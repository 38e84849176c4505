//! Go's strings: any bytes, usually UTF-8, shared.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

/// What Go puts in place of bytes that are not UTF-8.
pub const REPLACEMENT: char = '\u{fffd}';

/// A Go string: bytes that are usually UTF-8, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoStr(Arc<[u8]>);

impl GoStr {
    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, when it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text, with U+FFFD for each byte that is not UTF-8, as Go's runes would read it.
    pub fn to_text(&self) -> Cow<'_, str> {
        to_text(&self.0)
    }

    /// The length in bytes, Go's `len`.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runes as Go's range reads them: offset, rune (U+FFFD for a bad byte), length in bytes.
    pub fn runes(&self) -> Runes<'_> {
        runes(&self.0)
    }
}

/// The text of `bytes`, with U+FFFD for each byte that is not UTF-8.
pub fn to_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(runes(bytes).map(|(_, rune, _)| rune).collect()),
    }
}

/// The runes of `bytes`: offset, rune (U+FFFD for a bad byte), length in bytes.
pub fn runes(bytes: &[u8]) -> Runes<'_> {
    Runes { bytes, at: 0 }
}

/// Runes of a byte string; see [`runes`].
pub struct Runes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Runes<'_> {
    type Item = (usize, char, usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..)?;
        let (rune, size) = decode_rune(rest)?;
        let at = self.at;
        self.at += size;
        Some((at, rune, size))
    }
}

/// The first rune and its length; U+FFFD with length one for a bad byte; `None` at the end.
#[inline]
pub fn decode_rune(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((char::from(first), 1));
    }
    let size = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((REPLACEMENT, 1)),
    };
    let rune = bytes.get(..size).and_then(|part| std::str::from_utf8(part).ok()).and_then(|text| text.chars().next());
    Some(rune.map_or((REPLACEMENT, 1), |rune| (rune, size)))
}

impl AsRef<[u8]> for GoStr {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for GoStr {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Default for GoStr {
    fn default() -> Self {
        Self(Arc::from(&[][..]))
    }
}

impl From<&str> for GoStr {
    fn from(text: &str) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<String> for GoStr {
    fn from(text: String) -> Self {
        Self(Arc::from(text.into_bytes()))
    }
}

impl From<Cow<'_, str>> for GoStr {
    fn from(text: Cow<'_, str>) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<&[u8]> for GoStr {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<Arc<[u8]>> for GoStr {
    /// The same bytes, not copied.
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for GoStr {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::from(bytes))
    }
}

impl PartialEq<str> for GoStr {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for GoStr {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Display for GoStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for GoStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.to_text(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_byte_is_one_replacement_rune() {
        let string = GoStr::from(&b"a\xffb\xe2\x82"[..]);
        assert_eq!(string.to_text(), "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(string.as_str(), None);
        assert_eq!(GoStr::from("h\u{e9}").runes().last(), Some((1, 'é', 2)));
    }
}
