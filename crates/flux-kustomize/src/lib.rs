//! kustomize build and the rewriting that Flux does around it.
//!
//! [`build`] answers what `kustomize build` answers for a directory of [`flux_files::Files`]; [`flux`] holds what
//! kustomize-controller does before and after it. No network, no plugins, no Helm.

pub mod flux;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::Files;

/// Builds the overlay at `root` as `kustomize build` would.
pub fn build(files: &dyn Files, root: &Utf8Path, options: &Options) -> Result<Built, Error> {
    let _ = (files, root, options);
    Err(Error::new("not built yet"))
}

/// How a build behaves where kustomize has flags.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether files outside of a kustomization's own directory may be read.
    pub load_restrictions: LoadRestrictions,
    /// The order of the objects where the kustomization itself does not say.
    pub reorder: Reorder,
}

/// Which files a kustomization may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictions {
    /// Any file below the root of the [`Files`]. This is what Flux uses.
    #[default]
    None,
    /// Files below the kustomization's own directory.
    RootOnly,
}

/// The order of the built objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// As they were added. This is what Flux uses.
    #[default]
    None,
    /// Namespaces and definitions first, webhooks last, the rest by kind and name.
    Legacy,
}

/// What a build gives.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The objects, in order.
    pub resources: Vec<Resource>,
    /// What the author of the kustomizations should know.
    pub warnings: Vec<String>,
}

/// One built object.
#[derive(Clone, Debug)]
pub struct Resource {
    origin: Option<Utf8PathBuf>,
}

impl Resource {
    /// The object's `apiVersion`.
    pub fn api_version(&self) -> &str {
        ""
    }

    /// The object's kind.
    pub fn kind(&self) -> &str {
        ""
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        ""
    }

    /// The object's namespace, where it names one.
    pub fn namespace(&self) -> Option<&str> {
        None
    }

    /// The file that the object came from, from the root of the files; none for generated objects.
    pub fn origin(&self) -> Option<&Utf8Path> {
        self.origin.as_deref()
    }

    /// The object as JSON.
    pub fn to_json(&self) -> Result<serde_json::Value, Error> {
        Err(Error::new("not built yet"))
    }

    /// The object as kustomize prints it.
    pub fn to_yaml(&self) -> Result<String, Error> {
        Err(Error::new("not built yet"))
    }

    /// Replaces the object, as decrypting it does; name, namespace and kind may not change.
    pub fn set_json(&mut self, object: &serde_json::Value) -> Result<(), Error> {
        let _ = object;
        Err(Error::new("not built yet"))
    }
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    message: String,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
