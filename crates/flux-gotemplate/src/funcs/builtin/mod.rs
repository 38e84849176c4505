//! The functions that every template may call.

mod compare;
mod escape;
mod index;

use crate::call::Call;
use crate::error::FuncError;
use crate::exec::{Typed, assignable, zero_of};
use crate::function::Signature;
use crate::value::{Type, Value};

/// A builtin function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Html,
    Index,
    Slice,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    UrlQuery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
}

impl Builtin {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "call" => Self::Call,
            "html" => Self::Html,
            "index" => Self::Index,
            "slice" => Self::Slice,
            "js" => Self::Js,
            "len" => Self::Len,
            "not" => Self::Not,
            "or" => Self::Or,
            "print" => Self::Print,
            "printf" => Self::Printf,
            "println" => Self::Println,
            "urlquery" => Self::UrlQuery,
            "eq" => Self::Eq,
            "ge" => Self::Ge,
            "gt" => Self::Gt,
            "le" => Self::Le,
            "lt" => Self::Lt,
            "ne" => Self::Ne,
            _ => return None,
        })
    }

    pub(crate) fn signature(self) -> Signature {
        const ONE: &[Type] = &[Type::Reflect];
        const TWO: &[Type] = &[Type::Reflect, Type::Reflect];
        match self {
            Self::And | Self::Or | Self::Call | Self::Index | Self::Slice => Signature::variadic(TWO, Type::Reflect),
            Self::Html | Self::Js | Self::UrlQuery | Self::Print | Self::Println => {
                Signature::variadic(&[Type::Any], Type::Str)
            }
            Self::Printf => Signature::variadic(&[Type::Str, Type::Any], Type::Str),
            Self::Len => Signature::fixed(ONE, Type::Int),
            Self::Not => Signature::fixed(ONE, Type::Bool),
            Self::Eq => Signature::variadic(TWO, Type::Bool),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => Signature::fixed(TWO, Type::Bool),
        }
    }
}

/// Runs a builtin function on checked arguments; `and` and `or` are the executor's own.
///
/// The bits of `interfaces` tell which arguments are in an `interface {}`; `callee` is what `call` was given, as written.
pub(crate) fn run(
    builtin: Builtin,
    call: &mut Call<'_, '_>,
    args: &[Value],
    interfaces: u64,
    callee: &str,
) -> Result<Typed, FuncError> {
    let nil = Value::Nil;
    let first = args.first().unwrap_or(&nil);
    let second = args.get(1).unwrap_or(&nil);
    let rest = args.get(1..).unwrap_or_default();
    let value = match builtin {
        Builtin::And | Builtin::Or => Value::Nil,
        Builtin::Index => return index::index(first, rest),
        Builtin::Call => return invoke(call, first, rest, callee),
        Builtin::Slice => index::slice(first, rest, interfaces >> 1)?,
        Builtin::Len => index::len(first, interfaces & 1 == 1)?,
        Builtin::Not => Value::Bool(!first.truth()),
        Builtin::Html => escape::html(&escape::text(call, args)?),
        Builtin::Js => escape::js(&escape::text(call, args)?),
        Builtin::UrlQuery => escape::url_query(&escape::text(call, args)?),
        Builtin::Print => Value::Str(call.sprint(args)?),
        Builtin::Println => Value::Str(call.sprintln(args)?),
        Builtin::Printf => {
            let format = first.as_string().cloned().unwrap_or_default();
            Value::Str(call.sprintf(format.as_bytes(), rest)?)
        }
        Builtin::Eq => Value::Bool(compare::equal(call, first, rest)?),
        Builtin::Ne => Value::Bool(!compare::equal(call, first, rest)?),
        Builtin::Lt => Value::Bool(compare::less(first, second)?),
        Builtin::Le => Value::Bool(compare::less(first, second)? || compare::equal(call, first, rest)?),
        Builtin::Gt => Value::Bool(!(compare::less(first, second)? || compare::equal(call, first, rest)?)),
        Builtin::Ge => Value::Bool(!compare::less(first, second)?),
    };
    Ok(Typed::plain(value))
}

/// `call`: the function value on the arguments.
fn invoke(call: &mut Call<'_, '_>, function: &Value, args: &[Value], callee: &str) -> Result<Typed, FuncError> {
    let function = match function {
        Value::Nil => return Err(FuncError::new("call of nil")),
        Value::Func(function) => function,
        other => return Err(FuncError::new(format!("non-function {callee} of type {}", other.type_name()))),
    };
    let signature = function.signature;
    let params = signature.params;
    let given = args.len();
    if signature.variadic && given + 1 < params.len() {
        let least = params.len() - 1;
        return Err(FuncError::new(format!("wrong number of args for {callee}: got {given} want at least {least}")));
    }
    if !signature.variadic && given != params.len() {
        let want = params.len();
        return Err(FuncError::new(format!("wrong number of args for {callee}: got {given} want {want}")));
    }
    let rest = params.last().copied().unwrap_or(Type::Any);
    let mut values = Vec::with_capacity(given);
    for (index, arg) in args.iter().enumerate() {
        let declared = params.get(index).copied().unwrap_or(rest);
        let value = prepare(arg, declared).map_err(|err| FuncError::new(format!("arg {index}: {err}")))?;
        values.push(value);
    }
    let value = call.invoke(function, &values)?;
    Ok(Typed { value, interface: signature.result == Type::Any })
}

/// The value as an argument or key of the declared type.
fn prepare(value: &Value, declared: Type) -> Result<Value, String> {
    if matches!(value, Value::Nil) {
        return if declared.can_be_nil() {
            Ok(zero_of(declared))
        } else {
            Err(format!("value is nil; should be of type {declared}"))
        };
    }
    if assignable(value, declared) {
        return Ok(value.clone());
    }
    let integer = value.as_signed().map(i128::from).or(value.as_unsigned().map(i128::from));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "Go's conversions wrap")]
    let converted = integer.and_then(|integer| {
        Some(match declared {
            Type::Int => Value::Int(integer as i64),
            Type::Int32 => Value::Int32(integer as i32),
            Type::Int64 => Value::Int64(integer as i64),
            Type::Uint8 => Value::Uint8(integer as u8),
            Type::Uint64 => Value::Uint64(integer as u64),
            Type::Duration => Value::Duration(integer as i64),
            _ => return None,
        })
    });
    converted.ok_or_else(|| format!("value has type {}; should be {declared}", value.type_name()))
}
