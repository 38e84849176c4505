//! Maps with string keys.

use super::Table;
use super::merge::{Mode, merge_all};
use super::text::strval;
use crate::call::Call;
use crate::data::deeper;
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::value::{Entries, GoStr, List, Map, Type, Value};

const LOOK: Signature = Signature::fixed(&[Type::MAP, Type::Str], Type::Any);
const SELECT: Signature = Signature::variadic(&[Type::MAP, Type::Str], Type::MAP);
const MERGE: Signature = Signature::variadic(&[Type::MAP, Type::MAP], Type::Any);

pub(super) const TABLE: Table = &[
    ("dict", Signature::variadic(&[Type::Any], Type::MAP), dict),
    ("get", LOOK, |_, args| Ok(args.map(0).get(args.bytes(1)).unwrap_or_else(|| "".into()))),
    ("set", Signature::fixed(&[Type::MAP, Type::Str, Type::Any], Type::MAP), set),
    ("unset", Signature::fixed(&[Type::MAP, Type::Str], Type::MAP), |_, args| {
        args.map(0).remove(args.bytes(1));
        Ok(args.map(0).into())
    }),
    ("hasKey", Signature::fixed(&[Type::MAP, Type::Str], Type::Bool), |_, args| {
        Ok(args.map(0).contains(args.bytes(1)).into())
    }),
    ("pluck", Signature::variadic(&[Type::Str, Type::MAP], Type::LIST), |_, args| Ok(pluck(args))),
    ("keys", Signature::variadic(&[Type::MAP], Type::STRINGS), |_, args| Ok(keys(args))),
    ("values", Signature::fixed(&[Type::MAP], Type::LIST), |_, args| {
        Ok(Value::list(args.map(0).entries().values().cloned().collect()))
    }),
    ("pick", SELECT, |_, args| Ok(pick(args))),
    ("omit", SELECT, |_, args| Ok(omit(args))),
    ("merge", MERGE, |call, args| merge_all(call, args, Mode::KeepSet)),
    ("mustMerge", MERGE, |call, args| merge_all(call, args, Mode::KeepSet)),
    ("mergeOverwrite", MERGE, |call, args| merge_all(call, args, Mode::Overwrite)),
    ("mustMergeOverwrite", MERGE, |call, args| merge_all(call, args, Mode::Overwrite)),
    ("deepCopy", Signature::fixed(&[Type::Any], Type::Any), |call, args| deep_copy(call, args.get(0), 0)),
    ("mustDeepCopy", Signature::fixed(&[Type::Any], Type::Any), |call, args| deep_copy(call, args.get(0), 0)),
    ("dig", Signature::variadic(&[Type::Any], Type::Any), dig),
];

/// How deep values are copied.
const MAX_DEPTH: usize = 2000;

/// A map of keys and values in turn; a last key without a value gets an empty one.
fn dict(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let mut entries = Entries::new();
    for pair in args.all().chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        entries.insert(strval(call, &pair[0])?, value);
    }
    Ok(Map::from_entries(entries).into())
}

fn set(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let map = args.map(0);
    if map.is_nil() {
        return Err(FuncError::new("assignment to entry in nil map"));
    }
    map.insert(args.string(1), args.get(2).clone());
    Ok(map.into())
}

fn maps(values: &[Value]) -> impl Iterator<Item = &Map> {
    values.iter().filter_map(|value| match value {
        Value::Map(map) => Some(map),
        _ => None,
    })
}

fn pluck(args: Args<'_>) -> Value {
    Value::list(maps(args.rest(1)).filter_map(|map| map.get(args.bytes(0))).collect())
}

/// The keys of all maps; Go's order is random, ours is sorted.
fn keys(args: Args<'_>) -> Value {
    List::strings(maps(args.all()).flat_map(|map| map.entries().keys().cloned().collect::<Vec<_>>())).into()
}

fn pick(args: Args<'_>) -> Value {
    let map = args.map(0);
    let picked = strings(args.rest(1)).filter_map(|key| map.get(key.as_bytes()).map(|value| (key, value)));
    picked.collect::<Map>().into()
}

fn omit(args: Args<'_>) -> Value {
    let mut entries = (*args.map(0).entries()).clone();
    for key in strings(args.rest(1)) {
        entries.remove(key.as_bytes());
    }
    Map::from_entries(entries).into()
}

fn strings(values: &[Value]) -> impl Iterator<Item = GoStr> {
    values.iter().filter_map(|value| match value {
        Value::Str(text) => Some(text.clone()),
        _ => None,
    })
}

/// A copy that shares no map with the value.
fn deep_copy(call: &mut Call<'_, '_>, value: &Value, depth: usize) -> Result<Value, FuncError> {
    call.steps(1)?;
    if depth > MAX_DEPTH {
        return Err(FuncError::new("values are nested too deeply to be copied"));
    }
    deeper(|| copy(call, value, depth))
}

fn copy(call: &mut Call<'_, '_>, value: &Value, depth: usize) -> Result<Value, FuncError> {
    Ok(match value {
        Value::Map(map) if map.is_nil() => value.clone(),
        Value::Map(map) => {
            let mut entries = Entries::new();
            for (key, value) in map.entries().iter() {
                entries.insert(key.clone(), deep_copy(call, value, depth + 1)?);
            }
            call.charge(entries.len().saturating_mul(size_of::<(GoStr, Value)>()))?;
            Map::typed(map.map_type(), entries).into()
        }
        Value::List(list) if list.is_nil() => value.clone(),
        Value::List(list) => {
            let copies = list.items().iter().map(|item| deep_copy(call, item, depth + 1));
            List::of(list.elem(), copies.collect::<Result<_, _>>()?).into()
        }
        other => other.clone(),
    })
}

/// What a path of keys leads to, or the default where a key is missing.
fn dig(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let [keys @ .., default, start] = args.all() else {
        return Err(FuncError::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(FuncError::new("dig needs at least three arguments"));
    }
    let mut map = plain_map(start)?;
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        match key {
            Value::Str(name) => names.push(name),
            other => return Err(unconvertible(other, "string")),
        }
    }
    for (at, name) in names.iter().enumerate() {
        match map.get(name.as_bytes()) {
            None => return Ok(default.clone()),
            Some(found) if at + 1 == names.len() => return Ok(found),
            Some(found) => map = plain_map(&found)?,
        }
    }
    Ok(default.clone())
}

fn plain_map(value: &Value) -> Result<Map, FuncError> {
    match value {
        Value::Map(map) if map.is_plain() => Ok(map.clone()),
        other => Err(unconvertible(other, "map[string]interface {}")),
    }
}

/// What Go says of a type assertion that does not hold.
fn unconvertible(value: &Value, wanted: &str) -> FuncError {
    let found = if matches!(value, Value::Nil) { "nil".into() } else { value.type_name() };
    FuncError::new(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}
