//! Maps merged into the first, as mergo 1.0 does it.

use crate::call::Call;
use crate::data::deeper;
use crate::error::FuncError;
use crate::function::Args;
use crate::value::{Map, Value};

/// Which side wins where both have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The destination keeps what is not empty.
    KeepSet,
    /// The source overwrites, with empty values too.
    Overwrite,
}

/// How deep maps are merged.
const MAX_DEPTH: usize = 2000;

/// Merges all further maps into the first, which changes for all that hold it, and is the result.
pub(super) fn merge_all(call: &mut Call<'_, '_>, args: Args<'_>, mode: Mode) -> Result<Value, FuncError> {
    let first = args.map(0);
    let destination = if first.is_nil() { Map::new() } else { first };
    for at in 1..args.len() {
        merge(call, &destination, &args.map(at), mode, 0)?;
    }
    Ok(destination.into())
}

/// Maps below are merged in place where both sides have one; else the source's is shared, not copied.
fn merge(call: &mut Call<'_, '_>, into: &Map, from: &Map, mode: Mode, depth: usize) -> Result<(), FuncError> {
    if depth > MAX_DEPTH {
        return Err(FuncError::new("maps are nested too deeply to be merged"));
    }
    for (key, theirs) in from.entries().iter() {
        call.steps(1)?;
        let ours = into.get(key.as_bytes());
        if matches!(theirs, Value::Nil) {
            if mode == Mode::Overwrite {
                into.insert(key.clone(), Value::Nil);
            }
            continue;
        }
        if let (Some(Value::Map(ours)), Value::Map(theirs)) = (&ours, theirs)
            && !ours.is_nil()
        {
            deeper(|| merge(call, ours, theirs, mode, depth + 1))?;
            if !ours.is_empty() {
                continue;
            }
        }
        let unset = ours.as_ref().is_none_or(|ours| !ours.truth());
        if mode == Mode::Overwrite || unset {
            into.insert(key.clone(), theirs.clone());
        }
    }
    Ok(())
}
