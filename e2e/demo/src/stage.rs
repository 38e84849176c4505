//! Everything that the story needs: the control plane, the controllers, the Git server with the sample.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flux_sops::{Format, Rule};
use flux_testkit::{
    Change, ControlPlane, Controller, GitRepository, GitServer, GitServerOptions, RunningController, SopsKey,
    apply_yaml, folder_files, workspace_root,
};
use kube::Client;

use crate::board::Board;
use crate::objects::NAMESPACE;
use crate::working_copy::WorkingCopy;

/// The name of the served repository.
pub(crate) const REPOSITORY: &str = "sample";

/// The file of the sample that is served encrypted.
pub(crate) const ENCRYPTED: &str = "components/admin/secret.yaml";

/// How much of a controller's log is shown when something went wrong.
const LAST_LINES: usize = 15;

/// What runs. Dropped in this order, and all of its files are in the control plane's folder, which goes last.
pub(crate) struct Stage {
    /// A client of the administrator.
    pub(crate) client: Client,
    pub(crate) source: Actor,
    pub(crate) kustomize: Actor,
    pub(crate) git: GitServer,
    pub(crate) working_copy: WorkingCopy,
    /// The key that the sample's Secret is encrypted for.
    pub(crate) key: SopsKey,
    pub(crate) control_plane: ControlPlane,
}

/// A controller and its process.
pub(crate) struct Actor {
    pub(crate) running: RunningController,
    pub(crate) controller: Controller,
    pub(crate) log: PathBuf,
}

impl Stage {
    /// Starts everything, a step each.
    pub(crate) async fn start(board: &Board) -> Result<Self> {
        let control_plane = board.step("Control plane started", start_control_plane()).await?;
        let client = board.step("Kinds and roles installed", install(&control_plane)).await?;
        let folder = control_plane.folder().join("demo");
        let (git, working_copy, key) = board.step("Sample repository served", serve(folder.join("git"))).await?;
        let (source, kustomize) = board
            .step("Controllers started", start_controllers(&control_plane, &client, folder.join("controllers")))
            .await?;
        Ok(Self { client, source, kustomize, git, working_copy, key, control_plane })
    }

    /// Ends the controllers as Kubernetes does, and then the rest.
    pub(crate) async fn stop(self) -> Result<()> {
        let Self { source, kustomize, .. } = self;
        source.running.terminate().await?;
        kustomize.running.terminate().await?;
        Ok(())
    }

    /// The ends of the controllers' logs, for a story that went wrong.
    pub(crate) fn last_words(&self) -> String {
        let mut text = String::new();
        for actor in [&self.source, &self.kustomize] {
            let logs = actor.running.logs().unwrap_or_else(|err| format!("{err:#}"));
            let lines: Vec<_> = logs.lines().collect();
            let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
            text.extend([format!("\n{} ends with:\n", actor.log.display()), last.join("\n")]);
        }
        text
    }
}

async fn start_control_plane() -> Result<(ControlPlane, String)> {
    let control_plane = tokio::task::spawn_blocking(ControlPlane::start).await??;
    let version = control_plane.client().await?.apiserver_version().await?.git_version;
    Ok((control_plane, format!("Kubernetes {version}")))
}

async fn install(control_plane: &ControlPlane) -> Result<(Client, String)> {
    let client = control_plane.client().await?;
    control_plane.install_flux_crds(&client).await?;
    let folder = workspace_root().join("charts/flux/config");
    for name in ["namespace.yaml", "rbac.yaml"] {
        let file = folder.join(name);
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        apply_yaml(&client, NAMESPACE, &text).await.with_context(|| file.display().to_string())?;
    }
    Ok((client, "from charts/flux".to_owned()))
}

async fn serve(folder: PathBuf) -> Result<((GitServer, WorkingCopy, SopsKey), String)> {
    let serve = move || {
        let working_folder = folder.with_file_name("working-copy");
        let server = GitServer::start(GitServerOptions { folder: Some(folder), ..GitServerOptions::default() })?;
        let key = SopsKey::age();
        commit_sample(&server.create(REPOSITORY)?, &key)?;
        let working_copy = WorkingCopy::clone(&server.url(REPOSITORY), &working_folder).context("clone the sample")?;
        let url = server.url(REPOSITORY);
        Ok(((server, working_copy, key), url))
    };
    tokio::task::spawn_blocking(serve).await?
}

/// Commits the sample as a team does that keeps its Secrets encrypted.
fn commit_sample(repository: &GitRepository, key: &SopsKey) -> Result<()> {
    let sample = workspace_root().join("e2e/sample");
    let plain = std::fs::read_to_string(sample.join(ENCRYPTED)).with_context(|| format!("read {ENCRYPTED}"))?;
    let rule = Rule::EncryptedRegex("^(data|stringData)$".to_owned());
    let encrypted = key.encrypt(&plain, Format::Yaml, rule).with_context(|| format!("encrypt {ENCRYPTED}"))?;
    let mut files = folder_files(&sample, "")?;
    let secret = files.iter_mut().find(|(path, _)| path == ENCRYPTED).with_context(|| format!("no {ENCRYPTED}"))?;
    secret.1 = encrypted.into_bytes();
    let changes: Vec<_> = files.iter().map(|(path, content)| Change::File(path, content)).collect();
    repository.commit("main", "A voting app, for staging and production", &changes)?;
    Ok(())
}

/// Each controller runs as its own ServiceAccount and elects itself, as its Deployment has it.
async fn start_controllers(
    control_plane: &ControlPlane,
    client: &Client,
    folder: PathBuf,
) -> Result<((Actor, Actor), String)> {
    let source = Actor::start("source-controller", Controller::source, control_plane, client, &folder).await?;
    let kustomize = Actor::start("kustomize-controller", Controller::kustomize, control_plane, client, &folder).await?;
    let ids = format!("processes {} and {}", source.running.id(), kustomize.running.id());
    Ok(((source, kustomize), ids))
}

impl Actor {
    async fn start(
        name: &str,
        controller: impl FnOnce(&Path) -> Result<Controller>,
        control_plane: &ControlPlane,
        client: &Client,
        folder: &Path,
    ) -> Result<Self> {
        let kubeconfig = control_plane.service_account_kubeconfig(client, NAMESPACE, name).await?;
        let folder = folder.join(name);
        let controller = controller(&kubeconfig)?
            .in_folder(&folder)
            .environment("RUNTIME_NAMESPACE", NAMESPACE)
            .flag("--enable-leader-election")
            .flag("--log-encoding=console");
        let running = controller.start().await?;
        Ok(Self { running, controller, log: folder.join(format!("{name}.log")) })
    }
}
