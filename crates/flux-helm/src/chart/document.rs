//! YAML and JSON documents before they are read into structs.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flux_gotemplate::data::{Target, YamlError, read_yaml};
use flux_yaml::{Content, Limits, Node, Scalar, Tag};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::decode::DecodeError;

/// A document on its way into a struct.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    /// The first document of a YAML text, null when there is none; keys in order, of equal keys the last.
    pub(crate) fn from_yaml(text: &[u8]) -> Result<Self, YamlError> {
        let node = parse(text, Limits::default())?;
        Self::of_root(text, node.as_ref())
    }

    /// The same, but equal keys are an error, and larger documents are taken.
    pub(crate) fn from_yaml_strict(text: &[u8], limits: Limits) -> Result<Self, DecodeError> {
        let node = parse(text, limits)?;
        if let Some((line, key)) = node.as_ref().and_then(key_twice) {
            return Err(DecodeError::Twice { line, key });
        }
        Ok(Self::of_root(text, node.as_ref())?)
    }

    fn of_root(text: &[u8], node: Option<&Node>) -> Result<Self, YamlError> {
        let Some(node) = node else { return Ok(Self::Null) };
        match Self::of_node(node) {
            Some(json) => Ok(json),
            None => Err(verdict(text)
                .err()
                .unwrap_or_else(|| YamlError::Syntax("unknown problem parsing YAML content".to_owned()))),
        }
    }

    /// What a node is; nothing where it holds what JSON cannot say.
    fn of_node(node: &Node) -> Option<Self> {
        Some(match &node.content {
            Content::Scalar(text) if node.tag == Tag::Binary => {
                let compact: String = text.split_ascii_whitespace().collect();
                let decoded = BASE64.decode(compact).ok()?;
                Self::Text(String::from_utf8_lossy(&decoded).into_owned())
            }
            Content::Scalar(text) if matches!(node.value_yaml11(), Err(flux_yaml::Error::NotFinite { .. })) => {
                Self::Float(infinite(text))
            }
            Content::Scalar(_) => match node.value_yaml11().ok()? {
                Scalar::Null => Self::Null,
                Scalar::Bool(flag) => Self::Bool(flag),
                Scalar::Int(number) => Self::Int(number),
                Scalar::Uint(number) => Self::Uint(number),
                Scalar::Float(number) => Self::Float(number),
                Scalar::String(text) => Self::Text(text.into_owned()),
            },
            Content::Sequence(items) => Self::List(items.iter().map(Self::of_node).collect::<Option<_>>()?),
            Content::Mapping(entries) => {
                let mut sorted = BTreeMap::new();
                for (key, value) in entries {
                    sorted.insert(key_text(key)?, Self::of_node(value)?);
                }
                Self::Map(sorted.into_iter().collect())
            }
        })
    }

    /// What Go calls the kind in its errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "object",
        }
    }

    /// The text that sigs.k8s.io/yaml makes of a number or flag where a string is wanted.
    pub(super) fn into_text(self) -> Self {
        match self {
            Self::Bool(flag) => Self::Text(flag.to_string()),
            Self::Int(number) => Self::Text(number.to_string()),
            Self::Uint(number) => Self::Text(number.to_string()),
            Self::Float(number) => Self::Text(single_precision(number)),
            other @ (Self::Null | Self::Text(_) | Self::List(_) | Self::Map(_)) => other,
        }
    }

    /// The value as Go holds what has no type: numbers are floating point, and keys are in order.
    pub(crate) fn into_any(self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => flag.into(),
            Self::Int(number) => number.into(),
            Self::Uint(number) => number.into(),
            Self::Float(number) => whole(number).map_or_else(|| number.into(), Into::into),
            Self::Text(text) => text.into(),
            Self::List(items) => items.into_iter().map(Self::into_any).collect(),
            Self::Map(entries) => {
                let sorted: BTreeMap<_, _> = entries.into_iter().map(|(key, value)| (key, value.into_any())).collect();
                Value::Object(sorted.into_iter().collect())
            }
        }
    }
}

/// The number that is no finite one.
fn infinite(text: &str) -> f64 {
    match text.to_ascii_lowercase().as_str() {
        text if text.contains("nan") => f64::NAN,
        text if text.starts_with('-') => f64::NEG_INFINITY,
        _ => f64::INFINITY,
    }
}

