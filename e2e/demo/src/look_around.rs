//! What a person can do while the demo runs, from another terminal.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use flux_testkit::{ControlPlane, workspace_root};

use crate::objects::NAMESPACE;
use crate::stage::{REPOSITORY, Stage};

/// Names the running demo's kubeconfig for as long as this lives.
pub(crate) struct Published {
    file: PathBuf,
    kubeconfig: String,
}

impl Drop for Published {
    fn drop(&mut self) {
        // Another demo may have written its own meanwhile.
        if fs::read_to_string(&self.file).is_ok_and(|text| text == self.kubeconfig) {
            drop(fs::remove_file(&self.file));
        }
    }
}

/// Where the running demo says which kubeconfig is its.
fn state_file() -> PathBuf {
    workspace_root().join("target/demo/kubeconfig-path")
}

/// Lets [`kubectl`] find the demo.
pub(crate) fn publish(kubeconfig: &Path) -> Result<Published> {
    let file = state_file();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let kubeconfig = kubeconfig.display().to_string();
    fs::write(&file, &kubeconfig).with_context(|| format!("write {}", file.display()))?;
    Ok(Published { file, kubeconfig })
}

/// Becomes kubectl for the running demo.
pub(crate) fn kubectl(arguments: &[OsString]) -> Result<ExitCode> {
    let kubeconfig = fs::read_to_string(state_file()).ok().map(PathBuf::from).filter(|path| path.is_file());
    let Some(kubeconfig) = kubeconfig else { bail!("no demo runs: start one with `cargo xtask demo`") };
    let program = ControlPlane::prepare()?;
    let failed = Command::new(&program).arg("kubectl").args(arguments).env("KUBECONFIG", kubeconfig).exec();
    Err(failed).with_context(|| format!("run {}", program.display()))
}

/// What to try, with the ports of this run.
pub(crate) fn hints(stage: &Stage) -> String {
    let git = stage.git.url(REPOSITORY);
    let storage = stage.source.controller.storage_url().unwrap_or_default();
    format!(
        "
Everything keeps running. From another terminal:

  cargo xtask kubectl get gitrepositories,kustomizations -A
  cargo xtask kubectl describe kustomization staging -n {NAMESPACE}
  cargo xtask kubectl get all -n production
  git clone {git}   # a push is seen within five seconds

  artifacts  {storage}
  metrics    {} (source-controller)
             {} (kustomize-controller)
  logs       {}
             {}

Ctrl-C stops everything and leaves nothing.",
        stage.source.controller.metrics_url(),
        stage.kustomize.controller.metrics_url(),
        stage.source.log.display(),
        stage.kustomize.log.display(),
    )
}
