//! Dry-runs and applies the objects of a stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flux_objects::{Action, Change, GroupKind, IgnoreRules, Manifest, Marks, ObjectId, Owner, Stage, StageKind, rank};
use flux_status::HealthRules;
use futures::{StreamExt as _, stream};
use kube::Client;
use tokio::sync::Semaphore;

use crate::error::{discovery_text, dry_run_text};
use crate::known::Note;
use crate::plan::{Criteria, Step, Work, vanishes};
use crate::request::{self, Mode, Place};
use crate::{ApiFailure, ApplyError, Discovery, Failed, Failures, Memory, Pace, Plan, Resolved, cleanup, gone};

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

    /// The pace of a cluster. Every applier has as many requests at the same time as objects are dry-run; one alone has four times as
    /// many where the API server answers as quickly then.
    pub fn pace(&self) -> Pace {
        Pace::new(1, self.own().saturating_mul(3))
    }

    /// How many requests an applier may always have.
    fn own(&self) -> usize {
        self.concurrency.clamp(1, Semaphore::MAX_PERMITS)
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
    pace: Arc<Pace>,
    /// The requests that it need not share.
    own: Arc<Semaphore>,
    memory: Option<Memory>,
}

impl Applier {
    /// Applies with `client`; `discovery` is that of its cluster.
    pub fn new(client: Client, discovery: Arc<Discovery>, options: Arc<Options>) -> Self {
        let (marks, pace) = (Arc::new(Marks::of(&options.group)), Arc::new(options.pace()));
        let own = Arc::new(Semaphore::new(options.own()));
        Self { client, discovery, options, marks, pace, own, memory: None }
    }

    /// The same, sharing what goes beyond its own requests with all that apply to its cluster.
    #[must_use]
    pub fn at_pace(self, pace: Arc<Pace>) -> Self {
        Self { pace, ..self }
    }

