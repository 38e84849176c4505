//! `index`, `slice` and `len`.

use crate::error::FuncError;
use crate::exec::{Typed, zero_element};
use crate::value::{GoStr, Kind, Map, Type, Value};

fn fail<T>(text: impl Into<String>) -> Result<T, FuncError> {
    Err(FuncError::new(text))
}

/// The type of the value, or of what it points at.
fn pointee_type(value: &Value) -> String {
    let name = value.type_name();
    match value.kind() {
        Kind::Pointer => name.trim_start_matches('*').to_owned(),
        _ => name.into_owned(),
    }
}

/// `index`: the element of the element of ... the item.
pub(super) fn index(item: &Value, indexes: &[Value]) -> Result<Typed, FuncError> {
    if matches!(item, Value::Nil) {
        return fail("index of untyped nil");
    }
    let mut item = Typed::plain(item.clone());
    for index in indexes {
        let inner = item.value.underlying().into_owned();
        item = match &inner {
            Value::Nil => return fail("index of nil pointer"),
            Value::List(list) => {
                let at = position(index, list.len())?;
                let Some(value) = list.items().get(at) else {
                    return fail("reflect: slice index out of range");
                };
                Typed { value: value.clone(), interface: *list.elem() == Type::Any }
            }
            Value::Bytes(bytes) => byte(bytes, index, "slice")?,
            Value::Str(text) => byte(text, index, "string")?,
            Value::Map(map) => element(map, index)?,
            other => return fail(format!("can't index item of type {}", pointee_type(other))),
        };
    }
    Ok(item)
}

fn byte(bytes: &GoStr, index: &Value, kind: &str) -> Result<Typed, FuncError> {
    let at = position(index, bytes.len())?;
    match bytes.as_bytes().get(at) {
        Some(byte) => Ok(Typed::plain(Value::Uint8(*byte))),
        None => fail(format!("reflect: {kind} index out of range")),
    }
}

fn element(map: &Map, key: &Value) -> Result<Typed, FuncError> {
    let key = super::prepare(key, Type::Str).map_err(FuncError::new)?;
    let key = key.as_string().cloned().unwrap_or_default();
    let elem = map.map_type().elem;
    Ok(match map.get(key.as_bytes()) {
        Some(value) => Typed { value, interface: *elem == Type::Any },
        None => zero_element(elem),
    })
}

/// The index as a position from zero to `most`.
fn position(index: &Value, most: usize) -> Result<usize, FuncError> {
    #[expect(clippy::cast_possible_wrap, reason = "Go converts so")]
    let number = match index {
        Value::Nil => return fail("cannot index slice/array with nil"),
        other => match other.as_signed().or(other.as_unsigned().map(|value| value as i64)) {
            Some(number) => number,
            None => return fail(format!("cannot index slice/array with type {}", other.type_name())),
        },
    };
    match usize::try_from(number) {
        Ok(at) if at <= most => Ok(at),
        _ => fail(format!("index out of range: {number}")),
    }
}

/// `slice`: a part of a string or list. Unlike `index`, it does not look into interfaces for its indexes; the bits of
/// `interfaces` tell which of them are.
pub(super) fn slice(item: &Value, indexes: &[Value], interfaces: u64) -> Result<Value, FuncError> {
    if matches!(item, Value::Nil) {
        return fail("slice of untyped nil");
    }
    let item = item.underlying();
    if indexes.len() > 3 {
        return fail(format!("too many slice indexes: {}", indexes.len()));
    }
    let (len, capacity) = match &*item {
        Value::Str(_) if indexes.len() == 3 => return fail("cannot 3-index slice a string"),
        Value::Str(text) | Value::Bytes(text) => (text.len(), text.len()),
        Value::List(list) => (list.len(), list.capacity()),
        other => return fail(format!("can't slice item of type {}", pointee_type(other))),
    };
    let mut bounds = [0, len, capacity];
    for (number, (bound, index)) in bounds.iter_mut().zip(indexes).enumerate() {
        if interfaces >> number & 1 == 1 {
            return fail("cannot index slice/array with type interface {}");
        }
        *bound = position(index, capacity)?;
    }
    let [from, to, end] = bounds;
    if from > to {
        return fail(format!("invalid slice index: {from} > {to}"));
    }
    if to > end {
        return fail(format!("invalid slice index: {to} > {end}"));
    }
    Ok(match &*item {
        Value::List(list) => Value::List(list.slice(from, to, end)),
        Value::Str(text) => Value::Str(part(text, from, to)),
        Value::Bytes(text) => Value::Bytes(part(text, from, to)),
        other => other.clone(),
    })
}

fn part(text: &GoStr, from: usize, to: usize) -> GoStr {
    text.as_bytes().get(from..to).unwrap_or_default().into()
}

/// `len`.
pub(super) fn len(item: &Value, is_interface: bool) -> Result<Value, FuncError> {
    let item = item.underlying();
    let len = match &*item {
        Value::Nil if is_interface => return fail("len of nil pointer"),
        Value::Nil => return fail("reflect: call of reflect.Value.Type on zero Value"),
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => return fail(format!("len of type {}", pointee_type(other))),
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}
