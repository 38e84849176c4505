//! Helm's values: lines that set them, and schemas that they are held against.

use flux_gotemplate::Map;
use flux_gotemplate::data::{JsonStyle, Target, read_json, write_json};
use flux_helm::values::schema::{Documents, validate_single};
use flux_helm::values::strvals::{Grammar, parse, parse_into};

use crate::{SEPARATOR, same, text};

pub(crate) const WORDS: [&str; 12] =
    ["a", "=", ",", ".", "[0]", "[2]", "[65536]", "{a,1}", "\\", "null", "{\"a\":[1,{}]}", "true"];

/// No line does harm, each sets the same on what it has set already, and text comes through escapes as it is.
pub(crate) fn lines_set_what_they_say(bytes: &[u8]) {
    let line = text(bytes);
    for grammar in [Grammar::Typed, Grammar::Text, Grammar::Json, Grammar::Literal] {
        if let Ok(values) = parse(line, grammar) {
            let first = json(&values);
            if parse_into(line, grammar, &values).is_ok() {
                same("set once more", &json(&values), &first);
            }
        }
    }
    let escaped: String = line.chars().flat_map(|character| ['\\', character]).collect();
    for (grammar, text) in [(Grammar::Text, &*escaped), (Grammar::Literal, line)] {
        let values = parse(&format!("k={text}"), grammar).unwrap_or_default();
        let value = values.get(b"k").unwrap_or_default();
        same("the text", &value.as_string().map(ToString::to_string).unwrap_or_default(), line);
    }
}

fn json(values: &Map) -> String {
    let text = write_json(&values.clone().into(), JsonStyle::Raw, 1 << 28).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

pub(crate) const SCHEMA_WORDS: [&str; 14] = [
    "{\"$ref\":\"#\"}",
    "\"allOf\":[{}]",
    "\"anyOf\":[{},{}]",
    "\"properties\":{\"a\":{}}",
    "\"items\":",
    "\"$defs\"",
    "\"$id\"",
    "\"$anchor\"",
    "#/$defs/a",
    "\"unevaluatedProperties\":false",
    "\"type\":\"object\"",
    "\"pattern\":\"^a\"",
    "\"required\":[\"a\"]",
    "%%%",
];

/// No schema does harm, and each finds the same faults twice.
pub(crate) fn schemas_find_the_same_faults_twice(bytes: &[u8]) {
    let (schema, values) = text(bytes).split_once(SEPARATOR).unwrap_or((text(bytes), "{}"));
    let values = read_json(values.as_bytes(), Target::Map).ok();
    let values = values.as_ref().and_then(|values| values.as_map()).cloned().unwrap_or_default();
    let faults = || validate_single(schema.as_bytes(), &values, &Documents::new()).err().unwrap_or_default();
    let sorted = |faults: String| {
        let mut lines: Vec<&str> = faults.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    same("the faults", &sorted(faults()), &sorted(faults()));
}
