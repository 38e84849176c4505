//! Base64 and base32, with Go's rules and texts for what is neither.

use super::Table;
use crate::function::{Args, Signature};
use crate::value::{Type, Value};

const STRING: Signature = Signature::fixed(&[Type::Str], Type::Str);

pub(super) const TABLE: Table = &[
    ("b64enc", STRING, |_, args| Ok(encode(args.bytes(0), BASE64, 6, 4).into())),
    ("b64dec", STRING, |_, args| {
        // Faults are the result, not an error.
        Ok(decode_base64(args.bytes(0)).map_or_else(|fault| fault.to_string().into(), Value::str))
    }),
    ("b32enc", STRING, |_, args| Ok(encode(args.bytes(0), BASE32, 5, 8).into())),
    ("b32dec", STRING, |_, args| Ok(decode_base32_or_tell(args))),
];

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Where a text stops being an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base{base} data at input byte {at}")]
pub(crate) struct Corrupt {
    base: u8,
    at: usize,
}

pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    encode(bytes, BASE64, 6, 4)
}

/// Groups of `bits` as characters of the alphabet, padded to a multiple of `group` characters.
fn encode(bytes: &[u8], alphabet: &[u8], bits: u32, group: usize) -> String {
    let mut out = String::with_capacity((bytes.len() * 8 / bits as usize + group).next_multiple_of(group));
    let (mut pending, mut count) = (0_u32, 0);
    let mut push = |value: u32| {
        let at = value as usize & (alphabet.len() - 1);
        out.push(char::from(alphabet[at]));
    };
    for byte in bytes {
        pending = pending << 8 | u32::from(*byte);
        count += 8;
        while count >= bits {
            count -= bits;
            push(pending >> count);
        }
    }
    if count > 0 {
        push(pending << (bits - count));
    }
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

fn value_in(alphabet: &[u8], byte: u8) -> Option<u32> {
    alphabet.iter().position(|letter| *letter == byte).and_then(|at| u32::try_from(at).ok())
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The bytes of padded base64; line breaks do not count.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let corrupt = |at| Corrupt { base: 64, at };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    let skip_breaks = |mut at: usize| {
        while text.get(at).copied().is_some_and(is_line_break) {
            at += 1;
        }
        at
    };
    loop {
        let (mut group, mut count) = (0_u32, 0_usize);
        while count < 4 {
            let Some(byte) = text.get(at).copied() else {
                return if count == 0 { Ok(out) } else { Err(corrupt(at - count)) };
            };
            at += 1;
            if let Some(value) = value_in(BASE64, byte) {
                group = group << 6 | value;
                count += 1;
            } else if byte == b'=' && count >= 2 {
                if count == 2 {
                    at = skip_breaks(at);
                    match text.get(at) {
                        None => return Err(corrupt(text.len())),
                        Some(b'=') => at += 1,
                        Some(_) => return Err(corrupt(at - 1)),
                    }
                }
                at = skip_breaks(at);
                if at < text.len() {
                    return Err(corrupt(at));
                }
                let bytes = (group << (6 * (4 - count))).to_be_bytes();
                out.extend_from_slice(&bytes[1..count]);
                return Ok(out);
            } else if !is_line_break(byte) {
                return Err(corrupt(at - 1));
            }
        }
        out.extend_from_slice(&group.to_be_bytes()[1..]);
    }
}

fn decode_base32_or_tell(args: Args<'_>) -> Value {
    let text: Vec<u8> = args.bytes(0).iter().copied().filter(|byte| !is_line_break(*byte)).collect();
    decode_base32(&text).map_or_else(|fault| fault.to_string().into(), Value::str)
}

/// The bytes of padded base32 without line breaks.
fn decode_base32(text: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let corrupt = |at| Corrupt { base: 32, at };
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    while at < text.len() {
        let (mut group, mut count) = (0_u64, 0_usize);
        let mut end = false;
        while count < 8 {
            let Some(byte) = text.get(at).copied() else { return Err(corrupt(text.len() - count)) };
            at += 1;
            let rest = &text[at..];
            if byte == b'=' && count >= 2 && rest.len() < 8 {
                if rest.len() + count < 7 {
                    return Err(corrupt(text.len()));
                }
                if let Some(wrong) = rest.iter().take(7 - count).position(|byte| *byte != b'=') {
                    return Err(corrupt(at + wrong - 1));
                }
                if matches!(count, 3 | 6) {
                    return Err(corrupt(at - 1));
                }
                end = true;
                break;
            }
            let value = value_in(BASE32, byte).ok_or_else(|| corrupt(at - 1))?;
            group = group << 5 | u64::from(value);
            count += 1;
        }
        let bytes = (group << (5 * (8 - count))).to_be_bytes();
        out.extend_from_slice(&bytes[3..3 + count * 5 / 8]);
        if end {
            break;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_and_decoded() {
        for text in ["", "f", "fo", "foo", "foob", "fooba", "foobar"] {
            let bytes = text.as_bytes();
            assert_eq!(decode_base64(encode_base64(bytes).as_bytes()).unwrap(), bytes);
            assert_eq!(decode_base32(encode(bytes, BASE32, 5, 8).as_bytes()).unwrap(), bytes);
        }
        assert_eq!(encode(b"fooba", BASE32, 5, 8), "MZXW6YTB");
        assert_eq!(encode(b"f", BASE32, 5, 8), "MY======");
        assert_eq!(decode_base64(b"Zm9v\nYg\r\n==\n").unwrap(), b"foob");
    }

    #[test]
    fn faults_are_told_by_their_place() {
        for (text, at) in [("a", 0), ("Zm9vYg=", 7), ("Zm9v!", 4), ("Zg==x", 4), ("Zg=x", 2), ("=", 0)] {
            assert_eq!(decode_base64(text.as_bytes()), Err(Corrupt { base: 64, at }), "{text}");
        }
        for (text, at) in [("M", 0), ("MZ1", 2), ("MY=====", 7), ("MZX=====", 3)] {
            assert_eq!(decode_base32(text.as_bytes()), Err(Corrupt { base: 32, at }), "{text}");
        }
    }
}
