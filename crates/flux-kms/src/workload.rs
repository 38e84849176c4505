//! The controller's own identity, or that of a ServiceAccount.

use std::collections::BTreeMap;

use flux_auth::aws::{AwsCredentials, AwsLogin, AwsSettings};
use flux_auth::azure::{AzureLogin, AzureSettings};
use flux_auth::gcp::{GcpLogin, GcpSettings};
use flux_auth::{CloudLogin, Secret};
use flux_http::ClientOptions;
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::{CredentialsError, Identity, VaultInstances, VaultTransit, vault_role};

/// Who the workload is: the controller, or the ServiceAccount that an object names. Decides about caches.
pub trait Workload: Sync {
    /// What `login` issues for it.
    fn log_in<L: CloudLogin>(
        &self,
        login: &L,
        now: Timestamp,
    ) -> impl Future<Output = Result<L::Token, CredentialsError>> + Send;

    /// A token of its ServiceAccount, issued by the Kubernetes API server for `audience`.
    fn kubernetes_token(
        &self,
        audience: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Secret, CredentialsError>> + Send;
}

/// What the controller's environment says about the clouds.
#[derive(Clone, Debug, Default)]
pub struct CloudSettings {
    /// AWS.
    pub aws: AwsSettings,
    /// Google Cloud.
    pub gcp: GcpSettings,
    /// Azure.
    pub azure: AzureSettings,
    /// Proxy and trust on the way to issuers of tokens.
    pub client: ClientOptions,
}

/// The identity of a workload for one run.
pub struct WorkloadIdentity<'a, W> {
    workload: W,
    settings: &'a CloudSettings,
    vault: Option<(&'a VaultTransit, &'a VaultInstances)>,
    /// Tokens of Vault servers by address: a run logs in once at each.
    vault_tokens: Mutex<BTreeMap<String, Secret>>,
}

impl<'a, W: Workload> WorkloadIdentity<'a, W> {
    /// The identity of `workload`; with `vault` also at the Vault servers that it lists.
    pub fn new(
        workload: W,
        settings: &'a CloudSettings,
        vault: Option<(&'a VaultTransit, &'a VaultInstances)>,
    ) -> Self {
        Self { workload, settings, vault, vault_tokens: Mutex::default() }
    }
}

impl<W: Workload> Identity for WorkloadIdentity<'_, W> {
    async fn aws(&self, region: &str, now: Timestamp) -> Result<Option<AwsCredentials>, CredentialsError> {
        let client = self.settings.client.clone();
        let login = AwsLogin { settings: &self.settings.aws, region: Some(region), client };
        self.workload.log_in(&login, now).await.map(Some)
    }

    async fn gcp(&self, now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        let login = GcpLogin { settings: &self.settings.gcp, client: self.settings.client.clone() };
        let token = self.workload.log_in(&login, now).await?;
        Ok(Some(Secret::new(token.expose())))
    }

    async fn azure(&self, scope: &str, now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        let login = AzureLogin { settings: &self.settings.azure, scope, client: self.settings.client.clone() };
        let token = self.workload.log_in(&login, now).await?;
        Ok(Some(Secret::new(token.expose())))
    }

    async fn vault(&self, address: &str, now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        let Some((vault, instances)) = self.vault else { return Ok(None) };
        let kept = self.vault_tokens.lock().get(address).cloned();
        if kept.is_some() {
            return Ok(kept);
        }
        let login_path = instances.login_path(address)?;
        let jwt = self.workload.kubernetes_token(address, now).await?;
        let role = vault_role(jwt.expose())?;
        let token = vault.log_in(address, login_path, &role, &jwt).await?;
        self.vault_tokens.lock().insert(address.to_owned(), token.clone());
        Ok(Some(token))
    }
}
