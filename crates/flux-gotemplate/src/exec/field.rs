//! Fields, elements and methods.

use super::{Done, Exec, Typed, quoted};
use crate::function::Function;
use crate::parse::{Expr, Part};
use crate::templates::MissingKey;
use crate::value::{GoStr, Map, Shape, Type, Value};

/// What plain maps within plain maps hold, without taking hold of those between; `None` when it is not that simple.
pub(super) fn quick(receiver: &Value, fields: &[GoStr]) -> Option<Typed> {
    let (field, rest) = fields.split_first()?;
    let Value::Map(map) = receiver else {
        return None;
    };
    let map_type = map.map_type();
    if map_type.name.is_some() && !rest.is_empty() && (map_type.methods)(map, field.as_str()?).is_some() {
        return None;
    }
    if map_type.name.is_some() && rest.is_empty() {
        return None;
    }
    map.with(field.as_bytes(), |value| {
        let value = value?;
        if rest.is_empty() {
            return Some(Typed { value: value.clone(), interface: *map_type.elem == Type::Any });
        }
        quick(value, rest)
    })
}

impl<'t> Exec<'t, '_, '_> {
    /// Goes from the receiver from field to field; a method at the end gets the arguments. The first of `args` stands
    /// for the function itself.
    pub(super) fn fields(
        &mut self,
        receiver: Typed,
        expr: &'t Expr,
        fields: &'t [GoStr],
        args: &'t [Expr],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let Some((end, before)) = fields.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for field in before {
            receiver = self.field(&receiver, field, expr, &[], None)?;
        }
        self.field(&receiver, end, expr, args, last)
    }

    fn field(
        &mut self,
        receiver: &Typed,
        field: &GoStr,
        expr: &'t Expr,
        args: &'t [Expr],
        last: Option<Typed>,
    ) -> Done<Typed> {
        if let Value::Map(map) = &receiver.value
            && map.map_type().name.is_none()
        {
            return self.element(map, field, args, last.as_ref());
        }
        if receiver.is_invalid() {
            if self.templates.missing_key() == MissingKey::Error {
                return self.fail(&format!("nil data; no entry for key {}", quoted(field.as_bytes())));
            }
            return Ok(Typed::default());
        }
        if matches!(receiver.value, Value::Nil) {
            return self.fail(&format!("nil pointer evaluating {}.{field}", receiver.type_name()));
        }
        if let Some(method) = method(&receiver.value, field) {
            return self.call(&method, Part::Expr(expr), field, args, last);
        }
        match &receiver.value {
            Value::Map(map) => self.element(map, field, args, last.as_ref()),
            Value::Error(_) if *field == "s" => {
                let name = receiver.type_name();
                self.fail(&format!("{field} is an unexported field of struct type {name}"))
            }
            Value::Object(object) => {
                if let Some(value) = object.field(&field.to_text()) {
                    if args.len() > 1 || last.is_some() {
                        return self.fail(&format!("{field} has arguments but cannot be invoked as function"));
                    }
                    let interface = matches!(value, Value::Nil);
                    return Ok(Typed { value, interface });
                }
                if let Shape::Value(Value::Map(map)) = object.shape() {
                    return self.element(&map, field, args, last.as_ref());
                }
                self.no_field(receiver, field)
            }
            Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Uint8(_)
            | Value::Uint64(_)
            | Value::Float(_)
            | Value::Complex(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Duration(_)
            | Value::Error(_)
            | Value::Func(_) => self.no_field(receiver, field),
        }
    }

    fn no_field<T>(&self, receiver: &Typed, field: &GoStr) -> Done<T> {
        self.fail(&format!("can't evaluate field {field} in type {}", receiver.type_name()))
    }

    fn element(&self, map: &Map, field: &GoStr, args: &[Expr], last: Option<&Typed>) -> Done<Typed> {
        if args.len() > 1 || last.is_some() {
            return self.fail(&format!("{field} is not a method but has arguments"));
        }
        let elem = map.map_type().elem;
        if let Some(value) = map.get(field.as_bytes()) {
            return Ok(Typed { value, interface: *elem == Type::Any });
        }
        match self.templates.missing_key() {
            MissingKey::Invalid => Ok(Typed::default()),
            MissingKey::Zero => Ok(zero_element(elem)),
            MissingKey::Error => self.fail(&format!("map has no entry for key {}", quoted(field.as_bytes()))),
        }
    }
}

/// What Go gives for a key that a map does not have.
pub(crate) fn zero_element(elem: &Type) -> Typed {
    if *elem == Type::Any { Typed::interface(Value::Nil) } else { Typed::plain(super::check::zero_of(*elem)) }
}

fn method(receiver: &Value, name: &GoStr) -> Option<Function> {
    match receiver {
        Value::Map(map) => (map.map_type().methods)(map, name.as_str()?),
        Value::Object(object) => object.method(name.as_str()?),
        Value::Error(text) => crate::funcs::error_method(text, name.as_str()?),
        Value::Duration(value) => crate::funcs::duration_method(*value, name.as_str()?),
        Value::Nil
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Int32(_)
        | Value::Int64(_)
        | Value::Uint8(_)
        | Value::Uint64(_)
        | Value::Float(_)
        | Value::Complex(_)
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Func(_) => None,
    }
}
