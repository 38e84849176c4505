//! The identity of an object: as the inventory stores it and as people read it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An API group and a kind, without the version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKind {
    /// Empty for the core group.
    pub group: String,
    /// For example `Deployment`.
    pub kind: String,
}

impl GroupKind {
    /// The kind `kind` of `group`.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }
}

/// Names one object of a cluster, whatever version it is read in.
///
/// Displayed as `Kind/namespace/name`, or `Kind/name` without a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Empty for the core group.
    pub group: String,
    /// For example `Deployment`.
    pub kind: String,
}

/// Between the parts of an inventory id.
const SEPARATOR: char = '_';
/// What a colon becomes in an inventory id: names of RBAC objects may hold colons, ids may not.
const COLON: &str = "__";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
const RBAC_KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];

/// Why a text is not an inventory id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// It has fewer than the four parts.
    #[error("inventory id {0:?} is not of the form namespace_name_group_kind")]
    MissingParts(String),
    /// It has more than four parts.
    #[error("inventory id {0:?} has more parts than namespace_name_group_kind")]
    ExtraParts(String),
}

impl ObjectId {
    /// Group and kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group.clone(), self.kind.clone())
    }

    /// Reads an inventory id, `namespace_name_group_kind`.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        let missing = || ParseIdError::MissingParts(text.to_owned());
        let (namespace, rest) = text.split_once(SEPARATOR).ok_or_else(missing)?;
        let (rest, kind) = rest.rsplit_once(SEPARATOR).ok_or_else(missing)?;
        let (name, group) = rest.rsplit_once(SEPARATOR).ok_or_else(missing)?;
        let name = name.replace(COLON, ":");
        if name.contains(SEPARATOR) {
            return Err(ParseIdError::ExtraParts(text.to_owned()));
        }
        Ok(Self { namespace: namespace.to_owned(), name, group: group.to_owned(), kind: kind.to_owned() })
    }

    /// The inventory id, `namespace_name_group_kind`.
    pub fn to_inventory(&self) -> String {
        let rbac = self.group == RBAC_GROUP && RBAC_KINDS.contains(&self.kind.as_str());
        let name = if rbac { self.name.replace(':', COLON) } else { self.name.clone() };
        format!("{}_{name}_{}_{}", self.namespace, self.group, self.kind)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(formatter, "{}/{}", self.kind, self.name)
        } else {
            write!(formatter, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stored: &str, shown: &str, parts: [&str; 4]) {
        let id = ObjectId::parse(stored).unwrap();
        assert_eq!([&id.namespace, &id.name, &id.group, &id.kind], parts);
        assert_eq!(id.to_inventory(), stored);
        assert_eq!(id.to_string(), shown);
    }

    #[test]
    fn ids_are_read_and_written_as_upstream_stores_them() {
        check("default_app_apps_Deployment", "Deployment/default/app", ["default", "app", "apps", "Deployment"]);
        check("_default__Namespace", "Namespace/default", ["", "default", "", "Namespace"]);
        check("apps_redis__Service", "Service/apps/redis", ["apps", "redis", "", "Service"]);
        check(
            "_system__view_rbac.authorization.k8s.io_ClusterRole",
            "ClusterRole/system:view",
            ["", "system:view", "rbac.authorization.k8s.io", "ClusterRole"],
        );
        check(
            "_things.example.com_apiextensions.k8s.io_CustomResourceDefinition",
            "CustomResourceDefinition/things.example.com",
            ["", "things.example.com", "apiextensions.k8s.io", "CustomResourceDefinition"],
        );
    }

    #[test]
    fn only_rbac_names_are_encoded() {
        let id = ObjectId { namespace: "a".into(), name: "b:c".into(), group: String::new(), kind: "Thing".into() };
        assert_eq!(id.to_inventory(), "a_b:c__Thing");
    }

    #[test]
    fn texts_with_too_few_or_too_many_parts_are_refused() {
        for text in ["", "a", "a_b", "a_b_c"] {
            assert_eq!(ObjectId::parse(text), Err(ParseIdError::MissingParts(text.into())), "{text}");
        }
        assert_eq!(ObjectId::parse("a_b_c_d_e"), Err(ParseIdError::ExtraParts("a_b_c_d_e".into())));
    }
}
