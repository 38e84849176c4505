//! Logins at Git servers by `spec.provider`: as a GitHub App, at AWS CodeCommit, at Azure DevOps.

use flux_api::source::v1::GitRepository;
use flux_api::source::v1::git_repository::GitProvider;
use flux_auth::aws::{AwsLogin, CodeCommitLogin, code_commit_login, code_commit_region};
use flux_auth::azure::{AzureLogin, DEV_OPS};
use flux_auth::{GitHubApp, GitHubAppOptions};
use flux_git::{Credentials, Remote, Secret};
use flux_http::{Certificates, ClientOptions, ConfigureError, ProxyAddress, ProxySetting};
use flux_runtime::{CloudToken, LoginAs, ObjectKey, Run, SecretData, TokenUse};
use flux_tar::{Algorithm, Digest};
use url::Url;

use super::GitRepositoryReconciler;
use super::credentials::{self, AppKeys, Keys};
use super::error::RemoteError;
use crate::features::OBJECT_LEVEL_WORKLOAD_IDENTITY;

impl GitRepositoryReconciler {
    /// Refuses what no login can be made of, before a Secret is read.
    pub(super) fn check_provider(&self, object: &GitRepository) -> Result<(), RemoteError> {
        let spec = &object.spec;
        if spec.service_account_name.is_some() && !self.settings.object_level_identity {
            return Err(RemoteError::Gate { gate: OBJECT_LEVEL_WORKLOAD_IDENTITY });
        }
        match spec.provider.unwrap_or_default() {
            GitProvider::Github if spec.secret_ref.is_none() => Err(RemoteError::NoAppSecret),
            GitProvider::Generic | GitProvider::Github | GitProvider::Aws | GitProvider::Azure => Ok(()),
        }
    }

    /// Gives `remote` its trust and its credentials.
    pub(super) async fn authenticate(
        &self,
        remote: &mut Remote,
        object: &GitRepository,
        secret: Option<&SecretData>,
        run: &Run<GitRepository>,
    ) -> Result<(), RemoteError> {
        let keys = secret.map(Keys::of).unwrap_or_default();
        remote.tls = credentials::tls(&keys).map_err(RemoteError::Credentials)?;
        // Parsed before, by the remote.
        let url = Url::parse(&object.spec.url)
            .map_err(|err| RemoteError::Url { url: remote.display_url(), source: Box::new(err) })?;
        let provider = object.spec.provider.unwrap_or_default();
        if keys.has_github_app() && provider == GitProvider::Generic {
            let secret = secret.map(|secret| secret.key.to_string()).unwrap_or_default();
            return Err(RemoteError::UnexpectedAppSecret { secret });
        }
        match provider {
            GitProvider::Github => {
                let app = credentials::github_app(&keys).map_err(RemoteError::Credentials)?;
                self.log_in_as_app(remote, app, run).await
            }
            GitProvider::Generic | GitProvider::Aws | GitProvider::Azure => {
                remote.credentials = credentials::credentials(&url, &keys).map_err(RemoteError::Credentials)?;
                match provider {
                    GitProvider::Aws => self.log_in_to_code_commit(remote, &url, run).await,
                    GitProvider::Azure => self.log_in_to_dev_ops(remote, run).await,
                    GitProvider::Generic | GitProvider::Github => Ok(()),
                }
            }
        }
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
        let client = git_client(remote).map_err(RemoteError::Client)?;
        let options = GitHubAppOptions { app_id, installation, private_key, base_url, client };
        let app = GitHubApp::new(options).map_err(RemoteError::GitHubApp)?;
        let (object, now) = (ObjectKey::of(&*run.object), run.now());
        let issue = self.tokens.get_or_issue(&account, (&object, TokenUse::Reconcile), now, app.token(now));
        let token = run.wait_uninterrupted(issue).await.map_err(RemoteError::GitHubApp)?;
        run.mask(token.expose().as_bytes());
        remote.credentials =
            Credentials::Basic { username: Secret::from("x-access-token"), password: Secret::from(token.expose()) };
        remote.account = Some(account);
        Ok(())
    }

    /// Signs in with AWS credentials of the repository's region. A signature is good for minutes, so each run makes one.
    async fn log_in_to_code_commit(
        &self,
        remote: &mut Remote,
        url: &Url,
        run: &Run<GitRepository>,
    ) -> Result<(), RemoteError> {
        let region = Some(code_commit_region(url).map_err(RemoteError::Cloud)?);
        let client = cloud_client(remote).map_err(RemoteError::Client)?;
        let login = AwsLogin { settings: &self.settings.clouds.aws, region, client };
        let login_as = self.login_as(&run.object);
        let issued = run.cloud_token(&login, login_as, &self.tokens, TokenUse::Reconcile).await;
        let CloudToken { token, key } = issued.map_err(|err| RemoteError::Login(Box::new(err)))?;
        let signed = code_commit_login(url, &token, run.now()).map_err(RemoteError::Cloud)?;
        let CodeCommitLogin { username, password } = signed;
        run.mask(password.expose().as_bytes());
        remote.credentials =
            Credentials::Basic { username: Secret::from(username.expose()), password: Secret::from(password.expose()) };
        remote.account = Some(key);
        Ok(())
    }

    /// Presents an access token of Azure DevOps. SSH knows none: there the Secret's key counts.
    async fn log_in_to_dev_ops(&self, remote: &mut Remote, run: &Run<GitRepository>) -> Result<(), RemoteError> {
        if remote.is_ssh() {
            return Ok(());
        }
        let client = cloud_client(remote).map_err(RemoteError::Client)?;
        let login = AzureLogin { settings: &self.settings.clouds.azure, scope: DEV_OPS, client };
        let login_as = self.login_as(&run.object);
        let issued = run.cloud_token(&login, login_as, &self.tokens, TokenUse::Reconcile).await;
        let CloudToken { token, key } = issued.map_err(|err| RemoteError::Login(Box::new(err)))?;
        remote.credentials = Credentials::Bearer(Secret::from(token.expose()));
        remote.account = Some(key);
        Ok(())
    }

    fn login_as<'a>(&'a self, object: &'a GitRepository) -> LoginAs<'a> {
        LoginAs::of(object.spec.service_account_name.as_deref(), &self.settings.default_service_account)
    }
}

/// The same trust and proxy for GitHub's API as for its Git server.
fn git_client(remote: &Remote) -> Result<ClientOptions, ConfigureError> {
    let mut options = cloud_client(remote)?;
    if let Some(ca) = &remote.tls.ca {
        options.certificates = Certificates::from_pem(ca)?;
    }
    Ok(options)
}

/// The proxy of the Git server, and no more trust than the system's: a cloud is shown the controller's own identity, which
/// whoever may write a Secret with certificates must not get to see.
fn cloud_client(remote: &Remote) -> Result<ClientOptions, ConfigureError> {
    let mut options = ClientOptions { total_timeout: Some(remote.timeout), ..ClientOptions::default() };
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
