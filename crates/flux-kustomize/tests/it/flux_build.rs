//! The build of a Flux Kustomization.

use camino::Utf8Path;
use flux_files::Directory;
use flux_kustomize::flux::{Image, Patch, Selector, Spec, Strategy, Substitution, build, substitute};
use serde_json::Value;

use crate::{Outcome, compare, folder, hold, names, print};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn spec(spec: &Value) -> Spec {
    let items = |name: &str| spec[name].as_array().cloned().unwrap_or_default();
    Spec {
        target_namespace: spec["targetNamespace"].as_str().map(str::to_owned),
        name_prefix: spec["namePrefix"].as_str().map(str::to_owned),
        name_suffix: spec["nameSuffix"].as_str().map(str::to_owned),
        patches: items("patches").iter().map(patch).collect(),
        components: texts(&spec["components"]),
        ignore_missing_components: spec["ignoreMissingComponents"] == true,
        images: items("images").iter().map(image).collect(),
        build_metadata: texts(&spec["buildMetadata"]),
    }
}

fn patch(patch: &Value) -> Patch {
    let target = patch.get("target").map(|target| Selector {
        group: text(&target["group"]),
        version: text(&target["version"]),
        kind: text(&target["kind"]),
        name: text(&target["name"]),
        namespace: text(&target["namespace"]),
        label_selector: text(&target["labelSelector"]),
        annotation_selector: text(&target["annotationSelector"]),
    });
    Patch { patch: text(&patch["patch"]), target }
}

fn image(image: &Value) -> Image {
    Image {
        name: text(&image["name"]),
        new_name: text(&image["newName"]),
        new_tag: text(&image["newTag"]),
        digest: text(&image["digest"]),
    }
}

fn run(input: &Utf8Path, case: &Value) -> Result<String, String> {
    let files = Directory::open(input).map_err(|err| err.to_string())?;
    let directory = Utf8Path::new(case["dir"].as_str().unwrap_or_default());
    let object = &case["kustomization"]["spec"];
    let mut built =
        build(&files, directory, &spec(object), &flux_kustomize::Options::default()).map_err(|err| err.chain())?;
    if case["options"]["PostBuild"] == true {
        let variables = object["postBuild"]["substitute"].as_object().cloned().unwrap_or_default();
        let always = case["options"]["Always"] == true;
        let substitution = Substitution {
            variables: variables.iter().map(|(name, value)| (name.clone(), text(value).replace('\n', ""))).collect(),
            strict: case["options"]["Strict"] == true,
            strategy: if always { Strategy::Always } else { Strategy::WithVariables },
        };
        substitute(&mut built, &substitution).map_err(|err| err.chain())?;
    }
    print(&built)
}

#[test]
fn builds_of_flux_kustomizations_are_the_same() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("flux-build");
    let case = |id: String| -> Option<Outcome> {
        let place = folder.join(&id);
        let case: Value = serde_json::from_slice(&std::fs::read(place.join("meta.json")).unwrap()).unwrap();
        // Ignore rules at this stage are the command line's.
        if case["options"]["UseIgnore"] == true {
            return None;
        }
        let expected = std::fs::read_to_string(place.join("expected.yaml")).ok();
        let input = place.join("input");
        Some((id, compare(run(Utf8Path::from_path(&input).unwrap(), &case), expected.as_deref())))
    };
    let outcomes: Vec<_> = names(&folder).into_iter().filter_map(case).collect();
    hold("flux-build", &outcomes);
}
