//! JSON, as sprig has it; Helm replaces some of these.

use super::Table;
use crate::call::Call;
use crate::data::{JsonStyle, MarshalError, Target, read_json, write_json};
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::value::{Type, Value};

const READ: Signature = Signature::fixed(&[Type::Str], Type::Any);
const WRITE: Signature = Signature::fixed(&[Type::Any], Type::Str);

pub(super) const TABLE: Table = &[
    ("fromJson", READ, |_, args| Ok(read_json(args.bytes(0), Target::Any).unwrap_or_default())),
    ("mustFromJson", READ, |_, args| {
        read_json(args.bytes(0), Target::Any).map_err(|fault| FuncError::new(fault.to_string()))
    }),
    ("toJson", WRITE, |call, args| or_empty(write(call, args, JsonStyle::Escaped))),
    ("toPrettyJson", WRITE, |call, args| or_empty(write(call, args, JsonStyle::Indented))),
    ("toRawJson", WRITE, |call, args| write(call, args, JsonStyle::Raw)),
    ("mustToJson", WRITE, |call, args| write(call, args, JsonStyle::Escaped)),
    ("mustToPrettyJson", WRITE, |call, args| write(call, args, JsonStyle::Indented)),
    ("mustToRawJson", WRITE, |call, args| write(call, args, JsonStyle::Raw)),
];

fn write(call: &mut Call<'_, '_>, args: Args<'_>, style: JsonStyle) -> Result<Value, FuncError> {
    match write_json(args.get(0), style, call.memory_left()) {
        Ok(text) => Ok(text.into()),
        Err(MarshalError::TooLong(limit)) => Err(too_long(call, limit)),
        Err(fault) => Err(FuncError::new(fault.to_string())),
    }
}

/// The bound that a text would pass.
pub(crate) fn too_long(call: &mut Call<'_, '_>, limit: usize) -> FuncError {
    let bound = call.charge(limit.saturating_add(1)).err();
    bound.unwrap_or_else(|| FuncError::new(format!("text is longer than {limit} bytes")))
}

/// The value; a fault of the function is an empty text, a bound stays one.
fn or_empty(written: Result<Value, FuncError>) -> Result<Value, FuncError> {
    match written {
        Err(FuncError::Failed(_)) => Ok("".into()),
        written => written,
    }
}
