//! Whose object it is, and what every object of one owner carries.

use flux_api::meta::CommonMetadata;

use crate::Manifest;

/// The Flux object that applies others, as written into their labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The API group that prefixes the labels, for example `kustomize.toolkit.fluxcd.io`.
    pub group: String,
    /// The owner's name.
    pub name: String,
    /// The owner's namespace.
    pub namespace: String,
}

impl Owner {
    /// Writes the owner labels, over whatever is there.
    pub fn claim(&self, manifest: &mut Manifest) {
        manifest.set_label(&self.name_label(), &self.name);
        manifest.set_label(&self.namespace_label(), &self.namespace);
    }

    /// Whether the object carries this owner's labels.
    pub fn owns(&self, manifest: &Manifest) -> bool {
        manifest.label(&self.name_label()) == Some(self.name.as_str())
            && manifest.label(&self.namespace_label()) == Some(self.namespace.as_str())
    }

    /// The label that holds the owner's name.
    pub fn name_label(&self) -> String {
        format!("{}/name", self.group)
    }

    /// The label that holds the owner's namespace.
    pub fn namespace_label(&self) -> String {
        format!("{}/namespace", self.group)
    }
}

/// Puts labels and annotations onto an object, over what it carries.
pub fn set_common_metadata(manifest: &mut Manifest, common: &CommonMetadata) {
    for (key, value) in &common.labels {
        manifest.set_label(key, value);
    }
    for (key, value) in &common.annotations {
        manifest.set_annotation(key, value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn owner(name: &str) -> Owner {
        Owner { group: "kustomize.toolkit.fluxcd.io".into(), name: name.into(), namespace: "flux-system".into() }
    }

    fn config_map() -> Manifest {
        Manifest::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"a": "1"}}}))
            .unwrap()
    }

    #[test]
    fn a_new_owner_takes_an_object_over_by_its_labels() {
        let mut object = config_map();
        assert!(!owner("apps").owns(&object));
        owner("apps").claim(&mut object);
        assert_eq!(object.label("kustomize.toolkit.fluxcd.io/name"), Some("apps"));
        assert_eq!(object.label("kustomize.toolkit.fluxcd.io/namespace"), Some("flux-system"));
        owner("infra").claim(&mut object);
        assert!(owner("infra").owns(&object));
        assert!(!owner("apps").owns(&object));
    }

    #[test]
    fn common_metadata_overrides_what_objects_carry() {
        let mut object = config_map();
        let common = CommonMetadata {
            labels: BTreeMap::from([("a".into(), "2".into())]),
            annotations: BTreeMap::from([("b".into(), "3".into())]),
        };
        set_common_metadata(&mut object, &common);
        assert_eq!((object.label("a"), object.annotation("b")), (Some("2"), Some("3")));
    }
}
