//! Kubeconfigs of ServiceAccounts, to run a controller with no more rights than its own.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

use super::ControlPlane;
use crate::apply_yaml;

/// Longer than any test.
const TOKEN_SECONDS: i64 = 24 * 3600;

impl ControlPlane {
    /// A kubeconfig with which a program is the named ServiceAccount, which is made where it is missing. The file lies
    /// in the instance's folder and goes with it.
    pub async fn service_account_kubeconfig(&self, client: &Client, namespace: &str, name: &str) -> Result<PathBuf> {
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } });
        apply_yaml(client, namespace, &account.to_string()).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        let request = TokenRequest {
            spec: Some(TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() }),
            ..TokenRequest::default()
        };
        let issued = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let issued = issued.with_context(|| format!("request a token of ServiceAccount {namespace}/{name}"))?;
        let token = issued.status.context("the token request was not answered")?.token;

        let admin = std::fs::read_to_string(self.kubeconfig()).context("read the administrator's kubeconfig")?;
        let mut config: serde_json::Value =
            serde_saphyr::from_str(&admin).context("parse the administrator's kubeconfig")?;
        config["users"] = json!([{ "name": "default", "user": { "token": token } }]);
        let path = self.folder().join(format!("{namespace}.{name}.kubeconfig"));
        std::fs::write(&path, config.to_string()).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}
