//! Certificates for tests and webhooks: self-signed, of an own authority, or given.

use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use super::der::{self, GENERALIZED_TIME, OCTET_STRING, OID, PRINTABLE_STRING, SEQUENCE, SET, UTC_TIME, UTF8_STRING};
use super::encodings::decode_base64;
use super::keys::PrivateKey;
use super::{World, with_world};
use crate::error::FuncError;
use crate::function::{Args, Function, Functions, Signature};
use crate::time::{SECOND, Time};
use crate::value::{GoStr, List, Object, Shape, Type, Value, downcast};

/// Go's name of the type.
const NAME: &str = "sprig.certificate";
const CERTIFICATE: Type = Type::Object(NAME);
/// Bits of the keys that are made for certificates.
const CERTIFICATE_BITS: usize = 2048;
/// Bits of the RSA keys that are asked for by themselves.
const KEY_BITS: usize = 4096;

/// Adds the family.
pub(super) fn add_to(functions: &mut Functions, world: &Arc<dyn World>) {
    functions.add(
        "buildCustomCert",
        Function::plain(Signature::fixed(&[Type::Str, Type::Str], CERTIFICATE), |_, args| build_custom(args)),
    );
    let mut add = |name, params, body| {
        functions.add(name, with_world(world, Signature::fixed(params, CERTIFICATE), body));
    };
    add("genCA", &[Type::Str, Type::Int], |world, args| {
        let key = own_key(world)?;
        Request::authority(args).signed(world, &key, None)
    });
    add("genCAWithKey", &[Type::Str, Type::Int, Type::Str], |world, args| {
        let key = given_key(args.bytes(2))?;
        Request::authority(args).signed(world, &key, None)
    });
    add("genSelfSignedCert", &[Type::Str, Type::LIST, Type::LIST, Type::Int], |world, args| {
        let key = own_key(world)?;
        Request::server(args)?.signed(world, &key, None)
    });
    add("genSelfSignedCertWithKey", &[Type::Str, Type::LIST, Type::LIST, Type::Int, Type::Str], |world, args| {
        let key = given_key(args.bytes(4))?;
        Request::server(args)?.signed(world, &key, None)
    });
    add("genSignedCert", &[Type::Str, Type::LIST, Type::LIST, Type::Int, CERTIFICATE], |world, args| {
        let key = own_key(world)?;
        Request::server(args)?.signed(world, &key, Some(&Issuer::read(args.get(4))?))
    });
    add(
        "genSignedCertWithKey",
        &[Type::Str, Type::LIST, Type::LIST, Type::Int, CERTIFICATE, Type::Str],
        |world, args| {
            let key = given_key(args.bytes(5))?;
            Request::server(args)?.signed(world, &key, Some(&Issuer::read(args.get(4))?))
        },
    );
    functions.add("genPrivateKey", with_world(world, Signature::fixed(&[Type::Str], Type::Str), generate_key));
}

/// A certificate with its key, both as PEM.
struct Certificate {
    cert: GoStr,
    key: GoStr,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn shape(&self) -> Shape {
        Shape::Struct(vec![("Cert", self.cert.clone().into()), ("Key", self.key.clone().into())])
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other: &dyn std::any::Any = other;
        Some(other.downcast_ref::<Self>().is_some_and(|other| self.cert == other.cert && self.key == other.key))
    }
}

/// The text of a new key; what cannot be made is told in its place.
fn generate_key(world: &dyn World, args: Args<'_>) -> Result<Value, FuncError> {
    let key = match &*args.text(0) {
        "" | "rsa" => match PrivateKey::generate_rsa(world, KEY_BITS) {
            Ok(key) => key,
            Err(fault) => return Ok(format!("failed to generate private key: {fault}").into()),
        },
        "dsa" => PrivateKey::generate_dsa(world),
        "ecdsa" => PrivateKey::generate_p256(world),
        "ed25519" => PrivateKey::generate_ed25519(world),
        other => return Ok(format!("Unknown type {other}").into()),
    };
    key.pem().map(Into::into).map_err(FuncError::new)
}

fn own_key(world: &dyn World) -> Result<PrivateKey, FuncError> {
    PrivateKey::generate_rsa(world, CERTIFICATE_BITS)
        .map_err(|fault| FuncError::new(format!("error generating rsa key: {fault}")))
}

