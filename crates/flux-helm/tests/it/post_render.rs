//! Rendered texts on their way into a release of Flux.

use std::collections::BTreeMap;

use flux_helm::post_render::{Kustomize, PostRenderers, Strategy, origin_labels, run};
use flux_helm::render::Rendered;
use flux_kustomize::flux::{Image, Patch, Selector};

fn texts(files: &[(&str, &str)]) -> Vec<Rendered> {
    let text = |(name, content): &(&str, &str)| Rendered { name: (*name).to_owned(), content: (*content).to_owned() };
    files.iter().map(text).collect()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Each file as `== name` and what is in it, or the error with its causes.
fn changed(files: &[(&str, &str)], strategy: Strategy, renderers: &PostRenderers) -> String {
    match run(&texts(files), strategy, renderers) {
        Ok(done) => done.texts.iter().flat_map(|text| ["== ", &text.name, "\n", &text.content]).collect(),
        Err(err) => {
            let mut text = err.to_string();
            let mut next = std::error::Error::source(&err);
            while let Some(err) = next {
                text = format!("{text}: {err}");
                next = err.source();
            }
            text
        }
    }
}

const HOOK: &str = "kind: Job\nmetadata:\n  name: j # why\n  annotations: {helm.sh/hook: test}\n";
const OBJECT: &str = "kind: Job\nmetadata:\n  name: k\n  annotations: {}\nversion: \"6.14.1\"\n";

#[test]
fn objects_are_labelled_and_printed_with_sorted_keys_in_their_files() {
    let renderers = PostRenderers {
        common_labels: labels(&[("a", "1"), ("g/name", "common")]),
        common_annotations: labels(&[("note", "true")]),
        origin_labels: origin_labels("g", "ns", "hr"),
        ..PostRenderers::default()
    };
    let files = [
        ("c/b.yaml", "# nothing\n---\nz: 1\nkind: A\nmetadata: {name: w}\n---\nkind: B\nmetadata: {name: x}\n"),
        ("c/_p.yaml", "x"),
        ("c/a.yaml", " \n"),
    ];
    assert_eq!(
        changed(&files, Strategy::Combined, &renderers),
        "== c/b.yaml\nkind: A\nmetadata:\n  annotations:\n    note: \"true\"\n  labels:\n    a: \"1\"\n    g/name: hr\n    g/namespace: ns\n  name: w\nz: 1\n---\nkind: B\nmetadata:\n  annotations:\n    note: \"true\"\n  labels:\n    a: \"1\"\n    g/name: hr\n    g/namespace: ns\n  name: x\n"
    );
}

#[test]
fn strategies_say_whether_hooks_are_changed() {
    let files = [("h.yaml", HOOK), ("o.yaml", OBJECT)];
    let renderers = PostRenderers { origin_labels: labels(&[("l", "x")]), ..PostRenderers::default() };
    let object = "== o.yaml\nkind: Job\nmetadata:\n  labels:\n    l: x\n  name: k\nversion: 6.14.1\n";
    let hook =
        "== h.yaml\nkind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: test\n  labels:\n    l: x\n  name: j\n";
    assert_eq!(changed(&files, Strategy::Combined, &renderers), format!("{hook}{object}"));
    assert_eq!(changed(&files, Strategy::Separate, &renderers), format!("{hook}{object}"));
    assert_eq!(changed(&files, Strategy::NoHooks, &renderers), format!("== h.yaml\n{HOOK}{object}"));
}

#[test]
fn hooks_and_objects_of_one_name_stand_beside_each_other_only_apart() {
    let renderers = PostRenderers::default();
    let files = [("h.yaml", HOOK), ("o.yaml", &OBJECT.replace("name: k", "name: j"))];
    assert_eq!(
        changed(&files, Strategy::Combined, &renderers),
        "error while running post render on files: may not add resource with an already registered id: Job.[noVer].[noGrp]/j.[noNs]: it is in h.yaml and in o.yaml"
    );
    for strategy in [Strategy::Separate, Strategy::NoHooks] {
        assert!(changed(&files, strategy, &renderers).starts_with("== h.yaml\nkind: Job\n"));
    }
}

#[test]
fn what_is_no_object_is_named_with_its_file() {
    let told = |content: &str| changed(&[("c/x.yaml", content)], Strategy::Combined, &PostRenderers::default());
    let run = "error while running post render on files";
    assert_eq!(
        told("metadata: {name: a}\n"),
        format!(
            "{run}: missing kind in object {{{{ }} {{{{a }} map[] map[postrenderer.helm.sh/postrender-filename:c/x.yaml]}}}}"
        )
    );
    assert_eq!(
        told("kind: A\nmetadata: {name: a}\nx: 1\nx: 2\n"),
        format!("{run}: cannot print an object of c/x.yaml: A/a: yaml: line 4: mapping key \"x\" already defined")
    );
    assert!(told("a: [").starts_with("error merging manifests: parsing c/x.yaml: "));
    assert_eq!(
        told("just text\n"),
        "error merging manifests: parsing c/x.yaml: wrong Node Kind for  expected: MappingNode was ScalarNode"
    );
    assert_eq!(
        told("kind: A\nmetadata: {name: a, annotations: [x]}\n"),
        "error merging manifests: parsing c/x.yaml: wrong Node Kind for metadata.annotations expected: MappingNode was SequenceNode"
    );
}

#[test]
fn a_list_is_its_items_and_those_of_other_lists_lose_their_file() {
    let files = [
        ("a.yaml", "kind: List\nitems: [{kind: A, metadata: {name: a}}]\n"),
        ("b.yaml", "kind: BList\nitems: [{kind: B, metadata: {name: b}}]\n"),
    ];
    assert_eq!(
        changed(&files, Strategy::Combined, &PostRenderers::default()),
        "== a.yaml\nkind: A\nmetadata:\n  name: a\n== generated-by-postrender-1.yaml\nkind: B\nmetadata:\n  name: b\n"
    );
}

#[test]
fn patches_and_images_come_before_labels_and_see_what_earlier_ones_did() {
    let kind = |kind: &str| Some(Selector { kind: kind.to_owned(), ..Selector::default() });
    let patch = |patch: &str, target| Patch { patch: patch.to_owned(), target };
    let renderers = PostRenderers {
        kustomize: vec![
            Kustomize {
                patches: vec![
                    patch("- {op: replace, path: /metadata/labels/l, value: patched}\n", kind("Pod")),
                    patch("kind: Secret\napiVersion: v1\nmetadata: {name: s}\n$patch: delete\n", None),
                ],
                images: vec![Image { name: "app".to_owned(), new_tag: "2".to_owned(), ..Image::default() }],
            },
            Kustomize {
                patches: Vec::new(),
                images: vec![Image { name: "app".to_owned(), new_name: "other".to_owned(), ..Image::default() }],
            },
        ],
        common_labels: labels(&[("m", "1")]),
        ..PostRenderers::default()
    };
    let files = [(
        "p.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {l: x}}\nspec:\n  containers: [{name: c, image: app}]\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
    )];
    assert_eq!(
        changed(&files, Strategy::Combined, &renderers),
        "== p.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    l: patched\n    m: \"1\"\n  name: p\nspec:\n  containers:\n  - image: other:2\n    name: c\n"
    );
}

#[test]
fn a_chart_without_objects_is_nothing_but_patches_for_it_are_refused() {
    let kustomize = |patch: &str| PostRenderers {
        kustomize: vec![Kustomize {
            patches: vec![Patch { patch: patch.to_owned(), target: None }],
            images: Vec::new(),
        }],
        ..PostRenderers::default()
    };
    assert_eq!(changed(&[], Strategy::Combined, &PostRenderers::default()), "");
    let refused = changed(&[], Strategy::Combined, &kustomize("kind: A\nmetadata: {name: a}\n"));
    assert!(refused.starts_with("error while running post render on files: "), "{refused}");
    assert_eq!(changed(&[], Strategy::Separate, &kustomize("kind: A\nmetadata: {name: a}\n")), "");
}
