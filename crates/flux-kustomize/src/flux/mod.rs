//! What Flux does around `kustomize build`: it writes a missing kustomization file, merges the spec into it, builds
//! inside the artifact only, and substitutes variables object by object.

mod prepare;
mod spec;
mod substitute;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, Overlay, clean};

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
    prepare::prepare(files, &clean(directory)?, spec)
}

/// Builds `directory` as Flux builds a Kustomization with `spec`: [`prepare()`], then [`crate::build`] over it.
pub fn build(files: &dyn Files, directory: &Utf8Path, spec: &Spec, options: &Options) -> Result<Built, Error> {
    let directory = clean(directory)?;
    let prepared = prepare(files, &directory, spec)?;
    let mut overlay = Overlay::new(files);
    overlay.write(&prepared.path, prepared.content)?;
    crate::build(&overlay, &directory, options)
}

/// Substitutes variables in every object that does not switch it off by label or annotation.
pub fn substitute(built: &mut Built, substitution: &Substitution) -> Result<(), Error> {
    substitute::substitute(built, substitution)
}
