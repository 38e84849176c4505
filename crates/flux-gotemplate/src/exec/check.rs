//! Whether values fit declared types, as Go's reflection decides.

use super::{Done, Exec, Typed};
use crate::value::{List, Map, MapType, Shape, Type, Value};

/// What nil stands for where a value of the type is asked for; `None` when Go does not allow nil there.
pub(super) fn zero(declared: Type) -> Option<Value> {
    declared.can_be_nil().then(|| zero_of(declared))
}

/// The zero value of a type; nil for types that have a nil of no kind of their own.
pub(crate) fn zero_of(declared: Type) -> Value {
    static OF_STRINGS: MapType = MapType::plain(&Type::Str);
    match declared {
        Type::Bool => Value::Bool(false),
        Type::Int => Value::Int(0),
        Type::Int32 => Value::Int32(0),
        Type::Int64 => Value::Int64(0),
        Type::Uint8 => Value::Uint8(0),
        Type::Uint64 => Value::Uint64(0),
        Type::Float64 => Value::Float(0.0),
        Type::Complex128 => Value::Complex((0.0, 0.0).into()),
        Type::Str => Value::str(""),
        Type::Duration => Value::Duration(0),
        Type::BYTES => Value::Bytes(crate::value::GoStr::default()),
        Type::List(elem) => Value::List(List::nil(elem)),
        Type::Map(Type::Str) => Value::Map(Map::nil(&OF_STRINGS)),
        Type::Map(_) | Type::NamedMap(_) => Value::Map(Map::nil_plain()),
        Type::Any | Type::Reflect | Type::Error | Type::Func(_) | Type::Object(_) => Value::Nil,
    }
}

/// Whether a value may be given where the type is asked for, as Go assigns.
pub(crate) fn assignable(value: &Value, declared: Type) -> bool {
    match (declared, value) {
        (Type::Any | Type::Reflect, _)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Int32, Value::Int32(_))
        | (Type::Int64, Value::Int64(_))
        | (Type::Uint8, Value::Uint8(_))
        | (Type::Uint64, Value::Uint64(_))
        | (Type::Float64, Value::Float(_))
        | (Type::Complex128, Value::Complex(_))
        | (Type::Str, Value::Str(_))
        | (Type::BYTES, Value::Bytes(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Error, Value::Error(_))
        | (Type::Func(_), Value::Func(_)) => true,
        (Type::List(elem), Value::List(list)) => elem == list.elem(),
        (Type::Map(elem), Value::Map(map)) => elem == map.map_type().elem,
        (Type::NamedMap(name), Value::Map(map)) => {
            map.map_type().name.map_or(*map.map_type().elem == Type::Any, |own| own == name)
        }
        (Type::Object(name), Value::Object(object)) => {
            let own = object.type_name();
            own == name || own.strip_prefix('*') == Some(name)
        }
        (Type::List(_) | Type::Map(_), Value::Object(object)) => match object.shape() {
            Shape::Value(inner) if !object.is_pointer() => assignable(&inner, declared),
            Shape::Value(_) | Shape::Struct(_) => false,
        },
        _ => false,
    }
}

impl Exec<'_, '_, '_> {
    /// The value, when it may be given where the type is asked for.
    pub(super) fn checked(&self, value: Typed, declared: Type) -> Done<Typed> {
        if matches!(declared, Type::Any | Type::Reflect) {
            return Ok(value);
        }
        if value.is_invalid() {
            return match zero(declared) {
                Some(zero) => Ok(Typed::plain(zero)),
                None => self.fail(&format!("invalid value; expected {declared}")),
            };
        }
        if matches!(value.value, Value::Nil) || !assignable(&value.value, declared) {
            let name = if matches!(value.value, Value::Nil) { value.type_name() } else { value.value.type_name() };
            return self.fail(&format!("wrong type for value; expected {declared}; got {name}"));
        }
        Ok(match (declared, value.value) {
            // Functions get the plain value under a named type.
            (Type::List(_) | Type::Map(_), Value::Object(object)) => match object.shape() {
                Shape::Value(inner) => Typed::plain(inner),
                Shape::Struct(_) => Typed::plain(Value::Object(object)),
            },
            (_, value) => Typed::plain(value),
        })
    }
}
