//! The order of the output.

use crate::Error;
use crate::id::{Gvk, Id};
use crate::kustomization::{LegacySortOptions, SortOptions};
use crate::resource::Resource;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Where a kind stands by default: below zero before, above zero behind those that are not named.
pub(crate) fn rank(kind: &str) -> i64 {
    rank_in(kind, &FIRST, &LAST)
}

fn rank_in(kind: &str, first: &[impl AsRef<str>], last: &[impl AsRef<str>]) -> i64 {
    let position =
        |list: &[_], at: usize| i64::try_from(at).unwrap_or(i64::MAX) - i64::try_from(list.len()).unwrap_or_default();
    if let Some(at) = last.iter().rposition(|name| name.as_ref() == kind) {
        return i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1);
    }
    let names: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    names.iter().rposition(|name| *name == kind).map_or(0, |at| position(&names, at))
}

/// Sorts by the kustomization's own wish.
pub(crate) fn by_options(resources: &mut [Resource], options: &SortOptions) -> Result<(), Error> {
    match (options.order.as_str(), &options.legacy) {
        ("legacy", None) => legacy(resources),
        ("legacy", Some(LegacySortOptions { order_first, order_last })) => sort(resources, order_first, order_last),
        ("fifo", None) => {}
        ("fifo", Some(_)) => {
            return Err(Error::invalid(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
            ));
        }
        _ => return Err(Error::invalid("the field 'sortOptions.order' must be one of [fifo, legacy]")),
    }
    Ok(())
}

/// Namespaces and definitions first, webhooks last.
pub(crate) fn legacy(resources: &mut [Resource]) {
    sort(resources, &FIRST, &LAST);
}

fn sort(resources: &mut [Resource], first: &[impl AsRef<str>], last: &[impl AsRef<str>]) {
    resources.sort_by_cached_key(|resource| {
        let id = resource.id();
        (rank_in(&id.gvk.kind, first, last), gvk_key(&id.gvk), id_key(&id))
    });
}

fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}

fn gvk_key(gvk: &Gvk) -> String {
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

fn id_key(id: &Id) -> String {
    format!("{}|{}|{}", id.gvk, or(&id.namespace, "~X"), or(&id.name, "~N"))
}
