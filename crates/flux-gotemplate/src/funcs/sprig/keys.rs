//! Private keys: made, read, written, and what they sign.

use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::DecodePrivateKey as _;
use rand_core::{CryptoRng, RngCore};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _};
use rsa::traits::PublicKeyParts as _;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::World;
use super::der::{self, NULL, OCTET_STRING, OID, SEQUENCE};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// What stands before a SHA-256 digest that RSA signs.
const SHA256_PREFIX: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// The longest key that is taken, in bits: reckoning with more takes too long.
const MAX_RSA_BITS: usize = 8192;

/// A key that signs.
pub(super) enum PrivateKey {
    Rsa(Box<rsa::RsaPrivateKey>),
    /// Only its text is of use: certificates cannot be made with it.
    Dsa(Vec<u8>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// The caller's random numbers, for the libraries.
struct Random<'w>(&'w dyn World);

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.random(bytes);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}

impl PrivateKey {
    pub(super) fn generate_rsa(world: &dyn World, bits: usize) -> Result<Self, String> {
        let key = rsa::RsaPrivateKey::new(&mut Random(world), bits).map_err(|fault| fault.to_string())?;
        Ok(Self::Rsa(Box::new(key)))
    }

    /// DSA with 2048 and 256 bits.
    pub(super) fn generate_dsa(world: &dyn World) -> Self {
        let mut random = Random(world);
        // Nothing smaller is offered; upstream's charts ask for this size.
        let components = dsa::Components::generate(&mut random, dsa::KeySize::DSA_2048_256);
        let key = dsa::SigningKey::generate(&mut random, components);
        let public = key.verifying_key();
        let numbers = [public.components().p(), public.components().q(), public.components().g(), public.y(), key.x()];
        let numbers: Vec<Vec<u8>> = numbers.iter().map(|number| der::integer(&number.to_bytes_be())).collect();
        Self::Dsa(der::group(SEQUENCE, &[&der::integer(&[]), &numbers.concat()]))
    }

    pub(super) fn generate_p256(world: &dyn World) -> Self {
        Self::P256(p256::SecretKey::random(&mut Random(world)))
    }

