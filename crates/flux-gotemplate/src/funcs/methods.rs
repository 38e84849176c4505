//! Methods of errors and durations.

use crate::function::{Function, Signature};
use crate::value::{GoStr, Type, Value};

/// The method of an `error`.
pub(crate) fn error_method(text: &GoStr, name: &str) -> Option<Function> {
    let text = text.clone();
    (name == "Error").then(|| Function::closure(Signature::fixed(&[], Type::Str), move |_, _| Ok(text.clone().into())))
}

/// The method of a `time.Duration`.
pub(crate) fn duration_method(value: i64, name: &str) -> Option<Function> {
    #[expect(clippy::cast_precision_loss, reason = "Go converts so")]
    let float = |unit: i64| Value::Float((value / unit) as f64 + (value % unit) as f64 / unit as f64);
    let (declared, result) = match name {
        "Hours" => (Type::Float64, float(3_600_000_000_000)),
        "Minutes" => (Type::Float64, float(60_000_000_000)),
        "Seconds" => (Type::Float64, float(1_000_000_000)),
        "Milliseconds" => (Type::Int64, Value::Int64(value / 1_000_000)),
        "Microseconds" => (Type::Int64, Value::Int64(value / 1_000)),
        "Nanoseconds" => (Type::Int64, Value::Int64(value)),
        "String" => (Type::Str, crate::time::format_duration(value).into()),
        "Abs" => (Type::Duration, Value::Duration(value.saturating_abs())),
        "Truncate" => return Some(to_unit(value, false)),
        "Round" => return Some(to_unit(value, true)),
        _ => return None,
    };
    Some(Function::closure(Signature::fixed(&[], declared), move |_, _| Ok(result.clone())))
}

/// A method that gives a multiple of its argument: the one toward zero, or with `rounds` the nearest.
fn to_unit(value: i64, rounds: bool) -> Function {
    Function::closure(Signature::fixed(&[Type::Duration], Type::Duration), move |_, args| {
        let unit = args.int(0);
        let truncated = if unit > 0 { value - value % unit } else { value };
        Ok(Value::Duration(if rounds { crate::time::round(value, unit) } else { truncated }))
    })
}
