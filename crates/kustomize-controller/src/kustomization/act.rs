//! What a run changes: objects applied, pruned and waited for. What is to be done was decided before.

use std::time::{Duration, Instant};

use flux_api::kustomize::v1::{DRIFT_DETECTED, DRIFTED, Kustomization};
use flux_api::meta::{ConditionStatus, HEALTHY, reason};
use flux_objects::{Change, ChangeSet, Inventory, Manifest, StageKind, stages};
use flux_runtime::report::message;
use flux_runtime::{Facts, Fault, Notice, Run, Severity};
use flux_ssa::{FailFast, HealthError as Unhealthy, Rules, Target, Terms};

use super::cluster::Cluster;
use super::delete::{self, Wait};
use super::error::{ApplyError, HealthError, PruneError};
use super::fault::Attempted;
use super::memory::Kept;
use super::progress::Progress;
use super::{Status, drift, plan};
use crate::step::{Step, reached};

/// How long definitions and classes may take before what needs them is applied.
const SETTLING: Duration = Duration::from_secs(60);

/// How long a run may look at the health of its objects before the status says that it waits: most need no longer.
const GLANCE: Duration = Duration::from_secs(3);

/// What acting needs to know of its run.
pub(super) struct Work<'a> {
    /// The object.
    pub object: &'a Kustomization,
    /// The run's revision.
    pub at: &'a Attempted,
    /// Tells the steps.
    pub progress: &'a Progress,
    /// How objects are applied, and what health is for them.
    pub rules: &'a Rules,
    /// Where.
    pub cluster: &'a Cluster,
    /// When a wait for health ends short of success.
    pub fail_fast: FailFast,
    /// What is kept for the next run.
    pub kept: &'a Kept,
    /// The facts' way out.
    pub run: &'a Run<Kustomization>,
}

