//! How many replicas workloads have.

use flux_yaml::{Node, Tag};

use crate::Error;
use crate::config::Config;
use crate::fields::{Leaf, visit};
use crate::kustomization::Replica;
use crate::resource::Resource;

pub(crate) fn set(resources: &mut [Resource], replicas: &[Replica], config: &Config) -> Result<(), Error> {
    for Replica { name, count } in replicas {
        let mut found = false;
        for resource in resources.iter_mut() {
            let gvk = resource.gvk();
            let named = resource.ids().iter().any(|id| id.name == *name);
            let known = |spec: &&crate::config::Spec| gvk.is_selected(&spec.group, &spec.version, &spec.kind);
            for spec in config.replicas.iter().filter(|spec| named && known(spec)) {
                found = true;
                visit(&mut resource.node, &gvk, spec, Leaf::Scalar, &mut |node| {
                    *node = Node::scalar(count.to_string(), Tag::Int);
                    Ok(())
                })?;
            }
        }
        if !found {
            let kinds: Vec<_> = config.replicas.iter().map(|spec| spec.kind.to_string()).collect();
            let kinds = kinds.join(", ");
            return Err(Error::invalid(format!(
                "resource with name {name} does not match a config with the following kinds: {kinds}"
            )));
        }
    }
    Ok(())
}
