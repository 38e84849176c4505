//! JSON pointers (RFC 6901) that remove and replace.

use serde_json::Value;

/// A parsed pointer to something inside a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    segments: Vec<String>,
}

impl Pointer {
    /// Reads `/a/b~1c/0`; none for a text that does not start with a slash, or that points at the whole document.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/').filter(|rest| !rest.is_empty())?;
        let segments = rest.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
        Some(Self { segments })
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// What the pointer points at.
    pub(crate) fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.segments.iter().try_fold(document, |value, segment| child(value, segment))
    }

    /// Removes what the pointer points at, if it is there.
    pub(crate) fn remove(&self, document: &mut Value) {
        let Some((last, parent)) = self.parent_mut(document) else { return };
        match parent {
            Value::Object(map) => {
                map.shift_remove(last);
            }
            Value::Array(items) => {
                if let Some(index) = index(last).filter(|index| *index < items.len()) {
                    items.remove(index);
                }
            }
            _ => {}
        }
    }

    /// Replaces what the pointer points at, if it is there.
    pub(crate) fn replace(&self, document: &mut Value, value: Value) {
        let Some((last, parent)) = self.parent_mut(document) else { return };
        let place = match parent {
            Value::Object(map) => map.get_mut(last),
            Value::Array(items) => index(last).and_then(|index| items.get_mut(index)),
            _ => None,
        };
        if let Some(place) = place {
            *place = value;
        }
    }

    fn parent_mut<'a>(&'a self, document: &'a mut Value) -> Option<(&'a str, &'a mut Value)> {
        let (last, parents) = self.segments.split_last()?;
        let parent = parents.iter().try_fold(document, |value, segment| match value {
            Value::Object(map) => map.get_mut(segment),
            Value::Array(items) => items.get_mut(index(segment)?),
            _ => None,
        })?;
        Some((last, parent))
    }
}

fn child<'a>(value: &'a Value, segment: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(segment),
        Value::Array(items) => items.get(index(segment)?),
        _ => None,
    }
}

pub(crate) fn index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with('0');
    canonical.then(|| segment.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_reach_into_maps_and_lists() {
        let document = json!({"a": {"b/c": [10, {"~": 1}]}});
        let get = |text: &str| Pointer::parse(text).unwrap().get(&document).cloned();
        assert_eq!(get("/a/b~1c/0"), Some(json!(10)));
        assert_eq!(get("/a/b~1c/1/~0"), Some(json!(1)));
        assert_eq!(get("/a/b~1c/01"), None);
        assert_eq!(get("/a/x/y"), None);
        assert_eq!(Pointer::parse(""), None);
        assert_eq!(Pointer::parse("a"), None);
    }

    #[test]
    fn what_is_not_there_is_neither_removed_nor_added() {
        let mut document = json!({"a": [1, 2]});
        for text in ["/a/2", "/b", "/a/x"] {
            Pointer::parse(text).unwrap().remove(&mut document);
            Pointer::parse(text).unwrap().replace(&mut document, json!(0));
        }
        assert_eq!(document, json!({"a": [1, 2]}));
        Pointer::parse("/a/0").unwrap().remove(&mut document);
        Pointer::parse("/a/0").unwrap().replace(&mut document, json!(3));
        assert_eq!(document, json!({"a": [3]}));
    }
}
