//! The key services that data keys are encrypted with, and who asks them.

use flux_api::kustomize::v1::Kustomization;
use flux_auth::{CloudLogin, Secret};
use flux_kms::{
    CloudSettings, CredentialsError, KeyServices, SecretIdentity, VaultInstances, Workload, WorkloadIdentity,
    is_transient_login,
};
use flux_runtime::client::ApiError;
use flux_runtime::{LoginAs, LoginError, ObjectKey, Run, TokenUse, Tokens};
use flux_sops::{MasterKey, Metadata};
use futures::{StreamExt as _, stream};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use tokio::io::AsyncReadExt as _;

use super::super::error::{BuildError, Cause};
use super::super::plan;
use super::document::Sealed;
use super::error::KeysError;
use super::keys::Keys;

/// How many documents have their data keys asked for at the same time.
const AT_ONCE: usize = 4;
/// Where the list of Vault servers is in its ConfigMap.
const VAULT_CONFIG: &str = "config.yaml";
/// Where a Pod has the token of its ServiceAccount.
const OWN_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// The longest such token.
const LONGEST_TOKEN: u64 = 64 << 10;

/// The key services as all objects share them.
pub struct Services {
    /// Their clients.
    pub clients: KeyServices,
    /// What the environment says about the clouds.
    pub clouds: CloudSettings,
    /// Tokens of the logins.
    pub tokens: Tokens,
    /// `--default-decryption-service-account`; empty for none.
    pub default_service_account: String,
    /// `--sops-vault-configmap`: the ConfigMap that lists the Vault servers that ServiceAccounts may log in to.
    pub vault_config_map: Option<ObjectKey>,
}

impl Services {
    /// Asks for the data keys of those documents that the object's own keys do not open. Holds no permit meanwhile, and does
    /// not go on when a newer run is due.
    pub(super) async fn unlock<P: Send>(
        &self,
        sealed: &mut [Sealed<P>],
        keys: &Keys,
        object: &Kustomization,
        run: &Run<Kustomization>,
    ) -> Result<(), BuildError> {
        let locked: Vec<(usize, Metadata)> = sealed
            .iter()
            .enumerate()
            .filter_map(|(number, document)| Some((number, document.locked()?.clone())))
            .collect();
        if locked.is_empty() {
            return Ok(());
        }
        // What Vault is not needed for must not fail for want of its servers.
        let (instances, without_vault) = match self.vault_instances(&locked, keys, run).await {
            Ok(instances) => (instances, Ok(())),
            Err(err) => (None, Err(err)),
        };
        let named = object.spec.decryption.as_ref().and_then(|decryption| decryption.service_account_name.as_deref());
        let login_as = LoginAs::of(named, &self.default_service_account);
        let workload = RunWorkload { run, tokens: &self.tokens, login_as };
        let vault = instances.as_ref().map(|instances| (&self.clients.vault, instances));
        let identity = SecretIdentity {
            keys: keys.services.clone(),
            client: self.clouds.client.clone(),
            metadata_host: self.clouds.azure.metadata_host.clone(),
            otherwise: WorkloadIdentity::new(workload, &self.clouds, vault),
        };
        let (clients, identity, ring) = (&self.clients, &identity, &*keys.ring);
        let mut answers =
            stream::iter(locked)
                .map(|(number, metadata)| async move {
                    (number, clients.data_key(&metadata, ring, identity, run.now()).await)
                })
                .buffer_unordered(AT_ONCE);
        let asked = async {
            while let Some((number, key)) = answers.next().await {
                if let Some(document) = sealed.get_mut(number) {
                    document.unlock(key);
                }
            }
        };
        // What has no answer until then stays locked, and says so when it is opened.
        let asked = tokio::time::timeout(plan::timeout(&object.spec), asked);
        run.wait(Box::pin(asked)).await.map(drop).map_err(BuildError::Superseded)?;
        if sealed.iter().any(Sealed::wants_vault) {
            without_vault?;
        }
        Ok(())
    }

    /// The Vault servers that may be logged in to; none where no document needs one, or a token is given.
    async fn vault_instances(
        &self,
        locked: &[(usize, Metadata)],
        keys: &Keys,
        run: &Run<Kustomization>,
    ) -> Result<Option<VaultInstances>, KeysError> {
        let mut groups = locked.iter().flat_map(|(_, metadata)| &metadata.key_groups);
        let wanted = groups.any(|group| group.iter().any(|key| matches!(key, MasterKey::Vault { .. })));
        let Some(config_map) = self.vault_config_map.as_ref().filter(|_| wanted && !keys.services.has_vault_token())
        else {
            return Ok(None);
        };
        let failed = |cause: Cause| KeysError::Vault { config_map: config_map.clone(), cause };
        let data = run.config_map(&config_map.namespace, &config_map.name).await.map_err(|err| failed(err.into()))?;
        let text = data.get(VAULT_CONFIG).ok_or_else(|| failed(format!("it has no key '{VAULT_CONFIG}'").into()))?;
        VaultInstances::parse(text).map(Some).map_err(|err| failed(err.into()))
    }
}

