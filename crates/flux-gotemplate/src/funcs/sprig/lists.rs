//! Lists: making, taking apart, putting together.

use super::Table;
use super::cast::to_int64;
use super::text::{NIL_DEREFERENCE, elements, list_elements};
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Plain, Signature};
use crate::value::{Kind, List, Type, Value};

const MAKE: Signature = Signature::variadic(&[Type::Any], Type::LIST);
const GROW: Signature = Signature::fixed(&[Type::Any, Type::Any], Type::LIST);
const PART: Signature = Signature::fixed(&[Type::Any], Type::LIST);
const ONE: Signature = Signature::fixed(&[Type::Any], Type::Any);
const CHUNKS: Signature = Signature::fixed(&[Type::Int, Type::Any], Type::List(&Type::LIST));
const SLICE: Signature = Signature::variadic(&[Type::Any, Type::Any], Type::Any);

pub(super) const TABLE: Table = &[
    ("list", MAKE, |_, args| Ok(make(args))),
    ("tuple", MAKE, |_, args| Ok(make(args))),
    ("append", GROW, append),
    ("push", GROW, append),
    ("mustAppend", GROW, append),
    ("mustPush", GROW, append),
    ("prepend", GROW, prepend),
    ("mustPrepend", GROW, prepend),
    ("first", ONE, first),
    ("mustFirst", ONE, first),
    ("last", ONE, last),
    ("mustLast", ONE, last),
    ("rest", PART, REST),
    ("mustRest", PART, REST),
    ("initial", PART, INITIAL),
    ("mustInitial", PART, INITIAL),
    ("reverse", PART, reverse),
    ("mustReverse", PART, reverse),
    ("slice", SLICE, slice),
    ("mustSlice", SLICE, slice),
    ("concat", Signature::variadic(&[Type::Any], Type::Any), concat),
    ("chunk", CHUNKS, chunk),
    ("mustChunk", CHUNKS, chunk),
];

fn make(args: Args<'_>) -> Value {
    Value::list(args.all().to_vec())
}

fn append(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut items = list_elements(args.get(0), "Cannot push on type")?.into_owned();
    items.push(args.get(1).clone());
    counted(call, items)
}

fn prepend(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut items = list_elements(args.get(0), "Cannot prepend on type")?.into_owned();
    items.insert(0, args.get(1).clone());
    counted(call, items)
}

/// A list whose making took as many steps as it has elements.
fn counted(call: &mut Call<'_, '_>, items: Vec<Value>) -> Result<Value, FuncError> {
    call.steps(u64::try_from(items.len()).unwrap_or(u64::MAX))?;
    Ok(Value::list(items))
}

fn first(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    Ok(list_elements(args.get(0), "Cannot find first on type")?.first().cloned().unwrap_or_default())
}

fn last(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    Ok(list_elements(args.get(0), "Cannot find last on type")?.last().cloned().unwrap_or_default())
}

const REST: Plain = |call, args| {
    let items = list_elements(args.get(0), "Cannot find rest on type")?;
    match items.split_first() {
        Some((_, rest)) => counted(call, rest.to_vec()),
        None => Ok(List::nil(&Type::Any).into()),
    }
};

const INITIAL: Plain = |call, args| {
    let items = list_elements(args.get(0), "Cannot find initial on type")?;
    match items.split_last() {
        Some((_, initial)) => counted(call, initial.to_vec()),
        None => Ok(List::nil(&Type::Any).into()),
    }
};

fn reverse(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut items = list_elements(args.get(0), "Cannot find reverse on type")?.into_owned();
    items.reverse();
    counted(call, items)
}

/// A part of a list, of its own type.
fn slice(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let fault = "list should be type of slice or array but";
    let value = args.get(0).underlying();
    let length = list_elements(&value, fault)?.len();
    if length == 0 {
        return Ok(Value::Nil);
    }
    let bound = |at: usize, default: usize| match args.all().get(at) {
        Some(given) => usize::try_from(to_int64(given)).ok(),
        None => Some(default),
    };
    let part = bound(1, 0).zip(bound(2, length)).and_then(|(start, end)| match &*value {
        Value::List(list) if start <= end && end <= list.capacity() => {
            Some(list.slice(start, end, list.capacity()).into())
        }
        Value::Bytes(bytes) => bytes.as_bytes().get(start..end).map(|part| Value::Bytes(part.into())),
        _ => None,
    });
    part.ok_or_else(|| FuncError::new("reflect.Value.Slice: slice index out of bounds"))
}

fn concat(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut all = Vec::new();
    for list in args.all() {
        let items = elements(list).map_err(|kind| match kind {
            Kind::Invalid => FuncError::new(NIL_DEREFERENCE),
            kind => FuncError::new(format!("Cannot concat type {kind} as list")),
        })?;
        all.extend_from_slice(&items);
        call.steps(u64::try_from(items.len()).unwrap_or(u64::MAX))?;
    }
    if all.is_empty() {
        return Ok(List::nil(&Type::Any).into());
    }
    Ok(Value::list(all))
}

fn chunk(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let items = list_elements(args.get(1), "Cannot chunk type")?;
    let size = usize::try_from(args.int(0)).ok().filter(|size| *size > 0);
    // Go computes the number of parts with floating point numbers, and fails on what comes out.
    let size = size.ok_or_else(|| FuncError::new("runtime error: makeslice: len out of range"))?;
    call.steps(u64::try_from(items.len()).unwrap_or(u64::MAX))?;
    let parts = items.chunks(size).map(|part| Value::list(part.to_vec())).collect();
    Ok(List::of(&Type::LIST, parts).into())
}
