//! Giving up maps that contain themselves, which counting holders alone never frees.

use std::cell::RefCell;
use std::collections::HashSet;

use super::map::WeakMap;
use super::{Entries, Map};

thread_local! {
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Noted {
    known: HashSet<usize>,
    maps: Vec<WeakMap>,
}

/// While it lives, maps of this thread that get maps or lists put into them are remembered; at its end, those that are
/// still there are emptied.
///
/// A rendering's caller holds one around the rendering, so that a template that puts a map into itself leaves nothing
/// behind. No map that templates may change must be of use after it. A scope within a scope does nothing.
pub struct Scope {
    outermost: bool,
}

impl Scope {
    /// Starts remembering.
    #[must_use]
    pub fn enter() -> Self {
        NOTED.with_borrow_mut(|noted| {
            let outermost = noted.is_none();
            noted.get_or_insert_default();
            Self { outermost }
        })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.outermost {
            return;
        }
        let noted = NOTED.with_borrow_mut(Option::take);
        for map in noted.into_iter().flat_map(|noted| noted.maps) {
            if let Some(map) = map.upgrade() {
                map.replace(Entries::new());
            }
        }
    }
}

/// Remembers the map, when a scope is open.
pub(super) fn note(map: &Map) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(noted) = noted
            && noted.known.insert(map.address())
        {
            noted.maps.push(map.downgrade());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn maps_that_contain_themselves_are_given_up_at_the_end_of_a_scope() {
        let weak = {
            let _scope = Scope::enter();
            let map = Map::new();
            map.insert("self".into(), Value::Map(map.clone()));
            map.downgrade()
        };
        assert!(weak.upgrade().is_none());
    }
}
