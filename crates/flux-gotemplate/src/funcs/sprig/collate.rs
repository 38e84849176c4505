//! Lists: searching, sorting, leaving out.

use super::Table;
use super::text::{elements, list_elements, strslice, strval};
use crate::call::Call;
use crate::data::deeper;
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::value::{Entries, List, Map, Shape, Type, Value};

const PART: Signature = Signature::fixed(&[Type::Any], Type::LIST);
const LEAVE_OUT: Signature = Signature::variadic(&[Type::Any, Type::Any], Type::LIST);
const SEARCH: Signature = Signature::fixed(&[Type::Any, Type::Any], Type::Bool);

pub(super) const TABLE: Table = &[
    ("sortAlpha", Signature::fixed(&[Type::Any], Type::STRINGS), sort_alpha),
    ("compact", PART, compact),
    ("mustCompact", PART, compact),
    ("uniq", PART, uniq),
    ("mustUniq", PART, uniq),
    ("without", LEAVE_OUT, without),
    ("mustWithout", LEAVE_OUT, without),
    ("has", SEARCH, has),
    ("mustHas", SEARCH, has),
    ("deepEqual", SEARCH, |call, args| Ok(deep_equal(call, args.get(0), args.get(1), 0)?.into())),
];

/// How deep values are compared.
const MAX_DEPTH: usize = 2000;

fn sort_alpha(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    if elements(args.get(0)).is_err() {
        return Ok(List::strings([strval(call, args.get(0))?]).into());
    }
    let mut texts = strslice(call, args.get(0))?;
    texts.sort();
    Ok(List::strings(texts).into())
}

fn compact(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let items = list_elements(args.get(0), "Cannot compact on type")?;
    Ok(Value::list(items.iter().filter(|item| item.truth()).cloned().collect()))
}

fn uniq(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut kept = Vec::new();
    for item in list_elements(args.get(0), "Cannot find uniq on type")?.iter() {
        if !contains(call, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut kept = Vec::new();
    for item in list_elements(args.get(0), "Cannot find without on type")?.iter() {
        if !contains(call, args.rest(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    if matches!(args.get(1), Value::Nil) {
        return Ok(false.into());
    }
    let items = list_elements(args.get(1), "Cannot find has on type")?;
    Ok(contains(call, &items, args.get(0))?.into())
}

fn contains(call: &mut Call<'_, '_>, items: &[Value], wanted: &Value) -> Result<bool, FuncError> {
    for item in items {
        if deep_equal(call, wanted, item, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether both are of one type and equal throughout, as Go's `reflect.DeepEqual` tells it.
fn deep_equal(call: &mut Call<'_, '_>, a: &Value, b: &Value, depth: usize) -> Result<bool, FuncError> {
    call.steps(1)?;
    if depth > MAX_DEPTH {
        return Err(FuncError::new("values are nested too deeply to be compared"));
    }
    deeper(|| equal(call, a, b, depth))
}

fn equal(call: &mut Call<'_, '_>, a: &Value, b: &Value, depth: usize) -> Result<bool, FuncError> {
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b))
        | (Value::Int64(a), Value::Int64(b))
        | (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Int32(a), Value::Int32(b)) => a == b,
        (Value::Uint8(a), Value::Uint8(b)) => a == b,
        (Value::Uint64(a), Value::Uint64(b)) => a == b,
        #[expect(clippy::float_cmp, reason = "Go compares exactly")]
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a), Value::Complex(b)) => **a == **b,
        (Value::Str(a), Value::Str(b)) | (Value::Bytes(a), Value::Bytes(b)) | (Value::Error(a), Value::Error(b)) => {
            a == b
        }
        (Value::List(a), Value::List(b)) => equal_lists(call, a, b, depth)?,
        (Value::Map(a), Value::Map(b)) => equal_maps(call, a, b, depth)?,
        (Value::Object(a), Value::Object(b)) if a.type_name() == b.type_name() => {
            if std::sync::Arc::ptr_eq(a, b) {
                return Ok(true);
            }
            if let Some(equal) = a.equals(&**b) {
                return Ok(equal);
            }
            equal_shapes(call, a.shape(), b.shape(), depth)?
        }
        // Functions are never equal, nor are values of different types.
        _ => false,
    })
}

fn equal_lists(call: &mut Call<'_, '_>, a: &List, b: &List, depth: usize) -> Result<bool, FuncError> {
    if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
        return Ok(false);
    }
    if a.is(b) {
        return Ok(true);
    }
    for (a, b) in a.items().iter().zip(b.items()) {
        if !deep_equal(call, a, b, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(call: &mut Call<'_, '_>, a: &Map, b: &Map, depth: usize) -> Result<bool, FuncError> {
    let same_type = a.map_type().name == b.map_type().name && a.map_type().elem == b.map_type().elem;
    if !same_type || a.is_nil() != b.is_nil() {
        return Ok(false);
    }
    if a.is(b) {
        return Ok(true);
    }
    equal_entries(call, &a.entries(), &b.entries(), depth)
}

fn equal_entries(call: &mut Call<'_, '_>, a: &Entries, b: &Entries, depth: usize) -> Result<bool, FuncError> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for ((a_key, a), (b_key, b)) in a.iter().zip(b) {
        if a_key != b_key || !deep_equal(call, a, b, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_shapes(call: &mut Call<'_, '_>, a: Shape, b: Shape, depth: usize) -> Result<bool, FuncError> {
    match (a, b) {
        (Shape::Value(a), Shape::Value(b)) => deep_equal(call, &a, &b, depth + 1),
        (Shape::Struct(a), Shape::Struct(b)) if a.len() == b.len() => {
            for ((_, a), (_, b)) in a.iter().zip(&b) {
                if !deep_equal(call, a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}
