//! What a run changes: objects applied, pruned and waited for. What is to be done was decided before.

use std::time::{Duration, Instant};

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{ConditionStatus, HEALTHY, reason};
use flux_objects::{Change, ChangeSet, Inventory, Manifest, StageKind, stages};
use flux_runtime::report::message;
use flux_runtime::{Facts, Fault, Notice, Run, Severity};
use flux_ssa::{FailFast, HealthError as Unhealthy, Rules, Target};

use super::cluster::Cluster;
use super::error::{ApplyError, HealthError, PruneError};
use super::fault::Attempted;
use super::progress::Progress;
use super::{Status, plan, progress};

/// How long definitions and classes may take before what needs them is applied.
const SETTLING: Duration = Duration::from_secs(60);

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
    /// The facts' way out.
    pub run: &'a Run<Kustomization>,
}

impl Work<'_> {
    /// Applies `manifests` stage after stage. Each stage is dry-run as a whole, then listed in the status, then applied; the
    /// next one starts when what it may need is there. Whatever was written is listed, wherever this is cut.
    pub(super) async fn apply(
        &self,
        manifests: Vec<Manifest>,
        facts: &mut Facts<Status>,
    ) -> Result<ChangeSet, ApplyError> {
        let mut applied = ChangeSet::default();
        let outcome = self.apply_stages(manifests, &mut applied, facts).await;
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
            if !planned.is_noop() {
                listed.merge(planned.entries());
                facts.status.inventory = Some(listed.to_status());
                progress::record(facts, self.run).await.map_err(ApplyError::Record)?;
            }
            let kind = planned.kind();
            let changes = cluster.applier.apply(planned, self.rules).await.map_err(ApplyError::Stage)?;
            applied.extend(changes.iter().cloned());
            self.settle(kind, &changes).await?;
        }
        Ok(())
    }

    /// Deletes what was applied before and is not any more, where the object prunes. What could not be deleted stays listed.
    pub(super) async fn prune(
        &self,
        old: &Inventory,
        applied: &Inventory,
        facts: &mut Facts<Status>,
    ) -> Result<(), PruneError> {
        let stale = plan::stale(old, applied);
        let mut kept = applied.clone();
        let mut outcome = Ok(());
        if self.object.spec.prune && !stale.is_empty() {
            let pruned = self.cluster.applier.prune(stale, &self.rules.owner).await;
            self.tell(facts, ChangeSet { changes: pruned.changes }.text());
            if !pruned.survivors.is_empty() {
                kept.merge(pruned.survivors);
                outcome = Err(PruneError(pruned.failures));
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
        let text = self.progress.checking(facts, self.run);
        facts.conditions.set(HEALTHY, ConditionStatus::Unknown, reason::PROGRESSING, text);
        let started = Instant::now();
        let outcome = if targets.is_empty() {
            Ok(())
        } else {
            self.at.step(reason::HEALTH_CHECK_FAILED, progress::record(facts, self.run).await)?;
            let waited = self.run.wait(self.wait(targets, plan::timeout(&self.object.spec))).await;
            waited.map_err(|interrupted| self.at.superseded(interrupted))?
        };
        match outcome {
            Ok(()) => {
                let text = format!("Health check passed in {}", flux_api::meta::Duration::from(started.elapsed()));
                if !was_healthy || (self.at.is_new(self.object) && applied.has_changes()) {
                    self.tell(facts, text.clone());
                }
                facts.conditions.set(HEALTHY, ConditionStatus::True, reason::SUCCEEDED, text);
                Ok(())
            }
            Err(cause) => {
                facts.conditions.set(HEALTHY, ConditionStatus::False, reason::HEALTH_CHECK_FAILED, message(&cause));
                let err = HealthError { after: started.elapsed().into(), cause };
                self.at.step(reason::HEALTH_CHECK_FAILED, Err(err))
            }
        }
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
        health.wait(applier.client(), targets, &self.rules.health, timeout, self.fail_fast).await
    }

    /// An event about what was done, sent with the next write; none without a text.
    fn tell(&self, facts: &mut Facts<Status>, text: String) {
        if !text.is_empty() {
            let (severity, reason) = (Severity::Info, reason::PROGRESSING.to_owned());
            facts.notices.push(Notice { severity, reason, message: text, metadata: self.at.metadata() });
        }
    }
}
