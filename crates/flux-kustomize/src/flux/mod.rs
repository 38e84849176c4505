//! What Flux does around `kustomize build`: it writes a missing kustomization file, merges the spec into it, builds
//! inside the artifact only, and substitutes variables object by object.

mod spec;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::Files;

use crate::{Built, Error, Options};

pub use spec::{Image, Patch, Selector, Spec, Strategy, Substitution};

/// The kustomization file that a build starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Where it belongs, from the root of the files.
    pub path: Utf8PathBuf,
    /// Its text.
    pub content: String,
    /// Whether there was none and it was made from the manifests found.
    pub generated: bool,
}

/// The kustomization file of `directory` with `spec` merged into it. Nothing is written.
pub fn prepare(files: &dyn Files, directory: &Utf8Path, spec: &Spec) -> Result<Prepared, Error> {
    let _ = (files, directory, spec);
    Err(Error::new("not built yet"))
}

/// Builds `directory` as Flux builds a Kustomization with `spec`: [`prepare`], then [`crate::build`] over it.
pub fn build(files: &dyn Files, directory: &Utf8Path, spec: &Spec, options: &Options) -> Result<Built, Error> {
    let _ = options;
    prepare(files, directory, spec).map(|_| Built::default())
}

/// Substitutes variables in every object that does not switch it off by label or annotation.
pub fn substitute(built: &mut Built, substitution: &Substitution) -> Result<(), Error> {
    let _ = (built, substitution);
    Ok(())
}