fn given_key(text: &[u8]) -> Result<PrivateKey, FuncError> {
    PrivateKey::read(text).map_err(|fault| FuncError::new(format!("parsing private key: {fault}")))
}

/// A certificate and a key that the chart's user gives, both in base64.
fn build_custom(args: Args<'_>) -> Result<Value, FuncError> {
    let decoded = |at, what: &str| {
        decode_base64(args.bytes(at)).map_err(|_| FuncError::new(format!("unable to decode base64 {what}")))
    };
    let (cert, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    let (_, der) = der::read_pem(&cert).ok_or_else(|| FuncError::new("unable to decode certificate"))?;
    parse(&der)?;
    PrivateKey::read(&key).map_err(|fault| FuncError::new(format!("error parsing private key: {fault}")))?;
    Ok(Value::object(Certificate { cert: cert.into(), key: key.into() }))
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, FuncError> {
    let parsed = X509Certificate::from_der(der);
    parsed
        .map(|(_, certificate)| certificate)
        .map_err(|_| FuncError::new("error parsing certificate: decodedCert.Bytes: x509: malformed certificate"))
}

/// Who signs.
struct Issuer {
    key: PrivateKey,
    /// The name, as DER.
    name: Vec<u8>,
    key_id: Option<Vec<u8>>,
}

impl Issuer {
    fn read(authority: &Value) -> Result<Self, FuncError> {
        let authority = match authority {
            Value::Object(object) => downcast::<Certificate>(object),
            _ => None,
        };
        let authority = authority.ok_or_else(|| FuncError::new("unable to decode certificate"))?;
        let pem = der::read_pem(authority.cert.as_bytes());
        let (_, der) = pem.ok_or_else(|| FuncError::new("unable to decode certificate"))?;
        let certificate = parse(&der).map_err(|_| {
            FuncError::new("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate")
        })?;
        let key = PrivateKey::read(authority.key.as_bytes());
        let key = key.map_err(|fault| FuncError::new(format!("error parsing private key: {fault}")))?;
        if key.public_info().as_deref() != Some(certificate.public_key().raw) {
            let fault = "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey";
            return Err(FuncError::new(fault));
        }
        let key_id = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
        Ok(Self { key, name: certificate.subject().as_raw().to_vec(), key_id })
    }
}

/// What a certificate is to say.
struct Request {
    name: String,
    days: i64,
    is_authority: bool,
    /// The names and addresses that it is for, as DER.
    alternatives: Vec<u8>,
}

impl Request {
    fn authority(args: Args<'_>) -> Self {
        Self { name: args.text(0).into_owned(), days: args.int(1), is_authority: true, alternatives: Vec::new() }
    }

    fn server(args: Args<'_>) -> Result<Self, FuncError> {
        let addresses = addresses(&args.list(1))?;
        let names = host_names(&args.list(2))?;
        let alternatives = [names, addresses].concat();
        Ok(Self { name: args.text(0).into_owned(), days: args.int(3), is_authority: false, alternatives })
    }

    /// The certificate for `key`, signed by `issuer` or by the key itself.
    fn signed(&self, world: &dyn World, key: &PrivateKey, issuer: Option<&Issuer>) -> Result<Value, FuncError> {
        let failed = |fault: &str| FuncError::new(format!("error creating certificate: {fault}"));
        let unsupported = || failed("x509: only RSA, ECDSA and Ed25519 keys supported");
        let signer = issuer.map_or(key, |issuer| &issuer.key);
        let algorithm = signer.signature_algorithm().ok_or_else(unsupported)?;
        let subject = distinguished_name(&self.name);
        let issuer_name = issuer.map_or(&subject, |issuer| &issuer.name);
        let mut serial = [0; 16];
        world.random(&mut serial);
        let now = world.now();
        let end = now.add(self.days.saturating_mul(24 * 3600).saturating_mul(SECOND));
        let authority_key = issuer.filter(|issuer| issuer.name != subject).and_then(|issuer| issuer.key_id.as_deref());
        let contents = der::group(
            SEQUENCE,
            &[
                &der::value(0xa0, &der::integer(&[2])),
                &der::integer(&serial),
                &algorithm,
                issuer_name,
                &der::group(SEQUENCE, &[&date(&now), &date(&end)]),
                &subject,
                &key.public_info().ok_or_else(unsupported)?,
                &der::value(0xa3, &self.extensions(key, authority_key)),
            ],
        );
        let signature = signer.sign(&contents).map_err(|fault| failed(&fault))?;
        let whole = der::group(SEQUENCE, &[&contents, &algorithm, &der::bits(&signature)]);
        let key = key.pem().map_err(FuncError::new)?;
        Ok(Value::object(Certificate { cert: der::pem("CERTIFICATE", &whole).into(), key: key.into() }))
    }

    fn extensions(&self, key: &PrivateKey, authority_key: Option<&[u8]>) -> Vec<u8> {
        const SERVER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
        const CLIENT: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
        // Signatures and key encipherment, and for authorities certificates; the first byte tells the unused bits.
        let usage: &[u8] = if self.is_authority { &[2, 0xa4] } else { &[5, 0xa0] };
        let purposes = der::group(SEQUENCE, &[&der::value(OID, SERVER), &der::value(OID, CLIENT)]);
        let constraints = if self.is_authority { der::value(0x01, &[0xff]) } else { Vec::new() };
        let mut all = vec![
            extension(0x0f, true, &der::value(der::BIT_STRING, usage)),
            extension(0x25, false, &purposes),
            extension(0x13, true, &der::value(SEQUENCE, &constraints)),
        ];
        if self.is_authority {
            let id = Sha256::digest(key.public_bytes());
            all.push(extension(0x0e, false, &der::value(OCTET_STRING, &id[..20])));
        }
        if let Some(id) = authority_key {
            all.push(extension(0x23, false, &der::value(SEQUENCE, &der::value(0x80, id))));
        }
        if !self.alternatives.is_empty() {
            all.push(extension(0x11, self.name.is_empty(), &der::value(SEQUENCE, &self.alternatives)));
        }
        der::value(SEQUENCE, &all.concat())
    }
}

/// One of the extensions under 2.5.29.
fn extension(number: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let critical = if critical { der::value(0x01, &[0xff]) } else { Vec::new() };
    der::group(SEQUENCE, &[&der::value(OID, &[0x55, 0x1d, number]), &critical, &der::value(OCTET_STRING, content)])
}

/// A name that consists of a common name, or of nothing.
fn distinguished_name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return der::value(SEQUENCE, &[]);
    }
    let printable = common_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
    let tag = if printable { PRINTABLE_STRING } else { UTF8_STRING };
    let text = der::value(tag, common_name.as_bytes());
    let attribute = der::group(SEQUENCE, &[&der::value(OID, &[0x55, 0x04, 0x03]), &text]);
    der::group(SEQUENCE, &[&der::value(SET, &attribute)])
}

