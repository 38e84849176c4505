//! The control plane with the CRDs of this crate.

use anyhow::{Context as _, Result};
use flux_testkit::{ControlPlane, TestNamespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

/// A namespace on a control plane that serves all kinds.
pub(crate) async fn namespace(test: &str) -> Result<TestNamespace> {
    let plane = ControlPlane::shared()?;
    let namespace = plane.namespace(test).await?;
    plane.install_flux_crds(&namespace.client).await?;
    Ok(namespace)
}

/// The objects of the kind that `object` names.
pub(crate) fn api(namespace: &TestNamespace, object: &Value) -> Result<Api<DynamicObject>> {
    let (version, kind) = (object["apiVersion"].as_str(), object["kind"].as_str());
    let (group, version) = version.and_then(|version| version.split_once('/')).context("no apiVersion")?;
    let kind = kind.context("no kind")?;
    let crds = flux_api::crd::all()?;
    let crd =
        crds.iter().find(|crd| crd.spec.group == group && crd.spec.names.kind == kind).context("no kind of ours")?;
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &crd.spec.names.plural);
    Ok(Api::namespaced_with(namespace.client.clone(), &namespace.name, &resource))
}

#[tokio::test]
async fn every_crd_is_established() -> Result<()> {
    let namespace = namespace("established").await?;
    let served: Api<CustomResourceDefinition> = Api::all(namespace.client);
    for crd in flux_api::crd::all()? {
        let name = crd.metadata.name.context("a CRD has no name")?;
        let found = served.get(&name).await?;
        let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
        for type_ in ["Established", "NamesAccepted"] {
            let condition = conditions.iter().find(|condition| condition.type_ == type_);
            assert_eq!(condition.map(|condition| condition.status.as_str()), Some("True"), "{name}: {type_}");
        }
        assert!(!conditions.iter().any(|condition| condition.type_ == "NonStructuralSchema"), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_api_server_keeps_of_a_crd_is_what_was_written() -> Result<()> {
    let namespace = namespace("kept").await?;
    let served: Api<CustomResourceDefinition> = Api::all(namespace.client);
    for crd in flux_api::crd::all()? {
        let name = crd.metadata.name.as_deref().context("a CRD has no name")?;
        let mut found = served.get(name).await?;
        // The API server's default.
        found.spec.conversion = None;
        assert_eq!(serde_json::to_value(&found.spec)?, serde_json::to_value(&crd.spec)?, "{name}");
        assert_eq!(found.metadata.annotations, crd.metadata.annotations, "{name}");
    }
    Ok(())
}
