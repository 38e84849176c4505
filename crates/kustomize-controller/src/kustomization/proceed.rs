//! What a run does once it may proceed: as little as what the last run left behind allows.

use std::sync::Arc;
use std::time::Instant;

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::reason;
use flux_objects::{ChangeSet, Inventory};
use flux_runtime::{Facts, Fault, ObjectKey, Outcome, Run};
use flux_ssa::{FailFast, Fingerprint, Rules};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::sync::Semaphore;

use super::act::Work;
use super::build::{Built, Inputs};
use super::cluster::Cluster;
use super::decryption::Keys;
use super::error::{ArtifactError, BuildError};
use super::fault::Attempted;
use super::history::{self, Attempt};
use super::memory::{self, Kept, Last};
use super::observe::{self, Source, Tree};
use super::progress::Progress;
use super::variables::Variables;
use super::{KustomizationReconciler, Status, drift, plan, remote, size};
use crate::step::{Step, reached};

/// Runs that may be between the fetch of their artifact and the permit to build it, so that unpacked artifacts do not pile up in front
/// of the permits.
static FETCHES: Semaphore = Semaphore::const_new(32);

/// A run that knows its source and found its dependencies ready.
pub(super) struct Look<'a> {
    pub(super) object: &'a Kustomization,
    pub(super) source: &'a Source,
    pub(super) at: &'a Attempted,
    pub(super) progress: &'a Progress,
    pub(super) rules: &'a Rules,
    pub(super) run: &'a Run<Kustomization>,
    pub(super) started: Instant,
}

impl KustomizationReconciler {
    /// Does what is to be done: nothing but to look at the health where all is as the last run left it, or else everything.
    pub(super) async fn proceed(&self, look: &Look<'_>, facts: &mut Facts<Status>) -> Result<Outcome, Fault> {
        let kept = self.memories.of(look.object, Instant::now());
        if let Some(last) = kept.last() {
            last.secrets.iter().for_each(|secrets| look.run.masker().learn(secrets));
            look.progress.hush();
            look.progress.fetching(facts, look.run).await;
            if let Some((cluster, applied)) = self.as_left(&last, &kept, look, facts).await? {
                return self.go_on(&last, &kept, cluster, applied, look, facts).await;
            }
            look.progress.speak();
        }
        kept.begin();
        self.bring_about(&kept, look, facts).await
    }

    /// What the last run applied, if this one would read the same and finds every object as it was left.
    async fn as_left(
        &self,
        last: &Last,
        kept: &Kept,
        look: &Look<'_>,
        facts: &Facts<Status>,
    ) -> Result<Option<(Cluster, ChangeSet)>, Fault> {
        let Look { object, source, at, .. } = look;
        let status = facts.status.inventory.as_ref();
        // What cannot be read is told by the whole run, which reads it again.
        let Ok(Gathered { cluster, inputs, .. }) = self.gather(look).await else { return Ok(None) };
        let Ok(listed) = plan::listed(status) else { return Ok(None) };
        let discovery = cluster.applier.discovery();
        let (true, Some(applied)) = (inputs == Some(last.inputs), last.applied(kept, discovery, status, &listed))
        else {
            return Ok(None);
        };
        if last.artifact != source.artifact.digest {
            let tree = self.fetch(look).await?;
            let reads = Arc::clone(&last.reads);
            let same = self.tasks.blocking(move || tree.open().is_ok_and(|files| reads.hold_in(&files))).await;
            if !at.artifact(same.map_err(ArtifactError::Cut))? {
                return Ok(None);
            }
        }
        Ok(Some((cluster.remembering(object, kept.known()), applied)))
    }

    /// Records a revision that changes nothing, once what is there is healthy.
    async fn go_on(
        &self,
        last: &Last,
        kept: &Kept,
        cluster: Cluster,
        applied: ChangeSet,
        look: &Look<'_>,
        facts: &mut Facts<Status>,
    ) -> Result<Outcome, Fault> {
        let Look { source, at, .. } = look;
        facts.status.last_attempted_revision = Some(source.revision().to_owned());
        let attempt = Attempt { digest: last.digest.clone(), metadata: at.metadata() };
        let work = look.work(&cluster, kept, self.settings.fail_fast);
        let end = conclude(&applied, source, &work, facts).await;
        match &end {
            Ok(_) => kept.learn(last.with_artifact(&source.artifact.digest), &applied.entries().collect()),
            Err(_) => kept.begin(),
        }
        look.record(attempt, &end, facts);
        end
    }