impl Work<'_> {
    /// Applies `manifests` stage after stage. Each stage is dry-run as a whole, then listed in the status, then applied; the
    /// next one starts when what it may need is there. Whatever was written is listed, wherever this is cut.
    pub(super) async fn apply(
        &self,
        manifests: Vec<Manifest>,
        drift: drift::Mode,
        facts: &mut Facts<Status>,
    ) -> Result<ChangeSet, ApplyError> {
        let mut applied = ChangeSet::default();
        let outcome = match drift {
            drift::Mode::Undo => {
                facts.conditions.remove(DRIFTED);
                self.apply_stages(manifests, &mut applied, facts).await
            }
            drift::Mode::Report => self.compare_stages(manifests, &mut applied, facts).await,
        };
        // What earlier stages brought about is told although a later one failed.
        self.tell(facts, applied.text());
        outcome.map(|()| applied)
    }

    async fn apply_stages(
        &self,
        manifests: Vec<Manifest>,
        applied: &mut ChangeSet,
        facts: &mut Facts<Status>,
    ) -> Result<(), ApplyError> {
        let cluster = self.cluster;
        let mut listed = plan::listed(facts.status.inventory.as_ref()).map_err(ApplyError::Inventory)?;
        for stage in stages(manifests, &cluster.custom_stage_kinds) {
            let planned = cluster.applier.plan(stage, self.rules).await.map_err(ApplyError::Stage)?;
            reached(Step::Planned).await;
            if !planned.is_noop() {
                listed.merge(planned.entries());
                facts.status.inventory = Some(listed.to_status());
                self.progress.record(facts, self.run).await.map_err(ApplyError::Record)?;
                reached(Step::Listed).await;
            }
            let kind = planned.kind();
            let changes = cluster.applier.apply(planned, self.rules).await.map_err(ApplyError::Stage)?;
            applied.extend(changes.iter().cloned());
            reached(Step::Applied).await;
            self.settle(kind, &changes).await?;
            reached(Step::Settled).await;
        }
        Ok(())
    }

    /// Looks which objects are not as desired, and changes none.
    async fn compare_stages(
        &self,
        manifests: Vec<Manifest>,
        applied: &mut ChangeSet,
        facts: &mut Facts<Status>,
    ) -> Result<(), ApplyError> {
        let mut found = Vec::new();
        for stage in stages(manifests, &self.cluster.custom_stage_kinds) {
            let planned = self.cluster.applier.plan(stage, self.rules).await.map_err(ApplyError::Stage)?;
            found.extend(planned.drift());
            applied.extend(planned.leave());
        }
        if let Some(message) = drift::tell(&found, &mut facts.conditions) {
            let (severity, reason) = (Severity::Error, DRIFT_DETECTED.to_owned());
            facts.notices.push(Notice { severity, reason, message, metadata: self.at.metadata() });
        }
        Ok(())
    }

    /// Deletes what was applied before and is not any more, where the object prunes. What could not be deleted stays listed.
    pub(super) async fn prune(
        &self,
        old: &Inventory,
        applied: &Inventory,
        facts: &mut Facts<Status>,
    ) -> Result<(), Fault> {
        let stale = plan::stale(old, applied);
        let mut kept = applied.clone();
        let mut outcome = Ok(());
        if self.object.spec.prune && !stale.is_empty() {
            let patience = plan::timeout(&self.object.spec);
            let (owner, wait) = (&self.rules.owner, Wait::Interruptible);
            let (deleted, ended) = delete::delete(stale, self.cluster, owner, patience, wait, self.run).await;
            self.tell(facts, deleted.changes.text());
            self.tell(facts, deleted.overdue_text().unwrap_or_default());
            kept.merge(deleted.survivors);
            outcome = ended.map_err(|interrupted| self.at.prune_superseded(interrupted));
            if outcome.is_ok() && !deleted.failures.is_empty() {
                outcome = self.at.step(reason::PRUNE_FAILED, Err(PruneError(deleted.failures)));
            }
        }
        facts.status.inventory = Some(kept.to_status());
        outcome
    }

    /// Waits for the health of what was applied, or of what the object names, if it wants that. Holds no permit meanwhile.
    pub(super) async fn healthy(&self, applied: &ChangeSet, facts: &mut Facts<Status>) -> Result<(), Fault> {
        let Some(targets) = plan::health_targets(self.object, applied) else {
            facts.conditions.remove(HEALTHY);
            return Ok(());
        };
        let was_healthy = facts.conditions.is_true(HEALTHY);
        let drifted = applied.has_changes();
        let started = Instant::now();
        let outcome = self.wait_told(targets, facts).await?;
        let took = flux_api::meta::Duration::from(started.elapsed());
        if let Err(cause) = outcome {
            facts.conditions.set(HEALTHY, ConditionStatus::False, reason::HEALTH_CHECK_FAILED, message(&cause));
            return self.at.step(reason::HEALTH_CHECK_FAILED, Err(HealthError { after: took, cause }));
        }
        let text = format!("Health check passed in {took}");
        if !was_healthy || (drifted && self.at.is_new(self.object)) {
            self.tell(facts, text.clone());
        }
        if !was_healthy || drifted || !self.progress.is_quiet() {
            facts.conditions.set(HEALTHY, ConditionStatus::True, reason::SUCCEEDED, text);
        }
        Ok(())
    }

    /// Waits for health, and tells so in the status where there is something to wait for.
    async fn wait_told(&self, targets: Vec<Target>, facts: &mut Facts<Status>) -> Result<Result<(), Unhealthy>, Fault> {
        if targets.is_empty() {
            return Ok(Ok(()));
        }
        reached(Step::Checking).await;
        let text = self.progress.checking();
        let mut wait = std::pin::pin!(self.wait(targets, plan::timeout(&self.object.spec)));
        let superseded = |interrupted| self.at.superseded(interrupted);
        // The glance ends before a permit is waited for again: a wait that has ended must not be asked once more.
        let glance = self.run.wait(tokio::time::timeout(GLANCE, &mut wait)).await;
        if let Ok(ended) = glance.map_err(superseded)? {
            return Ok(ended);
        }
        facts.conditions.set(HEALTHY, ConditionStatus::Unknown, reason::PROGRESSING, text);
        self.at.step(reason::HEALTH_CHECK_FAILED, self.progress.record(facts, self.run).await)?;
        self.run.wait(&mut wait).await.map_err(superseded)
    }

    /// Waits until what later stages may need is there.
    async fn settle(&self, kind: StageKind, changes: &[Change]) -> Result<(), ApplyError> {
        let targets: Vec<Target> = changes.iter().filter_map(Target::of).collect();
        if !kind.must_settle() || targets.is_empty() {
            return Ok(());
        }
        self.run.wait_uninterrupted(self.wait(targets, SETTLING)).await.map_err(ApplyError::Settle)
    }

    async fn wait(&self, targets: Vec<Target>, timeout: Duration) -> Result<(), Unhealthy> {
        let Cluster { applier, health, .. } = self.cluster;
        let terms = Terms { rules: &self.rules.health, timeout, fail_fast: self.fail_fast, now: self.run.now() };
        let ready = health.wait(applier.client(), targets, terms).await?;
        self.kept.were_ready(&ready);
        Ok(())
    }

    /// An event about what was done, sent with the next write; none without a text.
    fn tell(&self, facts: &mut Facts<Status>, text: String) {
        if !text.is_empty() {
            let (severity, reason) = (Severity::Info, reason::PROGRESSING.to_owned());
            facts.notices.push(Notice { severity, reason, message: text, metadata: self.at.metadata() });
        }
    }
}
