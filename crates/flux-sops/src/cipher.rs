//! Single values: AES-256-GCM with the key path as additional data.

use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::generic_array::{ArrayLength, GenericArray};
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{AesGcm, aes::Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_yaml::{Resolved, yaml3};
use zeroize::Zeroizing;

use crate::{CipherError, Comment, DataKey, Value};

/// The length of the nonces that SOPS writes.
pub const NONCE: usize = 32;
const TAG: usize = 16;

/// The value in an encrypted text; an empty text is an empty text.
pub(crate) fn decrypt(text: &[u8], key: &DataKey, additional: &str) -> Result<Value, CipherError> {
    if text.is_empty() {
        return Ok(Value::Text(Vec::new()));
    }
    let sealed = Sealed::parse(text)?;
    let plain = Zeroizing::new(open(&sealed, key, additional)?);
    let read = || std::str::from_utf8(&plain).ok();
    Ok(match sealed.kind {
        "str" => Value::Text(plain.to_vec()),
        "int" => Value::Int(read().and_then(|text| text.parse().ok()).ok_or(CipherError::Content { kind: "int" })?),
        "float" => Value::Float(read().and_then(parse_float).ok_or(CipherError::Content { kind: "float" })?),
        "bool" => Value::Bool(read().and_then(flux_yaml::parse_bool).ok_or(CipherError::Content { kind: "bool" })?),
        "time" => Value::Time(read().and_then(parse_time).ok_or(CipherError::Content { kind: "time" })?),
        "comment" => {
            let text = String::from_utf8_lossy(&plain).into_owned();
            Value::Comment(Comment { text, inline: false })
        }
        // SOPS 3.13.2 panics on this type, and no version writes it.
        "bytes" => return Err(CipherError::Bytes),
        _ => return Err(CipherError::Datatype),
    })
}

/// A value as encrypted text; an empty text and an empty comment stay empty.
pub(crate) fn encrypt(
    value: &Value,
    key: &DataKey,
    additional: &str,
    nonce: &[u8; NONCE],
) -> Result<String, CipherError> {
    let kind = match value {
        Value::Text(_) => "str",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Bool(_) => "bool",
        Value::Time(_) => "time",
        Value::Comment(_) => "comment",
        Value::Null | Value::Uint(_) | Value::List(_) | Value::Branch(_) => return Err(CipherError::Datatype),
    };
    let plain = Zeroizing::new(bytes(value));
    if plain.is_empty() {
        return Ok(String::new());
    }
    let payload = Payload { msg: &plain, aad: additional.as_bytes() };
    let mut sealed = cipher::<U32>(key)?
        .encrypt(GenericArray::from_slice(nonce), payload)
        .map_err(|_| CipherError::Authentication)?;
    let tag = sealed.split_off(sealed.len() - TAG);
    Ok(format!(
        "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{kind}]",
        STANDARD.encode(sealed),
        STANDARD.encode(nonce),
        STANDARD.encode(tag)
    ))
}

/// A value as it is encrypted and as it goes into the authentication code.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string().into_bytes(),
        Value::Uint(number) => number.to_string().into_bytes(),
        Value::Float(number) => decimal(*number).into_bytes(),
        Value::Bool(true) => b"True".to_vec(),
        Value::Bool(false) => b"False".to_vec(),
        Value::Time(time) => time.clone().into_bytes(),
        Value::Comment(comment) => comment.text.clone().into_bytes(),
        Value::Null | Value::List(_) | Value::Branch(_) => Vec::new(),
    }
}

/// A number without exponent, as Go's `%f` with the fewest digits.
pub(crate) fn decimal(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number == f64::INFINITY {
        "+Inf".to_owned()
    } else if number == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        number.to_string()
    }
}

fn parse_float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    // Digits that do not fit are an error in Go, not infinity.
    (number.is_finite() || !text.bytes().any(|byte| byte.is_ascii_digit())).then_some(number)
}

fn parse_time(text: &str) -> Option<String> {
    match yaml3(text) {
        Resolved::Timestamp(time) => Some(time),
        _ => None,
    }
}

/// The parts of an encrypted text.
struct Sealed<'t> {
    data: Vec<u8>,
    nonce: Vec<u8>,
    tag: Vec<u8>,
    kind: &'t str,
}