    /// Fetches, builds and rolls out.
    async fn bring_about(&self, kept: &Kept, look: &Look<'_>, facts: &mut Facts<Status>) -> Result<Outcome, Fault> {
        let Look { object, source, at, progress, run, .. } = look;
        progress.fetching(facts, run).await;
        let tree = self.fetch(look).await?;
        reached(Step::Fetched).await;
        facts.status.last_attempted_revision = Some(source.revision().to_owned());

        progress.building(facts, run).await;
        let Gathered { cluster, variables, keys, inputs: read } = self.gather(look).await?;
        let strict = self.settings.strict_substitutions;
        let (network, bases) = remote::network();
        let remote = self.settings.remote_bases.then_some(network);
        let log = tree.log.clone();
        let inputs = Inputs { owner: ObjectKey::of(*object), spec: object.spec.clone(), variables, strict, remote };
        // On the heap: the futures of builds are large.
        let building = Box::pin(self.decryption.build(object, tree, inputs, keys, &self.tasks, run));
        let (built, fetched) = match bases.serve(building, &self.http, run).await {
            Ok(ended) => ended,
            Err(interrupted) => (Err(BuildError::Superseded(interrupted)), false),
        };
        let built = at.build(built)?;
        reached(Step::Built).await;

        let attempt = Attempt { digest: built.digest.clone(), metadata: at.metadata() };
        let cluster = cluster.remembering(object, kept.known());
        let work = look.work(&cluster, kept, self.settings.fail_fast);
        let end = roll_out(built, source, &work, facts).await;
        // What is elsewhere may be another thing the next time.
        if let (Ok((_, applied)), Some(inputs), false) = (&end, read, fetched) {
            let last = Last {
                inputs,
                artifact: source.artifact.digest.clone(),
                reads: Arc::new(log.reads()),
                digest: attempt.digest.clone(),
                inventory: memory::listed_as(facts.status.inventory.as_ref()),
                secrets: object.spec.decryption.is_some().then(|| run.masker().clone()),
            };
            kept.learn(last, applied);
        }
        let end = end.map(|(outcome, _)| outcome);
        look.record(attempt, &end, facts);
        end
    }

    /// The artifact, unpacked. A server that is slow or away holds no permit, and a newer revision is not kept waiting for the end of
    /// all retries.
    async fn fetch(&self, look: &Look<'_>) -> Result<Tree, Fault> {
        let Look { object, source, at, run, .. } = look;
        let unpacked = if let Some(unpacked) = self.artifacts.unpacked(&source.artifact) {
            unpacked
        } else {
            let fetched = run
                .wait(async {
                    let slot = FETCHES.acquire().await;
                    (slot, observe::artifact(&source.artifact, &self.artifacts).await)
                })
                .await;
            // The slot is free for the next one now that there is a permit again.
            let (_slot, unpacked) = fetched.map_err(|interrupted| at.fetch_superseded(interrupted))?;
            at.artifact(unpacked)? // Waiting when it is gone.
        };
        at.artifact(Tree::of(object, unpacked, &self.tasks).await)
    }

    /// Everything that a build and an apply need beside the artifact.
    async fn gather(&self, look: &Look<'_>) -> Result<Gathered, Fault> {
        let Look { object, at, run, .. } = look;
        let cluster = at.step(reason::RECONCILIATION_FAILED, self.clusters.of(object, run).await)?;
        let variables = at.step(reason::BUILD_FAILED, observe::variables(object, run).await)?;
        let keys = at.step(reason::BUILD_FAILED, self.decryption.keys(object, run).await)?;
        let secret = keys.as_ref().and_then(|keys| keys.secret);
        let inputs = memory::inputs(object, cluster.identity, &variables, secret);
        Ok(Gathered { cluster, variables, keys, inputs })
    }
}

/// What a run depends on beside its artifact.
struct Gathered {
    cluster: Cluster,
    variables: Variables,
    keys: Option<Keys>,
    /// Stands for all of it.
    inputs: Option<Fingerprint>,
}

impl<'a> Look<'a> {
    fn work(&self, cluster: &'a Cluster, kept: &'a Kept, fail_fast: FailFast) -> Work<'a> {
        let Self { object, at, progress, rules, run, .. } = *self;
        Work { object, at, progress, rules, cluster, fail_fast, kept, run }
    }

    /// Adds a run that reached the cluster to the history.
    fn record(&self, attempt: Attempt, end: &Result<Outcome, Fault>, facts: &mut Facts<Status>) {
        if let Some(reason) = history::reason(end) {
            let elapsed = self.started.elapsed();
            history::record(&mut facts.status.history, attempt, reason, &Time(self.run.now()), elapsed);
        }
    }
}

/// Applies what was built, prunes what is gone and waits for health.
async fn roll_out(
    built: Built,
    source: &Source,
    work: &Work<'_>,
    facts: &mut Facts<Status>,
) -> Result<(Outcome, Inventory), Fault> {
    if !built.warnings.is_empty() {
        tracing::info!(warnings = built.warnings.join("; "), revision = source.revision(), "built with warnings");
    }
    work.progress.detecting(facts, work.run).await;
    let old = work.at.step(reason::RECONCILIATION_FAILED, plan::listed(facts.status.inventory.as_ref()))?;
    work.at.size(size::check(&old, &built.manifests, work.object.spec.path.as_deref()))?; // Stalled when there is no room.
    let drift = drift::mode(work.object, &built.digest);
    let applied = work.at.step(reason::RECONCILIATION_FAILED, work.apply(built.manifests, drift, facts).await)?;
    let inventory = applied.entries().collect();
    reached(Step::Pruning).await;
    work.prune(&old, &inventory, facts).await?;
    reached(Step::Pruned).await;
    Ok((conclude(&applied, source, work, facts).await?, inventory))
}

/// Waits for the health of what was applied, and records the revision.
async fn conclude(
    applied: &ChangeSet,
    source: &Source,
    work: &Work<'_>,
    facts: &mut Facts<Status>,
) -> Result<Outcome, Fault> {
    work.healthy(applied, facts).await?;
    reached(Step::Healthy).await;
    facts.status.last_applied_revision = Some(source.revision().to_owned());
    facts.status.last_applied_origin_revision.clone_from(&source.origin);
    let message = format!("Applied revision: {}", source.revision());
    Ok(Outcome { reason: reason::RECONCILIATION_SUCCEEDED, message, requeue_after: None })
}
