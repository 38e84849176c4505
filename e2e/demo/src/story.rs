//! What is shown: seven steps, each of which checks what it says.

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use crate::board::Board;
use crate::objects::{OVERLAYS, Objects};
use crate::stage::{ENCRYPTED, REPOSITORY, Stage};

/// The release that the sample begins with in production, and the one that is rolled out.
const RELEASES: [&str; 2] = ["1.0.0", "1.2.0"];

/// What staging begins with.
const STAGING_RELEASE: &str = "1.1.0";

/// How many votes are served at once in production.
const REPLICAS: i32 = 3;

/// The Secret that is encrypted in Git, and its password.
const SECRET: (&str, &str) = ("admin", "ADMIN_PASSWORD");

/// The file that breaks, the field that is meant there, and what is written.
const BROKEN: (&str, &str, &str) = ("base/vote/kustomization.yaml", "configMapGenerator", "configMapGenrator");

/// Plays all steps; the first that fails ends it.
pub(crate) async fn play(stage: &Stage, objects: &Objects, board: &Board) -> Result<()> {
    board.step("First sync is Ready", first_sync(stage, objects)).await?;
    board.step("Encrypted Secret is decrypted", decrypt(stage, objects)).await?;
    board.step("Pushed commit is rolled out", rollout(stage, objects)).await?;
    board.step("Deleted file is pruned", prune(stage, objects)).await?;
    board.step("Edit by hand is undone", undo(stage, objects)).await?;
    board.step("Broken commit is reported", broken(stage, objects)).await?;
    board.step("Its repair is applied", repair(stage, objects)).await?;
    Ok(())
}

async fn first_sync(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    let commit = stage.head()?;
    objects.apply(&stage.git.url(REPOSITORY), &stage.key).await?;
    let applied = objects.applied(&commit).await?;
    let count: usize = applied.iter().map(inventory).sum();
    objects.vote("production", |vote| served(vote, RELEASES[0], REPLICAS)).await?;
    Ok(((), format!("{count} objects in {}, at {}", OVERLAYS.join(" and "), short(&commit))))
}

async fn decrypt(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    let (name, field) = SECRET;
    let served = stage.working_copy.read(ENCRYPTED)?;
    let line =
        served.lines().find_map(|line| line.trim().strip_prefix(&format!("{field}: "))).context("no password")?;
    ensure!(line.starts_with("ENC["), "{ENCRYPTED} is served with a password in plain");
    for overlay in OVERLAYS {
        let secret = objects.secret(overlay, name).await?;
        let password = secret.get(field).with_context(|| format!("Secret/{overlay}/{name} has no {field}"))?;
        ensure!(!password.is_empty() && !password.starts_with(b"ENC["), "Secret/{overlay}/{name} is still encrypted");
        ensure!(!served.as_bytes().windows(password.len()).any(|part| part == password), "{ENCRYPTED} shows it");
    }
    let cipher = line.split(',').next().unwrap_or_default();
    Ok(((), format!("{field} is {cipher},…] in Git, and in plain in the Secret {name} only")))
}

async fn rollout(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    stage.working_copy.replace("staging/kustomization.yaml", STAGING_RELEASE, RELEASES[1])?;
    stage.working_copy.replace("production/kustomization.yaml", RELEASES[0], RELEASES[1])?;
    let commit = stage.push(objects, &format!("Release {}", RELEASES[1])).await?;
    objects.applied(&commit).await?;
    objects.vote("production", |vote| served(vote, RELEASES[1], REPLICAS)).await?;
    Ok(((), format!("vote {} serves with {REPLICAS} replicas, at {}", RELEASES[1], short(&commit))))
}

async fn prune(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    stage.working_copy.delete("base/vote/disruption-budget.yaml")?;
    stage.working_copy.replace("base/vote/kustomization.yaml", "  - disruption-budget.yaml\n", "")?;
    let budgets: Api<PodDisruptionBudget> = Api::all(stage.client.clone());
    let before = budgets.list(&ListParams::default()).await?.items.len();
    ensure!(before == OVERLAYS.len(), "{before} PodDisruptionBudgets are there before");
    let commit = stage.push(objects, "Drop the disruption budget").await?;
    objects.applied(&commit).await?;
    let left = budgets.list(&ListParams::default()).await?.items.len();
    ensure!(left == 0, "{left} PodDisruptionBudgets are left");
    Ok(((), format!("{before} PodDisruptionBudgets are gone, at {}", short(&commit))))
}

