//! Manifests as one stream of documents.

use std::fmt::Write as _;

use super::{Manifest, split};
use crate::chart::{Crd, Pattern};
use crate::release::Hook;

/// What becomes of secrets in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// They are there.
    #[default]
    Shown,
    /// A comment tells that there is one.
    Hidden,
}

/// The stream of the definitions and then the manifests, each under a comment with where it comes from.
pub fn stream(crds: &[Crd<'_>], manifests: &[Manifest], secrets: Secrets) -> String {
    let size = |name: &str, content: usize| name.len() + content + 20;
    let total = crds.iter().map(|crd| size(&crd.full_name, crd.file.data.len())).sum::<usize>()
        + manifests.iter().map(|manifest| size(&manifest.name, manifest.content.len())).sum::<usize>();
    let mut stream = String::with_capacity(total);
    for crd in crds {
        append(&mut stream, &crd.full_name, &String::from_utf8_lossy(&crd.file.data));
    }
    for manifest in manifests {
        let is_secret = manifest.head.kind == "Secret" && manifest.head.api_version == "v1";
        match secrets {
            Secrets::Hidden if is_secret => {
                append(&mut stream, &manifest.name, "# HIDDEN: The Secret output has been suppressed");
            }
            Secrets::Shown | Secrets::Hidden => append(&mut stream, &manifest.name, &manifest.content),
        }
    }
    stream
}

/// Adds one document to a stream.
pub(crate) fn append(stream: &mut String, name: &str, content: &str) {
    let _ = write!(stream, "---\n# Source: {name}\n{content}\n");
}

/// What `helm template` shows: the stream of a release, and its hooks behind it.
pub fn listing<'h>(stream: &str, hooks: impl IntoIterator<Item = &'h Hook>) -> String {
    let mut listing = format!("{}\n", stream.trim());
    for hook in hooks {
        append(&mut listing, &hook.path, &hook.manifest);
    }
    listing
}

/// A pattern that fits no template of the chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct NotShown(pub String);

/// The documents of a listing whose templates fit one of the patterns, in the order of the patterns. Patterns are paths
/// below the chart's folder, with `*`, `?` and `[…]` that stop at slashes.
pub fn show_only(listing: &str, patterns: &[impl AsRef<str>]) -> Result<String, NotShown> {
    let documents = split(listing);
    let mut shown = String::new();
    for pattern in patterns {
        let fits = Pattern::new(pattern.as_ref());
        let before = shown.len();
        for document in documents.iter().filter(|document| template(document).is_some_and(|name| fits.matches(name))) {
            let _ = write!(shown, "---\n{document}\n");
        }
        if shown.len() == before {
            return Err(NotShown(pattern.as_ref().to_owned()));
        }
    }
    Ok(shown)
}

/// The path of the template that a document comes from, below the chart's folder.
fn template(document: &str) -> Option<&str> {
    let (_, source) = document.split_once("# Source: ")?;
    source.lines().next()?.split_once('/').map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_shown_by_the_templates_that_they_come_from() {
        let mut listing = String::new();
        for name in ["app/templates/a.yaml", "app/templates/b.yaml", "app/charts/sub/templates/a.yaml"] {
            append(&mut listing, name, "x: 1");
        }
        let shown = |patterns: &[&str]| {
            show_only(&listing, patterns).map(|shown| shown.lines().filter(|line| line.starts_with('#')).count())
        };
        assert_eq!(shown(&["templates/a.yaml"]), Ok(1));
        assert_eq!(shown(&["templates/*", "charts/sub/templates/?.yaml"]), Ok(3));
        assert_eq!(shown(&["templates/c.yaml"]), Err(NotShown("templates/c.yaml".to_owned())));
    }
}
