//! The control plane: shared, restarted, gone with its owner.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_testkit::{Component, ControlPlane, client_from, wait_for, wait_object};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use rustix::process::{Pid, Signal, kill_process};

const SOON: Duration = Duration::from_secs(30);

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: example.com/web:1}]}
";

#[tokio::test]
async fn a_deployment_becomes_available_and_its_pods_go_with_it() -> Result<()> {
    let test = ControlPlane::shared()?.namespace("a_deployment").await?;
    test.apply(DEPLOYMENT).await?;
    let deployments = test.api::<Deployment>();
    wait_object(&deployments, "web", SOON, |deployment| {
        let status = deployment.and_then(|deployment| deployment.status.as_ref()).context("no status")?;
        ensure!(status.available_replicas == Some(2), "{:?} replicas are available", status.available_replicas);
        Ok(())
    })
    .await?;
    deployments.delete("web", &DeleteParams::background()).await?;
    wait_for("the pods are collected", SOON, async || {
        let left = test.api::<Pod>().list(&ListParams::default()).await?.items.len();
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_deleted_namespace_goes_with_what_is_in_it() -> Result<()> {
    let test = ControlPlane::shared()?.namespace("deleted").await?;
    test.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}").await?;
    let namespaces: Api<Namespace> = Api::all(test.client.clone());
    namespaces.delete(&test.name, &DeleteParams::default()).await?;
    wait_object(&namespaces, &test.name, SOON, |namespace| {
        ensure!(namespace.is_none(), "it is there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_service_account_may_do_what_its_role_says_and_no_more() -> Result<()> {
    let plane = ControlPlane::shared()?;
    let test = plane.namespace("rbac").await?;
    let kubeconfig = plane.service_account_kubeconfig(&test.client, &test.name, "robot").await?;
    let maps: Api<ConfigMap> = Api::namespaced(client_from(&kubeconfig).await?, &test.name);
    let refused = maps.list(&ListParams::default()).await;
    ensure!(matches!(refused, Err(kube::Error::Api(status)) if status.is_forbidden()), "no role, but not refused");
    test.apply(&format!(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader}}
rules: [{{apiGroups: [''], resources: [configmaps], verbs: [list]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: reader}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: robot, namespace: {}}}]
",
        test.name
    ))
    .await?;
    wait_for("the role allows", SOON, async || Ok(maps.list(&ListParams::default()).await.map(drop)?)).await?;
    ensure!(maps.get("kube-root-ca.crt").await.is_err(), "get was not allowed");
    Ok(())
}

/// Restarts are of an instance of its own: other tests use the shared one meanwhile.
#[tokio::test]
async fn objects_and_clients_outlive_restarts_and_nothing_outlives_the_owner() -> Result<()> {
    let plane = ControlPlane::start()?;
    let folder = plane.folder().to_path_buf();
    let test = plane.namespace("restarts").await?;
    test.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}").await?;

    plane.restart(Component::ApiServer, Duration::ZERO).await?;
    test.api::<ConfigMap>().get("kept").await.context("after a restart of the API server")?;

    plane.crash(Component::ApiServer).await?;
    ensure!(test.api::<ConfigMap>().get("kept").await.is_err(), "answered while the API server was down");
    plane.bring_up(Component::ApiServer).await?;
    test.api::<ConfigMap>().get("kept").await.context("after a crash of the API server")?;

    plane.restart(Component::Etcd, Duration::ZERO).await?;
    test.api::<ConfigMap>().get("kept").await.context("after a restart of etcd")?;

    let refused = plane.bring_up(Component::Scheduler).await;
    ensure!(refused.is_err_and(|err| err.to_string().contains("is running")), "a running component was started");

    drop(plane);
    ensure!(!folder.exists(), "{} is left", folder.display());
    Ok(())
}

/// The owner is this test in another process: it starts an instance, says where, and is killed.
#[test]
fn an_owner_that_is_killed_leaves_nothing() -> Result<()> {
    const OWNER: &str = "FLUX_TESTKIT_OWNER";
    const NAME: &str = "controlplane::an_owner_that_is_killed_leaves_nothing";
    if std::env::var_os(OWNER).is_some() {
        let plane = ControlPlane::start()?;
        println!("\nfolder={}", plane.folder().display());
        std::io::read_to_string(std::io::stdin())?;
        return Ok(());
    }
    let mut owner = Command::new(std::env::current_exe()?)
        .args(["--exact", NAME, "--nocapture"])
        .env(OWNER, "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(owner.stdout.take().context("no output")?).lines();
    let said = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("folder=").map(str::to_owned));
    let folder = said.context("the owner did not say where its instance is")?;
    ensure!(!processes_of(&folder)?.is_empty(), "no process is seen of {folder}");
    owner.kill()?;
    owner.wait()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(wait_for("nothing is left", SOON, async || {
        let left = processes_of(&folder)?;
        ensure!(left.is_empty(), "processes {left:?} run");
        ensure!(!std::path::Path::new(&folder).exists(), "{folder} is there");
        Ok(())
    }))
}

/// The processes that were started for a folder, or in it.
fn processes_of(folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let process = entry?.path();
        // Most entries are no processes, and a process may end meanwhile.
        let arguments = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let within = std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        if within || String::from_utf8_lossy(&arguments).contains(folder) {
            found.push(process.display().to_string());
        }
    }
    Ok(found)
}

#[test]
fn the_folder_of_a_killed_supervisor_goes_with_the_next_start() -> Result<()> {
    let plane = ControlPlane::start()?;
    let folder = plane.folder().display().to_string();
    for process in processes_of(&folder)? {
        let arguments = std::fs::read_to_string(format!("{process}/cmdline"))?;
        if arguments.contains("\0up\0") {
            let id = process.trim_start_matches("/proc/").parse().ok().and_then(Pid::from_raw);
            kill_process(id.context("no process id")?, Signal::KILL)?;
        }
    }
    // Waits for the supervisor, which is gone. What it started ends by itself.
    drop(plane);
    ensure!(std::path::Path::new(&folder).exists(), "the folder went without a supervisor");
    let next = ControlPlane::start()?;
    ensure!(!std::path::Path::new(&folder).exists(), "{folder} is left");
    drop(next);
    ensure!(processes_of(&folder)?.is_empty(), "components outlived their supervisor");
    Ok(())
}
