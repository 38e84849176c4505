//! Patterns in Go's dialect, which Helm's library uses: those of schemas are put into that of the library here.

use std::collections::HashMap;

use flux_gotemplate::translate_regex;
use serde_json::{Map, Value};

use super::formats::GO_REGEX;

/// The patterns as schemas have them, by what stands for them now.
pub(super) type Originals = HashMap<String, String>;

/// What a pattern without these means is the same in both dialects.
const DIFFERENT: [char; 4] = ['\\', '[', '{', '('];

/// Puts the patterns of a schema and of all within it into the other dialect. One that Go could not read stays.
pub(super) fn translate(schema: &mut Value, originals: &mut Originals) {
    let Value::Object(keywords) = schema else { return };
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("pattern", Value::String(pattern)) => *pattern = translated(pattern, originals),
            ("format", Value::String(format)) if format == "regex" => GO_REGEX.clone_into(format),
            ("patternProperties", Value::Object(schemas)) => {
                let mut renamed = Map::new();
                for (pattern, mut schema) in std::mem::take(schemas) {
                    translate(&mut schema, originals);
                    renamed.insert(translated(&pattern, originals), schema);
                }
                *schemas = renamed;
            }
            ("properties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies", Value::Object(schemas)) => {
                for schema in schemas.values_mut() {
                    translate(schema, originals);
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "items" | "prefixItems", Value::Array(schemas)) => {
                for schema in schemas {
                    translate(schema, originals);
                }
            }
            (
                "not"
                | "if"
                | "then"
                | "else"
                | "items"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "propertyNames",
                schema,
            ) => translate(schema, originals),
            _ => {}
        }
    }
}

fn translated(pattern: &str, originals: &mut Originals) -> String {
    let different = pattern.contains(DIFFERENT).then(|| translate_regex(pattern).ok()).flatten();
    let Some(translated) = different else { return pattern.to_owned() };
    originals.entry(translated.clone()).or_insert_with(|| pattern.to_owned());
    translated
}
