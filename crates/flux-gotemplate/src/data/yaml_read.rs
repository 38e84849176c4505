//! YAML as sigs.k8s.io/yaml reads it: by way of JSON, scalars by the rules of YAML 1.1.

use flux_yaml::{Content, Limits, Node, Resolved, Scalar, Style, Tag, yaml3, yaml11};

use super::json_write::write_float;
use super::yaml_source::Source;
use super::{JsonError, MarshalError, Target, yaml_faults};
use crate::funcs::sprig::decode_base64;
use crate::value::{Entries, GoStr, Map, Value};

/// Why a text is no YAML, or not what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// The text is not YAML.
    #[error("error converting YAML to JSON: yaml: {0}")]
    Syntax(String),
    /// The document holds what JSON cannot say.
    #[error("error converting YAML to JSON: {0}")]
    Value(#[from] MarshalError),
    /// A key that is no scalar.
    #[error("error converting YAML to JSON: yaml: invalid map key: {0}")]
    Key(String),
    /// A key without a text.
    #[error("error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: {0}")]
    NullKey(String),
    /// The document is of another kind than what it is read into.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Decode(#[from] JsonError),
}

/// How words begin that go on with nothing from the text.
const WITHOUT_TEXT: &[&str] = &[
    "did not find expected ",
    "could not find expected ",
    "found character that cannot start any token",
    "found a tab character that violates indentation",
    "found unexpected end of stream",
    "control characters are not allowed",
    "mapping values are not allowed in this context",
    "map merge requires map or sequence of maps as the value",
    "document has more than ",
    "invalid leading UTF-8 octet",
];

impl YamlError {
    /// What is wrong and where, without any part of the text: for texts that may be secret.
    #[must_use]
    pub fn without_values(&self) -> String {
        let what = match self {
            Self::Syntax(words) => {
                let (line, words) = words.split_once(": ").filter(|(line, _)| is_line(line)).unwrap_or(("", words));
                let is_safe = WITHOUT_TEXT.iter().any(|start| words.starts_with(start));
                let separator = if line.is_empty() { "" } else { ": " };
                format!("yaml: {line}{separator}{}", if is_safe { words } else { "invalid YAML" })
            }
            Self::Value(_) => "value that JSON cannot say".to_owned(),
            Self::Key(_) => "yaml: invalid map key".to_owned(),
            Self::NullKey(_) => "unsupported map key of type: %!s(<nil>)".to_owned(),
            Self::Decode(err) => {
                return format!("error unmarshaling JSON: while decoding JSON: {}", err.without_values());
            }
        };
        format!("error converting YAML to JSON: {what}")
    }

    /// A fault of the reader, whose own words are replaced by Go's where a user may see them.
    fn of(fault: &flux_yaml::Error, text: &str) -> Self {
        match fault {
            flux_yaml::Error::Syntax { line, message } => Self::Syntax(yaml_faults::describe(text, *line, message)),
            flux_yaml::Error::Merge { .. } => {
                Self::Syntax("map merge requires map or sequence of maps as the value".to_owned())
            }
            flux_yaml::Error::NotFinite { value, .. } => {
                let sign = if value.starts_with('-') { "-Inf" } else { "+Inf" };
                let number = if value.to_ascii_lowercase().contains("nan") { "NaN" } else { sign };
                Self::Value(MarshalError::Value(number.to_owned()))
            }
            other => {
                let words = other.to_string();
                Self::Syntax(words.strip_prefix("yaml: ").unwrap_or(&words).to_owned())
            }
        }
    }
}

