//! What Flux does around `kustomize build`: it writes a missing kustomization file, merges the spec into it, builds
//! inside the artifact only, and substitutes variables object by object.

mod ignore;
mod prepare;
mod secrets;
mod spec;
mod substitute;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, Overlay, clean};

use crate::schema::BuiltIn;
use crate::{Built, Error, Options};

pub use secrets::{SecretFile, SecretRole, secret_files};
pub use spec::{Extras, Image, Patch, Selector, Spec, Strategy, Substitution};

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
    prepare_with(files, directory, spec, &Extras::default())
}

/// The same with what the controller does not know.
pub fn prepare_with(
    files: &dyn Files,
    directory: &Utf8Path,
    spec: &Spec,
    extras: &Extras<'_>,
) -> Result<Prepared, Error> {
    prepare::prepare(files, &clean(directory)?, spec, extras)
}

/// Builds `directory` as Flux builds a Kustomization with `spec`: [`prepare()`], then [`build_prepared`].
pub fn build(files: &dyn Files, directory: &Utf8Path, spec: &Spec, options: &Options) -> Result<Built, Error> {
    build_prepared(files, directory, &prepare(files, directory, spec)?, options)
}

/// Builds `directory` with `prepared` in place of its kustomization file.
pub fn build_prepared(
    files: &dyn Files,
    directory: &Utf8Path,
    prepared: &Prepared,
    options: &Options,
) -> Result<Built, Error> {
    let mut overlay = Overlay::new(files);
    overlay.write(&prepared.path, prepared.content.as_str())?;
    crate::run(&overlay, &clean(directory)?, options, BuiltIn::Below)
}

/// Substitutes variables in every object that does not switch it off by label or annotation.
pub fn substitute(built: &mut Built, substitution: &Substitution) -> Result<(), Error> {
    substitute::substitute(built, substitution)
}
