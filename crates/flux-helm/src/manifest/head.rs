//! What a document says of itself: version, kind, name, annotations.

use std::collections::BTreeMap;

use flux_gotemplate::data::{YamlError, read_yaml_entries};
use flux_gotemplate::strconv::format_float;
use flux_gotemplate::{Map, Value};

/// The Go type that the name and the annotations are read into, as errors show it.
const METADATA_TYPE: &str =
    r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;

/// What a document says of itself; empty where it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Why a document's head could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The document is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A part of it is of another kind than such a part is. The text is Go's.
    #[error(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {place} of type {wanted}"
    )]
    Mismatch {
        /// What is there.
        found: &'static str,
        /// Where it is.
        place: &'static str,
        /// What should be there.
        wanted: &'static str,
    },
}

/// What the document says of itself. All of it must be YAML.
pub fn read_head(document: &str) -> Result<Head, HeadError> {
    let mut head = Head::default();
    match read_yaml_entries(document.as_bytes(), is_head)? {
        Value::Nil => {}
        Value::Map(map) => read(&map, &mut head)?,
        other => return Err(mismatch(&other, "value", "util.SimpleHead")),
    }
    Ok(head)
}

/// Whether the field of this name is a part of the head; the case of names does not matter.
fn is_head(name: &str) -> bool {
    ["apiversion", "kind", "metadata"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Reads the fields in the order of their keys, whose case does not matter.
fn read(map: &Map, head: &mut Head) -> Result<(), HeadError> {
    for (key, value) in map.entries().iter() {
        match key.to_text().to_ascii_lowercase().as_str() {
            "apiversion" => text(value, "struct field SimpleHead.apiVersion", &mut head.api_version)?,
            "kind" => text(value, "struct field SimpleHead.kind", &mut head.kind)?,
            "metadata" => match value {
                Value::Nil => {}
                Value::Map(metadata) => read_metadata(metadata, head)?,
                other => return Err(mismatch(other, "struct field SimpleHead.metadata", METADATA_TYPE)),
            },
            _ => {}
        }
    }
    Ok(())
}

fn read_metadata(metadata: &Map, head: &mut Head) -> Result<(), HeadError> {
    const ANNOTATIONS: &str = "struct field .metadata.annotations";
    for (key, value) in metadata.entries().iter() {
        match key.to_text().to_ascii_lowercase().as_str() {
            "name" => text(value, "struct field .metadata.name", &mut head.name)?,
            "annotations" => match value {
                Value::Nil => {}
                Value::Map(annotations) => {
                    for (key, value) in annotations.entries().iter() {
                        text(value, ANNOTATIONS, head.annotations.entry(key.to_text().into_owned()).or_default())?;
                    }
                }
                other => return Err(mismatch(other, ANNOTATIONS, "map[string]string")),
            },
            _ => {}
        }
    }
    Ok(())
}

/// Puts a scalar's text where it belongs; null changes nothing.
fn text(value: &Value, place: &'static str, into: &mut String) -> Result<(), HeadError> {
    *into = match value {
        Value::Nil => return Ok(()),
        Value::Str(text) => text.to_text().into_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Float(number) => number_text(*number),
        other => return Err(mismatch(other, place, "string")),
    };
    Ok(())
}

/// An integer by its digits, another number as Go writes it shortly.
fn number_text(number: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        format!("{number:.0}")
    } else {
        format_float(number, b'g', None)
    }
}

fn mismatch(value: &Value, place: &'static str, wanted: &'static str) -> HeadError {
    let found = match value {
        Value::Map(_) => "object",
        Value::List(_) => "array",
        Value::Bool(_) => "bool",
        Value::Float(_) => "number",
        _ => "string",
    };
    HeadError::Mismatch { found, place, wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_whatever_the_case_of_keys_and_the_kind_of_scalars() {
        let head = read_head("APIVersion: v1\nkind: true\nmetadata: {name: 123, annotations: {a: -5, b: null}}\n");
        let head = head.unwrap();
        assert_eq!((head.api_version.as_str(), head.kind.as_str(), head.name.as_str()), ("v1", "true", "123"));
        assert_eq!(head.annotations["a"], "-5");
        assert_eq!(head.annotations["b"], "");
        assert_eq!(read_head("# nothing\n").unwrap(), Head::default());
    }

    #[test]
    fn parts_of_another_kind_are_told_in_gos_words() {
        let opening = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ";
        for (document, text) in [
            ("[]", "array into Go value of type util.SimpleHead"),
            ("kind: {}", "object into Go struct field SimpleHead.kind of type string"),
            ("metadata: {name: []}", "array into Go struct field .metadata.name of type string"),
            ("metadata: {annotations: {a: []}}", "array into Go struct field .metadata.annotations of type string"),
            (
                "metadata: {annotations: x}",
                "string into Go struct field .metadata.annotations of type map[string]string",
            ),
        ] {
            assert_eq!(read_head(document).unwrap_err().to_string(), format!("{opening}{text}"));
        }
    }
}
