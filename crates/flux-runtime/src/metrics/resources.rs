//! `gotk_resource_info`: one series an object, with what dashboards show of it.

use std::fmt::Write as _;
use std::sync::Arc;

use flux_api::meta::{ConditionStatus, FluxObject, READY};

/// The objects of one kind, as label sets.
pub(crate) trait Resources: Send + Sync {
    /// The labels of each object.
    fn labels(&self) -> Vec<Vec<(&'static str, String)>>;
}

/// The labels that all kinds have, and then `own`. A label without a value is left out, as kube-state-metrics does.
pub(crate) fn labels_of<K: FluxObject>(object: &K, own: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let meta = object.meta();
    let ready = object.conditions().iter().find(|condition| condition.type_ == READY);
    let ready = ready.map(|condition| match condition.status {
        ConditionStatus::True => "True",
        ConditionStatus::False => "False",
        ConditionStatus::Unknown => "Unknown",
    });
    let mut labels = vec![
        ("customresource_group", K::group(&()).into_owned()),
        ("customresource_version", K::version(&()).into_owned()),
        ("customresource_kind", K::kind(&()).into_owned()),
        ("exported_namespace", meta.namespace.clone().unwrap_or_default()),
        ("name", meta.name.clone().unwrap_or_default()),
        ("ready", ready.unwrap_or_default().to_owned()),
        ("suspended", object.suspended().to_string()),
    ];
    labels.extend(own);
    labels.retain(|(_, value)| !value.is_empty());
    labels
}

/// Appends the series of all kinds.
pub(super) fn write(text: &mut String, kinds: &[Arc<dyn Resources>]) {
    if kinds.is_empty() {
        return;
    }
    text.push_str("# HELP gotk_resource_info The current state of a Flux resource.\n# TYPE gotk_resource_info gauge\n");
    for labels in kinds.iter().flat_map(|kind| kind.labels()) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let _infallible = writeln!(text, "gotk_resource_info{{{}}} 1", labels.join(","));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
