//! Random texts and numbers, and what else asks the world.

use std::sync::Arc;

use super::encodings::encode_base64;
use super::world::random_below;
use super::{World, with_world};
use crate::error::FuncError;
use crate::function::{Functions, Signature};
use crate::value::{GoStr, Type, Value};

const TEXT: Signature = Signature::fixed(&[Type::Int], Type::Str);
/// The longest random text, in characters: more is no password any more.
const MAX_LENGTH: usize = 1 << 20;

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Adds the family.
pub(super) fn add_to(functions: &mut Functions, world: &Arc<dyn World>) {
    let mut add = |name, signature, body| functions.add(name, with_world(world, signature, body));
    add("randAlphaNum", TEXT, |world, args| text(world, args.int(0), ALPHANUMERIC));
    add("randAlpha", TEXT, |world, args| text(world, args.int(0), LETTERS));
    add("randNumeric", TEXT, |world, args| text(world, args.int(0), DIGITS));
    add("randAscii", TEXT, |world, args| {
        let printable: Vec<u8> = (b' '..=b'~').collect();
        text(world, args.int(0), &printable)
    });
    add("randBytes", TEXT, |world, args| {
        let mut bytes =
            vec![0; length(args.int(0))?.ok_or_else(|| FuncError::new("runtime error: makeslice: len out of range"))?];
        world.random(&mut bytes);
        Ok(encode_base64(&bytes).into())
    });
    add("randInt", Signature::fixed(&[Type::Int, Type::Int], Type::Int), |world, args| {
        let (low, high) = (args.int(0), args.int(1));
        let range = high.wrapping_sub(low);
        if range <= 0 {
            return Err(FuncError::new("invalid argument to Intn"));
        }
        let offset = i64::try_from(random_below(world, range.unsigned_abs())).unwrap_or_default();
        Ok(Value::Int(low.wrapping_add(offset)))
    });
    add("shuffle", Signature::fixed(&[Type::Str], Type::Str), |world, args| {
        let mut runes: Vec<char> = args.text(0).chars().collect();
        for at in (1..runes.len()).rev() {
            let other = random_below(world, at as u64 + 1);
            runes.swap(at, usize::try_from(other).unwrap_or_default());
        }
        Ok(runes.into_iter().collect::<String>().into())
    });
    add("uuidv4", Signature::fixed(&[], Type::Str), |world, _| {
        let mut bytes = [0; 16];
        world.random(&mut bytes);
        // The version and the variant have their bits.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let digits = hex::encode(bytes);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        Ok(parts.join("-").into())
    });
    add("getHostByName", Signature::fixed(&[Type::Str], Type::Str), |world, args| {
        let addresses = world.addresses(&args.text(0));
        let chosen = usize::try_from(random_below(world, addresses.len() as u64)).unwrap_or_default();
        let none = || FuncError::new("invalid argument to Intn");
        addresses.get(chosen).map(|address| GoStr::from(address.as_str()).into()).ok_or_else(none)
    });
}

/// How many characters are asked for; `None` of fewer than none.
fn length(count: i64) -> Result<Option<usize>, FuncError> {
    match usize::try_from(count) {
        Err(_) => Ok(None),
        Ok(count) if count > MAX_LENGTH => {
            Err(FuncError::new(format!("a random text of {count} bytes is longer than {MAX_LENGTH}")))
        }
        Ok(count) => Ok(Some(count)),
    }
}

fn text(world: &dyn World, count: i64, alphabet: &[u8]) -> Result<Value, FuncError> {
    let count = length(count)?.unwrap_or_default();
    let character = || {
        let at = random_below(world, alphabet.len() as u64);
        alphabet.get(usize::try_from(at).unwrap_or_default()).copied().unwrap_or_default()
    };
    Ok(std::iter::repeat_with(character).take(count).collect::<Vec<u8>>().into())
}
