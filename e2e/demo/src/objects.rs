//! The objects of the story, and what is waited for on them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{ConditionStatus, FluxObject, READY, RECONCILE_REQUEST_ANNOTATION};
use flux_api::source::v1::GitRepository;
use flux_testkit::{SopsKey, apply_yaml, ready, wait_object};
use futures::{StreamExt as _, pin_mut};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use crate::board::{Board, ObjectRow};
use crate::stage::REPOSITORY;

/// Where the Flux objects are.
pub(crate) const NAMESPACE: &str = "flux-system";

/// The overlays, each a Kustomization, a folder and a namespace of that name. The second depends on the first.
pub(crate) const OVERLAYS: [&str; 2] = ["staging", "production"];

/// The Secret with the key that opens what is encrypted in Git.
pub(crate) const KEYS: &str = "sops-age";

/// How long one change may take until it is seen.
const SEEN: Duration = Duration::from_mins(2);

/// The Flux objects of the story.
#[derive(Clone)]
pub(crate) struct Objects {
    client: Client,
    sources: Api<GitRepository>,
    pub(crate) kustomizations: Api<Kustomization>,
}

impl Objects {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            sources: Api::namespaced(client.clone(), NAMESPACE),
            kustomizations: Api::namespaced(client.clone(), NAMESPACE),
        }
    }

    /// Applies the key for encrypted files, the GitRepository and the Kustomizations. They poll often, because here somebody watches;
    /// pushes are reported as a webhook would.
    pub(crate) async fn apply(&self, url: &str, key: &SopsKey) -> Result<()> {
        let (entry, text) = key.entry()?;
        let keys = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": KEYS },
            "stringData": { entry: text },
        });
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": REPOSITORY },
            "spec": { "interval": "5s", "url": url, "ref": { "branch": "main" } },
        });
        let mut documents = vec![keys, source];
        for (position, overlay) in OVERLAYS.iter().enumerate() {
            let before: Vec<_> = OVERLAYS[..position].iter().map(|name| json!({ "name": name })).collect();
            documents.push(json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "metadata": { "name": overlay },
                "spec": {
                    "interval": "5s",
                    "timeout": "1m",
                    "path": format!("./{overlay}"),
                    "prune": true,
                    "wait": true,
                    "sourceRef": { "kind": "GitRepository", "name": REPOSITORY },
                    "dependsOn": before,
                    "decryption": { "provider": "sops", "secretRef": { "name": KEYS } },
                },
            }));
        }
        for document in documents {
            apply_yaml(&self.client, NAMESPACE, &document.to_string()).await?;
        }
        Ok(())
    }

    /// Asks source-controller to look at once, as a webhook does after a push.
    pub(crate) async fn request(&self) -> Result<()> {
        let now = jiff::Timestamp::now().to_string();
        let patch = json!({ "metadata": { "annotations": { RECONCILE_REQUEST_ANNOTATION: now } } });
        self.sources.patch(REPOSITORY, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Waits until every overlay is Ready at a commit, and returns them.
    pub(crate) async fn applied(&self, commit: &str) -> Result<Vec<Kustomization>> {
        let mut applied = Vec::new();
        for overlay in OVERLAYS {
            let at_commit = |object: Option<&Kustomization>| {
                let object = object.context("not there")?;
                let revision = object.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
                ensure!(revision.is_some_and(|revision| revision.ends_with(commit)), "{}", state(object));
                ready(object)
            };
            let waited = wait_object(&self.kustomizations, overlay, SEEN, at_commit).await;
            applied.push(waited.with_context(|| format!("Kustomization {overlay} is not Ready at {commit}"))?);
        }
        Ok(applied)
    }

    /// Waits until an overlay has failed at a commit, and returns it with its message.
    pub(crate) async fn failed(&self, overlay: &str, commit: &str) -> Result<(Kustomization, String)> {
        wait_object(&self.kustomizations, overlay, SEEN, |object| {
            let object = object.context("not there")?;
            let revision = object.status.as_ref().and_then(|status| status.last_attempted_revision.as_deref());
            ensure!(revision.is_some_and(|revision| revision.ends_with(commit)), "{}", state(object));
            let ready = object.conditions().iter().find(|condition| condition.type_ == READY).context("no Ready")?;
            ensure!(ready.status == ConditionStatus::False, "{}", state(object));
            Ok((object.clone(), ready.message.clone()))
        })
        .await
    }

    /// Waits for a state of the vote Deployment of an overlay.
    pub(crate) async fn vote<T>(&self, overlay: &str, check: impl Fn(&Deployment) -> Result<T>) -> Result<T> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), overlay);
        wait_object(&deployments, "vote", SEEN, |object| check(object.context("not there")?)).await
    }

    /// The values of a Secret of an overlay.
    pub(crate) async fn secret(&self, overlay: &str, name: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), overlay);
        let data = secrets.get(name).await?.data.unwrap_or_default();
        Ok(data.into_iter().map(|(key, value)| (key, value.0)).collect())
    }

    /// How often the specs of all Deployments of the overlays were changed.
    pub(crate) async fn generations(&self) -> Result<Vec<(String, Option<i64>)>> {
        let mut generations = Vec::new();
        for overlay in OVERLAYS {
            let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), overlay);
            let listed = deployments.list(&ListParams::default()).await?;
            generations.extend(
                listed.items.iter().map(|item| (format!("{overlay}/{}", item.name_any()), item.metadata.generation)),
            );
        }
        Ok(generations)
    }

    /// Shows the state of every object below the steps, as long as the returned tasks live.
    pub(crate) fn show(&self, board: &Board) -> tokio::task::JoinSet<()> {
        let mut tasks = tokio::task::JoinSet::new();
        let row = board.object(&format!("GitRepository/{REPOSITORY}"));
        tasks.spawn(follow(self.sources.clone(), REPOSITORY, row));
        for overlay in OVERLAYS {
            let row = board.object(&format!("Kustomization/{overlay}"));
            tasks.spawn(follow(self.kustomizations.clone(), overlay, row));
        }
        tasks
    }
}

async fn follow<K: FluxObject>(api: Api<K>, name: &'static str, row: ObjectRow) {
    let states = watcher::watch_object(api, name).default_backoff();
    pin_mut!(states);
    while let Some(seen) = states.next().await {
        match seen {
            Ok(Some(object)) => row.set(&state(&object)),
            Ok(None) => row.set("not there"),
            Err(err) => row.set(&format!("not seen: {err}")),
        }
    }
}

/// An object's Ready condition in one line.
fn state<K: FluxObject>(object: &K) -> String {
    let ready = object.conditions().iter().find(|condition| condition.type_ == READY);
    ready.map_or_else(
        || "no status yet".to_owned(),
        |ready| format!("Ready={:?} {}: {}", ready.status, ready.reason, ready.message.replace('\n', " ")),
    )
}
