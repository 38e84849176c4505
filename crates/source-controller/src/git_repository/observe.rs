//! What the world looks like: the stored artifact, secrets, includes, the server's revision. Reads only.

use flux_api::meta::Artifact;
use flux_api::source::v1::{GitRepository, Source};
use flux_git::verify::Keys as PublicKeys;
use flux_git::{Reference, Remote, Resolved};
use flux_runtime::{Fault, ObjectKey, Run};
use kube::ResourceExt;

use super::GitRepositoryReconciler;
use super::credentials::{self, Keys};
use super::error::{CheckoutError, IncludeError, RemoteError, SignatureError};
use super::overlay::Include;
use super::plan;

/// What other repositories contribute.
pub(super) struct Includes {
    /// As they go into status.
    pub(super) artifacts: Vec<Artifact>,
    /// As they are copied.
    pub(super) copies: Vec<Include>,
}

impl GitRepositoryReconciler {
    /// The server with all that is needed to talk to it.
    pub(super) async fn remote(&self, object: &GitRepository, run: &Run<GitRepository>) -> Result<Remote, RemoteError> {
        let (spec, namespace) = (&object.spec, object.namespace().unwrap_or_default());
        let proxy = match &spec.proxy_secret_ref {
            Some(reference) => {
                let secret = run
                    .secret(&namespace, &reference.name)
                    .await
                    .map_err(|err| RemoteError::ProxySecret(Box::new(err)))?;
                let proxy = credentials::proxy(&Keys::of(&secret))
                    .map_err(|source| RemoteError::Proxy { secret: secret.key.to_string(), source })?;
                Some(proxy)
            }
            None => None,
        };
        let mut remote = self
            .git
            .remote(&spec.url)
            .map_err(|err| RemoteError::Url { url: err.url, source: Box::new(err.failure) })?;
        remote.proxy = proxy;
        remote.timeout = spec.timeout();
        remote.ssh = self.settings.ssh.clone();
        self.check_provider(object)?;
        let secret = match &spec.secret_ref {
            Some(reference) => Some(run.secret(&namespace, &reference.name).await.map_err(|source| {
                RemoteError::Secret { secret: format!("{namespace}/{}", reference.name), source: Box::new(source) }
            })?),
            None => None,
        };
        self.authenticate(&mut remote, object, secret.as_ref(), run).await?;
        Ok(remote)
    }

    /// The artifacts of the included repositories.
    pub(super) fn includes(&self, object: &GitRepository) -> Result<Includes, Fault> {
        let namespace = object.namespace().unwrap_or_default();
        let mut includes = Includes { artifacts: Vec::new(), copies: Vec::new() };
        for include in &object.spec.include {
            let name = include.repository.name.clone();
            let waiting = |err: IncludeError| err.waiting(self.settings.requeue_dependency);
            let other = self
                .repositories
                .get(&ObjectKey::new(&namespace, &name))
                .ok_or_else(|| waiting(IncludeError::NotFound { namespace: namespace.clone(), name: name.clone() }))?;
            let artifact = other.artifact().ok_or_else(|| waiting(IncludeError::NoArtifact { name: name.clone() }))?;
            let (from, to) = plan::include_paths(include);
            let (path, digest) = (artifact.path.clone(), artifact.digest.clone());
            includes.copies.push(Include { namespace: namespace.clone(), name, artifact: path, digest, from, to });
            includes.artifacts.push(artifact.clone());
        }
        Ok(includes)
    }

    /// The commit that the server has for the reference. Waits without a permit, in a queue of its own.
    pub(super) async fn resolve(
        &self,
        remote: &Remote,
        reference: &Reference,
        run: &Run<GitRepository>,
    ) -> Result<Resolved, CheckoutError> {
        // On the heap: a connection's future is large.
        let listing = Box::pin(async {
            // Closed never; without a slot there would be no bound, which is no reason not to ask.
            let _slot = self.listings.acquire().await.ok();
            flux_git::resolve(remote, reference).await
        });
        run.wait_uninterrupted(listing).await.map_err(|err| CheckoutError::of(err, reference))
    }

    /// The public keys that signatures are checked with.
    pub(super) async fn public_keys(
        &self,
        object: &GitRepository,
        secret: &str,
        run: &Run<GitRepository>,
    ) -> Result<PublicKeys, SignatureError> {
        let namespace = object.namespace().unwrap_or_default();
        let secret = run.secret(&namespace, secret).await.map_err(|err| SignatureError::Secret(Box::new(err)))?;
        PublicKeys::parse(secret.iter()).map_err(SignatureError::Keys)
    }
}
