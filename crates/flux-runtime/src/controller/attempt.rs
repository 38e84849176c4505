//! One run of one object, from the queue to the next run.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_api::meta::{FINALIZER, FluxObject, reason};
use flux_status::Conditions;
use futures::FutureExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::Resource as _;

use super::Shared;
use crate::events::About;
use crate::mask::Masker;
use crate::permit::Permit;
use crate::publish::{Publisher, WriteError, Written, requested_at};
use crate::run::masked;
use crate::running::Interrupt;
use crate::store::ObjectKey;
use crate::{Clock, End, Facts, Failure, Fault, Reconciler, Report, Requeue, Retry, Run};

/// When the object runs next.
pub(super) enum Next {
    /// As the run's report says.
    Run {
        requeue: Requeue,
        /// The object's interval.
        interval: Option<Duration>,
        /// Whether the run failed, so that the object's backoff stays.
        failed: bool,
    },
    /// When something changes.
    Nothing,
}

/// One run of one object.
pub(super) struct Attempt<R: Reconciler> {
    pub(super) shared: Arc<Shared<R>>,
    pub(super) key: ObjectKey,
    pub(super) object: Arc<R::Object>,
    pub(super) interrupt: Interrupt,
    pub(super) permit: Arc<Permit>,
}

#[derive(Debug, thiserror::Error)]
#[error("reconciler panicked: {0}")]
struct Panicked(String);

/// Where a run starts from.
type Prepared<R> = (Facts<<R as Reconciler>::Status>, Run<<R as Reconciler>::Object>);

impl<R: Reconciler> Attempt<R> {
    /// The span that gives the run's log lines their keys.
    pub(super) fn span(&self) -> tracing::Span {
        let kind = <R::Object as kube::Resource>::kind(&());
        tracing::error_span!(
            "run",
            controller = kind.to_lowercase(),
            controllerGroup = &*<R::Object as kube::Resource>::group(&()),
            controllerKind = &*kind,
            namespace = self.key.namespace,
            name = self.key.name,
            reconcileID = run_id(),
        )
    }

    pub(super) async fn run(&self) -> Next {
        let object = Arc::clone(&self.object);
        let finalizers = object.meta().finalizers.clone().unwrap_or_default();
        let has_finalizer = finalizers.iter().any(|name| name == FINALIZER);
        let deleting = object.meta().deletion_timestamp.is_some();
        let (mut facts, run) = match self.prepare(&object) {
            Ok(prepared) => prepared,
            Err(err) => return self.unwritten(&object, &err),
        };
        if deleting {
            return if has_finalizer {
                self.finalize(object, &finalizers, &mut facts, &run).await
            } else {
                Next::Nothing
            };
        }
        if !has_finalizer {
            let with_ours: Vec<String> = finalizers.into_iter().chain([FINALIZER.to_owned()]).collect();
            return match run.publisher.write_finalizers(&object, &with_ours).await {
                Ok(()) => self.again(&object, Requeue::Now),
                Err(err) => self.unwritten(&object, &err),
            };
        }
        if object.suspended() {
            tracing::info!("Reconciliation is suspended for this object");
            return Next::Nothing;
        }
        let started = Instant::now();
        let work = AssertUnwindSafe(self.shared.controller.reconciler.reconcile(Arc::clone(&object), &mut facts, &run));
        let end = match work.catch_unwind().await {
            Ok(Ok(outcome)) => End::Done(outcome),
            Ok(Err(fault)) => End::Failed(fault),
            Err(panic) => End::Failed(panicked(&*panic)),
        };
        self.conclude(&object, facts, &run, &end, started.elapsed()).await
    }

    /// Facts as the object's status has them, and the run.
    fn prepare(&self, object: &Arc<R::Object>) -> Result<Prepared<R>, WriteError> {
        let (shared, runtime) = (&self.shared, &self.shared.runtime);
        let value = serde_json::to_value(&**object).map_err(WriteError::Serialise)?;
        let status = value.get("status").cloned().unwrap_or_default();
        let status: R::Status = match status {
            serde_json::Value::Null => R::Status::default(),
            status => serde_json::from_value(status).map_err(WriteError::Serialise)?,
        };
        let fields = Written::fields(&status)?;
        let generation = object.meta().generation.unwrap_or_default();
        let conditions = Conditions::new(object.conditions().to_vec(), generation, Time(Timestamp::now()));
        let manager = shared.controller.field_manager;
        let objects = shared.controller.objects.clone();
        let run = Run {
            client: runtime.client.clone(),
            object: Arc::clone(object),
            permit: Arc::clone(&self.permit),
            interrupt: self.interrupt.clone(),
            interruptible: shared.controller.interrupts,
            publisher: Publisher::new(runtime.client.clone(), objects, &**object, fields, manager),
            recorder: runtime.events.clone(),
            about: About::of(&**object),
            masker: Masker::new(),
        };
        Ok((Facts { status, conditions, notices: Vec::new() }, run))
    }

