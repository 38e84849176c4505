//! The manifests that scenarios commit, and what became of them in the cluster.

use anyhow::{Result, ensure};
use flux_testkit::{TestNamespace, wait_for};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::api::ListParams;
use std::collections::BTreeSet;
use std::time::Duration;

/// The label of everything that a scenario commits.
pub(crate) const LABEL: &str = "scenario=manifests";

/// A ConfigMap with one value.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels:\n    scenario: manifests\ndata:\n  \
         value: \"{value}\"\n"
    )
}

/// `count` ConfigMaps as one file, `prefix-0` and on.
pub(crate) fn config_maps(prefix: &str, count: usize, value: &str) -> String {
    (0..count).map(|at| config_map(&format!("{prefix}-{at}"), value)).collect::<Vec<_>>().join("---\n")
}

/// The names of the committed ConfigMaps that exist, and their values.
pub(crate) async fn existing(namespace: &TestNamespace) -> Result<BTreeSet<(String, String)>> {
    let list = namespace.api::<ConfigMap>().list(&ListParams::default().labels(LABEL)).await?;
    Ok(list
        .items
        .into_iter()
        .map(|object| {
            let value = object.data.as_ref().and_then(|data| data.get("value")).cloned().unwrap_or_default();
            (object.name_any(), value)
        })
        .collect())
}

/// Waits until at least `count` of them exist.
pub(crate) async fn at_least(namespace: &TestNamespace, count: usize) -> Result<()> {
    wait_for(&format!("{count} objects exist"), Duration::from_secs(60), async || {
        let found = existing(namespace).await?.len();
        ensure!(found >= count, "{found} exist");
        Ok(())
    })
    .await
}

/// The same as `existing` would give for `count` ConfigMaps of that value.
pub(crate) fn expected(prefix: &str, count: usize, value: &str) -> BTreeSet<(String, String)> {
    (0..count).map(|at| (format!("{prefix}-{at}"), value.to_owned())).collect()
}
