//! Go's maps with string keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use super::release::release;
use super::scope;
use super::{GoStr, Type, Value};
use crate::function::Function;

/// The entries of a map, in the order in which Go prints and ranges over them.
pub type Entries = BTreeMap<GoStr, Value>;

/// What a map's type says: its name, its elements' type, its methods.
pub struct MapType {
    /// The name, for types such as `common.Values`; `None` for a plain `map[string]T`.
    pub name: Option<&'static str>,
    /// The type of the elements.
    pub elem: &'static Type,
    /// The methods of a named type, which get the map.
    pub methods: fn(&Map, &str) -> Option<Function>,
}

impl MapType {
    /// `map[string]interface {}`.
    pub const PLAIN: Self = Self::plain(&Type::Any);

    /// `map[string]T`, where `elem` is T.
    pub const fn plain(elem: &'static Type) -> Self {
        Self { name: None, elem, methods: no_methods }
    }
}

fn no_methods(_: &Map, _: &str) -> Option<Function> {
    None
}

static PLAIN: MapType = MapType::PLAIN;
static OF_STRINGS: MapType = MapType::plain(&Type::Str);

/// A Go map with string keys. Clones share the entries, as in Go: a change through one is seen by all.
#[derive(Clone)]
pub struct Map {
    data: Arc<Data>,
    map_type: &'static MapType,
}

/// A map that may be gone.
pub(super) struct WeakMap {
    data: Weak<Data>,
    map_type: &'static MapType,
}

impl WeakMap {
    pub(super) fn upgrade(&self) -> Option<Map> {
        Some(Map { data: self.data.upgrade()?, map_type: self.map_type })
    }
}

struct Data {
    nil: bool,
    /// Readers take the inner `Arc`, so that no lock is held while they work and writers copy only when they must.
    entries: RwLock<Arc<Entries>>,
}

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::typed(&PLAIN, Entries::new())
    }

    /// A `map[string]interface {}` with these entries.
    pub fn from_entries(entries: Entries) -> Self {
        Self::typed(&PLAIN, entries)
    }

    /// A `map[string]string` with these entries, all of which must be strings.
    pub fn of_strings(entries: Entries) -> Self {
        Self::typed(&OF_STRINGS, entries)
    }

    /// A map of the given type; each element must be of its element type.
    pub fn typed(map_type: &'static MapType, entries: Entries) -> Self {
        Self { data: Arc::new(Data { nil: false, entries: RwLock::new(Arc::new(entries)) }), map_type }
    }

    /// The nil map of a type: prints as `map[]`, is `null` in JSON, equals nil.
    pub fn nil(map_type: &'static MapType) -> Self {
        Self { data: Arc::new(Data { nil: true, entries: RwLock::new(Arc::default()) }), map_type }
    }

    /// A nil `map[string]interface {}`.
    pub fn nil_plain() -> Self {
        Self::nil(&PLAIN)
    }

    /// The same map under another type, as Go's conversion gives: a change through one is seen by the other.
    #[must_use]
    pub fn retyped(&self, map_type: &'static MapType) -> Self {
        Self { data: Arc::clone(&self.data), map_type }
    }

    /// The same map as a plain `map[string]interface {}`.
    #[must_use]
    pub fn plain(&self) -> Self {
        self.retyped(&PLAIN)
    }

    /// The entries as they are now; later changes are not seen in them. Costs next to nothing.
    pub fn entries(&self) -> Arc<Entries> {
        Arc::clone(&self.data.entries.read())
    }

    /// Another map of the same type that has the entries of now, but not the changes to come. The maps among the entries
    /// stay the same. Costs next to nothing until one of the two changes.
    #[must_use]
    pub fn detached(&self) -> Self {
        let data = Data { nil: false, entries: RwLock::new(self.entries()) };
        Self { data: Arc::new(data), map_type: self.map_type }
    }

    /// The element at `key`.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.data.entries.read().get(key).cloned()
    }

    /// Hands the element at `key` to a function that must not change any map.
    #[inline]
    pub(crate) fn with<T>(&self, key: &[u8], look: impl FnOnce(Option<&Value>) -> T) -> T {
        look(self.data.entries.read_recursive().get(key))
    }

    /// Whether there is an element at `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.data.entries.read().contains_key(key)
    }

    /// Sets the element at `key`, seen by all holders of the map.
    pub fn insert(&self, key: GoStr, value: Value) {
        if value.is_container() {
            scope::note(self);
        }
        // What was there is dropped after the lock is gone: it may be large.
        let _old = Arc::make_mut(&mut *self.data.entries.write()).insert(key, value);
    }

    /// Removes the element at `key`, seen by all holders of the map.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        let mut entries = self.data.entries.write();
        if entries.contains_key(key) { Arc::make_mut(&mut *entries).remove(key) } else { None }
    }

    /// Replaces all entries, seen by all holders of the map.
    pub fn replace(&self, entries: Entries) {
        if entries.values().any(Value::is_container) {
            scope::note(self);
        }
        let _old = std::mem::replace(&mut *self.data.entries.write(), Arc::new(entries));
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.data.entries.read().len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is the nil map, which Go cannot write to.
    pub fn is_nil(&self) -> bool {
        self.data.nil
    }

    /// The map's type.
    pub fn map_type(&self) -> &'static MapType {
        self.map_type
    }

    /// Whether the type is the plain `map[string]interface {}`, what Go's type assertion to it would accept.
    pub fn is_plain(&self) -> bool {
        self.map_type.name.is_none() && *self.map_type.elem == Type::Any
    }

    /// Whether both are the same map in memory.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.data, &other.data)
    }

    pub(super) fn downgrade(&self) -> WeakMap {
        WeakMap { data: Arc::downgrade(&self.data), map_type: self.map_type }
    }

    /// Where the map lies in memory, to recognise it in a walk.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.data).addr()
    }

    /// The maps and lists in it, when nobody else holds the map; for taking deep values apart without recursion.
    pub(super) fn into_values(self) -> Vec<Value> {
        let Some(data) = Arc::into_inner(self.data) else {
            return Vec::new();
        };
        data.take_values()
    }
}

impl Data {
    /// The maps and lists among the values; the others are dropped.
    fn take_values(&self) -> Vec<Value> {
        let entries = std::mem::take(&mut *self.entries.write());
        Arc::into_inner(entries)
            .map_or_else(Vec::new, |entries| entries.into_values().filter(Value::is_container).collect())
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if self.entries.get_mut().values().any(Value::is_container) {
            release(self.take_values());
        }
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<(GoStr, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (GoStr, Value)>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_map_and_the_other_do_not_see_each_others_changes() {
        let map = Map::from_iter([("a".into(), Value::Int(1))]);
        let detached = map.detached();
        map.insert("b".into(), Value::Int(2));
        detached.remove(b"a");
        assert!(map.contains(b"a") && map.contains(b"b") && detached.is_empty());
    }
}
