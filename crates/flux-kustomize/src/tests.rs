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
        "patches:\n- patch: '- {op: replace, path: /data/a, value: c}'\n  target: {kind: ConfigMap}\n",
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
         - target: {kind: Deployment}\n  patch: '- {op: remove, path: /spec/template/spec/containers/0/envFrom}'\n",
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
    let within =
        "accumulating resources: accumulation err='accumulating resources from '../b': read b: is a directory'";
    let gone = |name: &str| {
        format!(
            "accumulation err='accumulating resources from '{name}': open b/{name}: no such file or directory': must \
             build at directory: not a valid directory: evalsymlink failure on 'b/{name}' : lstat b/{name}: no such file \
             or directory"
        )
    };
    let malformed =
        "accumulating resources from 'x.yaml': MalformedYAMLError: yaml: line 1: unclosed bracket '[' in File: x.yaml";
    for (base, place, expected) in [
        ("resources: [x.yaml]\n", "recursed accumulation of", format!("accumulating resources: {malformed}")),
        (
            "resurces: [x.yaml]\n",
            "couldn't make target for",
            "invalid Kustomization: json: unknown field \"resurces\": b/kustomization.yaml:1".to_owned(),
        ),
        (
            "namePrefix: p-\npatches:\n- path: [x.yaml]\n",
            "couldn't make target for",
            "invalid Kustomization: patches: path: json: cannot unmarshal array into a field of type string: \
             b/kustomization.yaml:3"
                .to_owned(),
        ),
        (
            "resources: [no.yaml, x.yaml]\n",
            "recursed accumulation of",
            format!("accumulating resources: {}; {malformed}", gone("no.yaml")),
        ),
    ] {
        let files =
            [("k/kustomization.yaml", "resources: [../b]\n"), ("b/kustomization.yaml", base), ("b/x.yaml", "a: [\n")];
        assert_eq!(built(&files, "k"), Err(format!("{within}: {place} path 'b': {expected}")));
    }
}

#[test]
fn bases_may_neither_name_one_another_nor_leave_the_root() {
    let fails = |resources: &str, part: &str| {
        let files = [("k/kustomization.yaml", "resources: [../b]\n"), ("b/kustomization.yaml", resources)];
        let err = built(&files, "k").unwrap_err();
        assert!(err.ends_with(part), "{err}");
    };
    fails("resources: [../k]\n", "cycle detected: candidate root 'k' contains visited root 'k'");
    fails("resources: [../../x]\n", "path 'b/../../x' is not in or below the root");
    fails("resources: ['https://example.com/a/b']\n", "https://example.com/a/b: remote bases are not allowed");
}

#[test]
fn own_schemas_and_custom_types_are_followed() {
    let object = "apiVersion: example.com/v1\nkind: W\nmetadata: {name: w}\nspec: {items: [{id: a, v: 1}]}\n";
    let schema = "definitions: {W: {properties: {spec: {properties: {items: {type: array, items: {type: object}, \
                  x-kubernetes-patch-merge-key: id, x-kubernetes-patch-strategy: merge}}}}, \
                  x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: W}]}}";
    let kustomization = "openapi: {path: schema.yaml}\nresources: [w.yaml]\npatches:\n- patch: '{apiVersion: \
                         example.com/v1, kind: W, metadata: {name: w}, spec: {items: [{id: b, v: 2}]}}'\n";
    let files = [("k/kustomization.yaml", kustomization), ("k/w.yaml", object), ("k/schema.yaml", schema)];
    let output = built(&files, "k").unwrap();
    assert!(output.ends_with("items:\n  - id: b\n    v: 2\n  - id: a\n    v: 1\n"), "{output}");
}

#[test]
fn commas_in_a_name_that_was_changed_are_refused() {
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'a,b'}\n";
    let files = [("k/kustomization.yaml", "namePrefix: p-\nresources: [x.yaml]\n"), ("k/x.yaml", object)];
    assert!(built(&files, "k").unwrap_err().starts_with("number of previous names, number of previous namespaces"));
}

#[test]
fn subjects_without_a_name_are_refused() {
    let object =
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\nsubjects: [{kind: Group}]\n";
    let files = [("k/kustomization.yaml", "resources: [x.yaml]\n"), ("k/x.yaml", object)];
    let err = built(&files, "k").unwrap_err();
    assert!(err.starts_with("updating name reference in 'subjects' field of 'RoleBinding.v1."), "{err}");
    assert!(err.ends_with("path config error; no 'name' field in node"), "{err}");
}

#[test]
fn a_patch_without_its_object_is_told_with_its_file() {
    let missing = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: no}\n";
    for field in ["patches: [{path: p.yaml}]", "patchesStrategicMerge: [p.yaml]"] {
        let kustomization = format!("resources: [x.yaml]\n{field}\n");
        let files = [("k/kustomization.yaml", kustomization.as_str()), ("k/x.yaml", MAP), ("k/p.yaml", missing)];
        let err = built(&files, "k").unwrap_err();
        assert!(err.contains("no matches for Id ConfigMap.v1.[noGrp]/no.[noNs]"), "{err}");
        assert!(err.ends_with("p.yaml"), "{err}");
    }
}

