//! A namespace of one test.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{DynamicObject, ObjectMeta, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};

use super::ControlPlane;
use crate::{apply_yaml, wait_object};

/// How long a new namespace may take until it has its default ServiceAccount, without which there are no pods.
const USABLE: Duration = Duration::from_secs(20);

/// A test's own namespace, and a client of the test's runtime.
#[derive(Clone)]
pub struct TestNamespace {
    /// The namespace's name: the test's, and something that no other has.
    pub name: String,
    /// The administrator's client.
    pub client: Client,
}

impl ControlPlane {
    /// A new namespace, named after the test. It is not deleted: it goes with the instance.
    pub async fn namespace(&self, test: &str) -> Result<TestNamespace> {
        let client = self.client().await?;
        let generate_name = Some(name_prefix(test));
        let namespace =
            Namespace { metadata: ObjectMeta { generate_name, ..ObjectMeta::default() }, ..Namespace::default() };
        let created = Api::all(client.clone()).create(&PostParams::default(), &namespace).await;
        let name = created.context("create a namespace")?.name_any();
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &name);
        wait_object(&accounts, "default", USABLE, |account| account.map(drop).context("not made yet")).await?;
        Ok(TestNamespace { name, client })
    }
}

impl TestNamespace {
    /// The objects of one kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType: Default>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Applies YAML here: see [`apply_yaml`].
    pub async fn apply(&self, text: &str) -> Result<Vec<DynamicObject>> {
        apply_yaml(&self.client, &self.name, text).await
    }
}

/// What a generated name may begin with: a DNS label that leaves room for the suffix.
fn name_prefix(test: &str) -> String {
    let lower = test.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' });
    let label: String = lower.skip_while(|char| !char.is_ascii_alphabetic()).take(50).collect();
    match label.trim_end_matches('-') {
        "" => "test-".to_owned(),
        name => format!("{name}-"),
    }
}

#[cfg(test)]
mod tests {
    use super::name_prefix;

    #[test]
    fn a_test_path_becomes_the_start_of_a_dns_label() {
        assert_eq!(name_prefix("it::Sync_works"), "it--sync-works-");
        assert_eq!(name_prefix("1_é"), "test-");
        assert_eq!(name_prefix(&"x".repeat(99)).len(), 51);
    }
}
