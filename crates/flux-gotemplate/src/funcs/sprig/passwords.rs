//! Passwords: hashed, and derived from a master password.

use std::sync::Arc;

use blowfish::Blowfish;
use hmac::{Hmac, KeyInit, Mac};
use scrypt::Params;
use sha2::Sha256;

use super::{World, with_world};
use crate::error::FuncError;
use crate::function::{Args, Functions, Signature};
use crate::value::{Type, Value};

/// Bcrypt's usual cost.
const COST: u32 = 10;
/// The longest password that bcrypt takes, in bytes.
const MAX_PASSWORD: usize = 72;
/// Bcrypt's own base64 alphabet.
const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// What bcrypt encrypts over and over.
const TEXT: &[u8; 24] = b"OrpheanBeholderScryDoubt";

const DERIVE: Signature = Signature::fixed(&[Type::Uint64, Type::Str, Type::Str, Type::Str, Type::Str], Type::Str);

/// Adds the family.
pub(super) fn add_to(functions: &mut Functions, world: &Arc<dyn World>) {
    let mut add = |name, signature, body| functions.add(name, with_world(world, signature, body));
    add("bcrypt", Signature::fixed(&[Type::Str], Type::Str), |world, args| Ok(bcrypt(world, args.bytes(0)).into()));
    add("htpasswd", Signature::fixed(&[Type::Str, Type::Str], Type::Str), |world, args| {
        let user = args.text(0);
        if user.contains(':') {
            return Ok(format!("invalid username: {user}").into());
        }
        Ok(format!("{user}:{}", bcrypt(world, args.bytes(1))).into())
    });
    add("derivePassword", DERIVE, |_, args| derive(args));
}

/// The hash with a fresh salt; what is too long gives a text that says so.
fn bcrypt(world: &dyn World, password: &[u8]) -> String {
    if password.len() > MAX_PASSWORD {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned();
    }
    let mut salt = [0; 16];
    world.random(&mut salt);
    let hash = bcrypt_hash(password, &salt, COST);
    // The last byte of the hash is not shown.
    format!("$2a${COST:02}${}{}", bcrypt_base64(&salt), bcrypt_base64(&hash[..23]))
}

fn bcrypt_hash(password: &[u8], salt: &[u8; 16], cost: u32) -> [u8; 24] {
    let key = [password, &[0]].concat();
    let mut cipher: Blowfish = Blowfish::bc_init_state();
    cipher.salted_expand_key(salt, &key);
    for _ in 0..1_u64 << cost {
        cipher.bc_expand_key(&key);
        cipher.bc_expand_key(salt);
    }
    let mut hash = [0; 24];
    for (block, out) in TEXT.chunks_exact(8).zip(hash.chunks_exact_mut(8)) {
        let half = |part: &[u8]| part.iter().fold(0, |word: u32, byte| word << 8 | u32::from(*byte));
        let mut halves = [half(&block[..4]), half(&block[4..])];
        for _ in 0..64 {
            halves = cipher.bc_encrypt(halves);
        }
        out[..4].copy_from_slice(&halves[0].to_be_bytes());
        out[4..].copy_from_slice(&halves[1].to_be_bytes());
    }
    hash
}

fn bcrypt_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or_default()));
        for at in 0..=group.len() {
            let value = bits >> (18 - 6 * at) & 63;
            out.push(char::from(ALPHABET[value as usize]));
        }
    }
    out
}

/// The templates of Master Password by their class; each letter stands for a set of characters.
fn templates(class: &str) -> &'static [&'static str] {
    match class {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => &[],
    }
}

/// The characters that a letter of a template stands for.
fn characters(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// Master Password's answer for a counter, a class, the master password, a user and a site.
fn derive(args: Args<'_>) -> Result<Value, FuncError> {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let class = args.text(1);
    let templates = templates(&class);
    if templates.is_empty() {
        return Ok(format!("cannot find password template {class}").into());
    }
    let counter = match args.get(0) {
        Value::Uint64(counter) => u32::try_from(*counter).unwrap_or_default(),
        _ => 0,
    };
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let (user, site) = (args.bytes(3), args.bytes(4));
    let salt = [SCOPE, &length(user), user].concat();
    let failed = |fault: &dyn std::fmt::Display| FuncError::new(format!("failed to derive password: {fault}"));
    let params = Params::new(15, 8, 2).map_err(|fault| failed(&fault))?;
    let mut key = [0; 64];
    scrypt::scrypt(args.bytes(2), &salt, &params, &mut key).map_err(|fault| failed(&fault))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|fault| failed(&fault))?;
    mac.update(&[SCOPE, &length(site), site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let password = template.bytes().zip(&seed[1..]).map(|(letter, random)| {
        let choices = characters(letter);
        choices[usize::from(*random) % choices.len()]
    });
    Ok(password.collect::<Vec<u8>>().into())
}
