//! JSON, as sprig has it; Helm replaces some of these.

use super::Table;
use crate::call::Call;
use crate::data::{JsonStyle, Target, read_json, write_json};
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
    ("toJson", WRITE, |call, args| Ok(write(call, args, JsonStyle::Escaped).unwrap_or_else(|_| "".into()))),
    ("toPrettyJson", WRITE, |call, args| Ok(write(call, args, JsonStyle::Indented).unwrap_or_else(|_| "".into()))),
    ("toRawJson", WRITE, |call, args| write(call, args, JsonStyle::Raw)),
    ("mustToJson", WRITE, |call, args| write(call, args, JsonStyle::Escaped)),
    ("mustToPrettyJson", WRITE, |call, args| write(call, args, JsonStyle::Indented)),
    ("mustToRawJson", WRITE, |call, args| write(call, args, JsonStyle::Raw)),
];

fn write(_: &mut Call<'_, '_>, args: Args<'_>, style: JsonStyle) -> Result<Value, FuncError> {
    let written = write_json(args.get(0), style);
    written.map(Value::str).map_err(|fault| FuncError::new(fault.to_string()))
}
