//! What the world looks like: the stored artifact, secrets, includes, the server's revision. Reads only.

use flux_api::meta::Artifact;
use flux_api::source::v1::git_repository::GitProvider;
use flux_api::source::v1::{GitRepository, Source};
use flux_auth::{GitHubApp, GitHubAppOptions};
use flux_git::verify::Keys as PublicKeys;
use flux_git::{Credentials, Reference, Remote, Resolved, Secret};
use flux_http::{Certificates, ClientOptions, ProxyAddress, ProxySetting};
use flux_runtime::{Fault, ObjectKey, Run, SecretData};
use flux_tar::{Algorithm, Digest};
use kube::ResourceExt;
use url::Url;

use super::GitRepositoryReconciler;
use super::credentials::{self, AppKeys, Keys};
use super::error::{CheckoutError, IncludeError, RemoteError, SignatureError};
use super::overlay::Include;
use super::plan;
use crate::features::OBJECT_LEVEL_WORKLOAD_IDENTITY;

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

    fn check_provider(&self, object: &GitRepository) -> Result<(), RemoteError> {
        let spec = &object.spec;
        if spec.service_account_name.is_some() && !self.settings.object_level_identity {
            return Err(RemoteError::Gate { gate: OBJECT_LEVEL_WORKLOAD_IDENTITY });
        }
        match spec.provider.unwrap_or_default() {
            GitProvider::Github if spec.secret_ref.is_none() => Err(RemoteError::NoAppSecret),
            GitProvider::Generic | GitProvider::Github => Ok(()),
            GitProvider::Aws => Err(RemoteError::Provider { provider: "aws" }),
            GitProvider::Azure => Err(RemoteError::Provider { provider: "azure" }),
        }
    }

    async fn authenticate(
        &self,
        remote: &mut Remote,
        object: &GitRepository,
        secret: Option<&SecretData>,
        run: &Run<GitRepository>,
    ) -> Result<(), RemoteError> {
        let keys = secret.map(Keys::of).unwrap_or_default();
        remote.tls = credentials::tls(&keys).map_err(RemoteError::Credentials)?;
        let github = object.spec.provider == Some(GitProvider::Github);
        if keys.has_github_app() && !github {
            let secret = secret.map(|secret| secret.key.to_string()).unwrap_or_default();
            return Err(RemoteError::UnexpectedAppSecret { secret });
        }
        if github {
            let app = credentials::github_app(&keys).map_err(RemoteError::Credentials)?;
            return self.log_in_as_app(remote, app, run).await;
        }
        // Parsed before, by the remote.
        let url = Url::parse(&object.spec.url)
            .map_err(|err| RemoteError::Url { url: remote.display_url(), source: Box::new(err) })?;
        remote.credentials = credentials::credentials(&url, &keys).map_err(RemoteError::Credentials)?;
        Ok(())
    }

    /// Exchanges the App's key for a token. The store of its objects is that of the App, whatever token is current.
    async fn log_in_as_app(
        &self,
        remote: &mut Remote,
        app: AppKeys,
        run: &Run<GitRepository>,
    ) -> Result<(), RemoteError> {
        let AppKeys { app_id, installation, private_key, base_url } = app;
        let account = format!(
            "github-app {app_id} {installation:?} {} {}",
            base_url.as_deref().unwrap_or_default(),
            Digest::of(Algorithm::Sha256, &private_key)
        );
        let client = client_options(remote).map_err(RemoteError::Client)?;
        let options = GitHubAppOptions { app_id, installation, private_key, base_url, client };
        let app = GitHubApp::new(options).map_err(RemoteError::GitHubApp)?;
        let now = run.now();
        let object = ObjectKey::of(&*run.object);
        let issued = run.wait_uninterrupted(self.tokens.get_or_issue(&account, &object, now, app.token(now))).await;
        let token = issued.map_err(RemoteError::GitHubApp)?;
        run.mask(token.expose().as_bytes());
        remote.credentials =
            Credentials::Basic { username: Secret::from("x-access-token"), password: Secret::from(token.expose()) };
        remote.account = Some(account);
        Ok(())
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
            includes.copies.push(Include { name, artifact: path, digest, from, to });
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

/// The same trust and proxy for GitHub's API as for its Git server.
fn client_options(remote: &Remote) -> Result<ClientOptions, flux_http::ConfigureError> {
    let mut options = ClientOptions { total_timeout: Some(remote.timeout), ..ClientOptions::default() };
    if let Some(ca) = &remote.tls.ca {
        options.certificates = Certificates::from_pem(ca)?;
    }
    if let Some(proxy) = &remote.proxy {
        let text = |secret: &Option<Secret>| {
            secret.as_ref().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned())
        };
        let (username, password) = (text(&proxy.username), text(&proxy.password));
        let address = ProxyAddress::new(proxy.address.as_str(), username.as_deref(), password.as_deref())?;
        options.proxy = ProxySetting::Address(address);
    }
    Ok(options)
}
