//! A case: something to run, with the answer that was recorded for it.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// What an engine gave: its output, or its error with all causes in one line.
pub(crate) type Answer = Result<String, String>;

/// What the reference program gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    Output(String),
    Error(String),
    /// It failed in a way whose words mean nothing, such as a panic.
    Failure,
}

/// One case of a suite.
pub(crate) struct Case {
    /// Its name in the suite.
    pub(crate) id: String,
    /// Reads the case and runs it; fails when the case itself cannot be read.
    pub(crate) run: Box<dyn Fn() -> Result<Compared> + Send + Sync>,
}

impl Case {
    pub(crate) fn new(id: impl Into<String>, run: impl Fn() -> Result<Compared> + Send + Sync + 'static) -> Self {
        Self { id: id.into(), run: Box::new(run) }
    }
}

/// Both answers to one case.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) answer: Answer,
    pub(crate) recorded: Recorded,
}

impl Recorded {
    /// The answer in one of two files: the output where that file is there, else the error.
    pub(crate) fn read(output: &Path, error: &Path) -> Result<Self> {
        if output.exists() { Ok(Self::Output(read(output)?)) } else { read(error).map(Self::failed) }
    }

    /// The error with this text.
    pub(crate) fn failed(text: String) -> Self {
        if text.contains("panic: ") { Self::Failure } else { Self::Error(text) }
    }
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

pub(crate) fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_str(&read(path)?).with_context(|| format!("{} is not JSON", path.display()))
}

/// Each line of a file as JSON, with its number.
pub(crate) fn read_json_lines(path: &Path) -> Result<Vec<(usize, Value)>> {
    let text = read(path)?;
    let lines = text.lines().enumerate().map(|(at, line)| {
        let value = serde_json::from_str(line).with_context(|| format!("{}:{} is not JSON", path.display(), at + 1))?;
        Ok((at + 1, value))
    });
    lines.collect()
}

/// A text field; empty where it is missing.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The names of a folder's entries, sorted.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
