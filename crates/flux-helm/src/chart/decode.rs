//! YAML and JSON read into structs by the rules and with the words of Go's encoding/json and sigs.k8s.io/yaml.
//!
//! Keys are found regardless of case, unknown ones are passed over unless they are forbidden, null leaves a field as
//! it is, and the first value of a wrong kind is the error of the whole document.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flux_gotemplate::data::{Target, YamlError, read_yaml};
use flux_yaml::{Content, Limits, Node, Scalar, Tag};

use crate::Time;

/// Why a document could not be read into a struct.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value of a kind that its field does not take, or a field that is not known, in a YAML document.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Field(String),
}

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
        let node = parse(text)?;
        Self::of_root(text, node.as_ref())
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
    fn kind(&self) -> &'static str {
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
    fn into_text(self) -> Self {
        match self {
            Self::Bool(flag) => Self::Text(flag.to_string()),
            Self::Int(number) => Self::Text(number.to_string()),
            Self::Uint(number) => Self::Text(number.to_string()),
            Self::Float(number) => Self::Text(single_precision(number)),
            other @ (Self::Null | Self::Text(_) | Self::List(_) | Self::Map(_)) => other,
        }
    }

    /// The value as Go holds what has no type: numbers are floating point.
    fn into_any(self) -> serde_json::Value {
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
                Value::Object(entries.into_iter().map(|(key, value)| (key, value.into_any())).collect())
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
fn parse(text: &[u8]) -> Result<Option<Node>, YamlError> {
    let Some(plain) = std::str::from_utf8(text).ok().filter(|text| !is_odd(text)) else {
        verdict(text)?;
        let text = String::from_utf8_lossy(text);
        return flux_yaml::parse(&text, Limits::default()).map_err(|fault| YamlError::Syntax(fault.to_string()));
    };
    match flux_yaml::parse(plain, Limits::default()) {
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

/// One field of a struct.
pub(crate) struct Field<T> {
    /// The key.
    pub(crate) name: &'static str,
    /// The name of the embedded struct that the field belongs to, empty for one of the struct's own.
    pub(crate) embedded: &'static str,
    /// Reads the field's value.
    pub(crate) read: fn(&mut Decoder, &mut T, Json) -> Result<(), Stop>,
}

impl<T> Field<T> {
    /// A field of the struct's own.
    pub(crate) const fn new(name: &'static str, read: fn(&mut Decoder, &mut T, Json) -> Result<(), Stop>) -> Self {
        Self { name, embedded: "", read }
    }
}

/// A Go struct.
pub(crate) struct Struct<T: 'static> {
    /// The type's name with its package, `v2.Metadata`.
    pub(crate) go_type: &'static str,
    /// The fields.
    pub(crate) fields: &'static [Field<T>],
}

impl<T> Struct<T> {
    fn field(&self, key: &str) -> Option<&'static Field<T>> {
        let exact = self.fields.iter().find(|field| field.name == key);
        exact.or_else(|| self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(key)))
    }
}

/// An error that ends the reading at once.
#[derive(Debug)]
pub(crate) struct Stop(String);

/// Reads values into structs and keeps the first error.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    fault: Option<String>,
    /// The struct and the fields that lead to the value at hand.
    inside: &'static str,
    fields: Vec<&'static str>,
    /// Numbers and flags become texts where texts are wanted, as in YAML.
    coerce: bool,
}

impl Decoder {
    /// Reads a YAML document's value.
    pub(crate) fn yaml() -> Self {
        Self { coerce: true, ..Self::default() }
    }

    /// The first error there was in Go's words.
    pub(crate) fn finish(self, end: Result<(), Stop>) -> Result<(), String> {
        match (end, self.fault) {
            (Err(Stop(fault)), _) | (Ok(()), Some(fault)) => Err(fault),
            (Ok(()), None) => Ok(()),
        }
    }

