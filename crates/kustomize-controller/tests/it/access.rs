//! In whose name objects are applied, where, and from which namespaces sources may come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_testkit::ControlPlane;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use kube::config::Kubeconfig;
use serde_json::json;

use crate::bench::{Bench, condition, config_map};

/// A ServiceAccount that may do everything in its namespace.
pub(crate) async fn service_account(bench: &Bench, name: &str) {
    let objects = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\n\
         subjects:\n- {{kind: ServiceAccount, name: {name}, namespace: {}}}\n",
        bench.ns.name
    );
    bench.ns.apply(&objects).await.unwrap();
}

#[tokio::test]
async fn what_the_service_account_may_not_do_is_refused_and_told() {
    let bench = Bench::start("impersonation", &[]).await;
    bench.ns.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: nobody}\n").await.unwrap();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({"serviceAccountName": "nobody"})).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    let user = format!("system:serviceaccount:{}:nobody", bench.ns.name);
    assert!(message.contains(&user) && message.contains("ConfigMap"), "{message}");
    assert!(bench.config_map("one").await.is_none());

    service_account(&bench, "somebody").await;
    bench.patch("app", json!({"spec": {"serviceAccountName": "somebody"}})).await;
    bench.ready("app", "1").await;
}

#[tokio::test]
async fn objects_without_a_service_account_use_the_default_one() {
    let bench = Bench::start("default-account", &["--default-service-account=limited"]).await;
    bench.ns.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: limited}\n").await.unwrap();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    assert!(message.contains(&format!("system:serviceaccount:{}:limited", bench.ns.name)), "{message}");
}

#[tokio::test]
async fn a_source_of_another_namespace_is_refused_when_the_flag_says_so() {
    let bench = Bench::start("cross-namespace", &["--no-cross-namespace-refs"]).await;
    let source = json!({"kind": "GitRepository", "name": "repo", "namespace": "default"});
    bench.kustomization("app", json!({"sourceRef": source})).await;

    let message = bench.fails("app", "AccessDenied").await;

    assert_eq!(message, "can't access 'GitRepository/default/repo', cross-namespace references have been blocked");
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert!(condition(&object, "Stalled").is_some());
}

#[tokio::test]
async fn external_artifacts_need_their_gate() {
    let bench = Bench::start("external", &[]).await;
    bench.kustomization("app", json!({"sourceRef": {"kind": "ExternalArtifact", "name": "made"}})).await;

    let message = bench.fails("app", "AccessDenied").await;

    let expected =
        format!("can't access 'ExternalArtifact/{}/made', ExternalArtifact feature gate is disabled", bench.ns.name);
    assert_eq!(message, expected);
}

#[tokio::test]
async fn another_cluster_is_reached_by_the_kubeconfig_of_a_secret() {
    let bench = Bench::start("kubeconfig", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({"kubeConfig": {"secretRef": {"name": "cluster"}}})).await;
    let message = bench.fails("app", "ReconciliationFailed").await;
    assert!(message.contains("cluster"), "{message}");

    let kubeconfig = std::fs::read(ControlPlane::shared().unwrap().kubeconfig()).unwrap();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "data": {"value": STANDARD.encode(kubeconfig)},
        "metadata": {"name": "cluster", "labels": {"reconcile.fluxcd.io/watch": "Enabled"}},
    });
    bench.ns.apply(&secret.to_string()).await.unwrap();

    bench.ready("app", "1").await;
    assert!(bench.config_map("one").await.is_some());
}

#[tokio::test]
async fn another_cluster_is_reached_with_tokens_of_a_service_account() {
    let bench = Bench::start("kubeconfig-login", &["--feature-gates=ObjectLevelWorkloadIdentity=true"]).await;
    service_account(&bench, "applier").await;
    let accounts: Api<ServiceAccount> = bench.ns.api();
    let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
    let issued = accounts.create_token_request("applier", &PostParams::default(), &request).await.unwrap();
    let audiences = issued.spec.unwrap().audiences.unwrap().join("\n");
    let kubeconfig = Kubeconfig::read_from(ControlPlane::shared().unwrap().kubeconfig()).unwrap();
    let cluster = kubeconfig.clusters.into_iter().find_map(|named| named.cluster).unwrap();
    let authority = STANDARD.decode(cluster.certificate_authority_data.unwrap()).unwrap();
    let login = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster"},
        "data": {"provider": "generic", "address": cluster.server, "ca.crt": String::from_utf8(authority).unwrap(),
            "audiences": audiences, "serviceAccountName": "applier"},
    });
    bench.ns.apply(&login.to_string()).await.unwrap();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({"kubeConfig": {"configMapRef": {"name": "cluster"}}})).await;
    bench.ready("app", "1").await;

    // The tokens of an account go with it, and another one of its name has its own.
    accounts.delete("applier", &kube::api::DeleteParams::default()).await.unwrap();
    bench.publish("2", &[("app/one.yaml", &config_map("one", "b"))]).await;
    let message = bench.fails("app", "ReconciliationFailed").await;
    assert!(message.contains(&format!("ServiceAccount/{}/applier", bench.ns.name)), "{message}");
    service_account(&bench, "applier").await;
    bench.reconcile("app", "again").await;
    bench.ready("app", "2").await;
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("b"));
}