    async fn finalize(
        &self,
        object: Arc<R::Object>,
        finalizers: &[String],
        facts: &mut Facts<R::Status>,
        run: &Run<R::Object>,
    ) -> Next {
        let started = Instant::now();
        let work = AssertUnwindSafe(self.shared.controller.reconciler.finalize(Arc::clone(&object), facts, run));
        let fault = match work.catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault),
            Err(panic) => Some(panicked(&*panic)),
        };
        if let Some(fault) = fault {
            let facts = Facts {
                status: facts.status.clone(),
                conditions: facts.conditions.clone(),
                notices: std::mem::take(&mut facts.notices),
            };
            return self.conclude(&object, facts, run, &End::Failed(fault), started.elapsed()).await;
        }
        for notice in facts.notices.drain(..) {
            run.recorder.record(&run.about, &run.masker, notice);
        }
        let kind = <R::Object as kube::Resource>::kind(&());
        self.shared.runtime.metrics.run_ended(&kind, &self.key, "success", started.elapsed());
        // The run may have written status, so the stored object is newer than the one it began with.
        let latest = self.shared.controller.objects.get(&self.key).unwrap_or(object);
        let rest: Vec<String> = finalizers.iter().filter(|name| *name != FINALIZER).cloned().collect();
        match run.publisher.write_finalizers(&latest, &rest).await {
            Ok(()) | Err(WriteError::Gone) => Next::Nothing,
            Err(err) => self.unwritten(&latest, &err),
        }
    }

    /// Writes status, sends events, logs, and picks the next run.
    async fn conclude(
        &self,
        object: &R::Object,
        mut facts: Facts<R::Status>,
        run: &Run<R::Object>,
        end: &End,
        elapsed: Duration,
    ) -> Next {
        let clock = Clock { now: Timestamp::now(), elapsed };
        let report = self.shared.controller.reconciler.report(object, &facts, end, &clock);
        let Report { conditions, observed, notices, requeue } = report;
        let result = result_of(end, requeue);
        let kind = <R::Object as kube::Resource>::kind(&());
        self.shared.runtime.metrics.run_ended(&kind, &self.key, result, elapsed);
        let written = Written {
            conditions: masked(&run.masker, conditions.sorted()),
            observed_generation: if observed { conditions.generation() } else { object.observed_generation() },
            handled: requested_at(object).or(object.last_handled_reconcile_at()).map(str::to_owned),
            fields: match Written::fields(&facts.status) {
                Ok(fields) => fields,
                Err(err) => return self.unwritten(object, &err),
            },
        };
        let write = run.publisher.write(written).await;
        for notice in facts.notices.drain(..).chain(notices) {
            run.recorder.record(&run.about, &run.masker, notice);
        }
        log_end(end, run, elapsed);
        match write {
            Ok(()) => Next::Run {
                requeue,
                interval: object.interval(),
                failed: matches!(end, End::Failed(Fault::Transient { .. })),
            },
            Err(WriteError::Gone) => Next::Nothing,
            Err(err) => self.unwritten(object, &err),
        }
    }

    fn unwritten(&self, object: &R::Object, err: &WriteError) -> Next {
        match err {
            WriteError::Gone => Next::Nothing,
            // Somebody else's change came first; the watch brings it, and this is no failure.
            WriteError::Api(err) if err.is_conflict() => self.again(object, Requeue::After(Duration::from_millis(100))),
            WriteError::Api(_) | WriteError::Serialise(_) => {
                tracing::error!(error = crate::report::message(err), "Reconciler error");
                self.again(object, Requeue::Backoff)
            }
        }
    }

    #[expect(clippy::unused_self, reason = "reads as the attempt's next step")]
    fn again(&self, object: &R::Object, requeue: Requeue) -> Next {
        Next::Run { requeue, interval: object.interval(), failed: true }
    }
}

/// The label of controller-runtime's counter: an error is what its workqueue would have backed off from.
fn result_of(end: &End, requeue: Requeue) -> &'static str {
    match (end, requeue) {
        (End::Failed(Fault::Transient { .. }), Requeue::Backoff) => "error",
        (_, Requeue::Interval | Requeue::After(_)) => "requeue_after",
        (_, Requeue::Now | Requeue::Backoff) => "requeue",
        (_, Requeue::OnChange) => "success",
    }
}

fn log_end<K: FluxObject>(end: &End, run: &Run<K>, elapsed: Duration) {
    let duration =
        flux_api::meta::Duration::from(Duration::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)));
    match end {
        End::Done(outcome) => {
            let message = run.masker.apply(&outcome.message);
            tracing::info!(reason = outcome.reason, result = message, %duration, "Reconciliation finished");
        }
        End::Failed(fault) => {
            let failure = fault.failure();
            let error = run.masker.apply(&failure.message());
            match fault {
                Fault::Waiting { .. } => {
                    tracing::info!(reason = failure.reason, cause = error, %duration, "Reconciliation waits");
                }
                Fault::Interrupted(_) => {
                    tracing::info!(reason = failure.reason, cause = error, %duration, "Reconciliation superseded");
                }
                Fault::Transient { .. } | Fault::Stalled(_) => {
                    tracing::error!(reason = failure.reason, error, %duration, "Reconciler error");
                }
            }
        }
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Fault {
    let text = flux_tasks::panic_text(panic).to_owned();
    Fault::Transient { failure: Failure::new(reason::FAILED, Panicked(text)), retry: Retry::Backoff }
}

fn run_id() -> String {
    let id = format!("{:032x}", rand::random::<u128>());
    [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
}
