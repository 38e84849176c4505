//! One test's world: a namespace, a server of artifacts, and a kustomize-controller process that watches the namespace.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{Condition, ConditionStatus, FluxObject as _, HEALTHY, READY, RECONCILING, STALLED};
use flux_api::source::v1::GitRepository;
use flux_testkit::{ControlPlane, TestNamespace, wait_for, wait_object};
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::artifacts::ArtifactServer;

/// Longer than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A test's world.
pub(crate) struct Bench {
    pub(crate) ns: TestNamespace,
    pub(crate) artifacts: ArtifactServer,
    controller: Option<Child>,
    flags: Vec<String>,
    log: PathBuf,
    kubeconfig: PathBuf,
}

impl Bench {
    /// A world named after the test, with a controller that takes `flags` too.
    pub(crate) async fn start(test: &str, flags: &[&str]) -> Self {
        let mut bench = Self::without_controller(test, flags).await;
        bench.start_controller();
        bench
    }

    pub(crate) async fn without_controller(test: &str, flags: &[&str]) -> Self {
        let plane = tokio::task::spawn_blocking(ControlPlane::shared).await.unwrap().unwrap();
        Self::on(plane, test, flags).await
    }

    /// A world on that control plane, without a controller.
    pub(crate) async fn on(plane: &ControlPlane, test: &str, flags: &[&str]) -> Self {
        let ns = plane.namespace(test).await.unwrap();
        plane.install_flux_crds(&ns.client).await.unwrap();
        let log = plane.folder().join(format!("{}.log", ns.name));
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let kubeconfig = plane.kubeconfig().to_path_buf();
        Self { ns, artifacts: ArtifactServer::start().await, controller: None, flags, log, kubeconfig }
    }

    pub(crate) fn start_controller(&mut self) {
        self.start_program(env!("CARGO_BIN_EXE_kustomize-controller"), &[]);
    }

    /// Starts a controller that can be stopped at steps, with the flags that say where.
    pub(crate) fn start_controller_with_steps(&mut self, flags: &[String]) {
        self.start_program(env!("CARGO_BIN_EXE_kustomize-controller-with-steps"), flags);
    }

