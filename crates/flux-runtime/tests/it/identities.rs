use anyhow::Result;
use flux_runtime::client::{ApiError, impersonate};
use flux_runtime::secrets::{read_config_map, read_secret};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::toy::namespace;

#[tokio::test]
async fn an_impersonated_client_has_the_service_accounts_rights_and_no_more() -> Result<()> {
    let namespace = namespace("impersonate").await?;
    let client = impersonate(&namespace.client, &namespace.name, "default");
    let api: Api<ConfigMap> = Api::namespaced(client, &namespace.name);
    let err = ApiError::from(api.list(&ListParams::default()).await.unwrap_err());
    assert!(err.is_forbidden());
    let user = format!("User \"system:serviceaccount:{}:default\" cannot list resource \"configmaps\"", namespace.name);
    assert!(err.to_string().contains(&user), "{err}");

    let role = format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: view}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}, subjects: \
         [{{kind: Group, apiGroup: rbac.authorization.k8s.io, name: \"system:serviceaccounts:{}\"}}]}}",
        namespace.name
    );
    namespace.apply(&role).await?;
    flux_testkit::wait_for("the role", crate::toy::SOON, async || Ok(api.list(&ListParams::default()).await?)).await?;
    Ok(())
}

#[tokio::test]
async fn secrets_and_config_maps_are_read_or_said_to_be_missing() -> Result<()> {
    let namespace = namespace("read").await?;
    let (client, name) = (&namespace.client, &namespace.name);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "auth"},
        "stringData": {"username": "jo", "password": "hunter2"}});
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vars"}, "data": {"a": "b"}});
    namespace.apply(&format!("{secret}\n---\n{config}")).await?;

    let secret = read_secret(client, name, "auth").await?;
    assert_eq!((secret.text("username"), secret.get("password")), (Some("jo"), Some(&b"hunter2"[..])));
    assert!(!format!("{secret:?}").contains("hunter2"));
    assert_eq!(read_config_map(client, name, "vars").await?, [("a".to_owned(), "b".to_owned())].into());

    let err = read_secret(client, name, "absent").await.unwrap_err();
    assert!(err.is_not_found());
    assert_eq!(err.to_string(), format!("Secret/{name}/absent not found"));
    Ok(())
}
