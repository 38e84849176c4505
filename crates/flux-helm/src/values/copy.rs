//! Copies of trees that share nothing with the original.

use flux_gotemplate::value::Entries;
use flux_gotemplate::{List, Map, Value};

use super::as_table;
use super::coalesce::CoalesceError;

/// How deep tables and lists may stand in one another: what is deeper can be written neither as YAML nor as JSON.
pub(super) const MAX_DEPTH: usize = 1_000;

/// How many values one step may copy or visit, as many as a file may have: a chart that imports tables into one another
/// can double them with each line.
const MAX_VALUES: usize = 2_000_000;

/// How many values all steps together may copy or visit that bring one chart's dependencies in order.
const MAX_VALUES_OF_ALL: usize = 4 * MAX_VALUES;

/// What becomes of keys with null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nulls {
    Keep,
    Drop,
}

/// Copies within bounds on their depth and on their number.
pub(super) struct Copies {
    left: usize,
    /// The bound that `left` came from.
    limit: usize,
}

/// What all steps together may copy or visit.
pub(super) struct Allowance {
    left: usize,
}

impl Allowance {
    pub(super) fn new() -> Self {
        Self { left: MAX_VALUES_OF_ALL }
    }

    /// Runs one step within its own bound and within what is left for all.
    pub(super) fn step<T>(
        &mut self,
        run: impl FnOnce(&mut Copies) -> Result<T, CoalesceError>,
    ) -> Result<T, CoalesceError> {
        let mut copies = Copies::new();
        if self.left < copies.left {
            copies = Copies { left: self.left, limit: MAX_VALUES_OF_ALL };
        }
        let before = copies.left;
        let result = run(&mut copies);
        self.left = self.left.saturating_sub(before - copies.left);
        result
    }
}

impl Copies {
    pub(super) fn new() -> Self {
        Self { left: MAX_VALUES, limit: MAX_VALUES }
    }

    /// The map and all in it anew; with [`Nulls::Drop`] without the nulls in tables, also nested ones.
    pub(super) fn map(&mut self, map: &Map, nulls: Nulls) -> Result<Map, CoalesceError> {
        self.map_at(map, nulls, 0)
    }

    /// The value anew, as [`Self::map`] does it.
    pub(super) fn value(&mut self, value: &Value, nulls: Nulls) -> Result<Value, CoalesceError> {
        self.value_at(value, nulls, 0)
    }

    /// Counts one value that is copied or visited.
    pub(super) fn spend(&mut self) -> Result<(), CoalesceError> {
        self.spend_all(1)
    }

    fn spend_all(&mut self, values: usize) -> Result<(), CoalesceError> {
        self.left = self.left.checked_sub(values).ok_or(CoalesceError::TooMany(self.limit))?;
        Ok(())
    }

    fn map_at(&mut self, map: &Map, nulls: Nulls, depth: usize) -> Result<Map, CoalesceError> {
        let entries = map.entries();
        let stays = |value: &Value| nulls == Nulls::Keep || !matches!(value, Value::Nil);
        if depth < MAX_DEPTH && entries.values().all(|value| stays(value) && !holds_values(value)) {
            self.spend_all(entries.len())?;
            return Ok(map.detached());
        }
        let kept = entries.iter().filter(|(_, value)| stays(value));
        let copies = kept.map(|(key, value)| Ok((key.clone(), self.value_at(value, nulls, depth + 1)?)));
        Ok(Map::typed(map.map_type(), copies.collect::<Result<Entries, _>>()?))
    }

    fn value_at(&mut self, value: &Value, nulls: Nulls, depth: usize) -> Result<Value, CoalesceError> {
        self.spend()?;
        if depth > MAX_DEPTH {
            return Err(CoalesceError::TooDeep);
        }
        match value {
            Value::Map(map) => {
                // Helm looks for nulls in tables only, not in what stands in lists.
                let nulls = if as_table(value).is_some() { nulls } else { Nulls::Keep };
                deeper(|| self.map_at(map, nulls, depth)).map(Value::Map)
            }
            Value::List(list) if list.items().iter().any(holds_values) => {
                let items = list.items().iter().map(|item| deeper(|| self.value_at(item, Nulls::Keep, depth + 1)));
                Ok(Value::List(List::of(list.elem(), items.collect::<Result<_, _>>()?)))
            }
            // A list never changes itself, so one of plain values can be shared.
            plain => Ok(plain.clone()),
        }
    }
}

fn holds_values(value: &Value) -> bool {
    matches!(value, Value::Map(_) | Value::List(_))
}

/// Runs one level of a recursion, with more stack where little is left.
pub(super) fn deeper<T>(level: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 << 10, 1 << 20, level)
}
