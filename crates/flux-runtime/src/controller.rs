//! Runs the objects of one kind: whichever is due, as many at once as there are permits.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument;

use crate::backoff::{Backoff, jittered};
use crate::metrics::{QueueMetrics, Resources, labels_of};
use crate::permit::{Permit, Permits};
use crate::queue::{Queue, Woken};
use crate::running::Interrupt;
use crate::store::{Change, Kept, ObjectKey, Store};
use crate::watch::{Intent, Wake, asks_for_run};
use crate::{Reconciler, Requeue, Runtime};

mod attempt;

use attempt::{Attempt, Next};

/// The labels of an object's `gotk_resource_info` beside those that all kinds have.
pub type ResourceInfo<K> = fn(&K) -> Vec<(&'static str, String)>;

/// A kind, and how it is reconciled.
pub struct Controller<R: Reconciler> {
    /// The kind's work.
    pub reconciler: R,
    /// The kind's objects, of [`Runtime::watch`].
    pub objects: Store<R::Object>,
    /// Upstream's field manager for status and finalizers.
    pub field_manager: &'static str,
    /// `--interval-jitter-percentage`.
    pub jitter_percent: u8,
    /// Whether a newer revision, spec or request cuts the waits of a run.
    pub interrupts: bool,
    /// Further labels of `gotk_resource_info`, for example `revision` and `source_name`.
    pub info: ResourceInfo<R::Object>,
}

/// What all runs of a kind share.
struct Shared<R: Reconciler> {
    runtime: Runtime,
    controller: Controller<R>,
    permits: Permits,
    queue: QueueMetrics,
}

/// The loop's own state.
struct Schedule<R: Reconciler> {
    shared: Arc<Shared<R>>,
    queue: Queue,
    backoff: Backoff,
    running: HashMap<ObjectKey, Running>,
    ended: mpsc::UnboundedSender<Ended>,
}

/// What a run in flight works on, and how to tell it that this is out of date.
struct Running {
    intent: Intent,
    interrupt: Interrupt,
}

struct Ended {
    key: ObjectKey,
    next: Next,
}

enum Step<K> {
    Stop,
    Changed(Change<K>),
    Woken(Wake),
    Ended(Ended),
    Permit(OwnedSemaphorePermit),
    Due,
}

struct Kind<R: Reconciler>(Store<R::Object>, ResourceInfo<R::Object>);

impl<R: Reconciler> Resources for Kind<R> {
    fn labels(&self) -> Vec<Vec<(&'static str, String)>> {
        self.0.list().iter().map(|object| labels_of(&**object, (self.1)(object))).collect()
    }
}

/// Runs until the task set stops.
pub(crate) async fn run<R: Reconciler>(
    runtime: Runtime,
    controller: Controller<R>,
    wakes: impl Stream<Item = Wake> + Send + 'static,
) {
    let kind = <R::Object as kube::Resource>::kind(&());
    let concurrent = runtime.args().schedule.concurrent;
    let resources = Kind::<R>(controller.objects.clone(), controller.info);
    runtime.metrics.add_resources(Arc::new(resources));
    let stopping = runtime.tasks.token();
    // A stream that has ended must not be polled again; no wake comes from it either.
    let mut wakes = Box::pin(wakes.chain(futures::stream::pending()));
    if stopping.run_until_cancelled(listed(&controller.objects, &mut wakes)).await.is_none() {
        return;
    }
    let mut changes = Box::pin(controller.objects.changes());
    let (ended, mut ends) = mpsc::unbounded_channel();
    let queue = runtime.metrics.queue(&kind, concurrent);
    let backoff = Backoff::new(runtime.delays());
    let permits = Permits::new(concurrent);
    let shared = Arc::new(Shared { runtime, controller, permits: permits.clone(), queue });
    let mut schedule = Schedule { shared, queue: Queue::default(), backoff, running: HashMap::new(), ended };
    // The place in the line for a permit is kept between the loop's turns, and given up when nothing is ready.
    let mut permit: Option<Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send>>> = None;
    tracing::info!(controllerKind = &*kind, "Starting workers");
    loop {
        schedule.promote();
        if schedule.queue.depth() == 0 {
            permit = None;
        } else if permit.is_none() {
            let permits = permits.clone();
            permit = Some(Box::pin(async move { permits.take().await }));
        }
        let due = schedule.queue.next_due();
        let step = tokio::select! {
            biased;
            () = stopping.cancelled() => Step::Stop,
            Some(end) = ends.recv() => Step::Ended(end),
            Some(change) = changes.next() => Step::Changed(change),
            Some(wake) = wakes.next() => Step::Woken(wake),
            permit = async { permit.as_mut().expect("polled only when there is one").await }, if permit.is_some() => Step::Permit(permit),
            () = sleep_until(due), if due.is_some() => Step::Due,
        };
        match step {
            Step::Stop => break,
            Step::Ended(end) => schedule.ended(&end),
            Step::Changed(change) => schedule.changed(&change),
            Step::Woken(wake) => schedule.woken(&wake),
            Step::Permit(held) => {
                permit = None;
                schedule.start(held);
            }
            Step::Due => {}
        }
    }
}

/// Waits for the first list. Wakes are read meanwhile, because one that is not read holds up the watch it comes from, which may
/// be the one that is waited for; what they name runs at the start anyway.
async fn listed<K: Kept>(objects: &Store<K>, wakes: &mut (impl Stream<Item = Wake> + Unpin)) {
    let mut ready = std::pin::pin!(objects.ready());
    loop {
        tokio::select! {
            biased;
            () = &mut ready => return,
            _ = wakes.next() => {}
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

impl<R: Reconciler> Schedule<R> {
    fn promote(&mut self) {
        let promoted = self.queue.promote(Instant::now());
        self.shared.queue.adds.inc_by(promoted as u64);
        self.shared.queue.depth.set(i64::try_from(self.queue.depth()).unwrap_or(i64::MAX));
    }

    fn changed(&mut self, change: &Change<R::Object>) {
        if change.new.is_none() {
            self.queue.forget(&change.key);
            self.backoff.forget(&change.key);
            let kind = <R::Object as kube::Resource>::kind(&());
            self.shared.runtime.metrics.object_gone(&kind, &change.key);
        } else if asks_for_run(change) && !self.is_known(change) {
            self.woken(&Wake::by::<R::Object>(change.key.clone(), &change.key));
        }
    }

    /// Whether the run in flight began with this very change, which the store had before the loop heard of it.
    fn is_known(&self, change: &Change<R::Object>) -> bool {
        let (running, new) = (self.running.get(&change.key), change.new.as_deref());
        running.zip(new).is_some_and(|(running, new)| running.intent == Intent::of(new))
    }

    fn woken(&mut self, wake: &Wake) {
        if self.shared.controller.objects.get(&wake.key).is_none() {
            return;
        }
        match self.queue.wake(&wake.key, Instant::now()) {
            Woken::Added => self.shared.queue.adds.inc(),
            Woken::Already => {}
            Woken::Running => {
                if let Some(running) = self.running.get(&wake.key) {
                    running.interrupt.raise(&wake.by);
                }
            }
        }
    }

    fn ended(&mut self, end: &Ended) {
        let (Ended { key, next }, now) = (end, Instant::now());
        self.running.remove(key);
        self.shared.queue.ended(key, now);
        self.shared.queue.active.dec();
        if self.shared.controller.objects.get(key).is_none() {
            self.backoff.forget(key);
            self.queue.done(key, None, now);
            return;
        }
        let after = match next {
            Next::Run { requeue: Requeue::Backoff, .. } => {
                self.shared.queue.retries.inc();
                Some(self.backoff.failed(key))
            }
            Next::Run { requeue, interval, failed } => {
                if !failed {
                    self.backoff.forget(key);
                }
                match *requeue {
                    Requeue::Interval => {
                        let percent = self.shared.controller.jitter_percent;
                        interval.map(|interval| jittered(interval, percent, rand::random()))
                    }
                    Requeue::After(delay) => Some(delay),
                    Requeue::Now => Some(Duration::ZERO),
                    Requeue::Backoff | Requeue::OnChange => None,
                }
            }
            Next::Nothing => None,
        };
        if self.queue.done(key, after.map(|after| now + after), now) {
            self.shared.queue.adds.inc();
        }
    }

    fn start(&mut self, held: OwnedSemaphorePermit) {
        let Some((key, ready_since)) = self.queue.pop() else { return };
        let Some(object) = self.shared.controller.objects.get(&key) else {
            self.queue.done(&key, None, Instant::now());
            return;
        };
        self.shared.queue.started(&key, ready_since, Instant::now());
        self.shared.queue.active.inc();
        let interrupt = Interrupt::default();
        let running = Running { intent: Intent::of(&*object), interrupt: interrupt.clone() };
        self.running.insert(key.clone(), running);
        let permit = Arc::new(Permit::held(self.shared.permits.clone(), held));
        let attempt = Attempt {
            shared: Arc::clone(&self.shared),
            key: key.clone(),
            object,
            interrupt,
            permit: Arc::clone(&permit),
        };
        let (ended, stopping) = (self.ended.clone(), self.shared.runtime.tasks.token());
        let span = attempt.span();
        let task = async move {
            // A run that waits when the process stops is cut there; one that works may end within the grace period.
            let cut = async {
                stopping.cancelled().await;
                permit.released().await;
            };
            let next = tokio::select! {
                next = attempt.run() => next,
                () = cut => Next::Nothing,
            };
            drop(permit.release());
            // Nobody listens any more when the loop has ended, which is when the process stops.
            let _stopped = ended.send(Ended { key, next });
        };
        self.shared.runtime.tasks.spawn("run", task.instrument(span));
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;
    use crate::{store, watch};

    #[tokio::test]
    async fn a_first_list_longer_than_a_listeners_buffer_comes_in_although_wakes_come_from_it_too() {
        let (objects, mut writer) = store::store::<ConfigMap>();
        let dependents = watch::wakes(&objects, |change: &Change<ConfigMap>| vec![change.key.clone()]);
        let mut wakes = Box::pin(dependents.chain(futures::stream::pending()));
        writer.begin();
        for number in 0..1_000 {
            let meta = json!({"namespace": "ns", "name": number.to_string(), "resourceVersion": "1"});
            writer.listed(serde_json::from_value(json!({"metadata": meta})).unwrap());
        }
        let both = async { tokio::join!(writer.complete(), listed(&objects, &mut wakes)) };
        tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
        assert_eq!(objects.len(), 1_000);
    }
}
