//! `kustomize build`.

use std::path::Path;

use anyhow::{Context, Result};
use camino::Utf8Path;
use flux_files::{Directory, Files, Memory};
use flux_kustomize::{Built, LoadRestrictions, Options, Reorder, build};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, names, read_json, read_json_lines, text};

/// Cases that have a folder each.
pub(crate) fn folders(folder: &Path) -> Result<Vec<Case>> {
    let case = |id: String| {
        let place = folder.join(&id);
        Case::new(id, move || {
            let recorded = Recorded::read(&place.join("expected.yaml"), &place.join("expected_error.txt"))?;
            Ok(Compared { answer: run(&place.join("input"), &read_json(&place.join("meta.json"))?)?, recorded })
        })
    };
    Ok(names(folder)?.into_iter().map(case).collect())
}

/// Cases that share the input of a repository.
pub(crate) fn repositories(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for repository in names(folder)? {
        let place = folder.join(&repository);
        for (_, case) in read_json_lines(&place.join("cases.jsonl"))? {
            let place = place.clone();
            cases.push(Case::new(format!("{repository}/{}", text(&case["id"])), move || {
                let expected = place.join(text(&case["expected"]));
                let recorded = Recorded::read(&expected.with_extension("yaml"), &expected.with_extension("err"))?;
                Ok(Compared { answer: run(&place.join("input"), &case)?, recorded })
            }));
        }
    }
    Ok(cases)
}

fn run(input: &Path, case: &Value) -> Result<Answer> {
    let files = open(input)?;
    let built = build(files.as_ref(), Utf8Path::new(&text(&case["entry"])), &options(case));
    Ok(built.map_err(|err| err.chain()).and_then(|built| print(&built)))
}

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
        remote: None,
    }
}

/// The input of a case. An empty one has no folder.
pub(crate) fn open(input: &Path) -> Result<Box<dyn Files>> {
    let path = Utf8Path::from_path(input).with_context(|| format!("{} is not UTF-8", input.display()))?;
    if !input.exists() {
        return Ok(Box::new(Memory::new()));
    }
    Ok(Box::new(Directory::open(path).with_context(|| format!("cannot open {path}"))?))
}

/// All objects as one stream.
pub(crate) fn print(built: &Built) -> Answer {
    built.to_yaml().map_err(|err| err.chain())
}
