//! YAML and JSON read into structs by the rules and with the words of Go's encoding/json and sigs.k8s.io/yaml.
//!
//! Keys are found regardless of case, unknown ones are passed over unless they are forbidden, null leaves a field as
//! it is, and the first value of a wrong kind is the error of the whole document.

use std::collections::BTreeMap;

use flux_gotemplate::data::YamlError;

use super::document::Json;
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
    /// The same in a JSON document.
    #[error("{0}")]
    JsonField(String),
    /// A key that is there twice where that is forbidden.
    #[error("error converting YAML to JSON: yaml: unmarshal errors:\n  line {line}: key {key:?} already set in map")]
    Twice {
        /// The line of the second.
        line: u32,
        /// The key.
        key: String,
    },
}

/// One field of a struct.
pub(crate) struct Field<T> {
    /// The key.
    pub(crate) name: &'static str,
    /// Reads the field's value.
    pub(crate) read: fn(&mut Decoder, &mut T, Json) -> Result<(), Stop>,
}

impl<T> Field<T> {
    /// A field that is read so.
    pub(crate) const fn new(name: &'static str, read: fn(&mut Decoder, &mut T, Json) -> Result<(), Stop>) -> Self {
        Self { name, read }
    }
}

/// A Go struct.
pub(crate) struct Struct<T: 'static> {
    /// The type's name with its package, `v2.Metadata`.
    pub(crate) go_type: &'static str,
    /// The fields.
    pub(crate) fields: &'static [Field<T>],
    /// The struct that is embedded in it.
    pub(crate) embedded: Option<Embedded<T>>,
}

/// A struct whose fields count as those of another.
pub(crate) struct Embedded<T> {
    /// The type's name without its package.
    pub(crate) name: &'static str,
    /// Reads the value of a key; the answer is whether there is such a field.
    pub(crate) read: fn(&mut Decoder, &mut T, &str, Json) -> Result<bool, Stop>,
}

impl<T> Struct<T> {
    /// Whether a key is that of a field.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.field(key).is_some()
    }

    fn field(&self, key: &str) -> Option<&'static Field<T>> {
        let exact = self.fields.iter().find(|field| field.name == key);
        exact.or_else(|| self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(key)))
    }

    fn name(&self) -> &'static str {
        self.go_type.rsplit('.').next().unwrap_or_default()
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
    /// Keys that no field has are errors.
    strict: bool,
    /// The field at hand belongs to an embedded struct.
    in_embedded: bool,
}

impl Decoder {
    /// Reads a YAML document's value.
    pub(crate) fn yaml() -> Self {
        Self { coerce: true, ..Self::default() }
    }

    /// Reads a YAML document's value; unknown fields are errors.
    pub(crate) fn yaml_strict() -> Self {
        Self { coerce: true, strict: true, ..Self::default() }
    }

    /// Reads a JSON document's value.
    pub(crate) fn json() -> Self {
        Self::default()
    }

    /// Takes a value for one below the field of a struct.
    pub(crate) fn below(mut self, inside: &'static str, field: &'static str) -> Self {
        self.inside = inside;
        self.fields.push(field);
        self
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
        entries.into_iter().try_for_each(|(key, value)| {
            if object.field(&key).is_some() {
                return self.member(object, &key, value, into).map(drop);
            }
            let known = match &object.embedded {
                Some(embedded) => self.embedded(object, embedded, &key, value, into)?,
                None => false,
            };
            if !known && self.strict {
                let quoted = flux_gotemplate::strconv::quote(key.as_bytes());
                self.save(format!("json: unknown field {}", String::from_utf8_lossy(&quoted)));
            }
            Ok(())
        })
    }

    /// A field of a struct by its key; the answer is whether there is one.
    pub(crate) fn member<T>(&mut self, object: &Struct<T>, key: &str, value: Json, into: &mut T) -> Result<bool, Stop> {
        let Some(field) = object.field(key) else { return Ok(false) };
        let inside = self.inside;
        // Go names the outer struct for the fields of an embedded one.
        if !self.in_embedded {
            self.inside = object.name();
        }
        let in_embedded = std::mem::take(&mut self.in_embedded);
        self.fields.push(field.name);
        (field.read)(self, into, value)?;
        self.fields.pop();
        self.in_embedded = in_embedded;
        self.inside = inside;
        Ok(true)
    }

    fn embedded<T>(
        &mut self,
        object: &Struct<T>,
        embedded: &Embedded<T>,
        key: &str,
        value: Json,
        into: &mut T,
    ) -> Result<bool, Stop> {
        let outer = (self.inside, self.coerce, self.in_embedded);
        self.inside = object.name();
        self.in_embedded = true;
        // The library looks at the embedded struct in place of its field, and finds no string there.
        self.coerce = false;
        self.fields.push(embedded.name);
        let known = (embedded.read)(self, into, key, value)?;
        self.fields.pop();
        (self.inside, self.coerce, self.in_embedded) = outer;
        Ok(known)
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
