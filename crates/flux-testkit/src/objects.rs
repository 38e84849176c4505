//! Objects of any kind from YAML text.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Client, ResourceExt as _};

use crate::wait_for;

/// The field manager of everything applied here.
const FIELD_MANAGER: &str = "flux-testkit";

/// How long a CRD may take until its kind is served.
const SERVED: Duration = Duration::from_secs(20);

/// The objects in a text of YAML documents; empty documents are left out.
pub fn parse_yaml(text: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(text).context("parse YAML")?;
    let objects = documents.into_iter().filter(|document| !document.is_null());
    objects.map(|document| serde_json::from_value(document).context("read an object")).collect()
}

/// Applies the objects in `text` server-side, in their order, and returns them as the API server answered. Where a namespaced
/// object names no namespace, it goes to `namespace`. Its kind must be served already.
pub async fn apply_yaml(client: &Client, namespace: &str, text: &str) -> Result<Vec<DynamicObject>> {
    let mut applied = Vec::new();
    for object in parse_yaml(text)? {
        applied.push(apply(client, namespace, &object).await?);
    }
    Ok(applied)
}

/// Applies every CRD in the YAML files of a folder and waits until their kinds are served.
pub async fn apply_crds(client: &Client, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut kinds = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        for object in apply_yaml(client, "", &text).await.with_context(|| file.display().to_string())? {
            let crd: CustomResourceDefinition = object.try_parse().with_context(|| file.display().to_string())?;
            let versions = crd.spec.versions.into_iter().filter(|version| version.served);
            kinds.extend(
                versions.map(|version| GroupVersionKind::gvk(&crd.spec.group, &version.name, &crd.spec.names.kind)),
            );
        }
    }
    for kind in kinds {
        let what = format!("{} of {} is served", kind.kind, kind.api_version());
        wait_for(&what, SERVED, async || Ok(discovery::pinned_kind(client, &kind).await.map(drop)?)).await?;
    }
    Ok(())
}

async fn apply(client: &Client, namespace: &str, object: &DynamicObject) -> Result<DynamicObject> {
    let types = object.types.as_ref().context("an object has no apiVersion and kind")?;
    let kind = GroupVersionKind::try_from(types)?;
    let name = object.name_any();
    let described = || format!("{} {name}", kind.kind);
    let (resource, capabilities) = discovery::pinned_kind(client, &kind).await.with_context(described)?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = object.metadata.namespace.as_deref().unwrap_or(namespace);
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&name, &params, &Patch::Apply(object)).await.with_context(described)
}
