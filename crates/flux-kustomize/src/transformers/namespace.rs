//! The namespace of everything that has one.

use std::collections::HashSet;

use flux_yaml::Node;

use crate::Error;
use crate::config::Config;
use crate::fields::{Leaf, visit};
use crate::resource::Resource;

const BINDINGS: [&str; 2] = ["RoleBinding", "ClusterRoleBinding"];
/// The one ServiceAccount that every namespace has.
const DEFAULT_ACCOUNT: &str = "default";

pub(crate) fn set(resources: &mut [Resource], namespace: &str, config: &Config) -> Result<(), Error> {
    if namespace.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        resource.remember_id();
        let gvk = resource.gvk();
        if !gvk.is_cluster_scoped() {
            resource.set_namespace(namespace);
        }
        if BINDINGS.contains(&gvk.kind.as_str()) {
            set_subjects(&mut resource.node, namespace);
        }
        for spec in config.namespace.iter().filter(|spec| spec.path != "metadata/namespace") {
            visit(&mut resource.node, &gvk, spec, Leaf::Scalar, &mut |node| {
                *node = Node::string(namespace);
                Ok(())
            })?;
        }
    }
    let mut seen = HashSet::new();
    match resources.iter().find(|resource| !seen.insert(resource.id().key())) {
        Some(twice) => Err(Error::invalid(format!("namespace transformation produces ID conflict: {}", twice.id()))),
        None => Ok(()),
    }
}

/// Other subjects follow the ServiceAccount that they name.
fn set_subjects(node: &mut Node, namespace: &str) {
    for subject in node.get_mut("subjects").and_then(Node::items_mut).into_iter().flatten() {
        let is = |field: &str, value: &str| subject.get(field).and_then(Node::text) == Some(value);
        if is("kind", "ServiceAccount") && is("name", DEFAULT_ACCOUNT) {
            subject.set("namespace", Node::string(namespace));
        }
    }
}
