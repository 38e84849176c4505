//! Encrypted objects, which are decrypted after the build.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_api::kustomize::v1::annotation;
use flux_kustomize::{Built, Resource};
use flux_runtime::Masker;
use flux_sops::{Format, Keyring};
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::error::Cause;
use super::document::{Opened, Refused, Sealed};
use super::error::DecryptionError;

/// Where in a build an encrypted document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum ObjectPlace {
    /// The whole object of that number.
    Object(usize),
    /// One key of a Secret's data.
    Value(usize, String),
}

/// Keys of a Secret's data with what they hold.
type Values = Vec<(String, Zeroizing<Vec<u8>>)>;

/// The encrypted documents in what was built: objects that are one, and values of Secrets that are one.
pub(in super::super) fn sealed_objects(
    built: &Built,
    ring: &Keyring,
) -> Result<Vec<Sealed<ObjectPlace>>, DecryptionError> {
    let mut sealed = Vec::new();
    for (number, resource) in built.resources.iter().enumerate() {
        let json = resource.to_json().map_err(|cause| shape(resource, cause))?;
        if keeps_closed(&json) {
            continue;
        }
        if is_encrypted(&json) {
            // A JSON value always prints.
            let text = Zeroizing::new(serde_json::to_vec(&json).unwrap_or_default());
            let formats = (Format::Json, Format::Json);
            let read = Sealed::read(ObjectPlace::Object(number), &text, formats, ring);
            sealed.push(read.map_err(|refused| failed(built, refused))?);
        } else if resource.kind() == "Secret" {
            for (key, value) in encrypted_values(&json) {
                let Some(input) = Format::detect(&value) else { continue };
                let formats = (input, Format::of_path(key));
                let read = Sealed::read(ObjectPlace::Value(number, key.to_owned()), &value, formats, ring);
                sealed.push(read.map_err(|refused| failed(built, refused))?);
            }
        }
    }
    Ok(sealed)
}

/// Puts what the documents hold in their place. From here on the secrets among it are masked.
pub(in super::super) fn open_objects(
    sealed: Vec<Sealed<ObjectPlace>>,
    built: &mut Built,
    masker: &Masker,
) -> Result<(), DecryptionError> {
    let mut values: BTreeMap<usize, Values> = BTreeMap::new();
    for document in sealed {
        let Opened { place, plain, secrets } = document.open().map_err(|refused| failed(built, refused))?;
        for secret in &secrets {
            masker.add(secret);
        }
        match place {
            ObjectPlace::Object(number) => {
                let Some(resource) = built.resources.get_mut(number) else { continue };
                let json: Value =
                    serde_json::from_slice(&plain).map_err(|_| shape(resource, "the decrypted object is no JSON"))?;
                for value in secret_values(&json) {
                    masker.add(&value);
                }
                set(resource, &json)?;
            }
            ObjectPlace::Value(number, key) => values.entry(number).or_default().push((key, plain)),
        }
    }
    for (number, values) in values {
        let Some(resource) = built.resources.get_mut(number) else { continue };
        let mut json = resource.to_json().map_err(|cause| shape(resource, cause))?;
        for (key, plain) in values {
            masker.add(&plain);
            json["data"][key] = Value::String(STANDARD.encode(&plain));
        }
        set(resource, &json)?;
    }
    Ok(())
}

fn set(resource: &mut Resource, json: &Value) -> Result<(), DecryptionError> {
    match resource.set_json(json) {
        Ok(()) => Ok(()),
        Err(cause) => Err(shape(resource, cause)),
    }
}

/// Whether the object says that it is not to be decrypted.
fn keeps_closed(object: &Value) -> bool {
    let value = object["metadata"]["annotations"][annotation::DECRYPT].as_str();
    value.is_some_and(|value| value.eq_ignore_ascii_case(annotation::DISABLED))
}

/// Whether the object as a whole is an encrypted document.
fn is_encrypted(object: &Value) -> bool {
    match &object["sops"]["mac"] {
        Value::Null => false,
        Value::String(mac) => !mac.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// The values of a Secret's data; those that are no base64 are left for the API server to refuse.
fn encrypted_values(secret: &Value) -> impl Iterator<Item = (&str, Zeroizing<Vec<u8>>)> {
    let data = secret["data"].as_object().into_iter().flatten();
    data.filter_map(|(key, value)| Some((key.as_str(), Zeroizing::new(STANDARD.decode(value.as_str()?).ok()?))))
}

/// The values of a Secret, data and texts; none of another object.
fn secret_values(object: &Value) -> Vec<Zeroizing<Vec<u8>>> {
    if object["kind"] != "Secret" {
        return Vec::new();
    }
    let texts = object["stringData"].as_object().into_iter().flatten();
    let texts = texts.filter_map(|(_, value)| Some(Zeroizing::new(value.as_str()?.as_bytes().to_vec())));
    encrypted_values(object).map(|(_, value)| value).chain(texts).collect()
}

/// `Kind/namespace/name`.
fn title(resource: &Resource) -> String {
    let parts = [Some(resource.kind()), resource.namespace().filter(|text| !text.is_empty()), Some(resource.name())];
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
}

fn shape(resource: &Resource, cause: impl Into<Cause>) -> DecryptionError {
    DecryptionError::Shape { object: title(resource), cause: cause.into() }
}

fn failed(built: &Built, refused: Refused<ObjectPlace>) -> DecryptionError {
    let Refused { place, cause } = refused;
    let object = |number: usize| built.resources.get(number).map(title).unwrap_or_default();
    match place {
        ObjectPlace::Object(number) => DecryptionError::Object { object: object(number), cause },
        ObjectPlace::Value(number, key) => DecryptionError::Value { object: object(number), key, cause },
    }
}
