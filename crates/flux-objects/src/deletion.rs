//! In which order objects are deleted, and which of them must be gone before others go.
//!
//! The order is that of application turned round. Two things are waited for on the way: objects of kinds that are deleted too
//! are gone before what may have to finalise them, and the contents of namespaces before the namespaces.

use std::collections::BTreeSet;

use crate::order::{StageKind, rank};
use crate::{Entry, GroupKind, ObjectId};

/// What is deleted when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    waves: Vec<Vec<Entry>>,
    /// The groups of definitions that are deleted.
    groups: BTreeSet<String>,
    /// The namespaces that are deleted.
    namespaces: BTreeSet<String>,
}

/// The waves, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wave {
    /// Objects of kinds whose definition is deleted too, and webhooks, which may stand in the way of all else.
    Custom,
    /// All that is neither before nor after it.
    Rest,
    /// Namespaces, then definitions.
    Enclosing,
}

impl Deletion {
    /// The deletion of `entries`, which were applied with these kinds in a stage of their own.
    pub fn of(entries: Vec<Entry>, custom: &[GroupKind]) -> Self {
        let mut deletion = Self::default();
        for entry in &entries {
            deletion.note(&entry.id);
        }
        let mut sorted: Vec<(Wave, Entry)> =
            entries.into_iter().map(|entry| (deletion.wave(&entry.id), entry)).collect();
        sorted.sort_by_cached_key(|(_, entry)| {
            let ObjectId { namespace, name, group, kind } = entry.id.clone();
            (StageKind::of(&entry.id, custom), rank(&kind), group, kind, namespace, name)
        });
        sorted.reverse();
        sorted.sort_by_key(|(wave, _)| *wave);
        for wave in sorted.chunk_by(|(one, _), (other, _)| one == other) {
            deletion.waves.push(wave.iter().map(|(_, entry)| entry.clone()).collect());
        }
        deletion
    }

    /// The objects that are deleted before others may have to wait, and those that follow, each in its order; none is empty.
    pub fn waves(&self) -> &[Vec<Entry>] {
        &self.waves
    }

    /// Whether later waves wait until the object is gone.
    pub fn holds(&self, id: &ObjectId) -> bool {
        self.is_custom(id) || self.namespaces.contains(&id.namespace)
    }

    fn note(&mut self, id: &ObjectId) {
        if is_custom_resource_definition(id) {
            // The name of a definition is its plural and its group.
            self.groups.extend(id.name.split_once('.').map(|(_, group)| group.to_owned()));
        } else if is_namespace(id) {
            self.namespaces.insert(id.name.clone());
        }
    }

    fn is_custom(&self, id: &ObjectId) -> bool {
        self.groups.contains(&id.group)
    }

    fn wave(&self, id: &ObjectId) -> Wave {
        if is_custom_resource_definition(id) || is_namespace(id) {
            Wave::Enclosing
        } else if self.is_custom(id) || id.kind.ends_with("WebhookConfiguration") {
            Wave::Custom
        } else {
            Wave::Rest
        }
    }
}

fn is_custom_resource_definition(id: &ObjectId) -> bool {
    id.group == "apiextensions.k8s.io" && id.kind == "CustomResourceDefinition"
}

fn is_namespace(id: &ObjectId) -> bool {
    id.group.is_empty() && id.kind == "Namespace"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deletion(ids: &[&str], custom: &[GroupKind]) -> Deletion {
        let entry = |id: &&str| Entry { id: ObjectId::parse(id).unwrap(), version: "v1".into() };
        Deletion::of(ids.iter().map(entry).collect(), custom)
    }

    fn shown(deletion: &Deletion) -> Vec<Vec<String>> {
        let wave = |wave: &Vec<Entry>| wave.iter().map(|entry| entry.id.to_string()).collect();
        deletion.waves().iter().map(wave).collect()
    }

    #[test]
    fn objects_of_a_kind_go_before_what_serves_them_and_namespaces_and_definitions_last() {
        let whole = deletion(
            &[
                "_things.example.com_apiextensions.k8s.io_CustomResourceDefinition",
                "_a__Namespace",
                "_operator_rbac.authorization.k8s.io_ClusterRole",
                "a_operator__ServiceAccount",
                "a_operator_apps_Deployment",
                "a_x_example.com_Thing",
                "a_web_networking.k8s.io_Ingress",
                "_guard_admissionregistration.k8s.io_ValidatingWebhookConfiguration",
            ],
            &[],
        );
        let expected: [&[&str]; 3] = [
            &["ValidatingWebhookConfiguration/guard", "Thing/a/x"],
            &["Ingress/a/web", "Deployment/a/operator", "ServiceAccount/a/operator", "ClusterRole/operator"],
            &["Namespace/a", "CustomResourceDefinition/things.example.com"],
        ];
        assert_eq!(shown(&whole), expected);
    }

    #[test]
    fn the_order_of_application_is_turned_round_with_its_stages() {
        let ids = ["a_ca_cert-manager.io_Issuer", "a_x_apps_Deployment", "a_y__Secret", "_fast_example.com_FastClass"];
        let issuer = GroupKind::new("cert-manager.io", "Issuer");
        let expected = [["Deployment/a/x", "Secret/a/y", "Issuer/a/ca", "FastClass/fast"]];
        assert_eq!(shown(&deletion(&ids, &[issuer])), expected);
        let expected = [["Issuer/a/ca", "Deployment/a/x", "Secret/a/y", "FastClass/fast"]];
        assert_eq!(shown(&deletion(&ids, &[])), expected);
    }

    #[test]
    fn only_objects_inside_of_what_is_deleted_are_waited_for() {
        let whole = deletion(
            &["_things.example.com_apiextensions.k8s.io_CustomResourceDefinition", "_a__Namespace", "b_x__ConfigMap"],
            &[],
        );
        let check = |id: &str, expected: bool| assert_eq!(whole.holds(&ObjectId::parse(id).unwrap()), expected, "{id}");
        check("b_x_example.com_Thing", true);
        check("a_x__ConfigMap", true);
        check("b_x__ConfigMap", false);
        check("_x_rbac.authorization.k8s.io_ClusterRole", false);
    }
}
