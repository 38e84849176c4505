//! Defaults and choices.

use super::Table;
use crate::error::FuncError;
use crate::function::Signature;
use crate::value::{Type, Value};

const ANY: Signature = Signature::variadic(&[Type::Any], Type::Bool);

pub(super) const TABLE: Table = &[
    ("default", Signature::variadic(&[Type::Any, Type::Any], Type::Any), |_, args| {
        let given = args.rest(1).first().filter(|given| given.truth());
        Ok(given.unwrap_or(args.get(0)).clone())
    }),
    ("empty", Signature::fixed(&[Type::Any], Type::Bool), |_, args| Ok((!args.get(0).truth()).into())),
    ("coalesce", Signature::variadic(&[Type::Any], Type::Any), |_, args| {
        Ok(args.all().iter().find(|value| value.truth()).cloned().unwrap_or_default())
    }),
    ("all", ANY, |_, args| Ok(args.all().iter().all(Value::truth).into())),
    ("any", ANY, |_, args| Ok(args.all().iter().any(Value::truth).into())),
    ("ternary", Signature::fixed(&[Type::Any, Type::Any, Type::Bool], Type::Any), |_, args| {
        Ok(args.get(usize::from(!args.bool(2))).clone())
    }),
    ("fail", Signature::fixed(&[Type::Str], Type::Str), |_, args| Err(FuncError::new(args.text(0)))),
];
