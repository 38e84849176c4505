//! Events about objects: in the cluster, and posted to notification-controller.
//!
//! Recording never waits. Each of the two receivers has a bounded queue and a task of its own; what finds its queue full
//! or cannot be delivered is dropped and counted in `gotk_events_dropped_total`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flux_api::event::{Event as Payload, MAX_MESSAGE_CHARS, Severity as PayloadSeverity};
use flux_api::meta::EVENT_ANNOTATION_PREFIX;
use flux_tasks::Tasks;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use crate::args::EventArgs;
use crate::mask::Masker;
use crate::{Metrics, Notice, Severity};

mod cluster;
mod correlate;
mod post;

pub use post::SinkError;

/// How many events may wait for each receiver.
const QUEUE: usize = 1_000;

/// Sends events. Clones share the queues.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    controller: &'static str,
    hostname: Arc<str>,
    cluster: mpsc::Sender<Arc<Payload>>,
    post: Option<mpsc::Sender<Arc<Payload>>>,
    metrics: Metrics,
    pending: Arc<Pending>,
}

/// How many events are not dealt with yet.
#[derive(Default)]
struct Pending {
    count: AtomicUsize,
    changed: Notify,
}

impl Pending {
    fn done(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }
}

/// The object that events are about, and what its annotations add to them.
#[derive(Clone, Debug)]
pub(crate) struct About {
    reference: ObjectReference,
    group: String,
    annotations: Vec<(String, String)>,
}

impl About {
    /// About `object`.
    pub(crate) fn of<K: kube::Resource<DynamicType = ()>>(object: &K) -> Self {
        let meta = object.meta();
        let reference = ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            uid: meta.uid.clone(),
            resource_version: meta.resource_version.clone(),
            ..ObjectReference::default()
        };
        let annotations = meta.annotations.iter().flatten();
        let annotations = annotations.filter(|(name, _)| name.starts_with(EVENT_ANNOTATION_PREFIX));
        let annotations = annotations.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { reference, group: K::group(&()).into_owned(), annotations }
    }

    /// The event that `notice` makes.
    fn payload(&self, notice: Notice, masker: &Masker, controller: &str, instance: &str, now: Timestamp) -> Payload {
        let mut metadata: std::collections::BTreeMap<_, _> = self.annotations.iter().cloned().collect();
        metadata.extend(notice.metadata.into_iter().map(|(key, value)| {
            let key = if key.contains('/') { key } else { format!("{}/{key}", self.group) };
            (key, masker.apply(&value))
        }));
        Payload {
            involved_object: self.reference.clone(),
            severity: match notice.severity {
                Severity::Trace => PayloadSeverity::Trace,
                Severity::Info => PayloadSeverity::Info,
                Severity::Error => PayloadSeverity::Error,
            },
            timestamp: Time(now),
            message: cut(masker.apply(&notice.message), MAX_MESSAGE_CHARS),
            reason: notice.reason,
            metadata,
            reporting_controller: controller.to_owned(),
            reporting_instance: instance.to_owned(),
        }
    }
}

impl Recorder {
    /// Starts the queues' tasks.
    pub(crate) fn start(
        controller: &'static str,
        hostname: &Arc<str>,
        client: &kube::Client,
        args: &EventArgs,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Result<Self, SinkError> {
        let pending = Arc::new(Pending::default());
        let (cluster, events) = mpsc::channel(QUEUE);
        let writer = cluster::Writer::new(client.clone(), controller, metrics.clone());
        tasks.spawn_until_stopped("events", writer.run(events, Arc::clone(&pending)));
        let post = if args.events_addr.is_empty() {
            None
        } else {
            let poster = post::Poster::new(&args.events_addr, controller, metrics.clone())?;
            let (post, events) = mpsc::channel(QUEUE);
            tasks.spawn_until_stopped("event-posts", poster.run(events, Arc::clone(&pending)));
            Some(post)
        };
        let inner =
            Inner { controller, hostname: Arc::clone(hostname), cluster, post, metrics: metrics.clone(), pending };
        Ok(Self(Arc::new(inner)))
    }

    /// Sends an event about `object`, with its `event.toolkit.fluxcd.io/` annotations and without secrets.
    pub fn send<K: kube::Resource<DynamicType = ()>>(&self, object: &K, masker: &Masker, notice: Notice) {
        self.record(&About::of(object), masker, notice);
    }

    pub(crate) fn record(&self, about: &About, masker: &Masker, notice: Notice) {
        let inner = &self.0;
        let payload = about.payload(notice, masker, inner.controller, &inner.hostname, Timestamp::now());
        let payload = Arc::new(payload);
        self.enqueue("kubernetes", &inner.cluster, &payload);
        if let Some(post) = inner.post.as_ref().filter(|_| payload.severity != PayloadSeverity::Trace) {
            self.enqueue("notification-controller", post, &payload);
        }
    }

    fn enqueue(&self, sink: &'static str, queue: &mpsc::Sender<Arc<Payload>>, payload: &Arc<Payload>) {
        self.0.pending.count.fetch_add(1, Ordering::AcqRel);
        if queue.try_send(Arc::clone(payload)).is_err() {
            self.0.pending.done();
            self.0.metrics.event_dropped(sink, "queue_full");
        }
    }

    /// Waits until all recorded events are dealt with, for `limit` at most.
    pub async fn flush(&self, limit: Duration) {
        let pending = &self.0.pending;
        let empty = async {
            loop {
                let changed = pending.changed.notified();
                if pending.count.load(Ordering::Acquire) == 0 {
                    return;
                }
                changed.await;
            }
        };
        // What is left after that is lost, as it is when the process is killed.
        let _late = tokio::time::timeout(limit, empty).await;
    }
}

/// `text` of at most `limit` characters; a longer one ends in three dots.
fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit || text.chars().count() <= limit {
        return text;
    }
    let mut short: String = text.chars().take(limit - 3).collect();
    short.push_str("...");
    short
}

#[cfg(test)]
mod tests;