async fn undo(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), "production");
    let by_hand = PatchParams { field_manager: Some("by-hand".to_owned()), ..PatchParams::default() };
    let edit = Patch::Merge(json!({ "spec": { "replicas": 1 } }));
    let edited = deployments.patch("vote", &by_hand, &edit).await?.metadata.generation;
    objects
        .vote("production", |vote| {
            ensure!(vote.metadata.generation > edited, "it is as it was edited");
            served(vote, RELEASES[1], REPLICAS)
        })
        .await?;
    Ok(((), format!("vote is scaled from 1 back to {REPLICAS} replicas, at the next run")))
}

async fn broken(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    let (file, field, typo) = BROKEN;
    stage.working_copy.replace(file, field, typo)?;
    let before = objects.generations().await?;
    let good = stage.head()?;
    let commit = stage.push(objects, "Change the settings, with a typo").await?;
    let (failed, message) = objects.failed(OVERLAYS[0], &commit).await?;
    ensure!(message.contains(file) && message.contains(typo), "the message names no {typo} in {file}: {message}");
    let applied = failed.status.as_ref().and_then(|status| status.last_applied_revision.as_deref()).unwrap_or_default();
    ensure!(applied.ends_with(&good), "the last applied revision is {applied}");
    objects.vote("production", |vote| served(vote, RELEASES[1], REPLICAS)).await?;
    ensure!(objects.generations().await? == before, "a Deployment was changed");
    Ok(((), format!("{}, the last good state stays", message.replace('\n', " "))))
}

async fn repair(stage: &Stage, objects: &Objects) -> Result<((), String)> {
    let commit = stage.working_copy.revert()?;
    stage.working_copy.push()?;
    objects.request().await?;
    objects.applied(&commit).await?;
    Ok(((), format!("{} are Ready, at {}", OVERLAYS.join(" and "), short(&commit))))
}

impl Stage {
    /// The commit that is served.
    fn head(&self) -> Result<String> {
        self.working_copy.head()
    }

    /// Commits and pushes what was changed, and tells source-controller.
    async fn push(&self, objects: &Objects, message: &str) -> Result<String> {
        let commit = self.working_copy.commit(message)?;
        self.working_copy.push()?;
        objects.request().await?;
        Ok(commit)
    }
}

/// Fails unless all replicas of the vote Deployment serve a release, which its label names too.
fn served(vote: &Deployment, release: &str, replicas: i32) -> Result<()> {
    let spec = &vote.spec;
    let pod = spec.template.spec.as_ref().context("no pod spec")?;
    let image = pod.containers.first().and_then(|container| container.image.as_deref()).unwrap_or_default();
    ensure!(image == format!("vote:{release}"), "its image is {image}");
    let label = vote.metadata.labels.as_ref().and_then(|labels| labels.get("app.kubernetes.io/version"));
    ensure!(label.is_some_and(|version| version == release), "its version is {label:?}");
    ensure!(spec.replicas == Some(replicas), "it is scaled to {:?}", spec.replicas);
    let status = vote.status.as_ref().context("no status")?;
    ensure!(status.observed_generation == vote.metadata.generation, "it is not observed yet");
    ensure!(status.updated_replicas == Some(replicas), "{:?} replicas are updated", status.updated_replicas);
    ensure!(status.available_replicas == Some(replicas), "{:?} replicas are available", status.available_replicas);
    Ok(())
}

/// How many objects a Kustomization has applied.
fn inventory(kustomization: &Kustomization) -> usize {
    let inventory = kustomization.status.as_ref().and_then(|status| status.inventory.as_ref());
    inventory.map_or(0, |inventory| inventory.entries.len())
}

/// A commit's id as people quote it.
fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}
