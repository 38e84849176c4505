//! What is changed: the artifact storage and the store of Git objects.

use std::sync::Arc;
use std::time::SystemTime;

use flux_api::meta::Artifact;
use flux_api::source::v1::GitRepository;
use flux_git::{Checkout, FetchOptions, Reference, Remote, Resolved};
use flux_runtime::{Facts, Run};
use flux_storage::{ArtifactPath, IntegrityError, ObjectDirectory, PathError};
use flux_tar::Digest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::archive::Job;
use super::error::{ArchiveError, CheckoutError, StorageError};
use super::observe::Includes;
use super::status::Status;
use super::{GitRepositoryReconciler, report};

impl GitRepositoryReconciler {
    /// Removes old artifacts, and checks that the current one is there and whole. Where it is not, it is taken out of
    /// the facts, and progress says so.
    pub(super) async fn tend_storage(
        &self,
        facts: &mut Facts<Status>,
        run: &Run<GitRepository>,
    ) -> Result<(), StorageError> {
        let Some(artifact) = facts.status.artifact.clone() else {
            let message = report::no_artifact(facts);
            self.building(facts, run, message).await;
            return Ok(());
        };
        let directory = directory_of(&run.object)?;
        // An artifact of another place than the object's own is none.
        let path = artifact.path.parse::<ArtifactPath>().ok().filter(|path| *path.directory() == directory);
        let disappeared = match path {
            Some(path) => self.check(facts, run, path, &artifact).await?,
            None => true,
        };
        if disappeared {
            let message = report::artifact_disappeared(facts);
            run.progress(facts, message).await;
        }
        Ok(())
    }

    /// Whether the artifact is gone; a damaged one goes here.
    async fn check(
        &self,
        facts: &mut Facts<Status>,
        run: &Run<GitRepository>,
        path: ArtifactPath,
        artifact: &Artifact,
    ) -> Result<bool, StorageError> {
        let (storage, digest, now) = (Arc::clone(&self.storage), artifact.digest.clone(), SystemTime::from(run.now()));
        let looked = self.tasks.blocking(move || {
            let collected = storage.collect(&path, now);
            // A digest that cannot be read fits nothing.
            let verified = digest.parse::<Digest>().map(|digest| storage.verify(&path, &digest));
            let removed = if is_damaged(&verified) { storage.remove(&path) } else { Ok(()) };
            (collected, verified, removed)
        });
        let (collected, verified, removed) = looked.await?;
        match collected {
            Ok(collected) if collected.artifacts.is_empty() => {}
            Ok(collected) => report::collected(facts, collected.artifacts.len()),
            // The next run collects what this one could not; the artifact itself is what counts here.
            Err(err) => tracing::warn!(error = flux_runtime::report::message(&err), "garbage collection failed"),
        }
        match verified {
            Ok(Ok(())) => {
                self.keep(facts, artifact);
                return Ok(false);
            }
            Ok(Err(IntegrityError::Missing(_))) | Err(_) => {}
            Ok(Err(IntegrityError::Storage(err))) => return Err(StorageError::Read(err)),
            Ok(Err(err @ IntegrityError::Mismatch { .. })) => report::damaged(facts, &err),
        }
        removed.map_err(StorageError::RemoveDamaged)?;
        Ok(true)
    }

    /// The artifact stays, under the host that it is served from now.
    fn keep(&self, facts: &mut Facts<Status>, artifact: &Artifact) {
        if let Ok(path) = artifact.path.parse::<ArtifactPath>() {
            facts.status.artifact = Some(Artifact { url: self.storage.url_of(&path), ..artifact.clone() });
        }
    }

    /// Brings what is missing of the revision into the store of Git objects.
    pub(super) async fn fetch(
        &self,
        object: &GitRepository,
        remote: &Remote,
        resolved: &Resolved,
        reference: &Reference,
    ) -> Result<Checkout, CheckoutError> {
        let options = FetchOptions {
            owner: object.uid().unwrap_or_default(),
            submodules: object.spec.recurse_submodules,
            sparse: object.spec.sparse_checkout.clone(),
        };
        self.git.fetch(remote, resolved, &options).await.map_err(|err| CheckoutError::of(err, reference))
    }

    /// Writes the artifact of the checkout and enters it into the facts.
    pub(super) async fn archive(
        &self,
        facts: &mut Facts<Status>,
        run: &Run<GitRepository>,
        checkout: Checkout,
        resolved: &Resolved,
        includes: Includes,
    ) -> Result<(), ArchiveError> {
        let spec = &run.object.spec;
        let file = format!("{}.tar.gz", resolved.commit);
        let path = directory_of(&run.object).and_then(|directory| directory.file(&file)).map_err(ArchiveError::Path)?;
        let job = Job {
            storage: Arc::clone(&self.storage),
            path: path.clone(),
            checkout,
            includes: includes.copies,
            ignore: spec.ignore.clone(),
        };
        let token = CancellationToken::new();
        let _stop = token.clone().drop_guard();
        let archived = self.tasks.blocking(move || job.run(&token)).await;
        let stored = archived??;
        let artifact = Artifact {
            path: path.to_string(),
            url: self.storage.url_of(&path),
            revision: resolved.revision(),
            digest: stored.digest.to_string(),
            last_update_time: Time(run.now()),
            size: i64::try_from(stored.size).ok(),
            metadata: None,
        };
        facts.status.stored(artifact, includes.artifacts, spec);
        Ok(())
    }

    /// Removes all that was made for the object.
    pub(super) async fn remove(&self, object: &GitRepository) -> Result<(), StorageError> {
        let (storage, directory) = (Arc::clone(&self.storage), directory_of(object)?);
        let removed = self.tasks.blocking(move || storage.remove_object(&directory)).await?;
        removed.map_err(StorageError::Remove)?;
        self.git.release(&object.uid().unwrap_or_default()).await.map_err(StorageError::Release)
    }
}

/// Whether the file was read and found to be another one. One that could not be read may be good and is still served.
fn is_damaged<E>(verified: &Result<Result<(), IntegrityError>, E>) -> bool {
    match verified {
        Ok(Ok(()) | Err(IntegrityError::Missing(_) | IntegrityError::Storage(_))) => false,
        Ok(Err(IntegrityError::Mismatch { .. })) | Err(_) => true,
    }
}

fn directory_of(object: &GitRepository) -> Result<ObjectDirectory, PathError> {
    ObjectDirectory::new(&GitRepository::kind(&()), &object.namespace().unwrap_or_default(), &object.name_any())
}

#[cfg(test)]
mod tests {
    use flux_tar::{Algorithm, ParseDigestError};

    use super::*;

    #[test]
    fn an_artifact_that_cannot_be_read_for_now_is_not_given_up() {
        let path: ArtifactPath = "gitrepository/ns/app/a.tar.gz".parse().unwrap();
        let digest = |text: &[u8]| Digest::of(Algorithm::Sha256, text);
        let exhausted = flux_storage::StorageError::Io {
            action: "open",
            path: "gitrepository/ns/app/a.tar.gz".into(),
            source: std::io::Error::other("too many open files"),
        };
        let mismatch = IntegrityError::Mismatch { path: path.clone(), expected: digest(b"a"), found: digest(b"b") };
        let damaged = |result| is_damaged::<ParseDigestError>(&Ok(result));
        assert!(!damaged(Err(IntegrityError::Storage(exhausted))));
        assert!(!damaged(Err(IntegrityError::Missing(path))));
        assert!(!damaged(Ok(())));
        assert!(damaged(Err(mismatch)));
    }
}
