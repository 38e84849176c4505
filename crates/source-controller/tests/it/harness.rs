//! One namespace with a controller of its own, and what tests look at.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_api::meta::{Artifact, Condition, ConditionStatus, RECONCILE_REQUEST_ANNOTATION};
use flux_api::source::v1::{GitRepository, Source as _};
use flux_http::{ClientOptions, ProxySetting, read_limited};
use flux_tar::{Content, Digest, Limits, Links, read_archive};
use flux_testkit::{
    ControlPlane, Controller, EventSink, GitServer, GitServerOptions, RunningController, TestNamespace, ready,
    wait_for, wait_object,
};
use k8s_openapi::api::core::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

/// How long a state may take to be reached.
pub(crate) const SOON: Duration = Duration::from_mins(1);

pub(crate) struct Harness {
    pub(crate) namespace: TestNamespace,
    pub(crate) git: GitServer,
    pub(crate) events: EventSink,
    pub(crate) controller: Controller,
    pub(crate) running: RunningController,
}

impl Harness {
    pub(crate) async fn new(test: &str) -> Self {
        Self::with(test, GitServerOptions::default(), |controller| controller).await
    }

    pub(crate) async fn with(test: &str, git: GitServerOptions, tune: impl FnOnce(Controller) -> Controller) -> Self {
        let control_plane = ControlPlane::shared().unwrap();
        let namespace = control_plane.namespace(test).await.unwrap();
        control_plane.install_flux_crds(&namespace.client).await.unwrap();
        let events = EventSink::start().unwrap();
        let controller = Controller::source(control_plane.kubeconfig())
            .unwrap()
            .in_namespace(&namespace.name)
            .flag(format!("--events-addr={}", events.url()));
        let controller = tune(controller);
        let running = controller.start().await.unwrap();
        Self { namespace, git: GitServer::start(git).unwrap(), events, controller, running }
    }

