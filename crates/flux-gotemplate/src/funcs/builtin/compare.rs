//! Comparisons.

use crate::call::Call;
use crate::error::FuncError;
use crate::value::{Kind, Value};
use std::sync::Arc;

/// What values are compared as.
enum Basic<'v> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    Str(&'v [u8]),
    Other,
}

impl<'v> Basic<'v> {
    fn of(value: &'v Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Uint8(value) => Self::Uint(u64::from(*value)),
            Value::Uint64(value) => Self::Uint(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Complex(value) => Self::Complex(value.0, value.1),
            Value::Str(text) => Self::Str(text.as_bytes()),
            other => other.as_signed().map_or(Self::Other, Self::Int),
        }
    }
}

/// `eq`: whether the first equals one of the others.
pub(super) fn equal(call: &mut Call<'_, '_>, first: &Value, others: &[Value]) -> Result<bool, FuncError> {
    if others.is_empty() {
        return Err(FuncError::new("missing argument for comparison"));
    }
    for other in others {
        if equal_to(call, first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[expect(clippy::float_cmp, reason = "Go's equality is exact")]
fn equal_to(call: &mut Call<'_, '_>, first: &Value, other: &Value) -> Result<bool, FuncError> {
    Ok(match (Basic::of(first), Basic::of(other)) {
        (Basic::Bool(a), Basic::Bool(b)) => a == b,
        (Basic::Int(a), Basic::Int(b)) => a == b,
        (Basic::Uint(a), Basic::Uint(b)) => a == b,
        (Basic::Float(a), Basic::Float(b)) => a == b,
        (Basic::Complex(a, b), Basic::Complex(c, d)) => a == c && b == d,
        (Basic::Str(a), Basic::Str(b)) => a == b,
        (Basic::Int(int), Basic::Uint(uint)) | (Basic::Uint(uint), Basic::Int(int)) => u64::try_from(int) == Ok(uint),
        (Basic::Other, Basic::Other) => return equal_other(call, first, other),
        _ => {
            if !matches!(first, Value::Nil) && !matches!(other, Value::Nil) {
                return Err(incompatible(first, other));
            }
            false
        }
    })
}

fn incompatible(first: &Value, other: &Value) -> FuncError {
    FuncError::new(format!("incompatible types for comparison: {} and {}", first.type_name(), other.type_name()))
}

/// Values that are no numbers, strings or booleans.
fn equal_other(call: &mut Call<'_, '_>, first: &Value, other: &Value) -> Result<bool, FuncError> {
    let (a, b) = (first.kind(), other.kind());
    if a != b && a != Kind::Invalid && b != Kind::Invalid {
        let shown = call.sprintf(b"%s", std::slice::from_ref(first))?;
        let other_shown = call.text_of(other)?;
        return Err(FuncError::new(format!(
            "non-comparable types {shown}: {}, {}: {other_shown}",
            first.type_name(),
            other.type_name()
        )));
    }
    if first.is_nil() || other.is_nil() {
        return Ok(first.is_nil() == other.is_nil());
    }
    let same = match (first, other) {
        (Value::Object(a), Value::Object(b)) if a.is_pointer() => {
            Some(Arc::ptr_eq(a, b) || a.equals(&**b) == Some(true))
        }
        (Value::Object(a), Value::Object(b)) => a.equals(&**b),
        (Value::Error(a), Value::Error(b)) => Some(std::ptr::eq(a.as_bytes(), b.as_bytes())),
        _ => None,
    };
    if let Some(same) = same {
        return Ok(same);
    }
    let shown = call.sprintf(b"%s", std::slice::from_ref(other))?;
    Err(FuncError::new(format!("non-comparable type {shown}: {}", other.type_name())))
}

/// `lt`.
pub(super) fn less(first: &Value, second: &Value) -> Result<bool, FuncError> {
    let (a, b) = (Basic::of(first), Basic::of(second));
    if matches!(a, Basic::Other) || matches!(b, Basic::Other) {
        return Err(FuncError::new("invalid type for comparison"));
    }
    Ok(match (a, b) {
        (Basic::Int(a), Basic::Int(b)) => a < b,
        (Basic::Uint(a), Basic::Uint(b)) => a < b,
        (Basic::Float(a), Basic::Float(b)) => a < b,
        (Basic::Str(a), Basic::Str(b)) => a < b,
        (Basic::Int(a), Basic::Uint(b)) => u64::try_from(a).map_or(true, |a| a < b),
        (Basic::Uint(a), Basic::Int(b)) => u64::try_from(b).is_ok_and(|b| a < b),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            return Err(FuncError::new("invalid type for comparison"));
        }
        _ => return Err(incompatible(first, second)),
    })
}
