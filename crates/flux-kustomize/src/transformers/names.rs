//! Prefixes and suffixes of names.

use flux_yaml::Node;

use crate::Error;
use crate::config::Spec;
use crate::fields::{Leaf, Places};
use crate::resource::Resource;

/// Kinds whose names other systems know.
const KEPT: [(&str, &str); 3] =
    [("", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService"), ("", "Namespace")];
const NAME: &str = "metadata/name";

pub(crate) fn prefix(resources: &mut [Resource], prefix: &str, specs: &[Spec]) -> Result<(), Error> {
    rename(
        resources,
        specs,
        prefix,
        |name| format!("{prefix}{name}"),
        |resource| {
            resource.prefixes.push(prefix.to_owned());
        },
    )
}

pub(crate) fn suffix(resources: &mut [Resource], suffix: &str, specs: &[Spec]) -> Result<(), Error> {
    rename(
        resources,
        specs,
        suffix,
        |name| format!("{name}{suffix}"),
        |resource| {
            resource.suffixes.push(suffix.to_owned());
        },
    )
}

fn rename(
    resources: &mut [Resource],
    specs: &[Spec],
    affix: &str,
    renamed: impl Fn(&str) -> String,
    remember: impl Fn(&mut Resource),
) -> Result<(), Error> {
    if affix.is_empty() {
        return Ok(());
    }
    let mut places = Places::new(specs);
    for resource in resources {
        let gvk = resource.original_gvk();
        if KEPT.iter().any(|(group, kind)| gvk.is_selected(group, "", kind)) {
            continue;
        }
        for place in places.of(gvk) {
            if place.spec.path == NAME {
                remember(resource);
                resource.remember_id();
            }
            place.visit(&mut resource.node, Leaf::Scalar, &mut |node| {
                let text = node.text().ok_or_else(|| Error::invalid("expected a name"))?;
                *node = Node::string(renamed(text));
                Ok(())
            })?;
        }
    }
    Ok(())
}
