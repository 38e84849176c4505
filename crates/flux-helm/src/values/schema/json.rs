//! Values as the library wants them.

use flux_gotemplate::{Map, Value};
use serde_json::Number;

use crate::values::copy::{MAX_DEPTH, deeper};

/// The values, unless they are nested too deep.
pub(super) fn instance(values: &Map) -> Result<serde_json::Value, String> {
    table(values, 1)
}

fn table(map: &Map, level: usize) -> Result<serde_json::Value, String> {
    if level > MAX_DEPTH {
        return Err(format!("values are nested deeper than {MAX_DEPTH} levels"));
    }
    let entries = map.entries();
    let entries = entries.iter().map(|(key, value)| Ok((key.to_text().into_owned(), json(value, level)?)));
    Ok(serde_json::Value::Object(entries.collect::<Result<_, String>>()?))
}

fn json(value: &Value, level: usize) -> Result<serde_json::Value, String> {
    Ok(match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Float(number) => Number::from_f64(*number).map_or(serde_json::Value::Null, Into::into),
        Value::Str(text) | Value::Bytes(text) | Value::Error(text) => text.to_text().into_owned().into(),
        Value::Map(map) => return deeper(|| table(map, level + 1)),
        Value::List(list) => {
            if level >= MAX_DEPTH {
                return Err(format!("values are nested deeper than {MAX_DEPTH} levels"));
            }
            let items = list.items().iter().map(|item| deeper(|| json(item, level + 1)));
            items.collect::<Result<Vec<_>, _>>()?.into()
        }
        other => other
            .as_signed()
            .map(Into::into)
            .or_else(|| other.as_unsigned().map(Into::into))
            .unwrap_or(serde_json::Value::Null),
    })
}
