//! What helm-controller does to rendered texts before they become a release.
//!
//! All documents of all texts become one stream, each noting the file that it comes from. The [`PostRenderers`] change
//! it by kustomize's rules: first the user's patches and images, then common labels and annotations, last the labels
//! that tell whose objects they are. Then the stream is taken apart into texts again. [`Strategy`] says whether hooks
//! are in the stream.
//!
//! What comes out is kustomize's print of the objects: keys sorted, comments gone.

mod documents;
mod kustomize;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use flux_kustomize::{Resource, metadata};

pub use documents::{FILE_ANNOTATION, MergeError};
pub use kustomize::Kustomize;

use crate::manifest::{self, ManifestError, Order, UnknownHook};
use crate::render::Rendered;

/// Which texts are changed together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Hooks and other objects as one stream.
    #[default]
    Combined,
    /// Hooks in a stream of their own, so that both may have objects of one name.
    Separate,
    /// No hooks, as Helm 3 did.
    NoHooks,
}

/// The changes, in the order in which they are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostRenderers {
    /// Patches and images.
    pub kustomize: Vec<Kustomize>,
    /// Labels that all objects get.
    pub common_labels: BTreeMap<String, String>,
    /// Annotations that all objects get.
    pub common_annotations: BTreeMap<String, String>,
    /// Labels that tell whose objects they are; they win over common ones.
    pub origin_labels: BTreeMap<String, String>,
}

/// The labels that name the object of an API group that a release belongs to.
pub fn origin_labels(group: &str, namespace: &str, name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(format!("{group}/name"), name.to_owned()), (format!("{group}/namespace"), namespace.to_owned())])
}

/// What came of the texts.
#[derive(Clone, Default)]
pub struct PostRendered {
    /// The texts, sorted by the names of their files.
    pub texts: Vec<Rendered>,
    /// Objects that were left out already, because they name an event that hooks do not have.
    pub unknown: Vec<UnknownHook>,
}

/// The documents that are changed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// All documents.
    All,
    /// Hooks.
    Hooks,
    /// Objects that are no hooks.
    Manifests,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "files",
            Self::Hooks => "hooks",
            Self::Manifests => "manifests",
        })
    }
}

/// Why texts could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostRenderError {
    /// Hooks could not be told from other objects.
    #[error(transparent)]
    Sort(#[from] ManifestError),
    /// A text is no stream of objects.
    #[error("error merging {}", if *stream == Stream::All { Stream::Manifests } else { *stream })]
    Merge {
        /// The documents.
        stream: Stream,
        /// The text, and what is wrong with it.
        source: MergeError,
    },
    /// A change could not be made.
    #[error("error while running post render on {stream}")]
    Run {
        /// The documents.
        stream: Stream,
        /// The object, and what is wrong with it.
        source: RunError,
    },
    /// What the changes gave is no stream of objects.
    #[error("error while parsing post rendered output for {stream}")]
    Split {
        /// The documents.
        stream: Stream,
        /// What is wrong.
        source: flux_yaml::Error,
    },
}

/// Why a change could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A document is no object, or an object cannot be changed so.
    #[error(transparent)]
    Kustomize(#[from] flux_kustomize::Error),
    /// Two objects have one id.
    #[error("may not add resource with an already registered id: {id}: it is in {first} and in {second}")]
    Twice {
        /// The id, as kustomize writes it.
        id: String,
        /// The file of the one.
        first: String,
        /// The file of the other.
        second: String,
    },
    /// An object cannot be printed.
    #[error("cannot print an object of {file}")]
    Print {
        /// The file that it is in.
        file: String,
        /// The object, and what is wrong with it.
        source: flux_kustomize::Error,
    },
}

/// The texts with all changes made. Partials and empty texts are left out.
pub fn run(texts: &[Rendered], strategy: Strategy, renderers: &PostRenderers) -> Result<PostRendered, PostRenderError> {
    if strategy == Strategy::Combined {
        let mut files = Files::new();
        for text in texts {
            append(&mut files, &text.name, &text.content);
        }
        let files = change(Stream::All, &files, renderers)?;
        return Ok(PostRendered { texts: rendered(files), unknown: Vec::new() });
    }
    let sorted = manifest::sort(texts, Order::Install)?;
    let mut files = Files::new();
    for hook in &sorted.hooks {
        append(&mut files, &hook.path, &hook.manifest);
    }
    if strategy == Strategy::Separate && !files.is_empty() {
        files = change(Stream::Hooks, &files, renderers)?;
    }
    let mut manifests = Files::new();
    for manifest in &sorted.manifests {
        append(&mut manifests, &manifest.name, &manifest.content);
    }
    if !manifests.is_empty() {
        for (name, content) in change(Stream::Manifests, &manifests, renderers)? {
            append(&mut files, &name, &content);
        }
    }
    Ok(PostRendered { texts: rendered(files), unknown: sorted.unknown })
}

/// Texts by the names of their files.
type Files = BTreeMap<String, String>;

/// Adds documents to a file.
fn append(files: &mut Files, name: &str, content: &str) {
    match files.get_mut(name) {
        Some(text) => {
            text.push_str("\n---\n");
            text.push_str(content);
        }
        None => {
            files.insert(name.to_owned(), content.to_owned());
        }
    }
}

fn rendered(files: Files) -> Vec<Rendered> {
    files.into_iter().map(|(name, content)| Rendered { name, content }).collect()
}

fn change(stream: Stream, files: &Files, renderers: &PostRenderers) -> Result<Files, PostRenderError> {
    let merged = documents::merge(files).map_err(|source| PostRenderError::Merge { stream, source })?;
    let printed = renderers.apply(&merged).map_err(|source| PostRenderError::Run { stream, source })?;
    documents::split(&printed, stream.prefix()).map_err(|source| PostRenderError::Split { stream, source })
}

impl Stream {
    /// What the names of files begin with that hold objects from nowhere.
    fn prefix(self) -> &'static str {
        match self {
            Self::All => "generated-by-postrender-",
            Self::Hooks => "generated-by-postrender-hooks-",
            Self::Manifests => "generated-by-postrender-manifests-",
        }
    }
}

impl PostRenderers {
    /// The objects with all changes made, each printed.
    fn apply(&self, merged: &str) -> Result<Vec<String>, RunError> {
        let mut objects = read(merged)?;
        for (at, kustomize) in self.kustomize.iter().enumerate() {
            // Only what was built already is in kustomize's form.
            let stream = if at == 0 { Cow::Borrowed(merged) } else { Cow::Owned(print(&objects)?.join("---\n")) };
            objects = read(&kustomize.build(&stream)?)?;
        }
        metadata::set_labels(&mut objects, &self.common_labels)?;
        metadata::set_annotations(&mut objects, &self.common_annotations)?;
        metadata::set_labels(&mut objects, &self.origin_labels)?;
        print(&objects)
    }
}

/// The objects of a stream, which can stand beside each other.
fn read(stream: &str) -> Result<Vec<Resource>, RunError> {
    let objects = metadata::read(stream)?;
    match metadata::twins(&objects) {
        None => Ok(objects),
        Some((first, second, id)) => {
            Err(RunError::Twice { id, first: file_of(&objects[first]), second: file_of(&objects[second]) })
        }
    }
}

fn print(objects: &[Resource]) -> Result<Vec<String>, RunError> {
    let print =
        |object: &Resource| object.to_yaml().map_err(|source| RunError::Print { file: file_of(object), source });
    objects.iter().map(print).collect()
}

/// The file that an object comes from.
fn file_of(object: &Resource) -> String {
    object.annotation(FILE_ANNOTATION).unwrap_or("a list").to_owned()
}
