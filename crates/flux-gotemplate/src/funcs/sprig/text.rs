//! Values as text.

use crate::error::FuncError;
use crate::fmt;
use crate::value::{GoStr, Kind, Value};

/// What Go says of a nil that reflection looks into.
pub(super) const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The longest text that a value is printed to, in bytes.
pub(super) const MAX_TEXT: usize = 256 << 20;

/// What `%v` prints.
pub(super) fn printed(value: &Value) -> Result<GoStr, FuncError> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => Ok(fmt::sprint(std::slice::from_ref(value), MAX_TEXT)?.into()),
    }
}

/// The text of a value as sprig's `toString` gives it.
pub(super) fn strval(value: &Value) -> Result<GoStr, FuncError> {
    match value {
        Value::Bytes(text) | Value::Error(text) => Ok(text.clone()),
        _ => printed(value),
    }
}

/// The texts of a value's elements, nils left out; of what is no list, its own.
pub(super) fn strslice(value: &Value) -> Result<Vec<GoStr>, FuncError> {
    match elements(value) {
        Ok(items) => items.iter().filter(|item| !matches!(item, Value::Nil)).map(strval).collect(),
        Err(_) if matches!(value, Value::Nil) => Ok(Vec::new()),
        Err(_) => Ok(vec![strval(value)?]),
    }
}

/// The elements of a list of any type; the kind of what is none.
pub(super) fn elements(value: &Value) -> Result<Vec<Value>, Kind> {
    match &*value.underlying() {
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.as_bytes().iter().map(|byte| Value::Uint8(*byte)).collect()),
        other => Err(other.kind()),
    }
}

/// The elements of a list; `fault` says with the kind what cannot be done.
pub(super) fn list_elements(value: &Value, fault: &str) -> Result<Vec<Value>, FuncError> {
    elements(value).map_err(|kind| match kind {
        Kind::Invalid => FuncError::new(NIL_DEREFERENCE),
        kind => FuncError::new(format!("{fault} {kind}")),
    })
}
