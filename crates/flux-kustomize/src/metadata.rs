//! What `buildMetadata` adds to the objects.

use crate::resource::Resource;

const ORIGIN: &str = "config.kubernetes.io/origin";
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.8.1");

/// Writes where each object came from, and who built it, as far as that is asked for.
pub(crate) fn annotate(resources: &mut [Resource], build_metadata: &[String]) {
    let asked = |what: &str| build_metadata.iter().any(|asked| asked == what);
    for resource in resources {
        if asked("originAnnotations")
            && let Some(path) = resource.origin.clone()
        {
            resource.annotate(ORIGIN, &format!("path: {path}\n"));
        }
        if asked("managedByLabel") {
            let (key, value) = MANAGED_BY;
            crate::resource::child(crate::resource::child(&mut resource.node, "metadata"), "labels")
                .set(key, flux_yaml::Node::string(value));
        }
    }
}
