//! Releases as Helm stores them: JSON, packed, as text in a Secret or a ConfigMap.
//!
//! A record is base64 of gzip of a release's JSON, under the key [`KEY`]. What the API adds for a Secret, a second
//! base64, is not part of it. Reading takes what Helm 3 and 4 wrote, packed or not, within [`Limits`].

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use flux_gotemplate::data::{Target, read_json};
use flux_gotemplate::{Map, Value};
use serde::{de, ser};

use super::{Release, go_json};

/// The type of Secrets that hold releases.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// The key below which a Secret or a ConfigMap holds the record.
pub const KEY: &str = "release";
/// What the label `owner` says of everything that Helm stores.
pub const OWNER: &str = "helm";
/// The labels that Helm itself sets; all others are the user's.
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// How large records may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The record itself, in bytes.
    pub record: usize,
    /// The JSON that it holds, in bytes.
    pub json: usize,
}

impl Default for Limits {
    /// More than a cluster stores in one object, and what the largest charts come to with much to spare.
    fn default() -> Self {
        Self { record: 4 << 20, json: 32 << 20 }
    }
}

/// Why a record is not a release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The record or what it holds is larger than allowed.
    #[error("release record is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// The record is not base64.
    #[error("release record is not base64")]
    Base64(#[source] base64::DecodeError),
    /// The packed JSON is damaged.
    #[error("release record cannot be unpacked")]
    Gzip(#[source] io::Error),
    /// What the record holds is not the JSON of a release.
    #[error("release record holds no release")]
    Json(#[source] serde_json::Error),
}

/// Why a release cannot be stored.
#[derive(Debug, thiserror::Error)]
#[error("release {name:?} has no JSON")]
pub struct EncodeError {
    name: String,
    source: serde_json::Error,
}

/// The release that a record holds. Its labels are in the object around the record: [`custom_labels`] has them.
pub fn decode(record: &[u8], limits: Limits) -> Result<Release, DecodeError> {
    from_json(&unpack(record, limits)?)
}

fn from_json(json: &[u8]) -> Result<Release, DecodeError> {
    // A list would be taken for the fields in their order.
    if json.trim_ascii_start().starts_with(b"[") {
        return Err(DecodeError::Json(de::Error::custom("a release is a mapping, not a list")));
    }
    let mut release = serde_json::from_slice(json).map_err(DecodeError::Json)?;
    restore_numbers(&mut release, json);
    Ok(release)
}

/// Reads values with fractions and large numbers once more: the reader of the whole may be off in their last digit, and
/// digests are taken over all digits.
fn restore_numbers(release: &mut Release, json: &[u8]) {
    let has_odd = |map: &Map| has_odd_number(&Value::Map(map.clone()));
    if !has_odd(&release.config) && !release.chart.as_ref().is_some_and(|chart| has_odd(&chart.values)) {
        return;
    }
    let Ok(Value::Map(whole)) = read_json(json, Target::Map) else { return };
    if let Some(Value::Map(config)) = whole.get(b"config") {
        release.config = config;
    }
    if let (Some(chart), Some(Value::Map(form))) = (&mut release.chart, whole.get(b"chart"))
        && let Some(Value::Map(values)) = form.get(b"values")
    {
        chart.values = values;
    }
}

/// Whether there is a number that is not whole, or larger than what floating point has each whole number of.
fn has_odd_number(value: &Value) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Float(number) => number.fract() != 0.0 || number.abs() >= EXACT,
        Value::List(list) => list.items().iter().any(has_odd_number),
        Value::Map(map) => map.entries().values().any(has_odd_number),
        _ => false,
    }
}

/// The JSON that a record holds.
pub fn unpack(record: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    if record.len() > limits.record {
        return Err(DecodeError::TooLarge { limit: limits.record });
    }
    let bytes = from_base64(record).map_err(DecodeError::Base64)?;
    let json = if bytes.len() > GZIP.len() && bytes.starts_with(&GZIP) { gunzip(&bytes, limits.json)? } else { bytes };
    if json.len() > limits.json { Err(DecodeError::TooLarge { limit: limits.json }) } else { Ok(json) }
}

/// How packed JSON begins.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Base64 as Go reads it: bits that do not count may be set, and line breaks may stand anywhere.
fn from_base64(text: &[u8]) -> Result<Vec<u8>, base64::DecodeError> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    if !text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return engine.decode(text);
    }
    let joined: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    engine.decode(joined)
}

fn gunzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut json = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(bytes).take(bound).read_to_end(&mut json).map_err(DecodeError::Gzip)?;
    Ok(json)
}

