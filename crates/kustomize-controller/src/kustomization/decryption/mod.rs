//! Decrypts what a source holds encrypted by SOPS: files that become Secrets and patches before the build, objects and
//! values of Secrets after it.
//!
//! Reading, building and decrypting run on blocking threads; between these steps the key services are asked for the data keys
//! that the object's own keys do not open. What was decrypted is in memory only; every value that was encrypted is masked in
//! every text of the run, in whatever kind of object, file or patch it is.

mod document;
mod error;
mod files;
mod keys;
mod objects;
mod secrets;
mod services;

use std::sync::Arc;

use flux_api::kustomize::v1::Kustomization;
use flux_files::Overlay;
use flux_runtime::{ObjectKey, Run};
use flux_tasks::{BlockingError, Tasks};

use super::build::{self, Built, Inputs};
use super::error::BuildError;
use super::observe::Tree;
pub(super) use error::{DecryptionError, KeysError};
use files::{open_files, sealed_files};
pub(super) use keys::Keys;
use objects::{open_objects, sealed_objects};
pub use services::Services;

/// Where keys are beside the objects' own Secrets.
pub struct Decryption {
    /// `--sops-age-secret`: the Secret with age identities for objects that name none.
    pub age_secret: Option<ObjectKey>,
    /// Key services.
    pub services: Services,
}

impl Decryption {
    /// The keys that `object` decrypts with; none when it decrypts nothing.
    pub(super) async fn keys(
        &self,
        object: &Kustomization,
        run: &Run<Kustomization>,
    ) -> Result<Option<Keys>, KeysError> {
        keys::read(object, self.age_secret.as_ref(), run).await
    }

    /// Builds `tree`, decrypting with `keys` where there are any.
    pub(super) async fn build(
        &self,
        object: &Kustomization,
        tree: Tree,
        inputs: Inputs,
        keys: Option<Keys>,
        tasks: &Tasks,
        run: &Run<Kustomization>,
    ) -> Result<Built, BuildError> {
        let Some(keys) = keys else {
            return cut(tasks.blocking(move || build::build(&tree, &inputs)).await);
        };

        let ring = Arc::clone(&keys.ring);
        let (tree, inputs, prepared, mut sealed) = cut(tasks
            .blocking(move || {
                let files = tree.files().map_err(BuildError::Files)?;
                let prepared = build::prepare(&files, &tree.directory, &inputs)?;
                let mut overlay = Overlay::new(&files);
                overlay.write(&prepared.path, prepared.content.as_str()).map_err(BuildError::Files)?;
                let sealed = sealed_files(&overlay, &tree.directory, &ring)?;
                Ok((tree, inputs, prepared, sealed))
            })
            .await)?;

        self.services.unlock(&mut sealed, &keys, object, run).await?;
        let (ring, masker) = (Arc::clone(&keys.ring), run.masker().clone());
        let (inputs, mut built, mut sealed) = cut(tasks
            .blocking(move || {
                let files = tree.files().map_err(BuildError::Files)?;
                let mut overlay = Overlay::new(&files);
                open_files(sealed, &mut overlay, &masker)?;
                let built = build::kustomize(&overlay, &tree.directory, &prepared, &inputs)?;
                let sealed = sealed_objects(&built, &ring)?;
                Ok((inputs, built, sealed))
            })
            .await)?;

        self.services.unlock(&mut sealed, &keys, object, run).await?;
        let masker = run.masker().clone();
        cut(tasks
            .blocking(move || {
                open_objects(sealed, &mut built, &masker)?;
                build::finish(built, &inputs)
            })
            .await)
    }
}

fn cut<T>(result: Result<Result<T, BuildError>, BlockingError>) -> Result<T, BuildError> {
    result.map_err(BuildError::Cut).flatten()
}
