//! Values by any verb.

use std::sync::Arc;

use super::number::Integer;
use super::{Bound, MOST_LEVELS, Printer};
use crate::value::{GoStr, List, Map, Object, Shape, Type, Value};

/// What stands for addresses: Go's differ from run to run.
const ADDRESS: u64 = 0xc0_0001_0000;

/// The stack that a level of a value may need, and how much more is taken when there is less.
const RED_ZONE: usize = 64 << 10;
const MORE_STACK: usize = 1 << 20;

impl Printer<'_> {
    /// An operand of a call of fmt.
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Str(text), 'v' | 's')
                if self.flags.width.is_none() && self.flags.precision.is_none() && !self.flags.sharp_v =>
            {
                self.out.extend_from_slice(text.as_bytes());
            }
            (Value::Nil, 'v' | 'T') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.complain(&Value::Nil, verb),
            (_, 'T') => self.plain(value.type_name().as_bytes()),
            (_, 'p') => self.pointer(value, verb),
            (Value::Bytes(bytes), _) => self.bytes(bytes, verb, "[]byte"),
            _ => self.value(value, verb, 0),
        }
    }

    /// A value as templates print it: without the sign of a pointer.
    pub(super) fn indirect(&mut self, value: &Value) {
        match value {
            Value::Object(object) if object.is_pointer() => match object.text() {
                Some(text) => self.out.extend_from_slice(text.as_bytes()),
                None => self.dereferenced(value),
            },
            Value::Object(object) => match object.text_by_address() {
                Some(text) => self.out.extend_from_slice(text.as_bytes()),
                None => self.argument(value, 'v'),
            },
            _ => self.argument(value, 'v'),
        }
    }

    /// A value, or what it points at; not by the text that the pointer has.
    pub(super) fn dereferenced(&mut self, value: &Value) {
        match value {
            Value::Object(object) if object.is_pointer() => self.shape(object, 'v', 0),
            Value::Error(text) => self.fields("errors.errorString", &[("s", Value::Str(text.clone()))], 'v', 0),
            _ => self.argument(value, 'v'),
        }
    }

    /// A value at `depth` within an operand.
    pub(super) fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if self.full() {
            return;
        }
        if depth > MOST_LEVELS {
            self.failed = Some(Bound::Nesting(MOST_LEVELS));
            return;
        }
        let fits = match value {
            Value::Nil => {
                self.out.extend_from_slice(b"<nil>");
                true
            }
            Value::Bool(value) => self.boolean(*value, verb),
            Value::Int(number) | Value::Int64(number) => self.integer(Integer::signed(*number), verb),
            Value::Int32(number) => self.integer(Integer::signed(i64::from(*number)), verb),
            Value::Uint8(number) => self.integer(Integer::unsigned(u64::from(*number)), verb),
            Value::Uint64(number) => self.integer(Integer::unsigned(*number), verb),
            Value::Float(number) => self.float(*number, verb),
            Value::Complex(number) => self.complex(number.0, number.1, verb),
            Value::Str(text) => self.string(text.as_bytes(), verb),
            Value::Duration(nanoseconds) => self.duration(*nanoseconds, verb),
            Value::Bytes(bytes) if matches!(verb, 's' | 'q' | 'x' | 'X') => {
                self.bytes(bytes, verb, "[]uint8");
                true
            }
            Value::Bytes(bytes) => {
                self.byte_items(bytes, verb);
                true
            }
            Value::List(_) | Value::Map(_) | Value::Object(_) | Value::Error(_) => {
                stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.composite(value, verb, depth))
            }
            Value::Func(_) => {
                self.pointer(value, verb);
                true
            }
        };
        if !fits {
            self.complain(value, verb);
        }
    }

    fn composite(&mut self, value: &Value, verb: char, depth: usize) -> bool {
        match value {
            _ if verb == 'w' && !self.complaining => return false,
            Value::List(list) => self.list(list, verb, depth),
            Value::Map(map) => self.map(map, &value.type_name(), verb, depth),
            Value::Object(object) => return self.object(object, verb, depth),
            Value::Error(text) => return self.error(text, verb, depth),
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
            | Value::Duration(_)
            | Value::Func(_) => return false,
        }
        true
    }

    /// `%!verb(type=value)`.
    pub(super) fn complain(&mut self, value: &Value, verb: char) {
        let outer = std::mem::replace(&mut self.complaining, true);
        self.out.extend_from_slice(format!("%!{verb}(").as_bytes());
        if matches!(value, Value::Nil) {
            self.out.extend_from_slice(b"<nil>");
        } else {
            self.out.extend_from_slice(value.type_name().as_bytes());
            self.out.push(b'=');
            self.argument(value, 'v');
        }
        self.out.push(b')');
        self.complaining = outer;
    }

    /// Whether the value's own text is asked for by the verb.
    fn asks_text(&self, verb: char) -> bool {
        !self.complaining && !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
    }

    fn duration(&mut self, nanoseconds: i64, verb: char) -> bool {
        if self.asks_text(verb) {
            let text = crate::time::format_duration(nanoseconds);
            return self.string(text.as_bytes(), verb);
        }
        self.integer(Integer::signed(nanoseconds), verb)
    }

    fn bytes(&mut self, bytes: &GoStr, verb: char, type_name: &str) {
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                self.out.extend_from_slice(type_name.as_bytes());
                self.out.push(b'{');
                for (index, byte) in bytes.as_bytes().iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    self.hex_with_prefix(u64::from(*byte), true);
                }
                self.out.push(b'}');
            }
            's' => self.plain(bytes.as_bytes()),
            'x' | 'X' => self.hex_bytes(bytes.as_bytes(), verb == 'X'),
            'q' => self.quoted(bytes.as_bytes()),
            _ => self.byte_items(bytes, verb),
        }
    }

    fn byte_items(&mut self, bytes: &GoStr, verb: char) {
        let (open, between, close): (&[u8], &[u8], u8) =
            if self.flags.sharp_v { (b"[]uint8{", b", ", b'}') } else { (b"[", b" ", b']') };
        self.out.extend_from_slice(open);
        for (index, byte) in bytes.as_bytes().iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(between);
            }
            if verb == 'w' && !self.complaining {
                self.complain(&Value::Uint8(*byte), verb);
            } else {
                self.value(&Value::Uint8(*byte), verb, 1);
            }
            if self.failed.is_some() {
                return;
            }
        }
        self.out.push(close);
    }

    /// An element of a list or map, whose static type is `declared`.
    fn element(&mut self, value: &Value, declared: &Type, verb: char, depth: usize) {
        if matches!(value, Value::Nil) {
            if self.flags.sharp_v {
                self.out.extend_from_slice(format!("{declared}(nil)").as_bytes());
            } else {
                self.out.extend_from_slice(b"<nil>");
            }
            return;
        }
        self.value(value, verb, depth);
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        let (open, close): (&[u8], u8) = if self.flags.sharp_v {
            self.out.extend_from_slice(format!("[]{}", list.elem()).as_bytes());
            if list.is_nil() {
                return self.out.extend_from_slice(b"(nil)");
            }
            self.out.push(b'{');
            (b", ", b'}')
        } else {
            self.out.push(b'[');
            (b" ", b']')
        };
        for (index, item) in list.items().iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(open);
            }
            self.element(item, list.elem(), verb, depth + 1);
            if self.failed.is_some() {
                return;
            }
        }
        self.out.push(close);
    }

    fn map(&mut self, map: &Map, type_name: &str, verb: char, depth: usize) {
        let (between, close): (&[u8], u8) = if self.flags.sharp_v {
            self.out.extend_from_slice(type_name.as_bytes());
            if map.is_nil() {
                return self.out.extend_from_slice(b"(nil)");
            }
            self.out.push(b'{');
            (b", ", b'}')
        } else {
            self.out.extend_from_slice(b"map[");
            (b" ", b']')
        };
        for (index, (key, item)) in map.entries().iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(between);
            }
            self.value(&Value::Str(key.clone()), verb, depth + 1);
            self.out.push(b':');
            self.element(item, map.map_type().elem, verb, depth + 1);
            if self.failed.is_some() {
                return;
            }
        }
        self.out.push(close);
    }

    fn object(&mut self, object: &Arc<dyn Object>, verb: char, depth: usize) -> bool {
        if self.asks_text(verb)
            && let Some(text) = object.text()
        {
            return self.string(text.as_bytes(), verb);
        }
        if object.is_pointer() {
            if depth > 0 {
                return self.address(object.type_name(), verb);
            }
            self.out.push(b'&');
        }
        self.shape(object, verb, depth + usize::from(object.is_pointer()));
        true
    }

    fn shape(&mut self, object: &Arc<dyn Object>, verb: char, depth: usize) {
        let type_name = object.type_name().trim_start_matches('*');
        match object.shape() {
            Shape::Struct(fields) => self.fields(type_name, &fields, verb, depth),
            Shape::Value(Value::Map(map)) => self.map(&map, type_name, verb, depth),
            Shape::Value(value) => self.value(&value, verb, depth),
        }
    }

    fn error(&mut self, text: &GoStr, verb: char, depth: usize) -> bool {
        if self.asks_text(verb) {
            return self.string(text.as_bytes(), verb);
        }
        if depth > 0 {
            return self.address("*errors.errorString", verb);
        }
        self.out.push(b'&');
        self.fields("errors.errorString", &[("s", Value::Str(text.clone()))], verb, 1);
        true
    }

    fn fields(&mut self, type_name: &str, fields: &[(&'static str, Value)], verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.out.extend_from_slice(type_name.as_bytes());
        }
        self.out.push(b'{');
        for (index, (name, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(if self.flags.sharp_v { b", " } else { b" " });
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.out.extend_from_slice(name.as_bytes());
                self.out.push(b':');
            }
            self.element(value, &Type::Any, verb, depth + 1);
            if self.failed.is_some() {
                return;
            }
        }
        self.out.push(b'}');
    }

    fn pointer(&mut self, value: &Value, verb: char) {
        let has_address = match value {
            Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Func(_) | Value::Error(_) => true,
            Value::Object(object) => object.is_pointer(),
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
            | Value::Duration(_) => false,
        };
        if !has_address || !self.address(&value.type_name(), verb) {
            self.complain(value, verb);
        }
    }

    fn address(&mut self, type_name: &str, verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => {
                self.out.extend_from_slice(format!("({type_name})(").as_bytes());
                self.hex_with_prefix(ADDRESS, true);
                self.out.push(b')');
            }
            'v' | 'p' => self.hex_with_prefix(ADDRESS, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => return self.integer(Integer::unsigned(ADDRESS), verb),
            _ => return false,
        }
        true
    }
}
