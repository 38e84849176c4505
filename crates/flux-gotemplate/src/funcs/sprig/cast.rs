//! Values as numbers, as cast 1.7 makes them: what is none becomes 0.

use crate::strconv::{parse_float, parse_int};
use crate::value::Value;

/// The `int64` of a value.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Int32(number) => (*number).into(),
        Value::Uint8(number) => (*number).into(),
        #[expect(clippy::cast_possible_wrap, reason = "Go's conversion wraps too")]
        Value::Uint64(number) => *number as i64,
        Value::Float(number) => truncated(*number),
        Value::Bool(flag) => (*flag).into(),
        Value::Str(text) => parse_int(trim_zero_decimals(&text.to_text()), 0, 64).unwrap_or_default(),
        Value::Object(_) if is_calendar(value) => value.as_signed().unwrap_or_default(),
        Value::Nil
        | Value::Complex(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Duration(_)
        | Value::Error(_)
        | Value::Func(_)
        | Value::Object(_) => 0,
    }
}

/// The `float64` of a value.
#[expect(clippy::cast_precision_loss, reason = "Go's conversion rounds too")]
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Uint64(number) => *number as f64,
        Value::Str(text) => parse_float(&text.to_text()).unwrap_or_default(),
        other => to_int64(other) as f64,
    }
}

/// Months and weekdays are the only named integers that cast knows.
fn is_calendar(value: &Value) -> bool {
    matches!(&*value.type_name(), "time.Month" | "time.Weekday")
}

/// The integer part; what does not fit becomes the lowest integer, as on amd64.
pub(super) fn truncated(number: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "checked by the range")]
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// `text` without a decimal point that only zeros follow.
fn trim_zero_decimals(text: &str) -> &str {
    let without_zeros = text.trim_end_matches('0');
    match without_zeros.strip_suffix('.') {
        Some(integer) if without_zeros.len() < text.len() => integer,
        _ => text,
    }
}
