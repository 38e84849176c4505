//! Client certificates that prove an application to Microsoft Entra.

use std::fmt;

use base64::Engine;
use flux_auth::Secret;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::encoding::{STANDARD, URL_SAFE};

/// How long an assertion is good, in seconds.
const LIFE: i64 = 600;

/// Why a certificate cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is no certificate in the PEM text.
    #[error("no certificate found, expected PEM")]
    NoCertificate,
    /// There is no key in the PEM text.
    #[error("no private key found, expected PEM")]
    NoKey,
    /// The key is of none of the certificates.
    #[error("private key does not belong to a certificate")]
    Mismatch,
    /// The key is none of RSA.
    #[error("private key is no RSA key")]
    Key,
}

/// A certificate with its key. Never printed.
#[derive(Clone)]
pub(crate) struct Certificate {
    key: EncodingKey,
    thumbprint: String,
    /// The chain, the certificate first, where it is to be sent along.
    chain: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    iss: &'a str,
    jti: String,
    nbf: i64,
    sub: &'a str,
}

impl Certificate {
    /// The RSA key of a PEM text with the certificate in it that it belongs to; the other certificates are its chain.
    pub(crate) fn from_pem(text: &str, send_chain: bool) -> Result<Self, CertificateError> {
        let mut certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::NoCertificate)?;
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| CertificateError::NoKey)?;
        let key = pkcs1(&der).ok_or(CertificateError::Key)?;
        let modulus = modulus(key).ok_or(CertificateError::Key)?;
        // The modulus stands in the certificate as it stands in the key, and nothing else is so long and equal.
        let has_key = |der: &CertificateDer<'_>| der.windows(modulus.len()).any(|bytes| bytes == modulus);
        let own = certificates.iter().position(has_key).ok_or(CertificateError::Mismatch)?;
        certificates.swap(0, own);
        let chain = send_chain.then(|| certificates.iter().map(|der| STANDARD.encode(der)).collect());
        let thumbprint = URL_SAFE.encode(Sha256::digest(&certificates[0]));
        Ok(Self { key: EncodingKey::from_rsa_der(key), thumbprint, chain })
    }

    /// A JWT by which `client` proves itself to the issuer at `audience`.
    pub(crate) fn assertion(
        &self,
        audience: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        let header = Header {
            x5t_s256: Some(self.thumbprint.clone()),
            x5c: self.chain.clone(),
            ..Header::new(Algorithm::PS256)
        };
        let (iat, nanosecond) = (now.as_second(), now.as_nanosecond());
        // An id that no other assertion of this key has, as none is signed in the same nanosecond.
        let id = Sha256::digest(format!("{}/{client}/{nanosecond}", self.thumbprint));
        let jti = URL_SAFE.encode(id);
        let claims = Claims { aud: audience, exp: iat + LIFE, iss: client, jti, nbf: iat, sub: client };
        jsonwebtoken::encode(&header, &claims, &self.key).map(Secret::new)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint)
    }
}

/// The RSA key as PKCS #1 has it, also where it is said to be PKCS #8 and is not.
fn pkcs1<'d>(der: &'d PrivateKeyDer<'_>) -> Option<&'d [u8]> {
    match der {
        PrivateKeyDer::Pkcs1(der) => Some(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => rsa_key(der.secret_pkcs8_der()),
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// The modulus of an RSA key, which is long enough to be no accident.
fn modulus(key: &[u8]) -> Option<&[u8]> {
    let (fields, _) = element(key, SEQUENCE)?;
    let (_version, rest) = element(fields, INTEGER)?;
    element(rest, INTEGER).map(|(modulus, _)| modulus).filter(|modulus| modulus.len() >= 128)
}

/// The RSA key in `der`: itself, or what a PKCS #8 structure holds.
fn rsa_key(der: &[u8]) -> Option<&[u8]> {
    /// The object identifier of RSA keys.
    const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let (fields, _) = element(der, SEQUENCE)?;
    let (_version, rest) = element(fields, INTEGER)?;
    if element(rest, INTEGER).is_some() {
        return Some(der);
    }
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (object, _) = element(algorithm, OBJECT)?;
    let (key, _) = element(rest, OCTETS)?;
    (object == RSA).then_some(key)
}

/// The content of the DER element of this tag at the start of `der`, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    struct Pair {
        certificate: String,
        der: Vec<u8>,
        key: rcgen::KeyPair,
    }

    fn pair() -> Pair {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new(["flux".to_owned()]).unwrap().self_signed(&key).unwrap();
        Pair { certificate: certificate.pem(), der: certificate.der().to_vec(), key }
    }

    #[test]
    fn assertions_are_signed_by_the_key_and_name_the_certificate() {
        let pair = pair();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let check = |text: &str, send_chain: bool| {
            let certificate = Certificate::from_pem(text, send_chain).unwrap();
            let assertion = certificate.assertion("https://issuer/t/oauth2/v2.0/token", "client", now).unwrap();
            let mut validation = Validation::new(Algorithm::PS256);
            validation.validate_exp = false;
            validation.set_audience(&["https://issuer/t/oauth2/v2.0/token"]);
            let key = DecodingKey::from_rsa_pem(pair.key.public_key_pem().as_bytes()).unwrap();
            let token = jsonwebtoken::decode::<Value>(assertion.expose(), &key, &validation).unwrap();
            assert_eq!(token.header.x5t_s256.unwrap(), URL_SAFE.encode(Sha256::digest(&pair.der)));
            assert_eq!(token.header.x5c.map(|chain| chain.len()), send_chain.then_some(1));
            assert_eq!((&token.claims["iss"], &token.claims["sub"]), (&"client".into(), &"client".into()));
            assert_eq!(token.claims["exp"].as_i64().unwrap() - token.claims["nbf"].as_i64().unwrap(), LIFE);
        };
        let pkcs8 = pair.key.serialize_pem();
        check(&format!("{}{pkcs8}", pair.certificate), false);
        check(&format!("{pkcs8}{}", pair.certificate), true);
        let issuer = rcgen::generate_simple_self_signed(["issuer".to_owned()]).unwrap().cert.pem();
        check(&format!("{issuer}{}{pkcs8}", pair.certificate), false);
        let pkcs1 = STANDARD.encode(rsa_key(&pair.key.serialize_der()).unwrap());
        for label in ["RSA PRIVATE KEY", "PRIVATE KEY"] {
            let pem = format!("-----BEGIN {label}-----\n{pkcs1}\n-----END {label}-----\n");
            check(&format!("{}{pem}", pair.certificate), false);
        }
    }

    #[test]
    fn other_texts_are_refused_without_being_shown() {
        let pair = pair();
        let check = |text: &str, expected: CertificateError| {
            assert_eq!(Certificate::from_pem(text, false).unwrap_err(), expected);
        };
        check("hidden", CertificateError::NoCertificate);
        check(&pair.certificate, CertificateError::NoKey);
        check(&pair.key.serialize_pem(), CertificateError::NoCertificate);
        let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
        check(&format!("{}{elliptic}", pair.certificate), CertificateError::Key);
        let other = self::pair().key.serialize_pem();
        check(&format!("{}{other}", pair.certificate), CertificateError::Mismatch);
        let certificate = Certificate::from_pem(&format!("{}{}", pair.certificate, pair.key.serialize_pem()), false);
        assert!(format!("{:?}", certificate.unwrap()).starts_with("Certificate("));
    }

    #[test]
    fn broken_keys_are_no_keys() {
        for der in [&[][..], &[0x30], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x03, 0x02, 0x01, 0x00], &[0x30, 0xff]] {
            assert_eq!(rsa_key(der), None);
        }
    }
}