    pub(super) fn generate_ed25519(world: &dyn World) -> Self {
        let mut seed = [0; 32];
        world.random(&mut seed);
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The key in a block of PEM; the error is sprig's.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let (label, der) = der::read_pem(text).ok_or("no PEM data in input")?;
        let Some(kind) = label.strip_suffix("PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {label}"));
        };
        match kind {
            "" => Self::read_pkcs8(&der)
                .ok_or_else(|| "decoding PEM as PKCS#8: x509: failed to parse private key".to_owned()),
            "RSA " => rsa::RsaPrivateKey::from_pkcs1_der(&der)
                .ok()
                .and_then(Self::rsa)
                .ok_or_else(|| "parsing RSA private key from PEM: x509: failed to parse private key".to_owned()),
            "EC " => Self::read_sec1(&der)
                .ok_or_else(|| "parsing EC private key from PEM: x509: failed to parse EC private key".to_owned()),
            "DSA " => Ok(Self::Dsa(der)),
            kind => Err(format!("invalid private key type {}", kind.trim_end())),
        }
    }

    fn rsa(key: rsa::RsaPrivateKey) -> Option<Self> {
        (key.n().bits() <= MAX_RSA_BITS).then(|| Self::Rsa(Box::new(key)))
    }

    fn read_pkcs8(der: &[u8]) -> Option<Self> {
        if let Ok(key) = rsa::RsaPrivateKey::from_pkcs8_der(der) {
            return Self::rsa(key);
        }
        p256::SecretKey::from_pkcs8_der(der)
            .map(Self::P256)
            .or_else(|_| p384::SecretKey::from_pkcs8_der(der).map(Self::P384))
            .or_else(|_| p521::SecretKey::from_pkcs8_der(der).map(Self::P521))
            .or_else(|_| ed25519_dalek::SigningKey::from_pkcs8_der(der).map(Self::Ed25519))
            .ok()
    }

    fn read_sec1(der: &[u8]) -> Option<Self> {
        p256::SecretKey::from_sec1_der(der)
            .map(Self::P256)
            .or_else(|_| p384::SecretKey::from_sec1_der(der).map(Self::P384))
            .or_else(|_| p521::SecretKey::from_sec1_der(der).map(Self::P521))
            .ok()
    }

    /// The key as PEM, in the form that its kind has of old.
    pub(super) fn pem(&self) -> Result<String, String> {
        Ok(match self {
            Self::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|fault| fault.to_string())?;
                der::pem("RSA PRIVATE KEY", der.as_bytes())
            }
            Self::Dsa(der) => der::pem("DSA PRIVATE KEY", der),
            Self::P256(key) => ec_pem(P256, &key.to_bytes(), &self.public_bytes()),
            Self::P384(key) => ec_pem(P384, &key.to_bytes(), &self.public_bytes()),
            Self::P521(key) => ec_pem(P521, &key.to_bytes(), &self.public_bytes()),
            Self::Ed25519(key) => {
                let algorithm = der::group(SEQUENCE, &[&der::value(OID, ED25519)]);
                let seed = der::value(OCTET_STRING, &der::value(OCTET_STRING, key.as_bytes()));
                der::pem("PRIVATE KEY", &der::group(SEQUENCE, &[&der::integer(&[]), &algorithm, &seed]))
            }
        })
    }

    /// The public key as the bits of a certificate.
    pub(super) fn public_bytes(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.to_public_key().to_pkcs1_der().map(|der| der.as_bytes().to_vec()).unwrap_or_default(),
            Self::Dsa(_) => Vec::new(),
            Self::P256(key) => key.public_key().to_encoded_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.public_key().to_encoded_point(false).as_bytes().to_vec(),
            Self::P521(key) => key.public_key().to_encoded_point(false).as_bytes().to_vec(),
            Self::Ed25519(key) => key.verifying_key().as_bytes().to_vec(),
        }
    }

    /// The public key with its algorithm, as certificates hold it; `None` for kinds that they cannot.
    pub(super) fn public_info(&self) -> Option<Vec<u8>> {
        let (algorithm, parameters) = match self {
            Self::Rsa(_) => (RSA, der::value(NULL, &[])),
            Self::Dsa(_) => return None,
            Self::P256(_) => (EC, der::value(OID, P256)),
            Self::P384(_) => (EC, der::value(OID, P384)),
            Self::P521(_) => (EC, der::value(OID, P521)),
            Self::Ed25519(_) => (ED25519, Vec::new()),
        };
        let algorithm = der::group(SEQUENCE, &[&der::value(OID, algorithm), &parameters]);
        Some(der::group(SEQUENCE, &[&algorithm, &der::bits(&self.public_bytes())]))
    }

    /// The algorithm that [`PrivateKey::sign`] uses.
    pub(super) fn signature_algorithm(&self) -> Option<Vec<u8>> {
        let (algorithm, parameters) = match self {
            Self::Rsa(_) => (SHA256_WITH_RSA, der::value(NULL, &[])),
            Self::Dsa(_) => return None,
            Self::P256(_) => (ECDSA_WITH_SHA256, Vec::new()),
            Self::P384(_) => (ECDSA_WITH_SHA384, Vec::new()),
            Self::P521(_) => (ECDSA_WITH_SHA512, Vec::new()),
            Self::Ed25519(_) => (ED25519, Vec::new()),
        };
        Some(der::group(SEQUENCE, &[&der::value(OID, algorithm), &parameters]))
    }

    /// The signature of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |fault: &dyn std::fmt::Display| fault.to_string();
        match self {
            Self::Rsa(key) => {
                let padding = rsa::Pkcs1v15Sign { hash_len: Some(32), prefix: SHA256_PREFIX.into() };
                key.sign(padding, &Sha256::digest(message)).map_err(|fault| failed(&fault))
            }
            Self::Dsa(_) => Err("x509: unsupported key type".to_owned()),
            Self::P256(key) => {
                let signature: Result<p256::ecdsa::Signature, _> =
                    p256::ecdsa::SigningKey::from(key).sign_prehash(&Sha256::digest(message));
                Ok(signature.map_err(|fault| failed(&fault))?.to_der().as_bytes().to_vec())
            }
            Self::P384(key) => {
                let signature: Result<p384::ecdsa::Signature, _> =
                    p384::ecdsa::SigningKey::from(key).sign_prehash(&Sha384::digest(message));
                Ok(signature.map_err(|fault| failed(&fault))?.to_der().as_bytes().to_vec())
            }
            Self::P521(key) => {
                let signing = p521::ecdsa::SigningKey::from_bytes(&key.to_bytes()).map_err(|fault| failed(&fault))?;
                let signature: Result<p521::ecdsa::Signature, _> = signing.sign_prehash(&Sha512::digest(message));
                Ok(signature.map_err(|fault| failed(&fault))?.to_der().as_bytes().to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(message).to_bytes().to_vec()),
        }
    }
}

/// A key of an elliptic curve with the curve's name and the public key.
fn ec_pem(curve: &[u8], secret: &[u8], public: &[u8]) -> String {
    let curve = der::value(0xa0, &der::value(OID, curve));
    let public = der::value(0xa1, &der::bits(public));
    let parts: [&[u8]; 4] = [&der::integer(&[1]), &der::value(OCTET_STRING, secret), &curve, &public];
    der::pem("EC PRIVATE KEY", &der::group(SEQUENCE, &parts))
}
