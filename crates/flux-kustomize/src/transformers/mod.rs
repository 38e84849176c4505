//! What a kustomization changes in the objects that it gathered, in kustomize's order.

mod images;
mod labels;
mod names;
mod namespace;
mod patches;
mod replicas;

use crate::Error;
use crate::accumulate::Target;
use crate::resource::Resource;

/// Runs every transformer of a kustomization.
pub(crate) fn run(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let Target { kustomization, config, .. } = target;
    patches::strategic_merge(target, resources)?;
    patches::patches(target, resources)?;
    namespace::set(resources, &kustomization.namespace, config)?;
    names::prefix(resources, &kustomization.name_prefix, config)?;
    names::suffix(resources, &kustomization.name_suffix, config)?;
    labels::labels(resources, kustomization, config)?;
    labels::annotations(resources, &kustomization.common_annotations, config)?;
    patches::json6902(target, resources)?;
    replicas::set(resources, &kustomization.replicas, config)?;
    images::set(resources, &kustomization.images, config)
}
