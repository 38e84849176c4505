//! How many replicas workloads have.

use flux_yaml::{Node, Tag};

use crate::Error;
use crate::config::Spec;
use crate::fields::{Leaf, visit};
use crate::kustomization::Replica;
use crate::resource::Resource;

pub(crate) fn set(resources: &mut [Resource], replica: &Replica, specs: &[Spec]) -> Result<(), Error> {
    let Replica { name, count } = replica;
    let mut found = false;
    for resource in resources.iter_mut() {
        let gvk = resource.gvk();
        let ids = resource.ids();
        let named = |spec: &&Spec| {
            ids.iter().any(|id| id.name == *name && id.gvk.is_selected(&spec.group, &spec.version, &spec.kind))
        };
        for spec in specs.iter().filter(named) {
            found = true;
            visit(&mut resource.node, &gvk, spec, Leaf::Scalar, &mut |node| {
                *node = Node::scalar(count.to_string(), Tag::Int);
                Ok(())
            })?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds: Vec<_> = specs.iter().map(|spec| spec.kind.to_string()).collect();
    let kinds = kinds.join(", ");
    Err(Error::invalid(format!("resource with name {name} does not match a config with the following kinds: {kinds}")))
}
