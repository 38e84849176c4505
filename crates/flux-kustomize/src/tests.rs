//! Small builds in memory, one feature each.

use camino::Utf8Path;
use flux_files::Memory;

use crate::{Options, build};

fn built(files: &[(&str, &str)], root: &str) -> Result<String, String> {
    let mut memory = Memory::new();
    for (path, content) in files {
        memory.write(Utf8Path::new(path), *content).unwrap();
    }
    let built = build(&memory, Utf8Path::new(root), &Options::default()).map_err(|err| err.chain())?;
    let documents: Result<Vec<_>, _> = built.resources.iter().map(crate::Resource::to_yaml).collect();
    documents.map(|documents| documents.join("---\n")).map_err(|err| err.chain())
}

/// Builds `k` with one ConfigMap and one Deployment that uses it.
#[track_caller]
fn check(kustomization: &str, expected: &str) {
    let files = [("k/kustomization.yaml", kustomization), ("k/map.yaml", MAP), ("k/app.yaml", APP)];
    assert_eq!(built(&files, "k").as_deref(), Ok(expected), "{kustomization}");
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  a: b\n";
const APP: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  template:\n    spec:\n      \
                   containers:\n      - name: c\n        image: i:1\n        envFrom:\n        - configMapRef: {name: m}\n";

#[test]
fn prefix_suffix_and_namespace_reach_objects_and_references() {
    check(
        "namePrefix: p-\nnameSuffix: -s\nnamespace: ns\nresources: [app.yaml, map.yaml]\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: p-d-s\n  namespace: ns\nspec:\n  template:\n    \
         spec:\n      containers:\n      - envFrom:\n        - configMapRef:\n            name: p-m-s\n        \
         image: i:1\n        name: c\n---\napiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  \
         name: p-m-s\n  namespace: ns\n",
    );
}

#[test]
fn labels_go_where_they_are_asked_for() {
    check(
        "labels: [{pairs: {l: x}}]\ncommonAnnotations: {note: '1'}\nresources: [map.yaml]\n",
        "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  annotations:\n    note: \"1\"\n  labels:\n    \
         l: x\n  name: m\n",
    );
}

#[test]
fn patches_merge_or_apply_operations() {
    let expected = "apiVersion: v1\ndata:\n  a: c\nkind: ConfigMap\nmetadata:\n  name: m\n";
    for patch in [
        "patches:\n- patch: '[{op: replace, path: /data/a, value: c}]'\n  target: {kind: ConfigMap}\n",
        "patches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: c}}'\n",
        "patchesStrategicMerge:\n- '{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: c}}'\n",
    ] {
        check(&format!("{patch}resources: [map.yaml]\n"), expected);
    }
}

#[test]
fn generated_objects_end_with_their_hash_unless_told_not_to() {
    check(
        "configMapGenerator: [{name: g, literals: [k=v]}]\n",
        "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: g-bdg947hgcc\n",
    );
    check(
        "configMapGenerator: [{name: g, literals: [k=v]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n",
        "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: g\n",
    );
}

#[test]
fn replacements_copy_values_into_parts_of_fields() {
    check(
        "replacements:\n- source: {kind: Deployment, name: d, fieldPath: 'spec.template.spec.containers.0.image', \
         options: {delimiter: ':', index: 1}}\n  targets:\n  - select: {kind: ConfigMap}\n    \
         fieldPaths: [data.tag]\n    options: {create: true}\nresources: [map.yaml, app.yaml]\npatches:\n\
         - target: {kind: Deployment}\n  patch: '[{op: remove, path: /spec/template/spec/containers/0/envFrom}]'\n",
        "apiVersion: v1\ndata:\n  a: b\n  tag: 1\nkind: ConfigMap\nmetadata:\n  name: m\n---\napiVersion: apps/v1\n\
         kind: Deployment\nmetadata:\n  name: d\nspec:\n  template:\n    spec:\n      containers:\n      - image: i:1\n        \
         name: c\n",
    );
}

#[test]
fn components_change_what_was_gathered() {
    let files = [
        ("k/kustomization.yaml", "resources: [map.yaml]\ncomponents: [../c]\n"),
        ("k/map.yaml", MAP),
        ("c/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: z-\n"),
    ];
    let expected = MAP.replace("name: m", "name: z-m");
    let expected = expected.replace(
        "kind: ConfigMap\nmetadata:\n  name: z-m\ndata:\n  a: b\n",
        "data:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: z-m\n",
    );
    assert_eq!(built(&files, "k"), Ok(expected));
}

#[test]
fn errors_name_the_chain_the_file_and_the_place() {
    let from = "accumulating resources: accumulating resources from";
    for (base, expected) in [
        ("resources: [x.yaml]\n", format!("{from} 'x.yaml': MalformedYAMLError in b/x.yaml: yaml: line 1: unclosed bracket '['")),
        ("resurces: [x.yaml]\n", "invalid Kustomization: b/kustomization.yaml:1: json: unknown field \"resurces\"".to_owned()),
        (
            "namePrefix: p-\npatches:\n- path: [x.yaml]\n",
            "invalid Kustomization: b/kustomization.yaml:3: patches: path: json: cannot unmarshal array into a field of type string"
                .to_owned(),
        ),
        (
            "resources: [../k]\n",
            format!("{from} '../k': cycle detected: candidate root 'k' contains visited root in 'k', 'b'"),
        ),
        ("resources: [../../x]\n", format!("{from} '../../x': cannot read file: b/../../x: leaves the root")),
        ("crds: [x.yaml]\n", "b/kustomization.yaml: unsupported field crds".to_owned()),
        (
            "resources: [no.yaml, x.yaml]\n",
            format!(
                "{from} 'no.yaml': cannot read file: b/no.yaml: no such file or directory; accumulating resources from \
                 'x.yaml': MalformedYAMLError in b/x.yaml: yaml: line 1: unclosed bracket '['"
            ),
        ),
    ] {
        let files = [("k/kustomization.yaml", "resources: [../b]\n"), ("b/kustomization.yaml", base), ("b/x.yaml", "a: [\n")];
        assert_eq!(built(&files, "k"), Err(format!("{from} '../b': {expected}")));
    }
}

#[test]
fn thousands_of_objects_are_built_at_once() {
    let object = |at: u32| MAP.replace("name: m", &format!("name: m{at}"));
    let objects = (0..4_000).map(object).collect::<Vec<_>>().join("---\n");
    let kustomization = "namespace: ns\nnamePrefix: p-\nlabels: [{pairs: {l: x}}]\nresources: [all.yaml]\n";
    let output = built(&[("k/kustomization.yaml", kustomization), ("k/all.yaml", &objects)], "k").unwrap();
    assert_eq!(output.matches("namespace: ns").count(), 4_000);
}
