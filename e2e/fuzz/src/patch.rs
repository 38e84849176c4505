//! Patches of an object.

use crate::build::{builds_to_itself, built};
use crate::{SEPARATOR, text};

pub(crate) const MERGE_WORDS: [&str; 14] = [
    "$patch: delete\n",
    "$patch: replace\n",
    "$patch: merge\n",
    "- $patch: replace\n",
    "containers:\n",
    "- name: a\n",
    "null",
    "[]",
    "{}",
    "ports:\n",
    "- containerPort: 80\n",
    "protocol: UDP\n",
    "$setElementOrder/containers:\n",
    "metadata:\n  name: app\n",
];

pub(crate) const JSON_WORDS: [&str; 14] = [
    "op: add",
    "op: remove",
    "op: replace",
    "op: move",
    "op: copy",
    "op: test",
    "path: /",
    "/-",
    "~0",
    "~1",
    "/99999999999999999999",
    "from: /spec",
    "value: ",
    "- ",
];

/// A strategic merge of any patch into any object is made or refused.
pub(crate) fn strategic_merges_build_alike_twice(bytes: &[u8]) {
    patched(bytes, "resources:\n- object.yaml\npatches:\n- path: patch.yaml\n");
}

/// The same for operations of JSON6902.
pub(crate) fn json_patches_build_alike_twice(bytes: &[u8]) {
    patched(bytes, "resources:\n- object.yaml\npatches:\n- path: patch.yaml\n  target:\n    kind: .*\n");
}

fn patched(bytes: &[u8], kustomization: &str) {
    let Some((object, patch)) = text(bytes).split_once(SEPARATOR) else { return };
    if let Some(output) =
        built(&[("kustomization.yaml", kustomization), ("object.yaml", object), ("patch.yaml", patch)])
    {
        builds_to_itself(&output);
    }
}
