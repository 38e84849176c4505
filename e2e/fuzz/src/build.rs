//! Builds of kustomizations.

use camino::Utf8Path;
use flux_files::Memory;
use flux_kustomize::{Options, Resource, build};

use crate::text;

/// Fields of a kustomization with a value.
pub(crate) const WORDS: [&str; 24] = [
    "namePrefix: a-\n",
    "namespace: b\n",
    "labels:\n- pairs: {c: d}\n  includeSelectors: true\n",
    "images:\n- name: example.com/app\n  newTag: v2\n",
    "replicas:\n- name: app\n  count: 3\n",
    "configMapGenerator:\n- name: g\n  literals: [a=b]\n",
    "secretGenerator:\n- name: s\n  literals: [a=b]\n",
    "patches:\n- path: other.yaml\n",
    "components:\n- .\n",
    "resources:\n- resources.yaml\n",
    "vars:\n- name: V\n  objref: {kind: Service, name: app, apiVersion: v1}\n",
    "replacements:\n- source: {kind: Service, name: app}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.annotations.x]\n    options: {create: true}\n",
    "buildMetadata: [originAnnotations]\n",
    "sortOptions: {order: legacy}\n",
    "commonAnnotations: {a: b}\n",
    "nameSuffix: -z\n",
    "fieldPaths: [",
    "spec.template.spec.containers.[name=app].image",
    "behavior: merge\n",
    "options: {delimiter: \":\", index: 1}\n",
    "target: {kind: .*}\n",
    "generatorOptions: {disableNameSuffixHash: true}\n",
    "transformers:\n- other.yaml\n",
    "kind: Component\n",
];

const RESOURCES: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  template:
    spec:
      containers:
      - name: app
        image: example.com/app:v1
        envFrom:
        - configMapRef:
            name: g
---
apiVersion: v1
kind: Service
metadata:
  name: app
spec:
  selector:
    app: app
";

/// A kustomization file over two objects is built or refused.
pub(crate) fn builds_give_what_builds_alike(bytes: &[u8]) {
    let (kustomization, other) = text(bytes).split_once(crate::SEPARATOR).unwrap_or((text(bytes), ""));
    if let Some(output) =
        built(&[("kustomization.yaml", kustomization), ("resources.yaml", RESOURCES), ("other.yaml", other)])
    {
        builds_to_itself(&output);
    }
}

/// The objects of a build as one stream; nothing where it is refused.
pub(crate) fn built(files: &[(&str, &str)]) -> Option<String> {
    let mut memory = Memory::new();
    for (path, text) in files {
        memory.write(Utf8Path::new(path), text.as_bytes()).ok()?;
    }
    let built = build(&memory, Utf8Path::new(""), &Options::default()).ok()?;
    let documents: Vec<String> = built.resources.iter().map(Resource::to_yaml).collect::<Result<_, _>>().ok()?;
    Some(documents.join("---\n"))
}

/// What a build gave is built again to the same, unless objects in it are only for a build.
pub(crate) fn builds_to_itself(output: &str) {
    // Local objects, lists and empty streams are taken apart, and objects without a namespace may meet again.
    if output.is_empty() || output.contains("config.kubernetes.io") || output.contains("List\n") {
        return;
    }
    if let Some(again) = built(&[("kustomization.yaml", "resources:\n- resources.yaml\n"), ("resources.yaml", output)])
    {
        crate::same("built again", &again, output);
    }
}