/// Whether the words say a line and nothing else.
fn is_line(words: &str) -> bool {
    words.strip_prefix("line ").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The value of the first document; of none, and of null, an empty map or list where one is wanted.
pub fn read_yaml(text: &[u8], target: Target) -> Result<Value, YamlError> {
    match first_document(text, None)? {
        None | Some(Value::Nil) => Ok(target.empty()),
        Some(value) => Ok(target.check(value)?),
    }
}

/// The value of the first document as [`read_yaml`] gives it for any target, but for the entries of a map at its root
/// whose keys are not wanted: they are looked at for faults only.
pub fn read_yaml_entries(text: &[u8], wanted: fn(&str) -> bool) -> Result<Value, YamlError> {
    Ok(first_document(text, Some(wanted))?.unwrap_or(Value::Nil))
}

/// The first document, if there is one; of a map at its root only the wanted entries.
fn first_document(text: &[u8], wanted: Option<fn(&str) -> bool>) -> Result<Option<Value>, YamlError> {
    let text = std::str::from_utf8(text).map_err(|_| YamlError::of(&flux_yaml::Error::NotUtf8, ""))?;
    let source = Source::new(text);
    let node =
        flux_yaml::parse(&source.text, Limits::default()).map_err(|fault| YamlError::of(&fault, &source.text))?;
    if let Some(fault) = source.fault(node.as_ref()) {
        return Err(YamlError::Syntax(fault));
    }
    let Some(node) = node else { return Ok(None) };
    let reader = Reader { source: &source };
    let value = match (&node.content, wanted) {
        (Content::Mapping(entries), Some(wanted)) if first_key_in_brackets(entries).is_none() => {
            reader.entries(entries, wanted)?
        }
        _ => reader.value(&node)?,
    };
    Ok(Some(value))
}

/// Turns nodes into values.
#[derive(Clone, Copy)]
struct Reader<'s> {
    source: &'s Source<'s>,
}

