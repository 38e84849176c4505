//! In which order objects are applied, and which of them must be there before the rest.

use crate::{GroupKind, Manifest, ObjectId};

/// Kinds that others build on, in the order they are applied.
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Kinds that may stop everything else from being applied.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Objects that are dry-run together and then applied together.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Which objects these are.
    pub kind: StageKind,
    /// Never empty, in the order they are applied.
    pub manifests: Vec<Manifest>,
}

/// The stages in the order they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StageKind {
    /// CustomResourceDefinitions, Namespaces and ClusterRoles.
    Definitions,
    /// Kinds whose name ends in `Class`.
    Classes,
    /// Kinds that the operator named.
    Custom,
    /// Everything else.
    Rest,
}

impl StageKind {
    /// Whether the stage's objects must be Current before the next stage starts.
    pub fn must_settle(self) -> bool {
        match self {
            Self::Definitions | Self::Classes => true,
            Self::Custom | Self::Rest => false,
        }
    }

    pub(crate) fn of(id: &ObjectId, custom: &[GroupKind]) -> Self {
        if is_definition(id) {
            Self::Definitions
        } else if id.kind.ends_with("Class") {
            Self::Classes
        } else if custom.contains(&id.group_kind()) {
            Self::Custom
        } else {
            Self::Rest
        }
    }
}

/// Puts objects into stages, each sorted; stages without objects are left out. Of objects with the same identity the
/// last one counts.
pub fn stages(manifests: Vec<Manifest>, custom: &[GroupKind]) -> Vec<Stage> {
    let mut stages: Vec<Stage> = [StageKind::Definitions, StageKind::Classes, StageKind::Custom, StageKind::Rest]
        .into_iter()
        .map(|kind| Stage { kind, manifests: Vec::new() })
        .collect();
    for manifest in manifests {
        let kind = StageKind::of(&manifest.id(), custom);
        if let Some(stage) = stages.iter_mut().find(|stage| stage.kind == kind) {
            stage.manifests.push(manifest);
        }
    }
    stages.retain(|stage| !stage.manifests.is_empty());
    for stage in &mut stages {
        sort_for_apply(&mut stage.manifests, Manifest::id);
        stage.manifests.reverse();
        stage.manifests.dedup_by_key(|manifest| manifest.id());
        stage.manifests.reverse();
    }
    stages
}

/// Sorts whatever has an identity into the order of application; its reverse is the order of deletion.
pub fn sort_for_apply<T>(items: &mut [T], id: impl Fn(&T) -> ObjectId) {
    items.sort_by_cached_key(|item| {
        let ObjectId { namespace, name, group, kind } = id(item);
        (rank(&kind), group, kind, namespace, name)
    });
}

/// The place of a kind in the order of application; objects of kinds in the same place need nothing of each other.
pub fn rank(kind: &str) -> usize {
    let last = || LAST.iter().position(|last| *last == kind).map(|index| FIRST.len() + 1 + index);
    FIRST.iter().position(|first| *first == kind).or_else(last).unwrap_or(FIRST.len())
}

fn is_definition(id: &ObjectId) -> bool {
    let is = |group: &str, kind: &str| id.group == group && id.kind.eq_ignore_ascii_case(kind);
    is("apiextensions.k8s.io", "CustomResourceDefinition")
        || is("", "Namespace")
        || is("rbac.authorization.k8s.io", "ClusterRole")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(line: &str) -> Manifest {
        let (api_version, rest) = line.split_once(' ').unwrap();
        let (kind, name) = rest.split_once(' ').unwrap();
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        let metadata = json!({"name": name, "namespace": namespace});
        Manifest::new(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})).unwrap()
    }

    fn check(lines: &[&str], custom: &[GroupKind], expected: &[(StageKind, &[&str])]) {
        let stages = stages(lines.iter().map(|line| manifest(line)).collect(), custom);
        let found: Vec<(StageKind, Vec<String>)> = stages
            .iter()
            .map(|stage| (stage.kind, stage.manifests.iter().map(|manifest| manifest.id().to_string()).collect()))
            .collect();
        let expected: Vec<(StageKind, Vec<String>)> =
            expected.iter().map(|(kind, ids)| (*kind, ids.iter().map(ToString::to_string).collect())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn definitions_come_first_then_classes_then_named_kinds_then_the_rest() {
        check(
            &[
                "apps/v1 Deployment a/web",
                "cert-manager.io/v1 Issuer a/ca",
                "storage.k8s.io/v1 StorageClass fast",
                "v1 Namespace a",
                "rbac.authorization.k8s.io/v1 ClusterRole view",
                "apiextensions.k8s.io/v1 CustomResourceDefinition things.example.com",
                "rbac.authorization.k8s.io/v1 ClusterRoleBinding view",
            ],
            &[GroupKind::new("cert-manager.io", "Issuer")],
            &[
                (
                    StageKind::Definitions,
                    &["CustomResourceDefinition/things.example.com", "Namespace/a", "ClusterRole/view"],
                ),
                (StageKind::Classes, &["StorageClass/fast"]),
                (StageKind::Custom, &["Issuer/a/ca"]),
                (StageKind::Rest, &["ClusterRoleBinding/view", "Deployment/a/web"]),
            ],
        );
    }

    #[test]
    fn inside_a_stage_known_kinds_come_first_webhooks_last_and_the_rest_by_group_and_kind() {
        check(
            &[
                "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration v",
                "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration m",
                "z.example.com/v1 Alpha a/a",
                "b.example.com/v1 Zeta a/a",
                "b.example.com/v1 Beta b/a",
                "b.example.com/v1 Beta a/b",
                "b.example.com/v1 Beta a/a",
                "v1 Service a/s",
                "v1 Secret a/s",
                "v1 ConfigMap a/s",
            ],
            &[],
            &[(
                StageKind::Rest,
                &[
                    "ConfigMap/a/s",
                    "Secret/a/s",
                    "Service/a/s",
                    "Beta/a/a",
                    "Beta/a/b",
                    "Beta/b/a",
                    "Zeta/a/a",
                    "Alpha/a/a",
                    "MutatingWebhookConfiguration/m",
                    "ValidatingWebhookConfiguration/v",
                ],
            )],
        );
    }

    #[test]
    fn a_kind_that_only_shares_its_name_is_no_definition() {
        check(
            &["example.com/v1 Namespace a", "example.com/v1 ClusterRole b"],
            &[],
            &[(StageKind::Rest, &["Namespace/a", "ClusterRole/b"])],
        );
    }

    #[test]
    fn of_two_objects_with_one_identity_the_last_is_applied() {
        let mut second = manifest("v1 ConfigMap a/a");
        second.set_label("which", "second");
        let stages = stages(vec![manifest("v1 ConfigMap a/a"), second], &[]);
        assert_eq!(stages[0].manifests.len(), 1);
        assert_eq!(stages[0].manifests[0].label("which"), Some("second"));
    }
}
