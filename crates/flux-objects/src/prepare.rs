//! From built objects to objects that can be applied.

use flux_api::meta::CommonMetadata;

use crate::{Manifest, Owner, normalise, set_common_metadata};

/// A field that was dropped from an object because its kind has no such field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedField {
    /// The object, as `Kind/namespace/name`.
    pub object: String,
    /// The field, for example `spec.replica`.
    pub path: String,
}

/// Labels objects with their owner, normalises them, and puts common metadata onto them, in this order. Returns the
/// fields that were dropped, for a warning.
pub fn prepare(manifests: &mut [Manifest], owner: &Owner, common: Option<&CommonMetadata>) -> Vec<DroppedField> {
    let mut dropped = Vec::new();
    for manifest in manifests {
        owner.claim(manifest);
        let paths = normalise(manifest);
        dropped.extend(paths.into_iter().map(|path| DroppedField { object: manifest.id().to_string(), path }));
        if let Some(common) = common {
            set_common_metadata(manifest, common);
        }
    }
    dropped
}
