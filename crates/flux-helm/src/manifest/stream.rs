//! Manifests as one stream of documents.

use std::fmt::Write as _;

use super::Manifest;
use crate::chart::Crd;

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
fn append(stream: &mut String, name: &str, content: &str) {
    let _ = write!(stream, "---\n# Source: {name}\n{content}\n");
}