    /// The same, asking nothing about objects that are as they were left, as far as `memory` knows.
    #[must_use]
    pub fn remembering(self, memory: Memory) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// Sends a request when it is its turn.
    pub(crate) async fn paced<T, F>(&self, request: impl FnMut() -> F) -> Result<T, ApiFailure>
    where
        F: Future<Output = Result<T, ApiFailure>>,
    {
        self.pace.run(&self.own, request).await
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
                Err(Refusal::Object(failed)) => failures.push(failed),
                Err(Refusal::Cluster(failed)) => {
                    failures.push(failed);
                    break;
                }
            }
        }
        if failures.is_empty() { Ok(Plan { kind, steps }) } else { Err(ApplyError::DryRun(Failures::new(failures))) }
    }

    /// Carries out a plan, rank after rank in the order of application, and returns what was done to each object in that order.
    /// Objects of one rank are applied at the same time; after a failure no more are begun, and those under way are seen through: one
    /// of them may be an object that is deleted and not created again yet.
    pub async fn apply(&self, plan: Plan, rules: &Rules) -> Result<Vec<Change>, ApplyError> {
        let mut changes = Vec::with_capacity(plan.steps.len());
        for rank in ranks(plan.steps) {
            let failed = AtomicBool::new(false);
            let applied = stream::iter(rank).map(|step| self.apply_unless(&failed, step, rules));
            let applied: Vec<_> = applied.buffered(self.options.own() + self.pace.most()).collect().await;
            for change in applied.into_iter().flatten() {
                changes.push(change?);
            }
        }
        if plan.kind == StageKind::Definitions && changes.iter().any(is_new_definition) {
            self.discovery.expect_new_kinds();
        }
        Ok(changes)
    }

    async fn plan_one(&self, mut desired: Manifest, rules: &Rules) -> Result<Step, Refusal> {
        let resolved = self.resolve(&mut desired).await?;
        let (entry, vanishes) = (desired.entry(), vanishes(&desired));
        let mark = self.memory.as_ref().and_then(|memory| memory.mark(&desired));
        let definitions = self.discovery.edition_of(&entry.id.group);
        let mut step = Step { entry, resolved, vanishes, mark, definitions, work: Work::Skip };
        if let Some((memory, mark)) = self.memory.as_ref().zip(mark)
            && let Some(work) = memory.work(&step.entry.id, mark, definitions)
        {
            return Ok(Step { work, ..step });
        }
        step.work = self.look(desired, &step, rules).await?;
        Ok(step)
    }

    /// What the object needs, found by a dry run and by what there is. An object that is not there yet needs no reading.
    async fn look(&self, desired: Manifest, step: &Step, rules: &Rules) -> Result<Work, Refusal> {
        let (criteria, id) = (self.criteria(rules), &step.entry.id);
        let place = place(&step.resolved, id);
        let file = desired.file().cloned();
        let refuse = |failure: &ApiFailure| Refusal::of(id, file.clone(), failure);
        if criteria.leaves_alone(&desired) {
            self.leave_alone(step);
            return Ok(Work::Skip);
        }
        let mut live = None;
        if self.options.migrate_api_version || self.marks.is_create_only(&desired) {
            live = request::get(&self.client, place).await.map_err(|failure| refuse(&failure))?;
            if criteria.skips(&desired, live.as_ref()) {
                return Ok(self.skip(step, live.as_ref()));
            }
        }
        if self.options.migrate_api_version
            && let Some(found) = &live
            && let Some(patch) = cleanup::migrate(found, desired.api_version())
        {
            let migrated = request::patch(&self.client, place, patch, &self.options.manager).await;
            live = Some(migrated.map_err(|failure| refuse(&failure))?);
        }

        let manager = self.options.manager.as_str();
        let dry_run = self.paced(|| request::apply(&self.client, place, &desired, manager, Mode::DryRun)).await;
        let creates = dry_run.as_ref().is_ok_and(|dry_run| dry_run.resource_version().is_empty());
        if live.is_none() && !creates {
            live = match (self.paced(|| request::get(&self.client, place)).await, &dry_run) {
                (Ok(live), _) => live,
                (Err(_), Err(failure)) => return Err(refuse(failure)),
                (Err(failure), Ok(_)) => return Err(refuse(&failure)),
            };
            if criteria.skips(&desired, live.as_ref()) {
                return Ok(self.skip(step, live.as_ref()));
            }
        }
        match (dry_run, live) {
            (Ok(dry_run), live) => {
                let take_over = live.as_ref().is_some_and(|live| self.take_over(&criteria, &desired, live).is_some());
                let work = criteria.work(desired, live.as_ref(), &dry_run, take_over);
                if let (Work::Nothing { settled }, Some(live)) = (&work, &live) {
                    self.remember(step, live, false, *settled);
                }
                Ok(work)
            }
            (Err(failure), Some(live)) if criteria.recreates(&desired, &live, &failure) => {
                Ok(Work::Recreate { payload: desired, uid: live.uid().to_owned() })
            }
            (Err(failure), _) => {
                if failure.is_not_found() {
                    self.discovery.forget(desired.api_version());
                }
                Err(refuse(&failure))
            }
        }
    }

    fn skip(&self, step: &Step, live: Option<&Manifest>) -> Work {
        if let Some(live) = live {
            self.remember(step, live, true, false);
        }
        Work::Skip
    }

    /// Trusts nothing that is known of an object, before it is changed.
    pub(crate) fn forget(&self, id: &ObjectId) {
        self.memory.iter().for_each(|memory| memory.forget(id));
    }

    fn leave_alone(&self, step: &Step) {
        if let Some((memory, mark)) = self.memory.as_ref().zip(step.mark) {
            memory.leave_alone(&step.entry.id, mark);
        }
    }

    fn remember(&self, step: &Step, left: &Manifest, skipped: bool, settled: bool) {
        if let Some((memory, mark)) = self.memory.as_ref().zip(step.mark) {
            let Step { entry, resolved, vanishes, definitions, .. } = step;
            let (id, vanishes, definitions) = (&entry.id, *vanishes, *definitions);
            memory.remember(&Note { id, resolved, definitions, vanishes, skipped, settled }, mark, left);
        }
    }

    /// How the object's kind is served; a namespace on an object that has none goes.
    async fn resolve(&self, desired: &mut Manifest) -> Result<Arc<Resolved>, Refusal> {
        let resolved = self.discovery.resolve(&self.client, desired.api_version(), desired.kind()).await;
        let id = desired.id();
        let refused = |text| Refusal::Object(Failed { id: id.clone(), file: desired.file().cloned(), text });
        let resolved = resolved.map_err(|err| refused(discovery_text(&id, &err)))?;
        if resolved.namespaced && desired.namespace().is_empty() {
            return Err(refused(format!("{id} namespace not specified")));
        }
        if !resolved.namespaced {
            desired.clear_namespace();
        }
        Ok(resolved)
    }

    /// Applies an object, and says in `failed` when that fails; none when another one has failed before it was begun.
    async fn apply_unless(&self, failed: &AtomicBool, step: Step, rules: &Rules) -> Option<Result<Change, ApplyError>> {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        let applied = self.apply_one(step, rules).await;
        if applied.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        Some(applied)
    }

    async fn apply_one(&self, mut step: Step, rules: &Rules) -> Result<Change, ApplyError> {
        let work = std::mem::replace(&mut step.work, Work::Skip);
        if !work.is_noop() {
            self.forget(&step.entry.id);
        }
        match work {
            Work::Skip => Ok(step.done(Action::Skipped, false)),
            Work::Nothing { settled } => Ok(step.done(Action::Unchanged, settled)),
            Work::Create(payload) => self.write(&step, &payload, rules, Action::Created).await,
            Work::Configure { payload, take_over, fields: _ } => {
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
        let place = place(&step.resolved, id);
        let applied = self.paced(|| request::apply(&self.client, place, payload, manager, Mode::Write)).await;
        let applied = applied.map_err(|source| ApplyError::Apply { id: id.clone(), source })?;
        let settled = self.criteria(rules).is_settled(&applied);
        self.remember(step, &applied, false, settled);
        Ok(step.done(action, settled))
    }

    async fn take_over_metadata(&self, step: &Step, desired: &Manifest, rules: &Rules) -> Result<(), ApplyError> {
        let (id, criteria) = (&step.entry.id, self.criteria(rules));
        let place = place(&step.resolved, id);
        let failed = |source| ApplyError::Cleanup { id: id.clone(), source };
        let mut attempt = 1;
        loop {
            let live = self.paced(|| request::get(&self.client, place)).await.map_err(failed)?;
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
    Object(Failed),
    /// The API server does not answer, so that asking about other objects would tell nothing new.
    Cluster(Failed),
}

impl Refusal {
    fn of(id: &ObjectId, file: Option<Arc<str>>, failure: &ApiFailure) -> Self {
        let failed = Failed { id: id.clone(), file, text: dry_run_text(id, failure) };
        if failure.is_unreachable() { Self::Cluster(failed) } else { Self::Object(failed) }
    }
}

pub(crate) fn place<'a>(resolved: &'a Resolved, id: &'a ObjectId) -> Place<'a> {
    Place { resolved, namespace: &id.namespace, name: &id.name }
}

/// The steps, which are in the order of application, by their rank.
fn ranks(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut ranks: Vec<(usize, Vec<Step>)> = Vec::new();
    for step in steps {
        let own = rank(&step.entry.id.kind);
        match ranks.last_mut() {
            Some((last, steps)) if *last == own => steps.push(step),
            _ => ranks.push((own, vec![step])),
        }
    }
    ranks.into_iter().map(|(_, steps)| steps).collect()
}

fn is_new_definition(change: &Change) -> bool {
    change.action.is_change() && change.entry.id.kind == "CustomResourceDefinition"
}
