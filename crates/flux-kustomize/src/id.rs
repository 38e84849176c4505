//! What identifies an object.

use std::fmt;

use crate::tables::scopes::SCOPES;

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        GvkRef::new(api_version, kind).to_owned()
    }

    pub(crate) fn as_ref(&self) -> GvkRef<'_> {
        GvkRef { group: &self.group, version: &self.version, kind: &self.kind }
    }

    /// Whether a selector with empty fields for "any" takes this one.
    pub(crate) fn is_selected(&self, group: &str, version: &str, kind: &str) -> bool {
        self.as_ref().is_selected(group, version, kind)
    }

    /// Whether the kind is a built-in one without namespaces.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        self.as_ref().is_namespaced() == Some(false)
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, version, kind } = self;
        write!(f, "{}.{}.{}", or(kind, "[noKind]"), or(version, "[noVer]"), or(group, "[noGrp]"))
    }
}

/// A text, or what stands for an empty one.
pub(crate) fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}

/// The same as an object says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GvkRef<'n> {
    pub(crate) group: &'n str,
    pub(crate) version: &'n str,
    pub(crate) kind: &'n str,
}

impl<'n> GvkRef<'n> {
    pub(crate) fn new(api_version: &'n str, kind: &'n str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group, version, kind }
    }

    pub(crate) fn to_owned(self) -> Gvk {
        Gvk { group: self.group.to_owned(), version: self.version.to_owned(), kind: self.kind.to_owned() }
    }

    /// Whether a selector with empty fields for "any" takes this one.
    pub(crate) fn is_selected(self, group: &str, version: &str, kind: &str) -> bool {
        (kind.is_empty() || self.kind == kind)
            && (group.is_empty() || self.group == group)
            && (version.is_empty() || self.version == version)
    }

    /// Whether objects of this kind have a namespace; none where it is not a built-in kind.
    pub(crate) fn is_namespaced(self) -> Option<bool> {
        let key = |(group, version, kind): &(&'static str, &'static str, &'static str)| (*kind, *group, *version);
        let own = (self.kind, self.group, self.version);
        let at = SCOPES.binary_search_by(|(gvk, _)| key(gvk).cmp(&own)).ok()?;
        Some(SCOPES[at].1)
    }
}

/// What two ids have in common when they name the same object: kind, name and the namespace that counts, in one text.
pub(crate) type Key = Box<str>;

/// An object's kind, name and namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// Whether it is certain that the kind has no namespaces.
    pub(crate) cluster_scoped: bool,
}

impl Id {
    /// The namespace that counts: none for kinds without, `default` where none is named.
    pub(crate) fn effective_namespace(&self) -> &str {
        effective_namespace(self.cluster_scoped, &self.namespace)
    }

    /// Whether the id is in a namespace, where none means `default`.
    pub(crate) fn is_in(&self, namespace: &str) -> bool {
        self.effective_namespace() == namespace
    }

    /// Whether both name the same object.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk && self.effective_namespace() == other.effective_namespace()
    }
}

/// The key of an id with these parts.
pub(crate) fn key(gvk: GvkRef<'_>, name: &str, effective_namespace: &str) -> Key {
    let GvkRef { group, version, kind } = gvk;
    // None of the parts of an object that could ever be applied holds the sign between them.
    [kind, name, effective_namespace, group, version].join("\0").into_boxed_str()
}

/// The namespace that counts: none for kinds without, `default` where none is named.
pub(crate) fn effective_namespace(cluster_scoped: bool, namespace: &str) -> &str {
    if cluster_scoped { "_non_namespaceable_" } else { or(namespace, "default") }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gvk, name, namespace, cluster_scoped: _ } = self;
        write!(f, "{gvk}/{}.{}", or(name, "[noName]"), or(namespace, "[noNs]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_kinds_are_known_by_their_scope() {
        let scope = |api_version, kind| GvkRef::new(api_version, kind).is_namespaced();
        assert_eq!(scope("v1", "Namespace"), Some(false));
        assert_eq!(scope("rbac.authorization.k8s.io/v1", "ClusterRole"), Some(false));
        assert_eq!(scope("apps/v1", "Deployment"), Some(true));
        assert_eq!(scope("example.com/v1", "Namespace"), None);
        assert!(SCOPES.is_sorted_by_key(|((group, version, kind), _)| (*kind, *group, *version)));
    }
}
