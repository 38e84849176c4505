//! Check sums.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::Table;
use crate::function::Signature;
use crate::value::{Type, Value};

const STRING: Signature = Signature::fixed(&[Type::Str], Type::Str);

pub(super) const TABLE: Table = &[
    ("sha1sum", STRING, |_, args| Ok(hexadecimal(&Sha1::digest(args.bytes(0))))),
    ("sha256sum", STRING, |_, args| Ok(hexadecimal(&Sha256::digest(args.bytes(0))))),
    ("sha512sum", STRING, |_, args| Ok(hexadecimal(&Sha512::digest(args.bytes(0))))),
    ("adler32sum", STRING, |_, args| Ok(adler32(args.bytes(0)).to_string().into())),
];

fn hexadecimal(digest: &[u8]) -> Value {
    hex::encode(digest).into()
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    // As many bytes as can be summed up before 32 bits overflow.
    const RUN: usize = 5552;
    let (mut low, mut high) = (1_u32, 0_u32);
    for run in bytes.chunks(RUN) {
        for byte in run {
            low += u32::from(*byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}
