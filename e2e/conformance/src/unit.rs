//! Single merges and filters of kustomize, without a build around them.
//!
//! Comments are not kept, and neither is the order of keys where a filter ran.

use std::path::Path;

use anyhow::{Context, Result};
use flux_kustomize::filters::{Lists, apply, merge};
use flux_yaml::{Content, Limits, Node, Style, parse_all};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};

/// The cases of the folder that holds `merges`: those of that file and those of filters beside it.
pub(crate) fn cases(merges: &Path) -> Result<Vec<Case>> {
    let folder = merges.parent().context("the file is in no folder")?;
    let mut cases = Vec::new();
    for (line, case) in read_json_lines(merges)? {
        cases.push(Case::new(format!("merge2-{line}"), move || Ok(merged(&case))));
    }
    let filters = folder.join("unit-filters.jsonl");
    if filters.exists() {
        for (line, case) in read_json_lines(&filters)? {
            let name = name(&case);
            cases.push(Case::new(format!("{name}-{line}"), move || Ok(filtered(&case))));
        }
    }
    Ok(cases)
}

fn merged(case: &Value) -> Compared {
    let lists = Lists { infer: case["inferAssociativeLists"] == true, patch_first: case["listIncreaseDirection"] == 1 };
    let own = merge(&text(&case["target"]), &text(&case["patch"]), lists).map_err(|err| err.chain());
    Compared { answer: own.and_then(|own| in_order(&own)), recorded: recorded(case, "output", "error", in_order) }
}

fn filtered(case: &Value) -> Compared {
    let mut input = text(&case["Input"]);
    // What a reference may mean is told only by the error that names it.
    for candidate in text(&case["Error"]).split("--- possible referral ").skip(1) {
        input.push_str("\n---\n");
        input.push_str(candidate.split_once('\n').map_or("", |(_, object)| object));
    }
    let own = apply(&name(case), &case["Spec"], &input).map_err(|err| err.chain());
    Compared { answer: own.and_then(|own| sorted(&own)), recorded: recorded(case, "Output", "Error", sorted) }
}

/// The filter's package, with the kind where a package has two.
fn name(case: &Value) -> String {
    let name = text(&case["Filter"]);
    name.strip_suffix(".Filter").or_else(|| name.strip_suffix("Filter")).unwrap_or(&name).to_owned()
}

fn recorded(case: &Value, output: &str, error: &str, normal: fn(&str) -> Answer) -> Recorded {
    match case[error].as_str().filter(|error| !error.is_empty()) {
        Some(error) => Recorded::Error(error.to_owned()),
        None => normal(&text(&case[output])).map_or_else(|_| Recorded::Output(text(&case[output])), Recorded::Output),
    }
}

/// Documents without comments, keys in their order.
fn in_order(text: &str) -> Answer {
    let nodes = parse_all(text, Limits::default()).map_err(|err| err.to_string())?;
    Ok(nodes.iter().map(flux_yaml::print_styled).collect::<Vec<_>>().join("---\n"))
}

/// Documents without comments and quotes, keys sorted.
fn sorted(text: &str) -> Answer {
    let mut nodes = parse_all(text, Limits::default()).map_err(|err| err.to_string())?;
    nodes.iter_mut().for_each(sort);
    Ok(nodes.iter().map(flux_yaml::print_styled).collect::<Vec<_>>().join("---\n"))
}

fn sort(node: &mut Node) {
    node.style = Style::Plain;
    match &mut node.content {
        Content::Scalar(_) => {}
        Content::Sequence(items) => items.iter_mut().for_each(sort),
        Content::Mapping(entries) => {
            entries.sort_by(|(left, _), (right, _)| left.text().cmp(&right.text()));
            for (key, value) in entries.iter_mut() {
                sort(key);
                sort(value);
            }
        }
    }
}
