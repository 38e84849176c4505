//! Small YAML mappings of texts, read as sigs.k8s.io/yaml reads them into a Go struct.

use flux_yaml::{Limits, Node, Scalar};
use zeroize::Zeroizing;

/// No credentials file comes near these.
const LIMITS: Limits = Limits { depth: 20, nodes: 10_000 };

/// A text that is no such mapping. What it holds is not repeated: it is secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// Not UTF-8.
    #[error("expected UTF-8 or UTF-16 text")]
    Encoding,
    /// Not YAML.
    #[error("expected YAML")]
    Syntax,
    /// Not a mapping.
    #[error("expected a YAML mapping")]
    NoMapping,
    /// A field of another type.
    #[error("expected a {expected} in field \"{field}\"")]
    Type {
        /// The field.
        field: &'static str,
        /// What it holds.
        expected: &'static str,
    },
}

/// The fields of a mapping.
pub(crate) struct Entries {
    node: Node,
}

impl Entries {
    /// The fields of `text`; none where there is no document.
    pub(crate) fn parse(text: &str) -> Result<Self, EntriesError> {
        let node = flux_yaml::parse(text, LIMITS).map_err(|_| EntriesError::Syntax)?;
        let node = node.filter(|node| !node.is_null()).unwrap_or_else(|| Node::mapping(Vec::new()));
        if node.is_mapping() { Ok(Self { node }) } else { Err(EntriesError::NoMapping) }
    }

    /// The text of a field, empty where there is none. Numbers and booleans count by their value, as they do in Go.
    pub(crate) fn text(&self, field: &'static str) -> Result<Zeroizing<String>, EntriesError> {
        let Some(value) = self.field(field) else { return Ok(Zeroizing::default()) };
        let wrong = || EntriesError::Type { field, expected: "text" };
        if !value.is_scalar() {
            return Err(wrong());
        }
        Ok(Zeroizing::new(match value.value_yaml11().map_err(|_| wrong())? {
            Scalar::Null => String::new(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(value) => value.to_string(),
            Scalar::Uint(value) => value.to_string(),
            Scalar::Float(value) => flux_yaml::format_float(value),
            Scalar::String(text) => text.into_owned(),
        }))
    }

    /// The value of a boolean field, false where there is none.
    pub(crate) fn bool(&self, field: &'static str) -> Result<bool, EntriesError> {
        let Some(value) = self.field(field) else { return Ok(false) };
        let wrong = || EntriesError::Type { field, expected: "boolean" };
        match value.value_yaml11().map_err(|_| wrong())? {
            Scalar::Null if value.is_scalar() => Ok(false),
            Scalar::Bool(value) => Ok(value),
            Scalar::Null | Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_) | Scalar::String(_) => Err(wrong()),
        }
    }

    /// The mappings in a list, none where there is none.
    pub(crate) fn list(&self, field: &'static str) -> Result<Vec<Self>, EntriesError> {
        let wrong = || EntriesError::Type { field, expected: "list of mappings" };
        let Some(value) = self.field(field).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
        let items = value.items().ok_or_else(wrong)?.iter();
        let entry = |item: &Node| item.is_mapping().then(|| Self { node: item.clone() }).ok_or_else(wrong);
        items.map(entry).collect()
    }

    /// Go's JSON finds fields in any case, and the last one counts.
    fn field(&self, field: &str) -> Option<&Node> {
        let entries = self.node.entries().unwrap_or_default().iter().rev();
        let named = |name: &Node| name.text().is_some_and(|name| name.eq_ignore_ascii_case(field));
        entries.filter(|(name, _)| named(name)).map(|(_, value)| value).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_texts_as_in_go() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Entries::parse(text).unwrap().text("key").unwrap().as_str(), expected, "{text}");
        };
        check("key: AKIA", "AKIA");
        check("KEY: AKIA\nkey: later", "later");
        check("key: 12345", "12345");
        check("key: yes", "true");
        check("key: \"yes\"", "yes");
        check("key: ~", "");
        check("{\"key\": \"json\"}", "json");
        check("other: 1", "");
        check("", "");
    }

    #[test]
    fn what_is_no_mapping_of_texts_is_refused_without_being_shown() {
        let parse = |text: &str| Entries::parse(text).err();
        assert_eq!(parse("just a secret"), Some(EntriesError::NoMapping));
        assert_eq!(parse("secret: [a"), Some(EntriesError::Syntax));
        let err = Entries::parse("key: [hidden]").unwrap().text("key").unwrap_err();
        assert_eq!(err.to_string(), "expected a text in field \"key\"");
        let err = Entries::parse("key: hidden").unwrap().bool("key").unwrap_err();
        assert_eq!(err.to_string(), "expected a boolean in field \"key\"");
    }
}
