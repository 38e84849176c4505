//! How the fields of built-in kinds merge.

use crate::tables::openapi::{KINDS, SCHEMAS};

/// What is known of a field for merging. Numbers are places in the table of schemas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    pub(crate) fields: &'static [(&'static str, usize)],
    pub(crate) values: Option<usize>,
    pub(crate) items: Option<usize>,
    /// Whether a list is merged rather than replaced.
    pub(crate) merge: bool,
    /// What tells a merged list's elements apart; none for lists of scalars.
    pub(crate) keys: &'static [&'static str],
}

impl Schema {
    /// The schema of a kind, where it is built in.
    pub(crate) fn of(api_version: &str, kind: &str) -> Option<&'static Self> {
        let at = KINDS.binary_search_by(|((version, name), _)| (*version, *name).cmp(&(api_version, kind))).ok()?;
        SCHEMAS.get(KINDS[at].1)
    }

    /// The schema of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Self> {
        let own = self.fields.iter().find(|(field, _)| *field == name).map(|(_, at)| *at);
        SCHEMAS.get(own.or(self.values)?)
    }

    /// The schema of a list's elements.
    pub(crate) fn element(&self) -> Option<&'static Self> {
        SCHEMAS.get(self.items?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_and_ports_by_two_keys() {
        let containers = ["spec", "template", "spec", "containers"]
            .iter()
            .try_fold(Schema::of("apps/v1", "Deployment").unwrap(), |schema, name| schema.field(name))
            .unwrap();
        assert!(containers.merge);
        assert_eq!(containers.keys, ["name"]);
        assert_eq!(containers.element().unwrap().field("ports").unwrap().keys, ["containerPort", "protocol"]);
        assert!(Schema::of("example.com/v1", "Deployment").is_none());
    }
}