    fn save(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    /// Notes a value of a wrong kind.
    pub(crate) fn misfit(&mut self, value: &Json, go_type: &str) {
        let kind = value.kind();
        let fault = if self.inside.is_empty() {
            format!("json: cannot unmarshal {kind} into Go value of type {go_type}")
        } else {
            let fields = self.fields.join(".");
            format!("json: cannot unmarshal {kind} into Go struct field {}.{fields} of type {go_type}", self.inside)
        };
        self.save(fault);
    }

    /// A struct; null changes nothing.
    pub(crate) fn object<T>(&mut self, value: Json, object: &Struct<T>, into: &mut T) -> Result<(), Stop> {
        let entries = match value {
            Json::Null => return Ok(()),
            Json::Map(entries) => entries,
            other => {
                self.misfit(&other, object.go_type);
                return Ok(());
            }
        };
        let (inside, depth, coerce) = (self.inside, self.fields.len(), self.coerce);
        let name = object.go_type.rsplit('.').next().unwrap_or_default();
        for (key, value) in entries {
            let Some(field) = object.field(&key) else { continue };
            self.inside = name;
            if !field.embedded.is_empty() {
                self.fields.push(field.embedded);
                // The library looks at the embedded struct in place of its field and finds no string there.
                self.coerce = false;
            }
            self.fields.push(field.name);
            (field.read)(self, into, value)?;
            self.fields.truncate(depth);
            self.inside = inside;
            self.coerce = coerce;
        }
        Ok(())
    }

    /// A `string`.
    pub(crate) fn text(&mut self, value: Json, into: &mut String) {
        match if self.coerce { value.into_text() } else { value } {
            Json::Text(text) => *into = text,
            Json::Null => {}
            other => self.misfit(&other, "string"),
        }
    }

    /// A `bool`.
    pub(crate) fn flag(&mut self, value: Json, into: &mut bool) {
        match value {
            Json::Bool(flag) => *into = flag,
            Json::Null => {}
            other => self.misfit(&other, "bool"),
        }
    }

    /// A `[]string`.
    pub(crate) fn texts(&mut self, value: Json, into: &mut Vec<String>) {
        match value {
            Json::List(items) => {
                into.resize(items.len(), String::new());
                for (slot, item) in into.iter_mut().zip(items) {
                    self.text(item, slot);
                }
            }
            Json::Null => into.clear(),
            other => self.misfit(&other, "[]string"),
        }
    }

    /// A `map[string]string`.
    pub(crate) fn text_map(&mut self, value: Json, into: &mut BTreeMap<String, String>) {
        match value {
            Json::Map(entries) => {
                for (key, value) in entries {
                    let mut text = String::new();
                    self.text(value, &mut text);
                    into.insert(key, text);
                }
            }
            Json::Null => into.clear(),
            other => self.misfit(&other, "map[string]string"),
        }
    }

    /// A `[]interface {}`.
    pub(crate) fn anything(&mut self, value: Json, into: &mut Vec<serde_json::Value>) {
        match value {
            Json::List(items) => *into = items.into_iter().map(Json::into_any).collect(),
            Json::Null => into.clear(),
            other => self.misfit(&other, "[]interface {}"),
        }
    }

    /// A slice of pointers to structs; says which is the first that is null.
    pub(crate) fn objects<T: Default + Clone>(
        &mut self,
        value: Json,
        object: &Struct<T>,
        into: &mut Vec<T>,
    ) -> Result<Option<usize>, Stop> {
        match value {
            Json::List(items) => {
                // What was there before is written over, not replaced.
                into.resize(items.len(), T::default());
                let nil = items.iter().position(|item| *item == Json::Null);
                for (slot, item) in into.iter_mut().zip(items) {
                    self.object(item, object, slot)?;
                }
                return Ok(nil);
            }
            Json::Null => into.clear(),
            other => self.misfit(&other, &format!("[]*{}", object.go_type)),
        }
        Ok(None)
    }

    /// A `time.Time`.
    pub(crate) fn time(value: &Json, into: &mut Time) -> Result<(), Stop> {
        let text = match value {
            Json::Null => return Ok(()),
            Json::Text(text) => text,
            _ => return Err(Stop("Time.UnmarshalJSON: input is not a JSON string".to_owned())),
        };
        match text.parse() {
            Ok(time) => *into = time,
            Err(_) => return Err(Stop(not_a_time(text))),
        }
        Ok(())
    }
}

/// Go's words for a text that is no time: what it expected at the first place that does not fit.
fn not_a_time(text: &str) -> String {
    let layout = "2006-01-02T15:04:05Z07:00";
    let parts = [
        ("2006", 4),
        ("-", 0),
        ("01", 2),
        ("-", 0),
        ("02", 2),
        ("T", 0),
        ("15", 2),
        (":", 0),
        ("04", 2),
        (":", 0),
        ("05", 2),
    ];
    let mut rest = text;
    for (part, digits) in parts {
        let fits = match digits {
            0 => rest.starts_with(part),
            digits => rest.len() >= digits && rest.bytes().take(digits).all(|byte| byte.is_ascii_digit()),
        };
        if !fits {
            return format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {part:?}");
        }
        rest = &rest[if digits == 0 { part.len() } else { digits }..];
    }
    let number = |at: usize| text.get(at..at + 2).and_then(|digits| digits.parse().ok()).unwrap_or(0_u32);
    let ranges = [("month", 5, 1..=12), ("day", 8, 1..=31), ("hour", 11, 0..=23), ("minute", 14, 0..=59)];
    for (name, at, range) in ranges {
        if !range.contains(&number(at)) {
            return format!("parsing time {text:?}: {name} out of range");
        }
    }
    format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as \"Z07:00\"")
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

    #[test]
    fn times_that_are_none_are_told_as_go_tells_them() {
        assert_eq!(
            not_a_time("yesterday"),
            r#"parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#
        );
        assert_eq!(
            not_a_time("2024-01-02"),
            r#"parsing time "2024-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#
        );
    }
}
