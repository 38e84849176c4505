//! How many replicas workloads have.

use flux_yaml::{Node, Tag};

use crate::Error;
use crate::config::Spec;
use crate::fields::{Leaf, Places};
use crate::id::GvkRef;
use crate::kustomization::Replica;
use crate::resource::Resource;

pub(crate) fn set(resources: &mut [Resource], replica: &Replica, specs: &[Spec]) -> Result<(), Error> {
    let Replica { name, count } = replica;
    let mut found = false;
    let mut places = Places::new(specs);
    for resource in resources.iter_mut() {
        let named = |gvk: GvkRef<'_>, spec: &Spec| gvk.is_selected(&spec.group, &spec.version, &spec.kind);
        let earlier = resource.earlier.iter().filter(|id| id.name == *name);
        let has_name = resource.name() == name;
        let kinds: Vec<_> =
            earlier.map(|id| id.gvk.clone()).chain(has_name.then(|| resource.gvk().to_owned())).collect();
        if kinds.is_empty() {
            continue;
        }
        found |= specs.iter().any(|spec| kinds.iter().any(|gvk| named(gvk.as_ref(), spec)));
        for place in places.of(resource.gvk()) {
            if !kinds.iter().any(|gvk| named(gvk.as_ref(), place.spec)) {
                continue;
            }
            place.visit(&mut resource.node, Leaf::Scalar, &mut |node| {
                *node = Node::scalar(count.to_string(), Tag::Int);
                Ok(())
            })?;
        }
    }
    if found {
        return Ok(());
    }
    let gvk = |Spec { group, version, kind, .. }: &Spec| GvkRef { group, version, kind }.to_owned().to_string();
    let kinds = specs.iter().map(gvk).collect::<Vec<_>>().join(" ");
    Err(Error::invalid(format!("resource with name {name} does not match a config with the following GVK [{kinds}]")))
}
