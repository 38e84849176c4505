//! Go's slices.

use std::sync::Arc;

use super::release::release;
use super::{Type, Value};

/// A Go slice, shared; its elements never change. Maps inside stay shared with other holders.
#[derive(Clone)]
pub struct List(Arc<Data>);

struct Data {
    elem: &'static Type,
    nil: bool,
    /// The visible elements, then those within the capacity that slicing can bring back.
    items: Vec<Value>,
    len: usize,
}

impl List {
    /// A `[]interface {}`.
    pub fn new(items: Vec<Value>) -> Self {
        Self::of(&Type::Any, items)
    }

    /// A slice whose element type is `elem`; each item must be of that type.
    pub fn of(elem: &'static Type, items: Vec<Value>) -> Self {
        let len = items.len();
        Self(Arc::new(Data { elem, nil: false, items, len }))
    }

    /// A `[]string`.
    pub fn strings<S: Into<super::GoStr>>(items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(|item| Value::Str(item.into()));
        Self::of(&Type::Str, items.collect())
    }

    /// The nil slice of element type `elem`: prints as `[]`, is `null` in JSON, equals nil.
    pub fn nil(elem: &'static Type) -> Self {
        Self(Arc::new(Data { elem, nil: true, items: Vec::new(), len: 0 }))
    }

    /// The elements.
    pub fn items(&self) -> &[Value] {
        self.0.items.get(..self.0.len).unwrap_or_default()
    }

    /// The elements, without copying them when nobody else holds the slice.
    pub fn into_vec(self) -> Vec<Value> {
        match Arc::try_unwrap(self.0) {
            Ok(mut data) => {
                let mut items = std::mem::take(&mut data.items);
                items.truncate(data.len);
                items
            }
            Err(shared) => Self(shared).items().to_vec(),
        }
    }

    /// The type of the elements; [`Type::Any`] for `[]interface {}`.
    pub fn elem(&self) -> &'static Type {
        self.0.elem
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// Whether both are the same slice in memory.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The number of elements within reach of slicing.
    pub(crate) fn capacity(&self) -> usize {
        self.0.items.len()
    }

    /// Go's `x[from:to:end]`; the caller has checked `from <= to <= end <= capacity`.
    pub(crate) fn slice(&self, from: usize, to: usize, end: usize) -> Self {
        if from == 0 && to == self.0.len && end == self.capacity() {
            return self.clone();
        }
        Self(Arc::new(Data {
            elem: self.0.elem,
            nil: false,
            items: self.0.items.get(from..end).unwrap_or_default().to_vec(),
            len: to.saturating_sub(from),
        }))
    }

    /// The elements, when nobody else holds the list; for taking deep values apart without recursion.
    pub(super) fn into_items(self) -> Vec<Value> {
        Arc::into_inner(self.0).map_or_else(Vec::new, |mut data| std::mem::take(&mut data.items))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_container) {
            release(std::mem::take(&mut self.items));
        }
    }
}