    /// Applies a GitRepository with an interval of an hour; `spec` is the rest, one field a line.
    pub(crate) async fn apply(&self, name: &str, spec: &str) {
        let lines: String = spec.lines().map(|line| ["  ", line, "\n"].concat()).collect();
        let interval = if spec.contains("interval:") { "" } else { "  interval: 1h\n" };
        let text = format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata:\n  name: {name}\nspec:\n{interval}{lines}"
        );
        self.namespace.apply(&text).await.unwrap();
    }

    /// The spec lines that follow the branch `main` of the repository of that name.
    pub(crate) fn main_of(&self, repository: &str) -> String {
        format!("url: {}\nref:\n  branch: main\n", self.git.url(repository))
    }

    pub(crate) async fn secret(&self, name: &str, entries: &[(&str, &str)]) {
        let data: serde_json::Map<_, _> =
            entries.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
        self.namespace.apply(&secret.to_string()).await.unwrap();
    }

    /// Waits until `check` passes on the object.
    pub(crate) async fn until(&self, name: &str, mut check: impl FnMut(&GitRepository) -> Result<()>) -> GitRepository {
        let api = self.namespace.api();
        let reached = wait_object(&api, name, SOON, |object: Option<&GitRepository>| {
            let object = object.context("not there")?;
            check(object)?;
            Ok(object.clone())
        });
        match reached.await {
            Ok(object) => object,
            Err(err) => panic!("{err:?}\nthe controller said:\n{}", self.running.logs().unwrap_or_default()),
        }
    }

    /// Waits until the object is Ready with an artifact of that revision.
    pub(crate) async fn stored(&self, name: &str, revision: &str) -> GitRepository {
        self.until(name, |object| {
            let artifact = object.artifact().context("no artifact")?;
            ensure!(artifact.revision == revision, "its artifact is of {}", artifact.revision);
            ready(object).map(drop)
        })
        .await
    }

    /// Waits until Ready is False for that reason, and says with which message.
    pub(crate) async fn fails(&self, name: &str, reason: &str) -> String {
        let failed = |object: &GitRepository| {
            let ready = condition(object, "Ready").context("no Ready")?;
            ensure!(ready.status == ConditionStatus::False && ready.reason == reason, "Ready is {ready:?}");
            Ok(())
        };
        condition(&self.until(name, failed).await, "Ready").unwrap().message.clone()
    }

    /// Asks for a run.
    pub(crate) async fn request(&self, name: &str, token: &str) {
        let patch = json!({"metadata": {"annotations": {RECONCILE_REQUEST_ANNOTATION: token}}});
        let api: kube::Api<GitRepository> = self.namespace.api();
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Asks for a run and waits until it has ended.
    pub(crate) async fn run(&self, name: &str, token: &str) -> GitRepository {
        self.request(name, token).await;
        self.until(name, |object| {
            let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
            ensure!(handled == Some(token), "handled is {handled:?}");
            Ok(())
        })
        .await
    }

    /// The files and directories of the served artifact, whose digest and size are those of the status.
    pub(crate) async fn served(&self, object: &GitRepository) -> Vec<String> {
        let artifact = object.artifact().unwrap();
        let bytes = self.download(artifact).await.unwrap();
        assert_eq!(artifact.size, i64::try_from(bytes.len()).ok());
        let expected: Digest = artifact.digest.parse().unwrap();
        assert_eq!(Digest::of(expected.algorithm(), &bytes), expected);
        let mut lines = Vec::new();
        read_archive(&bytes[..], &Limits::default(), Links::Refuse, |entry| {
            lines.push(match entry.content {
                Content::Directory => format!("{}/", entry.path),
                Content::File { bytes, .. } => {
                    let mut text = String::new();
                    std::io::Read::read_to_string(bytes, &mut text)?;
                    format!("{} {:o} {text}", entry.path, entry.mode)
                }
            });
            Ok(())
        })
        .unwrap();
        lines
    }

    pub(crate) async fn download(&self, artifact: &Artifact) -> Result<Vec<u8>> {
        let client = ClientOptions { proxy: ProxySetting::Direct, ..ClientOptions::default() }.client()?;
        let response = client.get(&artifact.url).send().await?.error_for_status()?;
        Ok(read_limited(response, 64 << 20).await?.to_vec())
    }

    /// The posted events about an object so far: severity, reason and message.
    pub(crate) fn posted(&self, name: &str) -> Vec<String> {
        let of_object = |body: &Value| body["involvedObject"]["name"] == name;
        let line = |body: &Value| {
            let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}: {}", text("severity"), text("reason"), text("message"))
        };
        let bodies = self.events.events().into_iter().map(|event| event.body);
        bodies.filter(of_object).map(|body| line(&body)).collect()
    }

    /// Waits for a posted event about an object.
    pub(crate) async fn event(&self, name: &str, reason: &str) -> Value {
        let wanted = |event: &flux_testkit::PostedEvent| {
            event.body["involvedObject"]["name"] == name && event.body["reason"] == reason
        };
        self.events.wait_for(&format!("{reason} of {name}"), SOON, wanted).await.unwrap().body
    }
}

impl Harness {
    /// Waits for a Kubernetes event about an object, and says its type and message.
    pub(crate) async fn recorded(&self, name: &str, reason: &str) -> String {
        let api: kube::Api<Event> = self.namespace.api();
        let fields = format!("involvedObject.name={name},reason={reason}");
        let listed = async || {
            let found = api.list(&ListParams::default().fields(&fields)).await?.items.into_iter().next();
            let event = found.context("no such event")?;
            Ok(format!("{}: {}", event.type_.unwrap_or_default(), event.message.unwrap_or_default()))
        };
        wait_for(&format!("event {reason} of {name}"), SOON, listed).await.unwrap()
    }
}

pub(crate) fn condition<'a>(object: &'a GitRepository, type_: &str) -> Option<&'a Condition> {
    object.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_)
}

/// One line a condition.
pub(crate) fn conditions(object: &GitRepository) -> Vec<String> {
    let all = object.status.iter().flat_map(|status| &status.conditions);
    all.map(|found| format!("{} {:?} {}: {}", found.type_, found.status, found.reason, found.message)).collect()
}
