//! The build of a Flux Kustomization: what Flux writes into kustomization.yaml, and what comes of it.

use std::path::Path;

use anyhow::Result;
use camino::Utf8Path;
use flux_kustomize::Options;
use flux_kustomize::flux::{
    Extras, Image, Patch, Selector, Spec, Strategy, Substitution, build_prepared, prepare_with, substitute,
};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, names, read, read_json, text};
use crate::kustomize::{open, print};

/// Stands between the two parts of an answer.
const SEPARATOR: &str = "--- # built\n";

pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>> {
    let case = |id: String| {
        let place = folder.join(&id);
        Case::new(id, move || compare(&place))
    };
    Ok(names(folder)?.into_iter().map(case).collect())
}

fn compare(place: &Path) -> Result<Compared> {
    let mut recorded = Recorded::read(&place.join("expected.yaml"), &place.join("expected_error.txt"))?;
    if let Recorded::Output(built) = &mut recorded {
        *built = format!("{}{SEPARATOR}{built}", read(&place.join("generated_kustomization.yaml"))?);
    }
    let case = read_json(&place.join("meta.json"))?;
    Ok(Compared { answer: run(&place.join("input"), &case)?, recorded })
}

fn run(input: &Path, case: &Value) -> Result<Answer> {
    let files = open(input)?;
    let directory = text(&case["dir"]);
    let directory = Utf8Path::new(&directory);
    let object = &case["kustomization"]["spec"];
    let spec = spec(object);
    let ignore = case["options"]["Ignore"].as_str().filter(|_| case["options"]["UseIgnore"] == true);
    let operations = |patch: &Value| (selector(&patch["target"]), patch["patch"].clone());
    let extras = Extras {
        ignore,
        patches_strategic_merge: &items(&object["patchesStrategicMerge"], Value::clone),
        patches_json6902: &items(&object["patchesJson6902"], operations),
    };
    let prepared = match prepare_with(files.as_ref(), directory, &spec, &extras) {
        Ok(prepared) => prepared,
        Err(err) => return Ok(Err(format!("generate: {}", err.chain()))),
    };
    let mut built = match build_prepared(files.as_ref(), directory, &prepared, &Options::default()) {
        Ok(built) => built,
        Err(err) => return Ok(Err(format!("kustomize build failed: {}", err.chain()))),
    };
    if case["options"]["PostBuild"] == true
        && let Err(err) = substitute(&mut built, &substitution(object, &case["options"]))
    {
        return Ok(Err(err.chain()));
    }
    Ok(print(&built).map(|built| format!("{}{SEPARATOR}{built}", prepared.content)))
}

fn spec(spec: &Value) -> Spec {
    let own = |name: &str| spec[name].as_str().map(str::to_owned);
    Spec {
        target_namespace: own("targetNamespace"),
        name_prefix: own("namePrefix"),
        name_suffix: own("nameSuffix"),
        patches: items(&spec["patches"], patch),
        components: items(&spec["components"], text),
        ignore_missing_components: spec["ignoreMissingComponents"] == true,
        images: items(&spec["images"], image),
        build_metadata: items(&spec["buildMetadata"], text),
    }
}

fn items<T>(list: &Value, item: impl Fn(&Value) -> T) -> Vec<T> {
    list.as_array().into_iter().flatten().map(item).collect()
}

fn patch(patch: &Value) -> Patch {
    Patch { patch: text(&patch["patch"]), target: patch.get("target").map(selector) }
}

fn selector(selector: &Value) -> Selector {
    Selector {
        group: text(&selector["group"]),
        version: text(&selector["version"]),
        kind: text(&selector["kind"]),
        name: text(&selector["name"]),
        namespace: text(&selector["namespace"]),
        label_selector: text(&selector["labelSelector"]),
        annotation_selector: text(&selector["annotationSelector"]),
    }
}

fn image(image: &Value) -> Image {
    Image {
        name: text(&image["name"]),
        new_name: text(&image["newName"]),
        new_tag: text(&image["newTag"]),
        digest: text(&image["digest"]),
    }
}

fn substitution(spec: &Value, options: &Value) -> Substitution {
    let variables = spec["postBuild"]["substitute"].as_object().into_iter().flatten();
    Substitution {
        variables: variables.map(|(name, value)| (name.clone(), text(value).replace('\n', ""))).collect(),
        strict: options["Strict"] == true,
        strategy: if options["Always"] == true { Strategy::Always } else { Strategy::WithVariables },
    }
}
