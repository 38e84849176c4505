//! Substitution of variables in one text.

use std::path::Path;

use anyhow::Result;
use flux_envsubst::{Limits, evaluate_bytes};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};

pub(crate) fn cases(vectors: &Path) -> Result<Vec<Case>> {
    let case = |(_, case): (usize, Value)| {
        Case::new(text(&case["id"]), move || Ok(Compared { answer: run(&case), recorded: recorded(&case) }))
    };
    Ok(read_json_lines(vectors)?.into_iter().map(case).collect())
}

fn run(case: &Value) -> Answer {
    let strict = case["strict"] == true;
    let lookup = |name: &str| match case["vars"][name].as_str() {
        None if !strict => Some(""),
        value => value,
    };
    // The recorder's JSON replaced what is not UTF-8.
    let output = evaluate_bytes(&text(&case["input"]), lookup, Limits::default());
    output.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|err| err.to_string())
}

fn recorded(case: &Value) -> Recorded {
    match (case["output"].as_str(), case["error"].as_str()) {
        (Some(output), _) => Recorded::Output(output.to_owned()),
        (None, Some(error)) => Recorded::Error(error.to_owned()),
        (None, None) => Recorded::Failure,
    }
}
