//! Giving up values however deep they are: the compiler's own drop would recurse, and a template can nest values
//! a million levels deep.

use super::Value;

/// Drops the values and what only they hold, without recursion.
pub(super) fn release(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => pending.extend(list.into_items()),
            Value::Map(map) => pending.extend(map.into_values()),
            Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Uint8(_)
            | Value::Uint64(_)
            | Value::Float(_)
            | Value::Complex(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Duration(_)
            | Value::Error(_)
            | Value::Func(_)
            | Value::Object(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::value::{List, Map, Value};

    #[test]
    fn values_nested_very_deep_are_dropped_without_recursion() {
        let mut value = Value::Nil;
        for level in 0..300_000 {
            value = if level % 2 == 0 {
                Value::List(List::new(vec![value]))
            } else {
                Value::Map(Map::from_iter([("k".into(), value)]))
            };
        }
        drop(value);
    }
}