/// What `%v` prints, of values that are not too large to be shown.
fn shown(value: &Value) -> String {
    let text = crate::fmt::sprint(std::slice::from_ref(value), 1000);
    text.map_or_else(|_| value.type_name().into_owned(), |text| crate::value::to_text(&text).into_owned())
}

/// A date in the form that its year wants.
fn date(time: &Time) -> Vec<u8> {
    let year = time.format(b"2006");
    if (&b"1950"[..]..&b"2050"[..]).contains(&&*year) {
        der::value(UTC_TIME, &time.format(b"060102150405Z"))
    } else {
        der::value(GENERALIZED_TIME, &time.format(b"20060102150405Z"))
    }
}

fn addresses(list: &List) -> Result<Vec<u8>, FuncError> {
    let mut out = Vec::new();
    for item in list.items() {
        let Value::Str(text) = item else {
            return Err(FuncError::new(format!("error parsing ip: {} is not a string", shown(item))));
        };
        let address = text.as_str().and_then(|text| text.parse::<IpAddr>().ok());
        let address = address.ok_or_else(|| FuncError::new(format!("error parsing ip: {text}")))?;
        out.extend(match address.to_canonical() {
            IpAddr::V4(address) => der::value(0x87, &address.octets()),
            IpAddr::V6(address) => der::value(0x87, &address.octets()),
        });
    }
    Ok(out)
}

