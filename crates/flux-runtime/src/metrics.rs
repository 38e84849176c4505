//! What controllers are measured by, under upstream's names.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder, exponential_buckets,
};

use crate::ObjectKey;

mod process;
mod resources;

pub(crate) use resources::{Resources, labels_of};

/// The metrics of one controller process. Clones are the same metrics.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    reconcile_duration: HistogramVec,
    reconcile_total: IntCounterVec,
    reconcile_errors: IntCounterVec,
    reconcile_time: HistogramVec,
    active_workers: IntGaugeVec,
    max_workers: IntGaugeVec,
    queue_depth: IntGaugeVec,
    queue_adds: IntCounterVec,
    queue_retries: IntCounterVec,
    queue_duration: HistogramVec,
    work_duration: HistogramVec,
    unfinished_work: GaugeVec,
    longest_running: GaugeVec,
    api_requests: IntCounterVec,
    leader: IntGaugeVec,
    events_dropped: IntCounterVec,
    resources: Mutex<Vec<Arc<dyn Resources>>>,
    queues: Mutex<Vec<QueueMetrics>>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The names are this module's own constants, so a metric that cannot be made is a bug that the first test finds.
const VALID: &str = "metric names and labels are valid and registered once";

impl Metrics {
    /// Metrics that are all at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let work_buckets = exponential_buckets(1e-8, 10.0, 12).expect(VALID);
        let reconcile_buckets = exponential_range(0.01, 1800.0, 10);
        let queue = ["name", "controller"];
        let counters = |name, help, labels: &[&str]| counter(&registry, name, help, labels);
        let gauges = |name, help, labels: &[&str]| int_gauge(&registry, name, help, labels);
        process::start_time(&registry);
        let inner = Inner {
            reconcile_duration: histogram(
                &registry,
                "gotk_reconcile_duration_seconds",
                "How long a reconciliation took",
                &["kind", "name", "namespace"],
                reconcile_buckets,
            ),
            reconcile_total: counters(
                "controller_runtime_reconcile_total",
                "Reconciliations by result",
                &["controller", "result"],
            ),
            reconcile_errors: counters(
                "controller_runtime_reconcile_errors_total",
                "Failed reconciliations",
                &["controller"],
            ),
            reconcile_time: histogram(
                &registry,
                "controller_runtime_reconcile_time_seconds",
                "How long reconciliations took",
                &["controller"],
                reconcile_time_buckets(),
            ),
            active_workers: gauges(
                "controller_runtime_active_workers",
                "Reconciliations that work now",
                &["controller"],
            ),
            max_workers: gauges(
                "controller_runtime_max_concurrent_reconciles",
                "Reconciliations that may work at once",
                &["controller"],
            ),
            queue_depth: gauges("workqueue_depth", "Objects that are ready to be reconciled", &queue),
            queue_adds: counters("workqueue_adds_total", "Objects that became ready", &queue),
            queue_retries: counters("workqueue_retries_total", "Objects queued again after a failure", &queue),
            queue_duration: histogram(
                &registry,
                "workqueue_queue_duration_seconds",
                "How long objects were ready before they were reconciled",
                &queue,
                work_buckets.clone(),
            ),
            work_duration: histogram(
                &registry,
                "workqueue_work_duration_seconds",
                "How long objects were worked on",
                &queue,
                work_buckets,
            ),
            unfinished_work: gauge(
                &registry,
                "workqueue_unfinished_work_seconds",
                "How long the reconciliations in flight have taken, in all",
                &queue,
            ),
            longest_running: gauge(
                &registry,
                "workqueue_longest_running_processor_seconds",
                "How long the oldest reconciliation in flight has taken",
                &queue,
            ),
            api_requests: counters(
                "rest_client_requests_total",
                "Requests to the API server",
                &["code", "method", "host"],
            ),
            leader: gauges("leader_election_master_status", "1 while this instance leads", &["name"]),
            events_dropped: counters(
                "gotk_events_dropped_total",
                "Events that were not delivered",
                &["sink", "reason"],
            ),
            resources: Mutex::default(),
            queues: Mutex::default(),
            registry,
        };
        Self(Arc::new(inner))
    }

    /// The registry, for a controller's own metrics.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Everything in Prometheus' text form.
    pub fn text(&self) -> String {
        let now = Instant::now();
        lock(&self.0.queues).iter().for_each(|queue| queue.refresh(now));
        let mut text = Vec::new();
        let encoded = TextEncoder::new().encode(&self.0.registry.gather(), &mut text);
        let mut text = String::from_utf8(text).unwrap_or_default();
        if let Err(err) = encoded {
            tracing::error!(error = crate::report::message(&err), "metrics could not be written");
        }
        process::write(&mut text);
        resources::write(&mut text, &lock(&self.0.resources));
        let _always_fits = text.write_str("");
        text
    }

    pub(crate) fn api_request(&self, code: &str, method: &str, host: &str) {
        self.0.api_requests.with_label_values(&[code, method, host]).inc();
    }

    pub(crate) fn leading(&self, lease: &str, leads: bool) {
        self.0.leader.with_label_values(&[lease]).set(i64::from(leads));
    }

    pub(crate) fn event_dropped(&self, sink: &str, reason: &str) {
        self.0.events_dropped.with_label_values(&[sink, reason]).inc();
    }

    pub(crate) fn add_resources(&self, resources: Arc<dyn Resources>) {
        lock(&self.0.resources).push(resources);
    }

    pub(crate) fn run_ended(&self, kind: &str, key: &ObjectKey, result: &'static str, took: Duration) {
        let inner = &self.0;
        let controller = kind.to_lowercase();
        inner.reconcile_duration.with_label_values(&[kind, &key.name, &key.namespace]).observe(took.as_secs_f64());
        inner.reconcile_total.with_label_values(&[controller.as_str(), result]).inc();
        inner.reconcile_time.with_label_values(&[&controller]).observe(took.as_secs_f64());
        if result == "error" {
            inner.reconcile_errors.with_label_values(&[&controller]).inc();
        }
    }

    /// The object is gone, and so are its own series.
    pub(crate) fn object_gone(&self, kind: &str, key: &ObjectKey) {
        // Fails when there was no run of it.
        let _absent = self.0.reconcile_duration.remove_label_values(&[kind, &key.name, &key.namespace]);
    }

    /// The metrics of one kind's queue.
    pub(crate) fn queue(&self, kind: &str, concurrent: usize) -> QueueMetrics {
        let (inner, name) = (&self.0, kind.to_lowercase());
        let labels = [name.as_str(), name.as_str()];
        inner.max_workers.with_label_values(&[&name]).set(i64::try_from(concurrent).unwrap_or(i64::MAX));
        let queue = QueueMetrics {
            depth: inner.queue_depth.with_label_values(&labels),
            adds: inner.queue_adds.with_label_values(&labels),
            retries: inner.queue_retries.with_label_values(&labels),
            waited: inner.queue_duration.with_label_values(&labels),
            worked: inner.work_duration.with_label_values(&labels),
            unfinished: inner.unfinished_work.with_label_values(&labels),
            longest: inner.longest_running.with_label_values(&labels),
            active: inner.active_workers.with_label_values(&[&name]),
            started: Arc::default(),
        };
        lock(&inner.queues).push(queue.clone());
        queue
    }
}

