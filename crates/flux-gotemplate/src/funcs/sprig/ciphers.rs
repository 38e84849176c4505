//! AES in cipher block chaining, with the password as the key.

use std::sync::Arc;

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use super::encodings::{decode_base64, encode_base64};
use super::{World, with_world};
use crate::error::FuncError;
use crate::function::{Args, Function, Functions, Signature};
use crate::value::{Type, Value};

const STRINGS: Signature = Signature::fixed(&[Type::Str, Type::Str], Type::Str);
/// Bytes of a block.
const BLOCK: usize = 16;

/// Adds the family.
pub(super) fn add_to(functions: &mut Functions, world: &Arc<dyn World>) {
    functions.add("encryptAES", with_world(world, STRINGS, |world, args| Ok(encrypt(world, args))));
    functions.add("decryptAES", Function::plain(STRINGS, |_, args| decrypt(args)));
}

/// The password cut or filled with zeros to the length of a key.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    key
}

fn encrypt(world: &dyn World, args: Args<'_>) -> Value {
    let text = args.bytes(1);
    if text.is_empty() {
        return "".into();
    }
    let mut iv = [0; BLOCK];
    world.random(&mut iv);
    let cipher = cbc::Encryptor::<Aes256>::new(&key(args.bytes(0)).into(), &iv.into());
    let encrypted = cipher.encrypt_padded_vec::<Pkcs7>(text);
    encode_base64(&[&iv[..], &encrypted].concat()).into()
}

fn decrypt(args: Args<'_>) -> Result<Value, FuncError> {
    if args.bytes(1).is_empty() {
        return Ok("".into());
    }
    let data = decode_base64(args.bytes(1)).map_err(|fault| FuncError::new(fault.to_string()))?;
    let out_of_range = |bounds: &str| FuncError::new(format!("runtime error: slice bounds out of range [{bounds}"));
    let (iv, encrypted) = data
        .split_first_chunk::<BLOCK>()
        .ok_or_else(|| out_of_range(&format!(":{BLOCK}] with capacity {}", data.len())))?;
    if !encrypted.len().is_multiple_of(BLOCK) {
        return Err(FuncError::new("crypto/cipher: input not full blocks"));
    }
    let cipher = cbc::Decryptor::<Aes256>::new(&key(args.bytes(0)).into(), iv.into());
    let mut text = cipher
        .decrypt_padded_vec::<cbc::cipher::block_padding::NoPadding>(encrypted)
        .map_err(|_| FuncError::new("crypto/cipher: input not full blocks"))?;
    let padding = *text.last().ok_or_else(|| FuncError::new("runtime error: index out of range [-1]"))?;
    // Only the length of the padding is looked at.
    let length = text.len().checked_sub(padding.into());
    text.truncate(length.ok_or_else(|| out_of_range(&format!(":-{}]", usize::from(padding) - text.len())))?);
    Ok(text.into())
}
