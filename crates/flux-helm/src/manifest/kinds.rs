//! The order in which kinds are installed and uninstalled.

/// The kinds in the order in which they are installed.
const INSTALL: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The kinds in the order in which they are removed: not quite the other way round.
const UNINSTALL: [&str; 38] = [
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// An order of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As objects are created.
    Install,
    /// As objects are removed.
    Uninstall,
}

impl Order {
    /// The kinds that the order knows, first to last.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Install => &INSTALL,
            Self::Uninstall => &UNINSTALL,
        }
    }

    /// Sorts what has a kind. Unknown kinds come last, by name; what has the same kind stays in its order.
    pub fn sort<T>(self, items: &mut [T], kind: impl Fn(&T) -> &str) {
        items.sort_by_cached_key(|item| {
            let kind = kind(item);
            match self.kinds().iter().position(|known| *known == kind) {
                Some(place) => (place, String::new()),
                None => (self.kinds().len(), kind.to_owned()),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_come_last_by_name_and_equal_ones_keep_their_order() {
        let mut items = [("Zebra", 1), ("Service", 1), ("Ape", 1), ("Namespace", 1), ("Service", 2), ("Ape", 2)];
        Order::Install.sort(&mut items, |item| item.0);
        assert_eq!(items, [("Namespace", 1), ("Service", 1), ("Service", 2), ("Ape", 1), ("Ape", 2), ("Zebra", 1)]);
        Order::Uninstall.sort(&mut items, |item| item.0);
        assert_eq!(items[2], ("Namespace", 1));
    }

    #[test]
    fn both_orders_know_the_same_kinds() {
        let sorted = |order: Order| {
            let mut kinds = order.kinds().to_vec();
            kinds.sort_unstable();
            kinds
        };
        assert_eq!(sorted(Order::Install), sorted(Order::Uninstall));
    }
}