/// The metrics of one kind's queue.
#[derive(Clone)]
pub(crate) struct QueueMetrics {
    pub(crate) depth: prometheus::IntGauge,
    pub(crate) adds: prometheus::IntCounter,
    pub(crate) retries: prometheus::IntCounter,
    waited: Histogram,
    worked: Histogram,
    unfinished: Gauge,
    longest: Gauge,
    pub(crate) active: prometheus::IntGauge,
    started: Arc<Mutex<std::collections::HashMap<ObjectKey, Instant>>>,
}

impl QueueMetrics {
    pub(crate) fn started(&self, key: &ObjectKey, ready_since: Instant, now: Instant) {
        self.waited.observe(now.saturating_duration_since(ready_since).as_secs_f64());
        lock(&self.started).insert(key.clone(), now);
    }

    pub(crate) fn ended(&self, key: &ObjectKey, now: Instant) {
        if let Some(started) = lock(&self.started).remove(key) {
            self.worked.observe(now.saturating_duration_since(started).as_secs_f64());
        }
    }

    fn refresh(&self, now: Instant) {
        let started = lock(&self.started);
        let ages = || started.values().map(|since| now.saturating_duration_since(*since).as_secs_f64());
        self.unfinished.set(ages().fold(0.0, |all, age| all + age));
        self.longest.set(ages().fold(0.0, f64::max));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let metric = IntCounterVec::new(Opts::new(name, help), labels).expect(VALID);
    registry.register(Box::new(metric.clone())).expect(VALID);
    metric
}

fn int_gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let metric = IntGaugeVec::new(Opts::new(name, help), labels).expect(VALID);
    registry.register(Box::new(metric.clone())).expect(VALID);
    metric
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    let metric = GaugeVec::new(Opts::new(name, help), labels).expect(VALID);
    registry.register(Box::new(metric.clone())).expect(VALID);
    metric
}

fn histogram(registry: &Registry, name: &str, help: &str, labels: &[&str], buckets: Vec<f64>) -> HistogramVec {
    let metric = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels).expect(VALID);
    registry.register(Box::new(metric.clone())).expect(VALID);
    metric
}

/// `count` buckets from `min` to `max`, each the same factor above the one before.
fn exponential_range(min: f64, max: f64, count: u32) -> Vec<f64> {
    let factor = (max / min).powf(1.0 / f64::from(count - 1));
    (0..count).map(|step| min * factor.powf(f64::from(step))).collect()
}

/// The buckets that controller-runtime has.
fn reconcile_time_buckets() -> Vec<f64> {
    vec![
        0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5,
        1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
    ]
}

#[cfg(test)]
mod tests;