impl<'t> Sealed<'t> {
    fn parse(text: &'t [u8]) -> Result<Self, CipherError> {
        let text = std::str::from_utf8(text).map_err(|_| CipherError::Form)?;
        let (data, nonce, tag, kind) = split(text).ok_or(CipherError::Form)?;
        let decode = |part: &'static str, text: &str| {
            // Go ignores line breaks in Base64.
            let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            STANDARD.decode(text).map_err(|_| CipherError::Base64 { part })
        };
        Ok(Self { data: decode("data", data)?, nonce: decode("iv", nonce)?, tag: decode("tag", tag)?, kind })
    }
}

/// Data, nonce, tag and type. What follows the last bracket of the first line is left alone, as in SOPS.
fn split(text: &str) -> Option<(&str, &str, &str, &str)> {
    let line = text.split('\n').next()?;
    let body = line.strip_prefix("ENC[AES256_GCM,data:")?;
    let body = &body[..body.rfind(']')?];
    let (body, kind) = body.rsplit_once(",type:")?;
    let (body, tag) = body.rsplit_once(",tag:")?;
    let (data, nonce) = body.rsplit_once(",iv:")?;
    let whole = [data, nonce, tag, kind].iter().all(|part| !part.is_empty());
    whole.then_some((data, nonce, tag, kind))
}

fn cipher<N: ArrayLength<u8>>(key: &DataKey) -> Result<AesGcm<Aes256, N>, CipherError> {
    AesGcm::new_from_slice(key.bytes()).map_err(|_| CipherError::KeyLength { length: key.bytes().len() })
}

fn open(sealed: &Sealed<'_>, key: &DataKey, additional: &str) -> Result<Vec<u8>, CipherError> {
    match sealed.nonce.len() {
        NONCE => open_with::<U32>(sealed, key, additional),
        16 => open_with::<U16>(sealed, key, additional),
        12 => open_with::<U12>(sealed, key, additional),
        length => Err(CipherError::NonceLength { length }),
    }
}

fn open_with<N: ArrayLength<u8>>(sealed: &Sealed<'_>, key: &DataKey, additional: &str) -> Result<Vec<u8>, CipherError> {
    let mut message = sealed.data.clone();
    message.extend_from_slice(&sealed.tag);
    let payload = Payload { msg: &message, aad: additional.as_bytes() };
    cipher::<N>(key)?.decrypt(GenericArray::from_slice(&sealed.nonce), payload).map_err(|_| CipherError::Authentication)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DataKey {
        DataKey::new(vec![7; 32])
    }

    fn check(value: &Value) {
        let text = encrypt(value, &key(), "a:b:", &[9; NONCE]).unwrap();
        assert!(decrypt(text.as_bytes(), &key(), "a:b:").unwrap() == *value, "{text}");
        assert_eq!(decrypt(text.as_bytes(), &key(), "a:c:").err(), Some(CipherError::Authentication));
    }

    #[test]
    fn values_of_every_type_come_back() {
        check(&Value::text("päss"));
        check(&Value::Text(vec![0, 255]));
        check(&Value::Int(-3));
        check(&Value::Float(1.5e300));
        check(&Value::Float(f64::INFINITY));
        check(&Value::Bool(true));
        check(&Value::Time("2001-12-14T21:59:43.1-05:00".to_owned()));
        check(&Value::Comment(Comment { text: " c".to_owned(), inline: false }));
    }

    #[test]
    fn texts_without_content_stay_as_they_are() {
        assert_eq!(encrypt(&Value::text(""), &key(), "a:", &[9; NONCE]).unwrap(), "");
        assert!(decrypt(b"", &key(), "a:").unwrap() == Value::text(""));
    }

    #[test]
    fn what_is_not_encrypted_is_refused() {
        let decrypt = |text: &str| decrypt(text.as_bytes(), &key(), "").err().unwrap();
        assert_eq!(decrypt("plain"), CipherError::Form);
        assert_eq!(decrypt("ENC[AES256_GCM,data:,iv:a,tag:a,type:str]"), CipherError::Form);
        assert_eq!(decrypt("ENC[AES256_GCM,data:?,iv:a,tag:a,type:str]"), CipherError::Base64 { part: "data" });
        let sealed = encrypt(&Value::text("x"), &key(), "", &[1; NONCE]).unwrap();
        assert_eq!(decrypt(&sealed.replace("type:str", "type:bytes")), CipherError::Bytes);
        assert_eq!(decrypt(&sealed.replace("type:str", "type:odd")), CipherError::Datatype);
        assert_eq!(decrypt(&sealed.replace("type:str", "type:int")), CipherError::Content { kind: "int" });
    }
}
