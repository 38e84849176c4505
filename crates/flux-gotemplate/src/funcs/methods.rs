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
    let result = match name {
        "Hours" => float(3_600_000_000_000),
        "Minutes" => float(60_000_000_000),
        "Seconds" => float(1_000_000_000),
        "Milliseconds" => Value::Int64(value / 1_000_000),
        "Microseconds" => Value::Int64(value / 1_000),
        "Nanoseconds" => Value::Int64(value),
        "String" => crate::value::duration_text(value).into(),
        "Abs" => Value::Duration(value.saturating_abs()),
        "Truncate" | "Round" => {
            let rounds = name == "Round";
            let signature = Signature::fixed(&[Type::Duration], Type::Duration);
            return Some(Function::closure(signature, move |_, args| {
                let unit = args.int(0);
                let rest = if unit > 0 { value % unit } else { 0 };
                let away = rounds && rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) && rest != 0;
                let whole = value - rest;
                Ok(Value::Duration(if away { whole.saturating_add(unit * rest.signum()) } else { whole }))
            }));
        }
        _ => return None,
    };
    let declared = match result {
        Value::Float(_) => Type::Float64,
        Value::Int64(_) => Type::Int64,
        Value::Str(_) => Type::Str,
        _ => Type::Duration,
    };
    Some(Function::closure(Signature::fixed(&[], declared), move |_, _| Ok(result.clone())))
}