fn host_names(list: &List) -> Result<Vec<u8>, FuncError> {
    let mut out = Vec::new();
    for item in list.items() {
        let Value::Str(text) = item else {
            return Err(FuncError::new(format!(
                "error processing alternate dns name: {} is not a string",
                shown(item)
            )));
        };
        if !text.as_bytes().is_ascii() {
            let quoted = crate::strconv::quote(text.as_bytes());
            let quoted = crate::value::to_text(&quoted);
            return Err(FuncError::new(format!(
                "error creating certificate: x509: {quoted} cannot be encoded as an IA5String"
            )));
        }
        out.extend(der::value(0x82, text.as_bytes()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::{World, add_to};
    use super::*;
    use crate::{Budget, Call, Limits};

    /// Numbers that only look random, and a fixed clock.
    struct Fixed(std::sync::atomic::AtomicU64);

    impl World for Fixed {
        fn now(&self) -> Time {
            Time::from_unix(1_700_000_000, 0)
        }

        fn random(&self, bytes: &mut [u8]) {
            for byte in bytes {
                let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed);
                let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                *byte = mixed.to_be_bytes()[0];
            }
        }
    }

    fn call(name: &str, args: &[Value]) -> Result<Value, String> {
        let world: Arc<dyn World> = Arc::new(Fixed(7.into()));
        let mut functions = Functions::new();
        add_to(&mut functions, &world);
        let mut budget = Budget::new(Limits::default());
        let function = functions.get(name).unwrap();
        Call::new(&mut budget).invoke(function, args).map_err(|fault| fault.to_string())
    }

    fn text(value: &Value) -> String {
        match value {
            Value::Str(text) => text.to_string(),
            _ => String::new(),
        }
    }

    fn part(certificate: &Value, name: &str) -> String {
        match certificate {
            Value::Object(object) => text(&object.field(name).unwrap()),
            _ => String::new(),
        }
    }

    fn der(certificate: &Value) -> Vec<u8> {
        der::read_pem(part(certificate, "Cert").as_bytes()).unwrap().1
    }

    #[test]
    fn an_authority_signs_certificates_with_names_and_addresses() {
        let ca_key = call("genPrivateKey", &["ecdsa".into()]).unwrap();
        let ca = call("genCAWithKey", &["my-ca".into(), Value::Int(365), ca_key]).unwrap();
        let names = Value::list(vec!["a.example".into(), "b.example".into()]);
        let addresses = Value::list(vec!["10.0.0.1".into(), "::1".into()]);
        let key = call("genPrivateKey", &["ed25519".into()]).unwrap();
        let cert =
            call("genSignedCertWithKey", &["süd".into(), addresses, names, Value::Int(10), ca.clone(), key]).unwrap();
        let (ca_der, cert_der) = (der(&ca), der(&cert));
        let (ca, cert) = (parse(&ca_der).unwrap(), parse(&cert_der).unwrap());
        assert_eq!(cert.subject().to_string(), "CN=süd");
        assert_eq!(cert.issuer(), ca.subject());
        assert!(ca.is_ca() && !cert.is_ca());
        assert_eq!(cert.validity().not_after.timestamp() - cert.validity().not_before.timestamp(), 10 * 24 * 3600);
        let alternatives = cert.subject_alternative_name().unwrap().unwrap();
        assert_eq!(alternatives.value.general_names.len(), 4);
    }

    #[test]
    fn keys_of_all_kinds_are_read_back() {
        for kind in ["ecdsa", "ed25519"] {
            let key = text(&call("genPrivateKey", &[kind.into()]).unwrap());
            assert_eq!(PrivateKey::read(key.as_bytes()).ok().unwrap().pem().unwrap(), key, "{kind}");
        }
        assert_eq!(text(&call("genPrivateKey", &["x".into()]).unwrap()), "Unknown type x");
        let missing = call("genCAWithKey", &["x".into(), Value::Int(1), "nothing".into()]);
        assert_eq!(missing.err().unwrap(), "parsing private key: no PEM data in input");
    }

    #[test]
    fn a_key_that_is_not_the_authoritys_cannot_sign() {
        let key = || call("genPrivateKey", &["ed25519".into()]).unwrap();
        let other = call("genPrivateKey", &["ecdsa".into()]).unwrap();
        let ca = call("genCAWithKey", &["ca".into(), Value::Int(1), other]).unwrap();
        let forged = Certificate { cert: part(&ca, "Cert").into(), key: text(&key()).into() };
        let nothing = || Value::list(Vec::new());
        let args = ["x".into(), nothing(), nothing(), Value::Int(1), Value::object(forged), key()];
        let fault = call("genSignedCertWithKey", &args).err().unwrap();
        assert!(fault.ends_with("provided PrivateKey doesn't match parent's PublicKey"), "{fault}");
    }
}
