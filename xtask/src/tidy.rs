//! Names, marks and links that should not be in the tree.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{command, root};

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "misc", "shared", "stuff"];
/// Marks of unfinished work; written in halves so that this file passes.
const MARKS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ig", "nore"),
    concat!("XX", "X:"),
];
/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
/// Files that are read for marks and paths.
const TEXTS: [&str; 9] = ["rs", "go", "sh", "toml", "md", "yaml", "yml", "Dockerfile", "run"];

pub(crate) fn run() -> Result<()> {
    let files = tracked()?;
    let mut faults = Vec::new();
    for file in &files {
        faults.extend(name_fault(file));
        let path = root().join(file);
        if !is_text(file) || !path.is_file() {
            continue;
        }
        let content = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        faults.extend(line_faults(file, &content));
        if has_extension(file, &["md"]) {
            faults.extend(link_faults(file, &content, |target| root().join(target).exists()));
        }
    }
    if faults.is_empty() {
        println!("{} files are tidy", files.len());
        return Ok(());
    }
    bail!("{}", faults.join("\n"))
}

/// All files that are tracked, or new and not ignored.
fn tracked() -> Result<Vec<String>> {
    let output = command("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let output = output.context("cannot start `git ls-files`")?;
    if !output.status.success() {
        bail!("`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

fn is_text(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let kind = name.rsplit('.').next().unwrap_or(name);
    TEXTS.contains(&kind) && !file.contains("testdata/")
}

fn has_extension(file: &str, extensions: &[&str]) -> bool {
    Path::new(file).extension().and_then(|extension| extension.to_str()).is_some_and(|own| extensions.contains(&own))
}

/// Refuses Rust and Go files, and folders of them, with names that say nothing.
fn name_fault(file: &str) -> Option<String> {
    let stem = |part: &str| part.split('.').next().unwrap_or(part).to_owned();
    let code = has_extension(file, &["rs", "go"]);
    let empty = file.split('/').map(stem).find(|part| EMPTY_NAMES.contains(&part.as_str()))?;
    code.then(|| format!("{file}: {empty:?} does not say what is in it"))
}

fn line_faults(file: &str, content: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, line) in content.lines().enumerate() {
        for mark in MARKS.iter().chain(&MACHINE_PATHS).filter(|mark| line.contains(**mark)) {
            faults.push(format!("{file}:{}: {mark} does not belong here", at + 1));
        }
    }
    faults
}

/// Relative links of a Markdown file whose target does not exist.
fn link_faults(file: &str, content: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (at, line) in content.lines().enumerate() {
        for after in line.split("](").skip(1) {
            let target = after.split([')', '#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !exists(&folder.join(target)) {
                faults.push(format!("{file}:{}: link to {target:?} leads nowhere", at + 1));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_refused_for_code_only() {
        assert!(name_fault("crates/a/src/utils.rs").is_some());
        assert!(name_fault("crates/common/src/lib.rs").is_some());
        assert!(name_fault("docs/common.md").is_none());
        assert!(name_fault("crates/a/src/commons.rs").is_none());
    }

    #[test]
    fn marks_and_machine_paths_are_refused_with_their_line() {
        let text = format!("fine\nlet a = 1; // {} later\n", MARKS[0]);
        assert_eq!(line_faults("a.rs", &text), [format!("a.rs:2: {} does not belong here", MARKS[0])]);
    }

    #[test]
    fn links_are_followed_from_the_file_that_holds_them() {
        let text = "[a](b.md) [c](https://example.com) [d](../e.md#part)\n[f](#here)";
        let faults = link_faults("docs/x.md", text, |target| target == Path::new("docs/b.md"));
        assert_eq!(faults, ["docs/x.md:1: link to \"../e.md\" leads nowhere"]);
    }
}
