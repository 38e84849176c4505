//! `kustomize build`.

use std::path::Path;

use camino::Utf8Path;
use flux_files::Directory;
use flux_kustomize::{LoadRestrictions, Options, Reorder, build};
use serde_json::Value;

use crate::{Outcome, compare, folder, hold, names, print};

fn options(case: &Value) -> Options {
    Options {
        load_restrictions: match case["options"]["lr"].as_str() {
            Some("LoadRestrictionsNone") => LoadRestrictions::None,
            _ => LoadRestrictions::RootOnly,
        },
        reorder: match case["options"]["reorder"].as_str() {
            Some("legacy" | "unspecified") => Reorder::Legacy,
            _ => Reorder::None,
        },
    }
}

fn run(input: &Path, case: &Value) -> Result<String, String> {
    let input = Utf8Path::from_path(input).expect("paths are UTF-8");
    let files = Directory::open(input).map_err(|err| err.to_string())?;
    let entry = Utf8Path::new(case["entry"].as_str().unwrap_or_default());
    build(&files, entry, &options(case)).map_err(|err| err.chain()).and_then(|built| print(&built))
}

fn suite(name: &str) {
    let Some(folder) = folder() else { return };
    let folder = folder.join("kustomize").join(name);
    let case = |id: String| -> Outcome {
        let place = folder.join(&id);
        let case: Value = serde_json::from_slice(&std::fs::read(place.join("meta.json")).unwrap()).unwrap();
        let expected = std::fs::read_to_string(place.join("expected.yaml")).ok();
        (id, compare(run(&place.join("input"), &case), expected.as_deref()))
    };
    let outcomes: Vec<_> = names(&folder).into_iter().map(case).collect();
    hold(&format!("kustomize/{name}"), &outcomes);
}

#[test]
fn builds_of_the_projects_own_cases_are_the_same() {
    suite("generated");
}

#[test]
fn builds_of_upstreams_whole_cases_are_the_same() {
    suite("krusty");
}

#[test]
fn builds_of_upstreams_transformer_cases_are_the_same() {
    suite("builtin");
}

#[test]
fn builds_of_upstreams_replacement_cases_are_the_same() {
    suite("replacement");
}

#[test]
fn builds_of_real_repositories_are_the_same() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("kustomize/real");
    let mut outcomes = Vec::new();
    for repository in names(&folder) {
        let place = folder.join(&repository);
        let Ok(cases) = std::fs::read_to_string(place.join("cases.jsonl")) else { continue };
        for line in cases.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let expected = case["expected"].as_str().unwrap();
            let expected = std::fs::read_to_string(place.join(expected))
                .ok()
                .filter(|_| Path::new(expected).extension().is_some_and(|end| end == "yaml"));
            let id = format!("{repository}/{}", case["id"].as_str().unwrap());
            outcomes.push((id, compare(run(&place.join("input"), &case), expected.as_deref())));
        }
    }
    hold("kustomize/real", &outcomes);
}