/// At how many levels of lists and mappings the reader of records gives up.
const MAX_DEPTH: usize = 128;

/// The record of a release. Values that are nested too deep for [`decode`] are refused: a release that cannot be read again
/// could be neither upgraded nor uninstalled.
pub fn encode(release: &Release) -> Result<String, EncodeError> {
    let json = to_json(release)?;
    if depth(&json) >= MAX_DEPTH {
        let words = format!("nested deeper than the {} levels that are read", MAX_DEPTH - 1);
        return Err(EncodeError { name: release.name.clone(), source: ser::Error::custom(words) });
    }
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    let packed = gzip.write_all(&json).and_then(|()| gzip.finish());
    let packed =
        packed.map_err(|err| EncodeError { name: release.name.clone(), source: serde_json::Error::io(err) })?;
    Ok(BASE64_STANDARD.encode(packed))
}

/// How deep lists and mappings stand in one another in a JSON document.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// The JSON of a release, byte for byte as Helm writes it.
pub fn to_json(release: &Release) -> Result<Vec<u8>, EncodeError> {
    go_json::to_vec(release).map_err(|source| EncodeError { name: release.name.clone(), source })
}

/// The places in a record's JSON that [`Release`] has no field for, as JSON pointers.
///
/// Reading drops what is there, as Helm does, so that writing the release again loses it.
pub fn unknown_fields(json: &[u8]) -> Result<Vec<String>, DecodeError> {
    let release = from_json(json)?;
    let given: serde_json::Value = serde_json::from_slice(json).map_err(DecodeError::Json)?;
    let kept = serde_json::to_value(&release).map_err(DecodeError::Json)?;
    let mut found = Vec::new();
    compare(&given, &kept, &mut String::new(), &mut found);
    Ok(found)
}

/// Notes what `given` has and `kept` has not. What is left out because it is empty is not lost.
fn compare(given: &serde_json::Value, kept: &serde_json::Value, place: &mut String, found: &mut Vec<String>) {
    use serde_json::Value;
    let mut visit = |step: &str, given: &Value, kept: Option<&Value>| {
        let length = place.len();
        place.push('/');
        place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        match kept {
            Some(kept) => compare(given, kept, place, found),
            None if !is_empty(given) => found.push(place.clone()),
            None => {}
        }
        place.truncate(length);
    };
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (key, value) in given {
                visit(key, value, kept.get(key));
            }
        }
        (Value::Array(given), Value::Array(kept)) => {
            for (at, value) in given.iter().enumerate() {
                visit(&at.to_string(), value, kept.get(at));
            }
        }
        _ => {}
    }
}

fn is_empty(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
    }
}

/// The name of the object that stores a revision.
pub fn object_name(release: &str, revision: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// Which write the labels are for; each notes its time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The object is made.
    Created(i64),
    /// The object takes another's place.
    Modified(i64),
}

/// All labels of the object that stores the release.
///
/// A time among the release's own labels wins over the one given, as in Helm.
pub fn labels(release: &Release, written: Written) -> BTreeMap<String, String> {
    let (name, seconds) = match written {
        Written::Created(seconds) => ("createdAt", seconds),
        Written::Modified(seconds) => ("modifiedAt", seconds),
    };
    let mut labels = BTreeMap::from([(name.to_owned(), seconds.to_string())]);
    labels.extend(release.labels.clone());
    labels.extend([
        ("name".to_owned(), release.name.clone()),
        ("owner".to_owned(), OWNER.to_owned()),
        ("status".to_owned(), release.info.status.to_string()),
        ("version".to_owned(), release.revision.to_string()),
    ]);
    labels
}

