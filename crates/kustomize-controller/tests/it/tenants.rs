//! A tenant whose ServiceAccount has rights in one namespace only, and tries to reach another.

use anyhow::ensure;
use flux_testkit::{ControlPlane, TestNamespace};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use serde_json::json;

use crate::bench::{Bench, condition, config_map};

/// A world whose controller acts as a tenant's ServiceAccount, and somebody else's namespace.
async fn world(test: &str) -> (Bench, TestNamespace) {
    let bench = Bench::start(test, &["--default-service-account=tenant", "--no-cross-namespace-refs"]).await;
    crate::access::service_account(&bench, "tenant").await;
    let other = ControlPlane::shared().unwrap().namespace("victim").await.unwrap();
    other.apply(&config_map("secret", "theirs")).await.unwrap();
    (bench, other)
}

fn in_namespace(namespace: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: planted\n  namespace: {namespace}\n")
}

#[tokio::test]
async fn objects_in_another_namespace_or_in_none_are_refused_however_they_get_there() {
    let (bench, other) = world("tenant-objects").await;
    let class = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: NAME}\nvalue: 1\n";
    let class = class.replace("NAME", &bench.ns.name);
    let attempts = [
        ("by-name", in_namespace(&other.name), json!({"targetNamespace": null})),
        ("by-target", config_map("planted", "x"), json!({"targetNamespace": other.name})),
        (
            "by-variable",
            in_namespace("${where}"),
            json!({"targetNamespace": null, "postBuild": {"substitute": {"where": other.name}}}),
        ),
        ("by-scope", class, json!({"targetNamespace": null})),
    ];
    for (name, text, _) in &attempts {
        bench.publish_as(name, "1", &[("app/evil.yaml", text)], &std::collections::BTreeMap::new()).await;
    }
    for (name, _, spec) in &attempts {
        let mut spec = spec.clone();
        spec["sourceRef"] = json!({"kind": "GitRepository", "name": name});
        bench.kustomization(name, spec).await;
    }
    for (name, _, _) in &attempts {
        let message = bench.fails(name, "ReconciliationFailed").await;
        let user = format!("system:serviceaccount:{}:tenant", bench.ns.name);
        assert!(message.contains("(Forbidden)") && message.contains(&user), "{name}: {message}");
    }
    assert!(other.api::<ConfigMap>().get_opt("planted").await.unwrap().is_none());
    let classes: Api<k8s_openapi::api::scheduling::v1::PriorityClass> = Api::all(bench.ns.client.clone());
    assert!(classes.get_opt(&bench.ns.name).await.unwrap().is_none());
    let namespaces: Api<Namespace> = Api::all(bench.ns.client.clone());
    assert!(namespaces.get(&other.name).await.unwrap().metadata.deletion_timestamp.is_none());
}

#[tokio::test]
async fn what_the_tenant_may_not_read_is_neither_waited_for_with_success_nor_told() {
    let (bench, other) = world("tenant-health").await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    let check = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "secret", "namespace": other.name});
    let expression = json!({"apiVersion": "v1", "kind": "ConfigMap", "current": "data.key == 'theirs'"});
    bench.kustomization("app", json!({"healthChecks": [check], "healthCheckExprs": [expression]})).await;

    let message = bench.fails("app", "HealthCheckFailed").await;

    assert!(message.contains(&format!("ConfigMap/{}/secret status: 'Unknown'", other.name)), "{message}");
    assert!(message.contains("forbidden") && !message.contains("theirs"), "{message}");
}

#[tokio::test]
async fn sources_and_configuration_of_another_namespace_are_refused() {
    let (bench, other) = world("tenant-refs").await;
    let source = json!({"kind": "GitRepository", "name": "repo", "namespace": other.name});
    bench.kustomization("source", json!({"sourceRef": source})).await;
    let message = bench.fails("source", "AccessDenied").await;
    assert!(message.contains("cross-namespace references have been blocked"), "{message}");

    // References to ConfigMaps, Secrets and kubeconfigs name no namespace: they are looked up in the object's own.
    bench.publish("1", &[("app/one.yaml", &config_map("one", "${key}"))]).await;
    let from = json!({"substituteFrom": [{"kind": "ConfigMap", "name": "secret"}]});
    bench.kustomization("variables", json!({"postBuild": from})).await;
    bench.kustomization("cluster", json!({"kubeConfig": {"secretRef": {"name": "secret"}}})).await;
    for name in ["variables", "cluster"] {
        bench
            .until(name, |object| {
                let ready = condition(object, "Ready").map(|ready| ready.message.clone()).unwrap_or_default();
                ensure!(ready.contains("not found") && !ready.contains("theirs"), "{ready}");
                Ok(())
            })
            .await;
    }
    assert!(bench.config_map("one").await.is_none());
}
