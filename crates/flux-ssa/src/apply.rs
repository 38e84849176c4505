//! Dry-runs and applies the objects of a stage.

use std::sync::Arc;
use std::time::Duration;

use flux_objects::{Action, Change, GroupKind, IgnoreRules, Manifest, Marks, ObjectId, Owner, Stage, StageKind};
use flux_status::HealthRules;
use futures::{StreamExt as _, stream};
use kube::Client;

use crate::error::{discovery_text, dry_run_text};
use crate::plan::{Criteria, Step, Work, vanishes};
use crate::request::{self, Mode, Place};
use crate::{ApiFailure, ApplyError, Discovery, Failures, Plan, Resolved, cleanup, gone};

/// How often a take-over is tried anew because somebody else changed the object meanwhile.
const TAKE_OVER_ATTEMPTS: usize = 5;

/// How a controller applies objects, the same for all its owners.
#[derive(Clone, Debug)]
pub struct Options {
    /// The field manager, for example `kustomize-controller`.
    pub manager: String,
    /// The API group of owner labels and marks, for example `kustomize.toolkit.fluxcd.io`.
    pub group: String,
    /// How many objects are dry-run at the same time (`--concurrent-ssa`).
    pub concurrency: usize,
    /// Kinds that get a stage before the rest (`--custom-apply-stage-kinds`).
    pub custom_stage_kinds: Vec<GroupKind>,
    /// More managers, by the start of their name, whose fields are taken over (`--override-manager`).
    pub override_managers: Vec<String>,
    /// Whether managed fields of other API versions are rewritten before a dry run (`MigrateAPIVersion`).
    pub migrate_api_version: bool,
}

impl Options {
    /// What upstream does when no flag is given.
    pub fn new(manager: impl Into<String>, group: impl Into<String>) -> Self {
        Self {
            manager: manager.into(),
            group: group.into(),
            concurrency: 4,
            custom_stage_kinds: Vec::new(),
            override_managers: Vec::new(),
            migrate_api_version: false,
        }
    }
}

/// How the objects of one owner are applied.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whose objects these are.
    pub owner: Owner,
    /// Whether objects with changed immutable fields are recreated without being marked.
    pub force: bool,
    /// Fields to leave alone.
    pub ignore: IgnoreRules,
    /// What readiness is for the owner's objects.
    pub health: Arc<HealthRules>,
    /// How long an object that is recreated may take to go.
    pub recreate_timeout: Duration,
}

/// Applies and deletes objects as one identity in one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Applier {
    pub(crate) client: Client,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) options: Arc<Options>,
    pub(crate) marks: Arc<Marks>,
}

impl Applier {
    /// Applies with `client`; `discovery` is that of its cluster.
    pub fn new(client: Client, discovery: Arc<Discovery>, options: Arc<Options>) -> Self {
        let marks = Arc::new(Marks::of(&options.group));
        Self { client, discovery, options, marks }
    }

    /// The identity that objects are applied as.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What the cluster serves.
    pub fn discovery(&self) -> &Arc<Discovery> {
        &self.discovery
    }

    /// Reads and dry-runs every object of a stage, which are to be normalised and labelled already. Nothing is applied;
    /// but when `migrate_api_version` is on, managed fields may be rewritten.
    ///
    /// The error lists every object that does not pass.
    pub async fn plan(&self, stage: Stage, rules: &Rules) -> Result<Plan, ApplyError> {
        let Stage { kind, manifests } = stage;
        let planned = stream::iter(manifests).map(|manifest| self.plan_one(manifest, rules));
        let mut planned = planned.buffered(self.options.concurrency.max(1));
        let (mut steps, mut failures) = (Vec::new(), Vec::new());
        while let Some(outcome) = planned.next().await {
            match outcome {
                Ok(step) => steps.push(step),
                Err(Refusal::Object(text)) => failures.push(text),
                Err(Refusal::Cluster(text)) => {
                    failures.push(text);
                    break;
                }
            }
        }
        if failures.is_empty() { Ok(Plan { kind, steps }) } else { Err(ApplyError::DryRun(Failures::new(failures))) }
    }

    /// Carries out a plan, object after object in their order, and returns what was done to each.
    pub async fn apply(&self, plan: Plan, rules: &Rules) -> Result<Vec<Change>, ApplyError> {
        let mut changes = Vec::with_capacity(plan.steps.len());
        for step in plan.steps {
            changes.push(self.apply_one(step, rules).await?);
        }
        if plan.kind == StageKind::Definitions && changes.iter().any(is_new_definition) {
            self.discovery.expect_new_kinds();
        }
        Ok(changes)
    }

    async fn plan_one(&self, mut desired: Manifest, rules: &Rules) -> Result<Step, Refusal> {
        let resolved = self.resolve(&mut desired).await?;
        let (criteria, id) = (self.criteria(rules), desired.id());
        let place = place(&resolved, &id);
        let refuse = |failure: &ApiFailure| Refusal::of(&id, failure);
        let step = |entry, vanishes, work| Step { entry, resolved: Arc::clone(&resolved), vanishes, work };

        let mut live = request::get(&self.client, place).await.map_err(|failure| refuse(&failure))?;
        let (entry, vanishes) = (desired.entry(), vanishes(&desired));
        if criteria.skips(&desired, live.as_ref()) {
            return Ok(step(entry, vanishes, Work::Skip));
        }
        if self.options.migrate_api_version
            && let Some(found) = &live
            && let Some(patch) = cleanup::migrate(found, desired.api_version())
        {
            let migrated = request::patch(&self.client, place, patch, &self.options.manager).await;
            live = Some(migrated.map_err(|failure| refuse(&failure))?);
        }

        let manager = self.options.manager.as_str();
        match request::apply(&self.client, place, &desired, manager, Mode::DryRun).await {
            Ok(dry_run) => {
                let take_over = live.as_ref().is_some_and(|live| self.take_over(&criteria, &desired, live).is_some());
                Ok(step(entry, vanishes, criteria.work(desired, live.as_ref(), &dry_run, take_over)))
            }
            Err(failure) => match live {
                Some(live) if criteria.recreates(&desired, &live, &failure) => {
                    let uid = live.uid().to_owned();
                    Ok(step(entry, vanishes, Work::Recreate { payload: desired, uid }))
                }
                _ => {
                    if failure.is_not_found() {
                        self.discovery.forget(desired.api_version());
                    }
                    Err(refuse(&failure))
                }
            },
        }
    }

