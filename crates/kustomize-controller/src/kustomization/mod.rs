//! Brings a cluster in line with the manifests that a source holds.
//!
//! A run reads (`observe`), builds (`build`), decides (`plan`), changes (`act`) and tells (`report`); the story in call order is
//! below. What it applied is listed in the status before it is written, so that no crash can leave an object behind that
//! nobody knows of; what could not be pruned stays listed.

mod act;
mod blame;
mod build;
mod cluster;
mod decryption;
mod delete;
pub(crate) mod dependencies;
mod dependents;
mod drift;
mod error;
mod fault;
mod finalize;
mod history;
mod memory;
mod observe;
mod plan;
mod proceed;
mod progress;
mod remote;
mod report;
mod size;
mod variables;

use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_api::kustomize::v1::Kustomization;
use flux_api::kustomize::v1::kustomization::Snapshot;
use flux_api::meta::{ResourceInventory, reason};
use flux_http::Artifacts;
use flux_runtime::{Clock, End, Facts, Fault, ObjectKey, Outcome, Reconciler, Report, Run, Store};
use flux_ssa::FailFast;
use flux_tasks::Tasks;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::step::{Step, reached};
use crate::watches::Index;
pub use cluster::{Clusters, Policy, Watching};
pub use decryption::{Decryption, Services};
use dependents::Dependents;
use fault::Attempted;
pub use memory::Memories;
pub use observe::Sources;
use proceed::Look;
use progress::Progress;

/// The status of a Kustomization without what all kinds share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The last revision that was applied, healthy where that is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// The revision that the artifact applied last was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// The last revision that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// All objects that may be there because of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// The last runs that reached the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
}

/// What flags and gates decide about a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--requeue-dependency`.
    pub requeue_dependency: Duration,
    /// Gate `AdditiveCELDependencyCheck`.
    pub additive_dependency_check: bool,
    /// Whether bases may be elsewhere: not so with `--no-remote-bases`.
    pub remote_bases: bool,
    /// Gate `StrictPostBuildSubstitutions`.
    pub strict_substitutions: bool,
    /// Whether health checks end with the first object that failed: not so with gate `DisableFailFastBehavior`.
    pub fail_fast: FailFast,
    /// Gate `ObjectLevelWorkloadIdentity`.
    pub object_level_identity: bool,
}

/// Reconciles Kustomizations.
pub struct KustomizationReconciler {
    /// What flags and gates decide.
    pub settings: Settings,
    /// The sources of manifests.
    pub sources: Sources,
    /// Where keys for encrypted manifests are.
    pub decryption: Decryption,
    /// The clusters to apply to.
    pub clusters: Clusters,
    /// Fetches bases that are elsewhere.
    pub http: reqwest::Client,
    /// The artifacts of sources.
    pub artifacts: Artifacts,
    /// The tasks of the process.
    pub tasks: Tasks,
    /// Who is woken by what.
    pub index: Arc<Mutex<Index>>,
    /// All objects of this kind that the controller sees.
    pub objects: Store<Kustomization>,
    /// What is kept between runs.
    pub memories: Memories,
}

impl Reconciler for KustomizationReconciler {
    type Object = Kustomization;
    type Status = Status;

    async fn reconcile(
        &self,
        object: Arc<Kustomization>,
        facts: &mut Facts<Status>,
        run: &Run<Kustomization>,
    ) -> Result<Outcome, Fault> {
        let key = ObjectKey::of(&*object);
        self.index.lock().run_checks(&key, dependencies::links(&object));
        let end = self.bring_in_line(&object, facts, run).await;
        let mut index = self.index.lock();
        match &end {
            Ok(_) => index.run_ended(&key, facts.status.last_applied_revision.as_deref()),
            Err(fault) if fault.failure().reason == reason::DEPENDENCY_NOT_READY => index.run_waits(&key),
            Err(_) => index.run_ended(&key, None),
        }
        drop(index);
        end
    }

    async fn finalize(
        &self,
        object: Arc<Kustomization>,
        facts: &mut Facts<Status>,
        run: &Run<Kustomization>,
    ) -> Result<(), Fault> {
        let dependents = Dependents { index: &self.index, objects: &self.objects };
        finalize::finalize(&object, &self.clusters, &dependents, facts, run).await?;
        self.decryption.services.tokens.forget(&ObjectKey::of(&*object));
        Ok(())
    }

    fn report(&self, object: &Kustomization, facts: &Facts<Status>, end: &End, clock: &Clock) -> Report {
        report::report(object, facts, end, clock)
    }
}

impl KustomizationReconciler {
    /// Looks whether the object may proceed, and lets it.
    async fn bring_in_line(
        &self,
        object: &Kustomization,
        facts: &mut Facts<Status>,
        run: &Run<Kustomization>,
    ) -> Result<Outcome, Fault> {
        let rules = fault::configuration(plan::rules(object, &self.settings))?; // Stalled when an expression is none.
        let source = self.sources.of(object, &run.client).await;
        let source = fault::source(source, object, &self.settings)?; // Waiting when absent.
        let at = Attempted::new(object, &source, &self.settings);
        let additive = self.settings.additive_dependency_check;
        let ready = observe::dependencies(object, source.revision(), additive, &run.client).await;
        at.dependencies(ready)?; // Waiting when one is not ready.
        reached(Step::Observed).await;

        self.index.lock().run_works(&ObjectKey::of(object), source.revision());
        let progress = Progress::new(object, &source);
        let (at, progress, rules, started) = (&at, &progress, &rules, Instant::now());
        let look = Look { object, source: &source, at, progress, rules, run, started };
        let end = self.proceed(&look, facts).await;
        if end.is_err() {
            progress.show(facts, run);
        }
        end
    }
}