    #[expect(clippy::disallowed_methods, reason = "the process under test")]
    fn start_program(&mut self, program: &str, more: &[String]) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let child = Command::new(program)
            .args(["--watch-all-namespaces=false", "--health-addr=0", "--log-level=debug"])
            .args(self.flags.iter().all(|flag| !flag.starts_with("--metrics-addr")).then_some("--metrics-addr=0"))
            .args(&self.flags)
            .args(more)
            .env("RUNTIME_NAMESPACE", &self.ns.name)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.controller = Some(child);
    }

    /// Ends the controller as `kill -9` does.
    pub(crate) fn kill_controller(&mut self) {
        if let Some(mut child) = self.controller.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What the controller has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Lets the GitRepository `repo` announce `files` at `main@sha1:<revision>`.
    pub(crate) async fn publish(&self, revision: &str, files: &[(&str, &str)]) {
        self.publish_as("repo", revision, files, &BTreeMap::new()).await;
    }

    pub(crate) async fn publish_as(
        &self,
        name: &str,
        revision: &str,
        files: &[(&str, &str)],
        metadata: &BTreeMap<String, String>,
    ) {
        self.announce(name, revision, crate::artifacts::pack(files), metadata).await;
    }

    /// Lets the GitRepository `name` announce an archive of those bytes.
    pub(crate) async fn announce(
        &self,
        name: &str,
        revision: &str,
        bytes: Vec<u8>,
        metadata: &BTreeMap<String, String>,
    ) {
        let path = format!("gitrepository/{}/{name}/{revision}.tar.gz", self.ns.name);
        let archive = self.artifacts.serve_bytes(&path, bytes);
        let source = format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: {name}}}\n\
             spec: {{interval: 1h, url: 'https://example.com/{name}.git'}}\n"
        );
        self.ns.apply(&source).await.unwrap();
        let status = json!({"status": {
            "observedGeneration": 1,
            "artifact": {
                "url": archive.url, "path": archive.path, "digest": archive.digest, "size": archive.size,
                "revision": format!("main@sha1:{revision}"), "lastUpdateTime": "2026-01-01T00:00:00Z",
                "metadata": metadata,
            },
        }});
        let api: Api<GitRepository> = self.ns.api();
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }

    /// Applies a Kustomization named `name` with `spec` over what all of them have; null takes a field away.
    pub(crate) async fn kustomization(&self, name: &str, spec: Value) {
        let mut whole = json!({
            "interval": "1h", "retryInterval": "1h", "timeout": "30s", "prune": true, "path": "./app",
            "targetNamespace": self.ns.name, "sourceRef": {"kind": "GitRepository", "name": "repo"},
        });
        for (field, value) in spec.as_object().unwrap() {
            whole[field] = value.clone();
        }
        whole.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name}, "spec": whole,
        });
        self.ns.apply(&object.to_string()).await.unwrap();
    }

    /// Merges `patch` into a Kustomization.
    pub(crate) async fn patch(&self, name: &str, patch: Value) {
        let api: Api<Kustomization> = self.ns.api();
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Asks for a run of `name` and returns the object as it is once that run has ended.
    pub(crate) async fn reconcile(&self, name: &str, token: &str) -> Kustomization {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.patch(name, json!({"metadata": {"annotations": annotations}})).await;
        self.until(name, |object| {
            ensure!(object.last_handled_reconcile_at() == Some(token), "request not handled");
            let ready = condition(object, READY).context("no Ready")?;
            ensure!(ready.status != ConditionStatus::Unknown, "still progressing");
            Ok(object.clone())
        })
        .await
    }

    /// Asks for runs until what others did to the objects is undone: one run does it once the watch has told of it.
    pub(crate) async fn undoes(&self, name: &str, undone: impl AsyncFn() -> bool) {
        for attempt in 0..50 {
            self.reconcile(name, &format!("undo-{attempt}")).await;
            if undone().await {
                return;
            }
        }
        panic!("not undone\n{}", self.log());
    }

    /// The value of the first `check` of the Kustomization that passes.
    pub(crate) async fn until<T>(&self, name: &str, mut check: impl FnMut(&Kustomization) -> Result<T>) -> T {
        let api: Api<Kustomization> = self.ns.api();
        let found = wait_object(&api, name, SOON, |object| check(object.context("not there")?)).await;
        found.unwrap_or_else(|error| panic!("{error:#}\n{}", self.log()))
    }

    /// Waits until the Kustomization is ready at `main@sha1:<revision>`.
    pub(crate) async fn ready(&self, name: &str, revision: &str) -> Kustomization {
        let message = format!("Applied revision: main@sha1:{revision}");
        self.until(name, |object| {
            let ready = condition(object, READY).context("no Ready")?;
            ensure!(ready.status == ConditionStatus::True, "Ready={:?}: {}", ready.status, ready.message);
            ensure!(ready.message == message, "{}", ready.message);
            ensure!(Some(object.observed_generation()) == object.metadata.generation, "an old generation");
            Ok(object.clone())
        })
        .await
    }

    /// Waits until Ready is False for `reason`, and returns its message.
    pub(crate) async fn fails(&self, name: &str, reason: &str) -> String {
        self.until(name, |object| {
            let ready = condition(object, READY).context("no Ready")?;
            ensure!(ready.status == ConditionStatus::False, "Ready={:?}: {}", ready.status, ready.message);
            ensure!(ready.reason == reason, "{}: {}", ready.reason, ready.message);
            Ok(ready.message.clone())
        })
        .await
    }

    pub(crate) async fn config_map(&self, name: &str) -> Option<ConfigMap> {
        self.ns.api::<ConfigMap>().get_opt(name).await.unwrap()
    }

    /// A value in the data of a ConfigMap that exists.
    pub(crate) async fn config_value(&self, name: &str, key: &str) -> Option<String> {
        self.config_map(name).await.and_then(|object| object.data?.get(key).cloned())
    }

    /// Waits for an event of the object whose note starts with `note`, and returns its type and reason.
    pub(crate) async fn event(&self, object: &str, note: &str) -> (String, String) {
        let event = self.whole_event(object, note).await;
        (event.type_.unwrap_or_default(), event.reason.unwrap_or_default())
    }

    /// The metadata of such an event.
    pub(crate) async fn event_fields(&self, object: &str, note: &str) -> BTreeMap<String, String> {
        self.whole_event(object, note).await.metadata.annotations.unwrap_or_default()
    }

    async fn whole_event(&self, object: &str, note: &str) -> Event {
        let api: Api<Event> = self.ns.api();
        let what = format!("event {note:?} of {object}");
        let found = wait_for(&what, SOON, async || {
            let events = api.list(&ListParams::default()).await?;
            let mut of_object =
                events.into_iter().filter(|event| event.involved_object.name.as_deref() == Some(object));
            let event =
                of_object.find(|event| event.message.as_deref().is_some_and(|message| message.starts_with(note)));
            event.context("not sent")
        });
        found.await.unwrap_or_else(|error| panic!("{error:#}\n{}", self.log()))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.kill_controller();
    }
}

/// The condition of that type.
pub(crate) fn condition<'a>(object: &'a Kustomization, type_: &str) -> Option<&'a Condition> {
    object.conditions().iter().find(|condition| condition.type_ == type_)
}

/// The conditions, a line each.
pub(crate) fn conditions(object: &Kustomization) -> Vec<String> {
    let found = [READY, HEALTHY, RECONCILING, STALLED].into_iter().filter_map(|type_| condition(object, type_));
    found.map(|condition| format!("{}={:?} {}", condition.type_, condition.status, condition.reason)).collect()
}

/// The ids that the inventory lists, without the namespace.
pub(crate) fn inventory(object: &Kustomization) -> Vec<String> {
    let namespace = object.namespace().unwrap_or_default();
    let entries =
        object.status.iter().filter_map(|status| status.inventory.as_ref()).flat_map(|inventory| &inventory.entries);
    entries.map(|entry| entry.id.replacen(&namespace, "", 1)).collect()
}

/// A ConfigMap with one value, without a namespace.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
}