/// The labels that select all revisions of a release.
pub fn selector(release: &str) -> [(&'static str, &str); 2] {
    [("name", release), ("owner", OWNER)]
}

/// The labels without those that Helm itself sets.
pub fn custom_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(name, _)| !is_system_label(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether Helm itself sets the label.
pub fn is_system_label(name: &str) -> bool {
    SYSTEM_LABELS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Status;

    fn release() -> Release {
        let mut release =
            Release { name: "rel".to_owned(), revision: 3, namespace: "ns".to_owned(), ..Release::default() };
        release.set_status(Status::Deployed, "done");
        release
    }

    fn packed(json: &[u8]) -> String {
        let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
        packer.write_all(json).unwrap();
        BASE64_STANDARD.encode(packer.finish().unwrap())
    }

    #[test]
    fn a_record_reads_back_and_is_packed_as_helm_packs() {
        let record = encode(&release()).unwrap();
        assert_eq!(BASE64_STANDARD.decode(&record).unwrap()[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff]);
        let read = decode(record.as_bytes(), Limits::default()).unwrap();
        assert_eq!(to_json(&read).unwrap(), to_json(&release()).unwrap());
    }

    #[test]
    fn records_may_be_unpacked_json_and_broken_into_lines() {
        let json = to_json(&release()).unwrap();
        let mut text = BASE64_STANDARD.encode(&json);
        text.insert_str(8, "\r\n");
        assert_eq!(decode(text.as_bytes(), Limits::default()).unwrap().name, "rel");
    }

    #[test]
    fn records_that_unpack_to_too_much_are_refused() {
        let limits = Limits { record: 10_000, json: 1000 };
        let bomb = packed(&vec![b' '; 1_000_000]);
        assert!(matches!(unpack(bomb.as_bytes(), limits), Err(DecodeError::TooLarge { limit: 1000 })));
        let plain = BASE64_STANDARD.encode(vec![b' '; 1001]);
        assert!(matches!(unpack(plain.as_bytes(), limits), Err(DecodeError::TooLarge { limit: 1000 })));
        assert!(matches!(unpack(&[b'A'; 10_001], limits), Err(DecodeError::TooLarge { limit: 10_000 })));
        assert_eq!(unpack(packed(&[b' '; 1000]).as_bytes(), limits).unwrap().len(), 1000);
    }

    #[test]
    fn damage_is_told_by_its_place() {
        let told = |record: &str| decode(record.as_bytes(), Limits::default()).unwrap_err().to_string();
        assert_eq!(told("!"), "release record is not base64");
        let record = packed(b"{}");
        let cut = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(record).unwrap()[..15]);
        assert_eq!(told(&cut), "release record cannot be unpacked");
        assert_eq!(told(&packed(b"[]")), "release record holds no release");
        assert_eq!(told(""), "release record holds no release");
    }

    #[test]
    fn numbers_keep_their_last_digit() {
        let json = br#"{"info":{},"chart":{"metadata":{},"lock":null,"templates":null,"values":{"b":1.844674407370955e+275},"schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null},"config":{"a":[1.844674407370955e+275,0.1]}}"#;
        let release = decode(BASE64_STANDARD.encode(json).as_bytes(), Limits::default()).unwrap();
        assert_eq!(String::from_utf8(to_json(&release).unwrap()).unwrap(), String::from_utf8(json.to_vec()).unwrap());
    }

    #[test]
    fn what_is_nested_deeper_than_records_are_read_is_not_written() {
        let nested = |levels: usize| {
            let mut release = release();
            release.config = Map::from_iter([("a".into(), (2..levels).fold(Value::Nil, |v, _| Value::list(vec![v])))]);
            release.config.insert("text".into(), "]]][[[\\\"[[[".into());
            encode(&release)
        };
        let err = nested(MAX_DEPTH).unwrap_err();
        assert_eq!(err.to_string(), "release \"rel\" has no JSON");
        assert_eq!(
            std::error::Error::source(&err).unwrap().to_string(),
            "nested deeper than the 127 levels that are read"
        );
        assert!(decode(nested(MAX_DEPTH - 1).unwrap().as_bytes(), Limits::default()).is_ok());
    }

    #[test]
    fn fields_that_are_not_known_are_listed() {
        let json = br#"{"name":"a","new":1,"info":{"status":"deployed","resources":{"v1/Pod":[{"a":1}]},"empty":null},"chart":{"metadata":{"name":"c","later":"x"}},"hooks":[{"last_run":{"phase":"","who":"me"}}],"config":{"a/b":{"c":null}}}"#;
        let expected = ["/new", "/info/resources", "/chart/metadata/later", "/hooks/0/last_run/who"];
        assert_eq!(unknown_fields(json).unwrap(), expected);
    }

    #[test]
    fn labels_are_helms_over_the_users() {
        let mut release = release();
        release.labels =
            [("team", "x"), ("name", "y"), ("createdAt", "7")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let shown = |labels: BTreeMap<String, String>| {
            labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
        };
        assert_eq!(
            shown(labels(&release, Written::Modified(9))),
            "createdAt=7,modifiedAt=9,name=rel,owner=helm,status=deployed,team=x,version=3"
        );
        assert_eq!(
            shown(labels(&release, Written::Created(9))),
            "createdAt=7,name=rel,owner=helm,status=deployed,team=x,version=3"
        );
        assert_eq!(shown(custom_labels(&labels(&release, Written::Created(9)))), "team=x");
        assert_eq!(object_name("rel", 3), "sh.helm.release.v1.rel.v3");
    }
}
