//! The namespace of everything that has one.

use std::collections::HashSet;

use flux_yaml::Node;

use crate::Error;
use crate::config::Spec;
use crate::fields::{Leaf, Places};
use crate::resource::Resource;

const BINDINGS: [&str; 2] = ["RoleBinding", "ClusterRoleBinding"];
/// Marks objects whose namespace Helm has set.
const BY_HELM: &str = "internal.config.kubernetes.io/helm-generated";
/// The one ServiceAccount that every namespace has.
const DEFAULT_ACCOUNT: &str = "default";

/// Which subjects of a binding get the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    Default,
    /// All ServiceAccounts.
    ServiceAccounts,
    /// None.
    None,
}

pub(crate) fn set(
    resources: &mut [Resource],
    namespace: &str,
    specs: &[Spec],
    unset_only: bool,
    subjects: Subjects,
) -> Result<(), Error> {
    if namespace.is_empty() {
        return Ok(());
    }
    set_each(resources, namespace, specs, unset_only, subjects)?;
    let mut seen = HashSet::new();
    match resources.iter().find(|resource| !seen.insert(resource.key())) {
        Some(twice) => Err(Error::invalid(format!("namespace transformation produces ID conflict: {}", twice.id()))),
        None => Ok(()),
    }
}

/// The same without a look at what it makes equal.
pub(crate) fn set_each(
    resources: &mut [Resource],
    namespace: &str,
    specs: &[Spec],
    unset_only: bool,
    subjects: Subjects,
) -> Result<(), Error> {
    let mut places = Places::new(specs);
    for resource in resources.iter_mut().filter(|resource| resource.annotation(BY_HELM) != Some("true")) {
        resource.remember_id();
        set_one(resource, namespace, &mut places, unset_only, subjects)?;
    }
    Ok(())
}

/// Gives one object the namespace, without keeping its present id in mind.
pub(crate) fn set_one(
    resource: &mut Resource,
    namespace: &str,
    places: &mut Places<'_>,
    unset_only: bool,
    subjects: Subjects,
) -> Result<(), Error> {
    let put = |node: &mut Node| {
        if !node.is_scalar() {
            return Err(Error::invalid("wrong node kind: expected ScalarNode"));
        }
        if !unset_only || node.text().is_none_or(str::is_empty) || node.is_null() {
            *node = Node::string(namespace);
        }
        Ok(())
    };
    if !resource.is_cluster_scoped() && (!unset_only || resource.namespace().is_none()) {
        resource.set_namespace(namespace);
    }
    let binding = BINDINGS.contains(&resource.kind());
    if binding {
        set_subjects(&mut resource.node, subjects, &put)?;
    }
    let core = resource.api_version() == "v1";
    for place in places.of(resource.gvk()) {
        let spec = place.spec;
        let handled = spec.path == "metadata/namespace"
            || (spec.path == "metadata/name" && !core)
            || (binding && BINDINGS.contains(&spec.kind.as_ref()) && spec.path == "subjects/namespace");
        if !handled {
            place
                .visit(&mut resource.node, Leaf::Scalar, &mut |node| put(node))
                .map_err(|err| err.during("namespace field specs must target scalar nodes"))?;
        }
    }
    Ok(())
}

/// Other subjects follow the ServiceAccount that they name.
fn set_subjects(
    node: &mut Node,
    subjects: Subjects,
    put: &impl Fn(&mut Node) -> Result<(), Error>,
) -> Result<(), Error> {
    for subject in node.get_mut("subjects").and_then(Node::items_mut).into_iter().flatten() {
        let is = |field: &str, value: &str| subject.get(field).and_then(Node::text) == Some(value);
        let meant = match subjects {
            Subjects::Default => is("name", DEFAULT_ACCOUNT),
            Subjects::ServiceAccounts => is("kind", "ServiceAccount"),
            Subjects::None => false,
        };
        if meant {
            let mut namespace = subject.get("namespace").cloned().unwrap_or_else(|| Node::string(""));
            put(&mut namespace)?;
            subject.set("namespace", namespace);
        }
    }
    Ok(())
}