    /// How the object's kind is served; a namespace on an object that has none goes.
    async fn resolve(&self, desired: &mut Manifest) -> Result<Arc<Resolved>, Refusal> {
        let resolved = self.discovery.resolve(&self.client, desired.api_version(), desired.kind()).await;
        let resolved = resolved.map_err(|err| Refusal::Object(discovery_text(&desired.id(), &err)))?;
        if !resolved.namespaced {
            desired.clear_namespace();
        } else if desired.namespace().is_empty() {
            return Err(Refusal::Object(format!("{} namespace not specified", desired.id())));
        }
        Ok(resolved)
    }

    async fn apply_one(&self, mut step: Step, rules: &Rules) -> Result<Change, ApplyError> {
        let work = std::mem::replace(&mut step.work, Work::Skip);
        match work {
            Work::Skip => Ok(step.done(Action::Skipped, false)),
            Work::Nothing { settled } => Ok(step.done(Action::Unchanged, settled)),
            Work::Create(payload) => self.write(&step, &payload, rules, Action::Created).await,
            Work::Configure { payload, take_over } => {
                if take_over {
                    self.take_over_metadata(&step, &payload, rules).await?;
                }
                self.write(&step, &payload, rules, Action::Configured).await
            }
            Work::Recreate { payload, uid } => {
                self.remove(&step, &uid, rules.recreate_timeout).await?;
                self.write(&step, &payload, rules, Action::Created).await
            }
        }
    }

    async fn write(
        &self,
        step: &Step,
        payload: &Manifest,
        rules: &Rules,
        action: Action,
    ) -> Result<Change, ApplyError> {
        let id = &step.entry.id;
        let manager = self.options.manager.as_str();
        let applied = request::apply(&self.client, place(&step.resolved, id), payload, manager, Mode::Write).await;
        let applied = applied.map_err(|source| ApplyError::Apply { id: id.clone(), source })?;
        Ok(step.done(action, self.criteria(rules).is_settled(&applied)))
    }

    async fn take_over_metadata(&self, step: &Step, desired: &Manifest, rules: &Rules) -> Result<(), ApplyError> {
        let (id, criteria) = (&step.entry.id, self.criteria(rules));
        let place = place(&step.resolved, id);
        let failed = |source| ApplyError::Cleanup { id: id.clone(), source };
        let mut attempt = 1;
        loop {
            let live = request::get(&self.client, place).await.map_err(failed)?;
            let Some(patch) = live.and_then(|live| self.take_over(&criteria, desired, &live)) else { return Ok(()) };
            match request::patch(&self.client, place, patch, &self.options.manager).await {
                Ok(_) => return Ok(()),
                Err(failure) if failure.is_conflict() && attempt < TAKE_OVER_ATTEMPTS => attempt += 1,
                Err(failure) => return Err(failed(failure)),
            }
        }
    }

    async fn remove(&self, step: &Step, uid: &str, timeout: Duration) -> Result<(), ApplyError> {
        let id = &step.entry.id;
        let place = place(&step.resolved, id);
        let deleted = request::delete(&self.client, place, uid).await;
        deleted.map_err(|source| ApplyError::Recreate { id: id.clone(), source })?;
        match tokio::time::timeout(timeout, gone::wait(&self.client, place, uid)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(ApplyError::StillThere { id: id.clone() }),
        }
    }

    fn take_over(&self, criteria: &Criteria<'_>, desired: &Manifest, live: &Manifest) -> Option<json_patch::Patch> {
        let take_over = || cleanup::take_over(live, &self.options.manager, &self.options.override_managers);
        if criteria.takes_over(desired, live) { take_over() } else { None }
    }

    fn criteria<'a>(&'a self, rules: &'a Rules) -> Criteria<'a> {
        Criteria {
            marks: &self.marks,
            ignore: &rules.ignore,
            health: &rules.health,
            manager: &self.options.manager,
            force: rules.force,
        }
    }
}

/// Why one object cannot be planned.
enum Refusal {
    /// It is about the object.
    Object(String),
    /// The API server does not answer, so that asking about other objects would tell nothing new.
    Cluster(String),
}

impl Refusal {
    fn of(id: &ObjectId, failure: &ApiFailure) -> Self {
        let text = dry_run_text(id, failure);
        if failure.is_unreachable() { Self::Cluster(text) } else { Self::Object(text) }
    }
}

pub(crate) fn place<'a>(resolved: &'a Resolved, id: &'a ObjectId) -> Place<'a> {
    Place { resolved, namespace: &id.namespace, name: &id.name }
}

fn is_new_definition(change: &Change) -> bool {
    change.action.is_change() && change.entry.id.kind == "CustomResourceDefinition"
}
