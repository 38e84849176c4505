//! One test's namespace with an applier in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use flux_objects::{Change, Entry, IgnoreRules, Manifest, Owner, prepare, stages};
use flux_ssa::{Applier, Discovery, FailFast, HealthError, HealthWatcher, Options, Rules, Target, Terms};
use flux_status::HealthRules;
use flux_tasks::Tasks;
use flux_testkit::{ControlPlane, TestNamespace, parse_yaml};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

pub(crate) const GROUP: &str = "kustomize.toolkit.fluxcd.io";
pub(crate) const MANAGER: &str = "kustomize-controller";
/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    pub(crate) namespace: TestNamespace,
    pub(crate) applier: Applier,
    pub(crate) health: HealthWatcher,
    pub(crate) rules: Rules,
}

impl Cluster {
    pub(crate) async fn new(test: &str) -> Result<Self> {
        let namespace = ControlPlane::shared()?.namespace(test).await?;
        let discovery = Arc::new(Discovery::new());
        let options = Arc::new(Options::new(MANAGER, GROUP));
        let applier = Applier::new(namespace.client.clone(), Arc::clone(&discovery), options);
        // No wait may be ended by the slow read beside its watch, unless a test wants that.
        let health = HealthWatcher::new(namespace.client.clone(), discovery, Tasks::new(), |_| {}).with_net(LONG * 10);
        let rules = Rules {
            owner: owner("apps"),
            force: false,
            ignore: IgnoreRules::default(),
            health: Arc::new(HealthRules::default()),
            recreate_timeout: LONG,
        };
        Ok(Self { namespace, applier, health, rules })
    }

    /// The objects of a text, ready to be applied; those without a namespace are in the test's.
    pub(crate) fn manifests(&self, yaml: &str) -> Result<Vec<Manifest>> {
        let documents = parse_yaml(yaml)?.into_iter().map(serde_json::to_value);
        let mut manifests = flux_objects::manifests(documents.collect::<Result<Vec<_>, _>>()?)?;
        for manifest in &mut manifests {
            let cluster = matches!(manifest.kind(), "Namespace" | "CustomResourceDefinition" | "ClusterRole");
            if manifest.namespace().is_empty() && !cluster {
                manifest.set_namespace(&self.namespace.name);
            }
        }
        prepare(&mut manifests, &self.rules.owner, None);
        Ok(manifests)
    }

    /// Applies all stages as a controller does, and returns what was done.
    pub(crate) async fn apply_manifests(&self, manifests: Vec<Manifest>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for stage in stages(manifests, &[]) {
            let plan = self.applier.plan(stage, &self.rules).await?;
            let settles = plan.kind().must_settle();
            let applied = self.applier.apply(plan, &self.rules).await?;
            if settles {
                self.wait(&applied, LONG).await?;
            }
            changes.extend(applied);
        }
        Ok(changes)
    }

    /// Applies a text and returns a line for each object, without the test's namespace.
    pub(crate) async fn apply(&self, yaml: &str) -> Result<Vec<String>> {
        let changes = self.apply_manifests(self.manifests(yaml)?).await?;
        Ok(changes.iter().map(|change| self.shown(&change.to_string())).collect())
    }

    /// The text of the error that applying ends with.
    pub(crate) async fn refusal(&self, yaml: &str) -> Result<String> {
        let err = self.apply(yaml).await.expect_err("the objects were applied");
        Ok(self.shown(&err.to_string()))
    }

    pub(crate) async fn wait(&self, changes: &[Change], timeout: Duration) -> Result<(), HealthError> {
        let targets = changes.iter().filter_map(Target::of).collect();
        let client = self.applier.client();
        self.health.wait(client, targets, self.terms(timeout)).await.map(drop)
    }

    /// A wait that ends with the first failure.
    pub(crate) fn terms(&self, timeout: Duration) -> Terms<'_> {
        Terms { rules: &self.rules.health, timeout, fail_fast: FailFast::OnFirst, now: now() }
    }

    /// The text without the test's namespace.
    pub(crate) fn shown(&self, text: &str) -> String {
        text.replace(&self.namespace.name, "NS")
    }

    pub(crate) fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.namespace.client.clone(), &self.namespace.name, &resource(api_version, kind))
    }

    pub(crate) async fn get(&self, api_version: &str, kind: &str, name: &str) -> Result<Value> {
        Ok(serde_json::to_value(self.api(api_version, kind).get(name).await?)?)
    }

    pub(crate) async fn exists(&self, api_version: &str, kind: &str, name: &str) -> Result<bool> {
        Ok(self.api(api_version, kind).get_opt(name).await?.is_some())
    }

    /// Changes an object as a person would.
    pub(crate) async fn edit(&self, api_version: &str, kind: &str, name: &str, merge: Value) -> Result<()> {
        let params = PatchParams { field_manager: Some("hand".to_owned()), ..PatchParams::default() };
        self.api(api_version, kind).patch(name, &params, &Patch::Merge(merge)).await?;
        Ok(())
    }

    pub(crate) fn entry(&self, name: &str, group: &str, kind: &str) -> Entry {
        let metadata = json!({"name": name, "namespace": self.namespace.name});
        let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
        Manifest::new(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})).unwrap().entry()
    }

    /// A client of a ServiceAccount that has `rules` in the test's namespace.
    pub(crate) async fn identity(&self, name: &str, rules: Value) -> Result<Client> {
        let config = ControlPlane::shared()?;
        let path = config.service_account_kubeconfig(&self.namespace.client, &self.namespace.name, name).await?;
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules});
        let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.namespace.name}]});
        self.namespace.apply(&role.to_string()).await?;
        self.namespace.apply(&binding.to_string()).await?;
        client_of(&path).await
    }
}

async fn client_of(path: &Path) -> Result<Client> {
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

pub(crate) fn owner(name: &str) -> Owner {
    Owner { group: GROUP.into(), name: name.into(), namespace: "flux-system".into() }
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn now() -> Timestamp {
    Timestamp::now()
}
