//! The toolkit as a user has it: both controllers, a Git server, and objects that sync one to the other.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{ConditionStatus, FluxObject, READY, RECONCILE_REQUEST_ANNOTATION};
use flux_api::source::v1::GitRepository;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::{ControlPlane, Controller, GitServer, GitServerOptions, RunningController, TestNamespace, wait_object};

/// How long a sync may take before it counts as hung.
const SYNCED: Duration = Duration::from_mins(1);

/// A namespace with a Git server, and controllers for the objects of that namespace alone. The controllers are not started.
pub struct Toolkit {
    /// The namespace; the objects and what they bring about are in it.
    pub namespace: TestNamespace,
    /// Serves the repositories.
    pub git: GitServer,
    /// How source-controller is started here.
    pub source: Controller,
    /// How kustomize-controller is started here.
    pub kustomize: Controller,
}

impl Toolkit {
    /// Makes the namespace, named after `test`, and installs the CRDs where they are missing.
    pub async fn new(control_plane: &ControlPlane, test: &str) -> Result<Self> {
        let namespace = control_plane.namespace(test).await?;
        control_plane.install_flux_crds(&namespace.client).await?;
        let kubeconfig = control_plane.kubeconfig();
        Ok(Self {
            git: GitServer::start(GitServerOptions::default())?,
            source: Controller::source(kubeconfig)?.in_namespace(&namespace.name),
            kustomize: Controller::kustomize(kubeconfig)?.in_namespace(&namespace.name),
            namespace,
        })
    }

    /// Starts both controllers: source-controller, then kustomize-controller.
    pub async fn start(&self) -> Result<(RunningController, RunningController)> {
        tokio::try_join!(self.source.start(), self.kustomize.start())
    }

    /// Applies a GitRepository of that name that follows `main` of the served repository of the same name.
    pub async fn follow(&self, name: &str) -> Result<()> {
        let url = self.git.url(name);
        let text = format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata:\n  name: {name}\nspec:\n  \
             interval: 10m\n  url: {url}\n  ref:\n    branch: main\n"
        );
        self.namespace.apply(&text).await.map(drop)
    }

    /// Applies a Kustomization of that name that prunes, reads `./` of the GitRepository `source`, and puts objects without
    /// a namespace into this one; `spec` is more of its spec, as YAML that is indented by two spaces.
    pub async fn sync(&self, name: &str, source: &str, spec: &str) -> Result<()> {
        let text = format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\nspec:\n  \
             interval: 10m\n  retryInterval: 2s\n  prune: true\n  targetNamespace: {}\n  sourceRef:\n    \
             kind: GitRepository\n    name: {source}\n{spec}",
            self.namespace.name
        );
        self.namespace.apply(&text).await.map(drop)
    }

    /// Asks for a run of the GitRepository, as a webhook does. `token` must differ from the one before.
    pub async fn request(&self, name: &str, token: &str) -> Result<()> {
        let patch = json!({"metadata": {"annotations": {RECONCILE_REQUEST_ANNOTATION: token}}});
        let sources: Api<GitRepository> = self.namespace.api();
        sources.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.context("request a run")?;
        Ok(())
    }

    /// Waits until the GitRepository is Ready with an artifact of that commit.
    pub async fn fetched(&self, name: &str, commit: &str) -> Result<GitRepository> {
        wait_object(&self.namespace.api(), name, SYNCED, |object: Option<&GitRepository>| {
            let object = object.context("not there")?;
            let artifact = object.status.as_ref().and_then(|status| status.artifact.as_ref()).context("no artifact")?;
            ensure!(artifact.revision.ends_with(commit), "its artifact is {}", artifact.revision);
            ready(object)
        })
        .await
    }

    /// Waits until the Kustomization is Ready at that commit.
    pub async fn applied(&self, name: &str, commit: &str) -> Result<Kustomization> {
        wait_object(&self.namespace.api(), name, SYNCED, |object: Option<&Kustomization>| {
            let object = object.context("not there")?;
            let revision = object.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
            ensure!(revision.is_some_and(|revision| revision.ends_with(commit)), "applied {revision:?}");
            ready(object)
        })
        .await
    }
}

/// The object, where it is Ready for its own generation.
pub fn ready<K: FluxObject>(object: &K) -> Result<K> {
    let condition = object.conditions().iter().find(|condition| condition.type_ == READY).context("no Ready")?;
    ensure!(
        condition.status == ConditionStatus::True,
        "Ready is {:?}, {}: {}",
        condition.status,
        condition.reason,
        condition.message
    );
    let generation = object.meta().generation.unwrap_or_default();
    ensure!(object.observed_generation() == generation, "{} is not observed", object.name_any());
    Ok(object.clone())
}
