//! Ranges.

use std::sync::Arc;

use super::frame::{Frame, Range};
use super::{Done, Exec, Typed};
use crate::parse::Branch;
use crate::value::{Entries, GoStr, List, Shape, Type, Value};

/// What a range goes through.
pub(super) enum Items {
    /// Integers from the first to below the second, of the kind of the value.
    Integers(u64, u64, Value),
    List(List, usize),
    Bytes(GoStr, usize),
    Map(std::vec::IntoIter<(GoStr, Value)>, &'static Type),
}

impl Items {
    /// The next index or key, and element.
    fn next(&mut self) -> Option<(Typed, Typed)> {
        match self {
            Self::Integers(next, end, kind) => {
                let at = *next;
                if at >= *end {
                    return None;
                }
                *next += 1;
                Some((Typed::default(), Typed::plain(same_kind(kind, at))))
            }
            Self::List(list, next) => {
                let value = list.items().get(*next)?.clone();
                let index = index(*next);
                *next += 1;
                Some((index, Typed { value, interface: *list.elem() == Type::Any }))
            }
            Self::Bytes(bytes, next) => {
                let byte = *bytes.as_bytes().get(*next)?;
                let index = index(*next);
                *next += 1;
                Some((index, Typed::plain(Value::Uint8(byte))))
            }
            Self::Map(entries, elem) => {
                let (key, value) = entries.next()?;
                Some((Typed::plain(Value::Str(key)), Typed { value, interface: **elem == Type::Any }))
            }
        }
    }
}

fn index(index: usize) -> Typed {
    Typed::plain(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)))
}

/// The number as an integer of the kind of `kind`.
fn same_kind(kind: &Value, number: u64) -> Value {
    let signed = i64::try_from(number).unwrap_or(i64::MAX);
    match kind {
        Value::Int32(_) => Value::Int32(i32::try_from(number).unwrap_or(i32::MAX)),
        Value::Int64(_) => Value::Int64(signed),
        Value::Uint8(_) => Value::Uint8(u8::try_from(number).unwrap_or(u8::MAX)),
        Value::Uint64(_) => Value::Uint64(number),
        Value::Duration(_) => Value::Duration(signed),
        _ => Value::Int(signed),
    }
}

impl<'t> Exec<'t, '_, '_> {
    pub(super) fn range(&mut self, branch: &'t Branch) -> Done<()> {
        let outer = self.variables.len();
        let value = self.pipeline(branch.pipe)?.value;
        let Some(items) = self.items(&value, self.tree.pipe(branch.pipe).variables.len())? else {
            self.range_else(branch, outer);
            return Ok(());
        };
        let range = Range {
            items,
            list: self.tree.list(branch.list),
            outer,
            inner: self.variables.len(),
            dot: self.dot.clone(),
            pipe: branch.pipe,
        };
        self.next_iteration(Box::new(range))
    }

    fn range_else(&mut self, branch: &'t Branch, outer: usize) {
        self.frames.push(Frame::Scope(outer));
        if let Some(list) = branch.else_list {
            self.push_list(list);
        }
    }

    /// What the value has to go through; `None` when it is empty.
    fn items(&mut self, value: &Value, variables: usize) -> Done<Option<Items>> {
        let integer = value.as_signed().map(|number| u64::try_from(number).unwrap_or(0)).or(value.as_unsigned());
        if let Some(end) = integer {
            if variables > 1 {
                let value = self.show_value(value)?;
                return self.fail(&format!("can't use {value} to iterate over more than one variable"));
            }
            return Ok((end > 0).then(|| Items::Integers(0, end, value.clone())));
        }
        Ok(match value {
            Value::Nil => None,
            Value::List(list) => (!list.is_empty()).then(|| Items::List(list.clone(), 0)),
            Value::Bytes(bytes) => (!bytes.is_empty()).then(|| Items::Bytes(bytes.clone(), 0)),
            Value::Map(map) => self.entries(&map.entries(), map.map_type().elem)?,
            Value::Object(object) => match object.shape() {
                Shape::Value(inner) => return self.items(&inner, variables),
                Shape::Struct(_) => return self.not_iterable(value),
            },
            Value::Bool(_)
            | Value::Int(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Uint8(_)
            | Value::Uint64(_)
            | Value::Float(_)
            | Value::Complex(_)
            | Value::Str(_)
            | Value::Duration(_)
            | Value::Error(_)
            | Value::Func(_) => return self.not_iterable(value),
        })
    }

    fn entries(&mut self, entries: &Arc<Entries>, elem: &'static Type) -> Done<Option<Items>> {
        self.budget.memory(entries.len() * size_of::<(GoStr, Value)>())?;
        let entries: Vec<_> = entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok((!entries.is_empty()).then(|| Items::Map(entries.into_iter(), elem)))
    }

    fn not_iterable<T>(&self, value: &Value) -> Done<T> {
        let value = self.show_value(value)?;
        self.fail(&format!("range can't iterate over {value}"))
    }

    /// Starts the next iteration, or leaves the range.
    pub(super) fn next_iteration(&mut self, mut range: Box<Range<'t>>) -> Done<()> {
        self.budget.step()?;
        self.variables.truncate(range.inner);
        let Some((key, element)) = range.items.next() else {
            self.variables.truncate(range.outer);
            self.dot = range.dot;
            return Ok(());
        };
        let pipe = self.tree.pipe(range.pipe);
        let names = match pipe.variables.as_slice() {
            [] => [None, None],
            [one] => [None, Some(*one)],
            [key, element, ..] => [Some(*key), Some(*element)],
        };
        if pipe.assigns {
            for (name, value) in names.into_iter().zip([&key, &element]) {
                if let Some(name) = name {
                    self.set_variable(name, value.clone())?;
                }
            }
        } else {
            let last = range.inner;
            if names[1].is_some() {
                self.set_slot(last - 1, element.clone());
            }
            if names[0].is_some() {
                self.set_slot(last - 2, key);
            }
        }
        self.dot = element;
        let list = range.list;
        self.frames.push(Frame::Range(range));
        self.frames.push(Frame::List(list.iter()));
        Ok(())
    }

    fn set_slot(&mut self, slot: usize, value: Typed) {
        if let Some((_, old)) = self.variables.get_mut(slot) {
            *old = value;
        }
    }
}