#[test]
fn objects_that_patches_make_the_same_are_refused() {
    let kustomization = "resources: [x.yaml, y.yaml]\npatches:\n- target: {kind: ConfigMap}\n  \
                         patch: '- {op: replace, path: /metadata/name, value: z}'\n";
    let other = MAP.replace("name: m", "name: o");
    let files = [("k/kustomization.yaml", kustomization), ("k/x.yaml", MAP), ("k/y.yaml", &other)];
    let expected = "may not add resource with an already registered id: ConfigMap.v1.[noGrp]/z.[noNs]";
    assert_eq!(built(&files, "k"), Err(expected.to_owned()));
}

#[test]
fn settings_of_transformers_keep_keys_that_look_like_booleans() {
    let kustomization = "resources: [x.yaml]\ntransformers:\n- |\n  {apiVersion: builtin, kind: AnnotationsTransformer, \
                         metadata: {name: x}, annotations: {on: 'true'}, fieldSpecs: [{path: metadata/annotations, create: true}]}\n";
    let output = built(&[("k/kustomization.yaml", kustomization), ("k/x.yaml", MAP)], "k").unwrap();
    assert!(output.contains("annotations:\n    \"on\": \"true\"\n"), "{output}");
}

#[test]
fn patches_may_neither_replace_an_object_nor_drop_all_marks_by_a_target() {
    let object = MAP.replace("name: m", "name: m\n  annotations: {x: z}");
    let expected = "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  annotations:\n    x: z\n  name: m\n";
    for patch in [
        "- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, $patch: replace, data: {c: d}}'\n",
        "- target: {kind: ConfigMap}\n  patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: m, annotations: null}}'\n",
    ] {
        let kustomization = format!("resources: [x.yaml]\npatches:\n{patch}");
        let files = [("k/kustomization.yaml", kustomization.as_str()), ("k/x.yaml", &object)];
        assert_eq!(built(&files, "k").as_deref(), Ok(expected));
    }
}

#[test]
fn replacements_fill_what_is_null_and_may_not_take_a_name_away() {
    let replaced = |path: &str, source: &str| {
        let kustomization = format!(
            "resources: [x.yaml]\nreplacements:\n- source: {{kind: ConfigMap, fieldPath: {source}}}\n  targets:\n  \
             - select: {{kind: ConfigMap}}\n    fieldPaths: [{path}]\n    options: {{create: true}}\n"
        );
        let object = MAP.replace("  a: b\n", "  a: b\nmore: null\n");
        built(&[("k/kustomization.yaml", &kustomization), ("k/x.yaml", &object)], "k")
    };
    let expected = "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: m\nmore:\n  x: b\n";
    assert_eq!(replaced("more.x", "data.a").as_deref(), Ok(expected));
    assert!(replaced("metadata", "data").unwrap_err().starts_with("missing metadata.name in object"));
}

#[test]
fn later_targets_of_a_replacement_see_what_earlier_ones_made_of_the_source() {
    let kustomization = "resources: [x.yaml]\nreplacements:\n- source: {kind: ConfigMap, fieldPath: data.a}\n  targets:\n  \
                         - select: {kind: ConfigMap}\n    fieldPaths: [data.a]\n    options: {delimiter: '-', index: 1}\n  \
                         - select: {kind: ConfigMap}\n    fieldPaths: [data.c]\n    options: {create: true}\n";
    let output = built(&[("k/kustomization.yaml", kustomization), ("k/x.yaml", MAP)], "k").unwrap();
    assert!(output.contains("data:\n  a: b-b\n  c: b-b\n"), "{output}");
}

#[test]
fn validators_may_not_change_objects() {
    let validated = |transformer: &str| {
        let kustomization = format!("resources: [x.yaml]\nvalidators:\n- |\n  {}\n", transformer.replace('\n', "\n  "));
        built(&[("k/kustomization.yaml", &kustomization), ("k/x.yaml", MAP)], "k")
    };
    let labels = |pairs: &str| {
        format!(
            "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {{name: x}}\nlabels: {{{pairs}}}\n\
             fieldSpecs: [{{path: metadata/labels, create: true}}]"
        )
    };
    let output = validated(&labels("validated-by: x")).unwrap();
    assert!(output.contains("validated-by: x"), "{output}");
    let err = validated(&labels("a: b")).unwrap_err();
    assert!(err.starts_with("validator shouldn't modify the resource map: "), "{err}");
}

#[test]
fn helm_and_external_plugins_are_refused() {
    let fails = |kustomization: &str, part: &str| {
        let err = built(&[("k/kustomization.yaml", kustomization)], "k").unwrap_err();
        assert!(err.contains(part), "{err}");
    };
    fails("helmCharts: [{name: x}]\n", "must specify --enable-helm");
    fails(
        "transformers: ['{apiVersion: example.com/v1, kind: X, metadata: {name: x}}']\n",
        "external plugins disabled; unable to load external plugin 'X'",
    );
    fails(
        "generators: ['{apiVersion: builtin, kind: X, metadata: {name: x}}']\n",
        "loading generator plugins: failed to load generator: unable to load builtin X.builtin.[noGrp]",
    );
}

#[test]
fn thousands_of_objects_are_built_at_once() {
    let object = |at: u32| MAP.replace("name: m", &format!("name: m{at}"));
    let objects = (0..4_000).map(object).collect::<Vec<_>>().join("---\n");
    let kustomization = "namespace: ns\nnamePrefix: p-\nlabels: [{pairs: {l: x}}]\nresources: [all.yaml]\n";
    let output = built(&[("k/kustomization.yaml", kustomization), ("k/all.yaml", &objects)], "k").unwrap();
    assert_eq!(output.matches("namespace: ns").count(), 4_000);
}
