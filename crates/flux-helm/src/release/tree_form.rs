//! Trees of values as JSON: numbers are floating point, keys sorted, the nil map null.

use std::fmt;

use flux_gotemplate::value::Entries;
use flux_gotemplate::{GoStr, Map, Value};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

pub(super) fn serialize<S: Serializer>(map: &Map, serializer: S) -> Result<S::Ok, S::Error> {
    Borrowed(&Value::Map(map.clone())).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
    match Owned::deserialize(deserializer)?.0 {
        Value::Map(map) => Ok(map),
        Value::Nil => Ok(Map::nil_plain()),
        other => Err(de::Error::custom(format_args!("values are a {}, not a map", other.type_name()))),
    }
}

/// A value to be written.
struct Borrowed<'v>(&'v Value);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Nil => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) | Value::Int64(number) | Value::Duration(number) => serializer.serialize_i64(*number),
            Value::Int32(number) => serializer.serialize_i32(*number),
            Value::Uint8(number) => serializer.serialize_u8(*number),
            Value::Uint64(number) => serializer.serialize_u64(*number),
            Value::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Value::Str(text) => serializer.serialize_str(&text.to_text()),
            Value::List(list) if list.is_nil() => serializer.serialize_unit(),
            Value::List(list) => serializer.collect_seq(list.items().iter().map(Borrowed)),
            Value::Map(map) if map.is_nil() => serializer.serialize_unit(),
            Value::Map(map) => {
                let entries = map.entries();
                serializer.collect_map(entries.iter().map(|(key, value)| (key.to_text(), Borrowed(value))))
            }
            Value::Float(_)
            | Value::Bytes(_)
            | Value::Complex(_)
            | Value::Error(_)
            | Value::Func(_)
            | Value::Object(_) => {
                Err(ser::Error::custom(format_args!("a {} among the values has no JSON", self.0.type_name())))
            }
        }
    }
}

/// A value that was read.
struct Owned(Value);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "values hold numbers of JSON as floating point, as Go reads them")]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Float(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "values hold numbers of JSON as floating point, as Go reads them")]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Float(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Owned(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut entries = Entries::new();
        while let Some((key, Owned(value))) = members.next_entry::<String, Owned>()? {
            entries.insert(GoStr::from(key), value);
        }
        Ok(Map::from_entries(entries).into())
    }
}