/// The identity of a run: of the ServiceAccount that the object or the flag names, or the controller's own.
struct RunWorkload<'r> {
    run: &'r Run<Kustomization>,
    tokens: &'r Tokens,
    login_as: LoginAs<'r>,
}

impl Workload for RunWorkload<'_> {
    async fn log_in<L: CloudLogin>(&self, login: &L, _now: Timestamp) -> Result<L::Token, CredentialsError> {
        let usage = match login.provider() {
            "aws" => TokenUse::DecryptWithAws,
            "azure" => TokenUse::DecryptWithAzure,
            _ => TokenUse::DecryptWithGcp,
        };
        let issued = self.run.cloud_token(login, self.login_as, self.tokens, usage).await;
        issued.map(|issued| issued.token).map_err(|err| CredentialsError::Source {
            what: "failed to log in".to_owned(),
            transient: may_pass(&err),
            source: err.into(),
        })
    }

    async fn kubernetes_token(&self, audience: &str, _now: Timestamp) -> Result<Secret, CredentialsError> {
        let what = "failed to issue Kubernetes token for Vault authentication";
        let account = self.account().await.map_err(|cause| failed(what, false, cause))?;
        let api: Api<ServiceAccount> = Api::namespaced(self.run.client.clone(), &account.namespace);
        let spec = TokenRequestSpec { audiences: Some(vec![audience.to_owned()]), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let created = api.create_token_request(&account.name, &PostParams::default(), &request).await;
        let created = created.map_err(ApiError::from);
        let created = created.map_err(|err| failed(what, answer_may_change(&err), err.into()))?;
        let token = created.status.and_then(|status| status.token).unwrap_or_default();
        self.run.mask(token.as_bytes());
        Ok(Secret::new(token))
    }
}

impl RunWorkload<'_> {
    /// The ServiceAccount whose tokens are asked for.
    async fn account(&self) -> Result<ObjectKey, Cause> {
        match self.login_as {
            LoginAs::ServiceAccount(name) | LoginAs::DefaultServiceAccount(name) => {
                Ok(ObjectKey::new(ObjectKey::of(&*self.run.object).namespace, name))
            }
            LoginAs::Controller => {
                let token = own_token().await?;
                // The role is called after the ServiceAccount, whose namespace has no underscore.
                let role = flux_kms::vault_role(token.trim())?;
                let (namespace, name) = role.split_once('_').ok_or("the controller's token names no ServiceAccount")?;
                Ok(ObjectKey::new(namespace, name))
            }
        }
    }
}

/// The controller's own token, which is mounted into its Pod.
async fn own_token() -> Result<String, Cause> {
    let mut token = String::new();
    let file = tokio::fs::File::open(OWN_TOKEN).await?;
    if file.take(LONGEST_TOKEN + 1).read_to_string(&mut token).await? as u64 > LONGEST_TOKEN {
        return Err(format!("the controller's token is longer than {LONGEST_TOKEN} bytes").into());
    }
    Ok(token)
}

/// Whether asking again may help, without an edit of anything.
fn may_pass(err: &LoginError) -> bool {
    match err {
        LoginError::NotFound { .. } | LoginError::NoDefault { .. } | LoginError::NoKubernetesToken { .. } => false,
        LoginError::Read { source, .. } | LoginError::KubernetesToken { source, .. } => answer_may_change(source),
        LoginError::Identity(source) | LoginError::ServiceAccount { source, .. } | LoginError::Controller(source) => {
            is_transient_login(source)
        }
    }
}

/// Whether an API server may answer otherwise the next time.
fn answer_may_change(err: &ApiError) -> bool {
    match err {
        ApiError::Answer(status) => status.code >= 500 || matches!(status.code, 408 | 409 | 429),
        ApiError::Call(_) => true,
    }
}

fn failed(what: &str, transient: bool, source: Cause) -> CredentialsError {
    CredentialsError::Source { what: what.to_owned(), transient, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_asked_for_again_only_where_that_may_help() {
        let account = ObjectKey::new("apps", "reader");
        let answer = |code: u16| {
            let status = kube::core::Status::failure("no", "Some").with_code(code);
            ApiError::from(kube::Error::Api(Box::new(status)))
        };
        let check = |err: LoginError, expected: bool| assert_eq!(may_pass(&err), expected, "{err}");
        check(LoginError::NotFound { account: account.clone() }, false);
        check(LoginError::KubernetesToken { account: account.clone(), source: answer(403) }, false);
        check(LoginError::KubernetesToken { account: account.clone(), source: answer(429) }, true);
        check(LoginError::Read { account, source: answer(503) }, true);
    }
}
