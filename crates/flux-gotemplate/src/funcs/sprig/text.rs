//! Values as text.

use std::borrow::Cow;

use crate::call::Call;
use crate::error::FuncError;
use crate::value::{GoStr, Kind, Value};

/// What Go says of a nil that reflection looks into.
pub(super) const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The text of a value as sprig's `toString` gives it.
pub(super) fn strval(call: &mut Call<'_, '_>, value: &Value) -> Result<GoStr, FuncError> {
    match value {
        Value::Bytes(text) | Value::Error(text) => Ok(text.clone()),
        _ => call.text_of(value),
    }
}

/// The texts of a value's elements, nils left out; of what is no list, its own.
pub(super) fn strslice(call: &mut Call<'_, '_>, value: &Value) -> Result<Vec<GoStr>, FuncError> {
    match elements(value) {
        Ok(items) => items.iter().filter(|item| !matches!(item, Value::Nil)).map(|item| strval(call, item)).collect(),
        Err(_) if matches!(value, Value::Nil) => Ok(Vec::new()),
        Err(_) => Ok(vec![strval(call, value)?]),
    }
}

/// The elements of a list of any type; the kind of what is none.
pub(super) fn elements(value: &Value) -> Result<Cow<'_, [Value]>, Kind> {
    match value {
        Value::List(list) => Ok(Cow::Borrowed(list.items())),
        Value::Bytes(bytes) => Ok(bytes.as_bytes().iter().map(|byte| Value::Uint8(*byte)).collect()),
        Value::Object(_) if value.kind() == Kind::Slice => {
            elements(&value.underlying()).map(|items| Cow::Owned(items.into_owned()))
        }
        other => Err(other.kind()),
    }
}

/// The elements of a list; `fault` says with the kind what cannot be done.
pub(super) fn list_elements<'v>(value: &'v Value, fault: &str) -> Result<Cow<'v, [Value]>, FuncError> {
    elements(value).map_err(|kind| match kind {
        Kind::Invalid => FuncError::new(NIL_DEREFERENCE),
        kind => FuncError::new(format!("{fault} {kind}")),
    })
}
