//! Every YAML block of the specification pages is read by our types, without a field that they do not know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::kinds::{documents, through_type};
use crate::schema;

#[test]
fn the_specification_s_examples_fit_the_types() {
    let mut pages = Vec::new();
    collect(&flux_testkit::workspace_root().join("docs/spec"), &mut pages);
    assert!(!pages.is_empty(), "no pages");
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut examples = 0;
        for (line, block) in blocks(&text) {
            for document in documents(&block) {
                let place = format!("{}:{line}", page.display());
                assert!(document["kind"].is_string(), "{place}: an example names no kind");
                let Some(schema) = schema::schema_of(&document) else { continue };
                through_type(&document).unwrap_or_else(|err| panic!("{place}: {err}"));
                let mut paths = BTreeSet::new();
                for part in ["spec", "status"] {
                    schema::paths_in(&schema["properties"][part], &document[part], part, &mut paths);
                }
                let unknown: Vec<_> = paths.iter().filter(|path| path.starts_with('!')).collect();
                assert!(unknown.is_empty(), "{place}: unknown fields {unknown:?}");
                examples += 1;
            }
        }
        assert!(examples > 0, "{}: no example", page.display());
    }
}

#[test]
fn the_specification_speaks_of_every_field() {
    for (page, kind) in [
        ("source/v1/gitrepositories.md", "source.toolkit.fluxcd.io/v1/GitRepository"),
        ("kustomize/v1/kustomizations.md", "kustomize.toolkit.fluxcd.io/v1/Kustomization"),
    ] {
        let text = std::fs::read_to_string(flux_testkit::workspace_root().join("docs/spec").join(page)).unwrap();
        let paths = schema::paths(&schema::schemas()[kind]);
        let fields = paths.iter().filter(|path| !path.ends_with(['}', ']']) && path.contains('.'));
        let missing: Vec<_> = fields.filter(|path| !speaks_of(&text, path)).collect();
        assert!(missing.is_empty(), "{page}: {missing:?}");
    }
}

/// Whether the page names the field by its path, or is one whose parts another page describes.
fn speaks_of(text: &str, path: &str) -> bool {
    let shared =
        ["status.artifact.", "status.conditions[].", "status.includedArtifacts[].", "status.observedInclude[]."];
    shared.iter().any(|prefix| path.starts_with(prefix)) || text.contains(&format!("`{}`", path.replace("{}", "")))
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The YAML blocks of a page, with the line that each starts after.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some((_, block)) if line.trim() != "```" => {
                block.push_str(line);
                block.push('\n');
            }
            Some(_) => blocks.extend(open.take()),
            None if line.trim() == "```yaml" => open = Some((index + 1, String::new())),
            None => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}
