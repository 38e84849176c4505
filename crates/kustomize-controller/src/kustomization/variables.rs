//! The variables of `spec.postBuild`, merged from ConfigMaps, Secrets and the spec.

use std::collections::BTreeMap;
use std::fmt;

use super::error::VariableError;

/// Names and values for post-build substitution. Values may come from Secrets, so they are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The variables of `layers`, where a later layer wins over an earlier one. Newlines are removed from values,
    /// as upstream does; a name that no expression could name is an error.
    pub(super) fn merge(layers: impl IntoIterator<Item = BTreeMap<String, String>>) -> Result<Self, VariableError> {
        let mut merged = BTreeMap::new();
        for (name, value) in layers.into_iter().flatten() {
            if !is_name(&name) {
                return Err(VariableError::Name { name });
            }
            merged.insert(name, value.replace('\n', ""));
        }
        Ok(Self(merged))
    }

    /// Names and values by name.
    pub(super) fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// `^[_[:alpha:]][_[:alpha:][:digit:]]*$` in ASCII.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_later_layer_wins() {
        let merged = Variables::merge([
            layer(&[("REGION", "eu"), ("TIER", "dev")]),
            layer(&[("TIER", "prod")]),
            layer(&[("ZONE", "a")]),
        ])
        .unwrap();

        assert_eq!(merged.as_map(), &layer(&[("REGION", "eu"), ("TIER", "prod"), ("ZONE", "a")]));
    }

    #[test]
    fn newlines_leave_values() {
        let merged = Variables::merge([layer(&[("KEY", "a\nb\n"), ("CR", "a\r\nb")])]).unwrap();

        assert_eq!(merged.as_map()["KEY"], "ab");
        assert_eq!(merged.as_map()["CR"], "a\rb");
    }

    #[test]
    fn a_name_no_expression_could_use_is_refused() {
        for name in ["", "1st", "a-b", "a.b", "ä", "a b"] {
            let error = Variables::merge([layer(&[(name, "value")])]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")
            );
        }
        for name in ["_", "a", "A1_b"] {
            assert!(Variables::merge([layer(&[(name, "value")])]).is_ok(), "{name}");
        }
    }

    #[test]
    fn values_are_not_printed() {
        let merged = Variables::merge([layer(&[("PASSWORD", "hunter2")])]).unwrap();

        assert_eq!(format!("{merged:?}"), r#"{"PASSWORD"}"#);
    }
}