/// A number without a fraction, which Go writes without a point.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the bound is checked before")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// The node of the first document, or Go's words for what is wrong with the text.
fn parse(text: &[u8], limits: Limits) -> Result<Option<Node>, YamlError> {
    let Some(plain) = std::str::from_utf8(text).ok().filter(|text| !is_odd(text)) else {
        verdict(text)?;
        let text = String::from_utf8_lossy(text);
        return flux_yaml::parse(&text, limits).map_err(|fault| YamlError::Syntax(fault.to_string()));
    };
    match flux_yaml::parse(plain, limits) {
        Ok(node) => Ok(node),
        Err(fault) => {
            verdict(text)?;
            Err(YamlError::Syntax(fault.to_string()))
        }
    }
}

/// Whether a text has what Go's library may refuse though our parser takes it.
fn is_odd(text: &str) -> bool {
    text.starts_with(['&', '*', '.'])
        || text.bytes().any(|byte| matches!(byte, b'\t' | b'\\' | b'!'))
        || !text.is_ascii() && text.contains(['\u{feff}', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// What the reader that knows Go's library in every corner says of the text.
fn verdict(text: &[u8]) -> Result<(), YamlError> {
    read_yaml(text, Target::Any).map(drop)
}

/// The second of two equal keys in one map, with its line.
fn key_twice(node: &Node) -> Option<(u32, String)> {
    match &node.content {
        Content::Scalar(_) => None,
        Content::Sequence(items) => items.iter().find_map(key_twice),
        Content::Mapping(entries) => {
            let mut seen = HashSet::with_capacity(entries.len());
            entries.iter().find_map(|(key, value)| {
                let text = key_text(key)?;
                let twice = (key.line, text.clone());
                if seen.insert(text) { key_twice(value) } else { Some(twice) }
            })
        }
    }
}

fn key_text(key: &Node) -> Option<String> {
    if !key.is_scalar() {
        return None;
    }
    Some(match key.value_yaml11().ok()? {
        Scalar::Null => return None,
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Uint(number) => number.to_string(),
        Scalar::Float(number) => single_precision(number),
        Scalar::String(text) => text.into_owned(),
    })
}

/// A number as Go writes it with the precision of 32 bits.
fn single_precision(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "as the library does")]
    let single = number as f32;
    if single.is_nan() {
        return "NaN".to_owned();
    }
    if single.is_infinite() {
        return if single > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    flux_yaml::format_float(format!("{single:e}").parse().unwrap_or(number))
}

/// How much of a JSON document may be held in memory.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// Values and keys.
    values: usize,
    /// Bytes of them, at least as they must be written.
    bytes: usize,
    spent: Option<Spent>,
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    Values,
    Bytes,
}

impl Allowance {
    /// As many values and keys, and bytes of them.
    pub(crate) fn new(values: usize, bytes: usize) -> Self {
        Self { values, bytes, spent: None }
    }

    /// What was too much, where the reading ended for that.
    pub(crate) fn spent(&self) -> Option<Spent> {
        self.spent
    }

    /// Takes a value with the given bytes of text; at least one byte and a comma or colon are written for each.
    fn take<E: Error>(&mut self, text: usize) -> Result<(), E> {
        let left = self.values.checked_sub(1).ok_or(Spent::Values);
        let left = left.and_then(|values| Ok((values, self.bytes.checked_sub(text + 2).ok_or(Spent::Bytes)?)));
        match left {
            Ok(left) => {
                (self.values, self.bytes) = left;
                Ok(())
            }
            Err(spent) => {
                self.spent = Some(spent);
                Err(E::custom("more than may be held"))
            }
        }
    }
}

/// Reads a JSON value within what is left of the allowance.
pub(crate) struct Within<'a>(pub(crate) &'a mut Allowance);

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        self.0.take(0)?;
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Json, E> {
        self.0.take(0)?;
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        self.0.take(0)?;
        Ok(Json::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        self.0.take(0)?;
        Ok(Json::Uint(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        self.0.take(0)?;
        Ok(Json::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        self.0.take(text.len())?;
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        self.0.take(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Within(&mut *self.0))? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        self.0.take(0)?;
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.0.take(key.len())?;
            map.push((key, entries.next_value_seed(Within(&mut *self.0))?));
        }
        Ok(Json::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_flags_become_texts_where_texts_are_wanted() {
        let text = |json: Json| match json.into_text() {
            Json::Text(text) => text,
            other => format!("{other:?}"),
        };
        let cases = [("1.10", "1.1"), ("20240101", "20240101"), ("1e9", "1e+09"), ("yes", "true"), ("0x10", "16")];
        for (yaml, expected) in cases {
            assert_eq!(text(Json::from_yaml(yaml.as_bytes()).unwrap()), expected, "{yaml}");
        }
    }
}
