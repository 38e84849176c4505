//! Answers recorded from kustomize and from Flux's build, compared where FLUX_CONFORMANCE names the folder that holds
//! them. The number of cases that pass may not fall below `tests/expected-passes.txt`.
#![expect(clippy::disallowed_methods, reason = "a test may read recorded answers")]
#![expect(clippy::print_stdout, reason = "the counts are what these tests tell")]
#![expect(clippy::unwrap_used, reason = "recorded answers that cannot be read end the test")]

mod flux_build;
mod kustomize;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of recorded answers, or none, which is said.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("FLUX_CONFORMANCE").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: FLUX_CONFORMANCE names no folder");
    }
    folder
}

/// The id of a case, and how its answer differs.
type Outcome = (String, Result<(), String>);

/// Prints `suite passed/total` and the failing ids, and fails when fewer pass than expected.
fn hold(suite: &str, outcomes: &[Outcome]) {
    let failed: Vec<_> = outcomes.iter().filter_map(|(id, outcome)| Some((id, outcome.as_ref().err()?))).collect();
    let passed = outcomes.len() - failed.len();
    println!("{suite} {passed}/{}", outcomes.len());
    if let Some(wanted) = std::env::var_os("FLUX_CASE") {
        let shown =
            failed.iter().filter(|(id, _)| wanted.to_str().is_some_and(|wanted| wanted == "all" || wanted == **id));
        shown.for_each(|(id, difference)| println!("--- {id}\n{difference}"));
    }
    let expected = expected_passes().get(suite).copied().unwrap_or(0);
    assert!(
        passed >= expected,
        "{suite}: {passed} pass, {expected} did: {:?}",
        failed.iter().map(|(id, _)| id).collect::<Vec<_>>()
    );
}

fn expected_passes() -> BTreeMap<String, usize> {
    let text = include_str!("../expected-passes.txt");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(suite, count)| (suite.to_owned(), count.parse().expect("a count follows each suite")))
        .collect()
}

/// The names of a folder's entries, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether what a build gave is what was recorded: the same bytes, or an error where there was one.
fn compare(built: Result<String, String>, expected: Option<&str>) -> Result<(), String> {
    match (built, expected) {
        (Ok(text), Some(expected)) if text == expected => Ok(()),
        (Ok(text), Some(expected)) => {
            let line = text.lines().zip(expected.lines()).position(|(own, other)| own != other);
            let line = line.unwrap_or_else(|| text.lines().count().min(expected.lines().count()));
            let around = |text: &str| text.lines().skip(line.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n");
            Err(format!("line {}:\n{}\n=== expected\n{}", line + 1, around(&text), around(expected)))
        }
        (Err(_), None) => Ok(()),
        (Err(err), Some(_)) => Err(format!("error: {err}")),
        (Ok(_), None) => Err("built, where an error was expected".to_owned()),
    }
}

/// All objects as one stream.
fn print(built: &flux_kustomize::Built) -> Result<String, String> {
    let documents: Result<Vec<String>, _> = built.resources.iter().map(flux_kustomize::Resource::to_yaml).collect();
    documents.map(|documents| documents.join("---\n")).map_err(|err| err.chain())
}