impl Reader<'_> {
    fn scalar(self, node: &Node) -> Result<Scalar<'_>, YamlError> {
        check_tag(node)?;
        node.value_yaml11().map_err(|fault| YamlError::of(&fault, &self.source.text))
    }

    fn value(self, node: &Node) -> Result<Value, YamlError> {
        Ok(match &node.content {
            Content::Scalar(text) if node.tag == Tag::Binary => {
                let decoded = decode_base64(text.as_bytes());
                Value::str(
                    decoded.map_err(|_| YamlError::Syntax("!!binary value contains invalid base64 data".to_owned()))?,
                )
            }
            Content::Scalar(_) => match self.scalar(node)? {
                Scalar::Null => Value::Nil,
                Scalar::Bool(flag) => flag.into(),
                #[expect(clippy::cast_precision_loss, reason = "Go's conversion rounds too")]
                Scalar::Int(number) => Value::Float(number as f64),
                #[expect(clippy::cast_precision_loss, reason = "Go's conversion rounds too")]
                Scalar::Uint(number) => Value::Float(number as f64),
                Scalar::Float(number) => float(number)?,
                Scalar::String(text) => self.source.restored(&text).as_ref().into(),
            },
            Content::Sequence(items) => {
                Value::list(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            Content::Mapping(entries) => {
                if let Some(first) = first_key_in_brackets(entries) {
                    return self.value(first);
                }
                let mut map = Entries::new();
                for (key, entry) in entries {
                    map.insert(self.key_text(key, entry)?, self.value(entry)?);
                }
                Map::from_entries(map).into()
            }
        })
    }

    /// A map of the wanted entries.
    fn entries(self, entries: &[(Node, Node)], wanted: fn(&str) -> bool) -> Result<Value, YamlError> {
        let mut map = Entries::new();
        for (key, entry) in entries {
            let name = self.key_text(key, entry)?;
            if wanted(&name.to_text()) {
                map.insert(name, self.value(entry)?);
            } else {
                self.check(entry)?;
            }
        }
        Ok(Map::from_entries(map).into())
    }

    /// Fails where [`Self::value`] does.
    fn check(self, node: &Node) -> Result<(), YamlError> {
        match &node.content {
            Content::Scalar(_) if is_text(node) => Ok(()),
            Content::Scalar(_) if node.tag == Tag::Binary => self.value(node).map(drop),
            Content::Scalar(_) => match self.scalar(node)? {
                Scalar::Float(number) => float(number).map(drop),
                Scalar::Null | Scalar::Bool(_) | Scalar::Int(_) | Scalar::Uint(_) | Scalar::String(_) => Ok(()),
            },
            Content::Sequence(items) => items.iter().try_for_each(|item| self.check(item)),
            Content::Mapping(entries) if first_key_in_brackets(entries).is_some() => self.value(node).map(drop),
            Content::Mapping(entries) => entries.iter().try_for_each(|(key, entry)| {
                if !is_text(key) {
                    self.key_text(key, entry)?;
                }
                self.check(entry)
            }),
        }
    }

    fn key_text(self, key: &Node, value: &Node) -> Result<GoStr, YamlError> {
        if let Content::Mapping(_) | Content::Sequence(_) = key.content {
            // What is wrong inside of the key is found first.
            check_keys(key)?;
            return Err(YamlError::Key(go_syntax(key)));
        }
        let scalar = match key.value_yaml11() {
            Err(flux_yaml::Error::NotFinite { value, .. }) => return Ok(value.to_ascii_lowercase().into()),
            scalar => scalar.map_err(|fault| YamlError::of(&fault, &self.source.text))?,
        };
        Ok(match scalar {
            Scalar::String(text) => self.source.restored(&text).as_ref().into(),
            Scalar::Bool(flag) => flag.to_string().into(),
            Scalar::Int(number) => number.to_string().into(),
            Scalar::Uint(number) => number.to_string().into(),
            Scalar::Float(number) => single_precision(number).into(),
            // Nothing at all before a colon is no key, unless a question mark makes it one.
            Scalar::Null if key.text() == Some("") && !self.source.text.contains('?') => {
                return Err(YamlError::Syntax(yaml_faults::describe(
                    &self.source.text,
                    key.line,
                    "did not find expected key",
                )));
            }
            Scalar::Null if value.is_null() => return Err(YamlError::NullKey("<nil>".to_owned())),
            Scalar::Null => return Err(YamlError::NullKey(go_syntax(value))),
        })
    }
}

/// Empty brackets at the start of a mapping, which the library takes for the whole document.
fn first_key_in_brackets(entries: &[(Node, Node)]) -> Option<&Node> {
    entries.first().map(|(first, _)| first).filter(|first| !first.is_scalar() && first.is_empty())
}

/// Whether the node is a text beyond doubt: in quotes, or a block.
fn is_text(node: &Node) -> bool {
    node.is_scalar() && node.tag == Tag::Str && node.style != Style::Plain
}

/// Fails for a text that is not what its explicit tag says.
fn check_tag(node: &Node) -> Result<(), YamlError> {
    let wanted = match node.tag {
        Tag::Null => "!!null",
        Tag::Bool => "!!bool",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        _ => return Ok(()),
    };
    let text = node.text().unwrap_or_default();
    let found = match yaml11(text) {
        Resolved::Null => "!!null",
        Resolved::Bool(_) => "!!bool",
        Resolved::Int(_) | Resolved::Uint(_) => "!!int",
        Resolved::Float(_) => "!!float",
        // What only one generation of the library takes for a number or a date is no fault.
        Resolved::Timestamp(_) | Resolved::Merge => return Ok(()),
        Resolved::Str if yaml3(text) != Resolved::Str => return Ok(()),
        Resolved::Str => "!!str",
    };
    if found == wanted || (wanted, found) == ("!!float", "!!int") {
        return Ok(());
    }
    Err(YamlError::Syntax(format!("cannot decode {found} `{text}` as a {wanted}")))
}

/// Fails for the innermost key that is a collection.
fn check_keys(node: &Node) -> Result<(), YamlError> {
    for (key, _) in node.entries().unwrap_or_default() {
        if !key.is_scalar() {
            check_keys(key)?;
            return Err(YamlError::Key(go_syntax(key)));
        }
    }
    Ok(())
}

/// A number that went through JSON.
fn float(number: f64) -> Result<Value, YamlError> {
    write_float(&mut Vec::new(), number)?;
    Ok(number.into())
}

/// A key's number, which the library writes with the precision of 32 bits.
fn single_precision(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "as the library does")]
    let single = number as f32;
    if single.is_infinite() {
        return if single > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    flux_yaml::format_float(format!("{single:e}").parse().unwrap_or(number))
}

/// A node as Go's `%#v` prints what the library made of it.
fn go_syntax(node: &Node) -> String {
    match &node.content {
        Content::Scalar(_) => match node.value_yaml11() {
            Ok(Scalar::Null) | Err(_) => "interface {}(nil)".to_owned(),
            Ok(Scalar::Bool(flag)) => flag.to_string(),
            Ok(Scalar::Int(number)) => number.to_string(),
            Ok(Scalar::Uint(number)) => format!("{number:#x}"),
            Ok(Scalar::Float(number)) => flux_yaml::format_float(number),
            Ok(Scalar::String(text)) => crate::value::to_text(&crate::strconv::quote(text.as_bytes())).into_owned(),
        },
        Content::Sequence(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Content::Mapping(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}:{}", go_syntax(key), go_syntax(value))).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}
