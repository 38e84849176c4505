//! Labels and annotations by which users steer how one object is applied and pruned.

use crate::Manifest;

/// Reads the marks of one API group, for example `kustomize.toolkit.fluxcd.io/prune: disabled`. Values count in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    reconcile: String,
    prune: String,
    ssa: String,
    force: String,
}

const DISABLED: &str = "disabled";
const ENABLED: &str = "enabled";

impl Marks {
    /// The marks of `group`.
    pub fn of(group: &str) -> Self {
        let key = |name: &str| format!("{group}/{name}");
        Self { reconcile: key("reconcile"), prune: key("prune"), ssa: key("ssa"), force: key("force") }
    }

    /// Whether the object is left alone: `reconcile: disabled` or `ssa: Ignore`.
    pub fn is_ignored(&self, manifest: &Manifest) -> bool {
        manifest.is_marked(&self.reconcile, DISABLED) || manifest.is_marked(&self.ssa, "Ignore")
    }

    /// Whether the object is only created, never changed: `ssa: IfNotPresent`.
    pub fn is_create_only(&self, manifest: &Manifest) -> bool {
        manifest.is_marked(&self.ssa, "IfNotPresent")
    }

    /// Whether other managers' fields and annotations are kept: `ssa: Merge`.
    pub fn is_merged(&self, manifest: &Manifest) -> bool {
        manifest.is_marked(&self.ssa, "Merge")
    }

    /// Whether the object may be deleted and created again: `force: enabled`.
    pub fn is_forced(&self, manifest: &Manifest) -> bool {
        manifest.is_marked(&self.force, ENABLED)
    }

    /// Whether the object is never deleted: `prune: disabled`, or one of the marks of [`Self::is_ignored`].
    pub fn is_kept(&self, manifest: &Manifest) -> bool {
        manifest.is_marked(&self.prune, DISABLED) || self.is_ignored(manifest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Ignored, create only, merged, forced, kept.
    fn check(key: &str, value: &str, expected: [bool; 5]) {
        let marks = Marks::of("kustomize.toolkit.fluxcd.io");
        for place in ["labels", "annotations"] {
            let metadata = json!({"name": "x", place: {key: value}});
            let object = Manifest::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap();
            let found = [
                marks.is_ignored(&object),
                marks.is_create_only(&object),
                marks.is_merged(&object),
                marks.is_forced(&object),
                marks.is_kept(&object),
            ];
            assert_eq!(found, expected, "{place} {key}: {value}");
        }
    }

    #[test]
    fn each_mark_has_its_meaning_as_a_label_and_as_an_annotation() {
        check("kustomize.toolkit.fluxcd.io/reconcile", "disabled", [true, false, false, false, true]);
        check("kustomize.toolkit.fluxcd.io/reconcile", "DISABLED", [true, false, false, false, true]);
        check("kustomize.toolkit.fluxcd.io/reconcile", "enabled", [false; 5]);
        check("kustomize.toolkit.fluxcd.io/ssa", "ignore", [true, false, false, false, true]);
        check("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent", [false, true, false, false, false]);
        check("kustomize.toolkit.fluxcd.io/ssa", "Merge", [false, false, true, false, false]);
        check("kustomize.toolkit.fluxcd.io/force", "Enabled", [false, false, false, true, false]);
        check("kustomize.toolkit.fluxcd.io/prune", "Disabled", [false, false, false, false, true]);
        check("helm.toolkit.fluxcd.io/prune", "disabled", [false; 5]);
    }
}
