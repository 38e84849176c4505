//! Lines of Helm's values.

use flux_gotemplate::Map;
use flux_gotemplate::data::{JsonStyle, write_json};
use flux_helm::values::strvals::{Grammar, parse, parse_into};

use crate::{same, text};

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
