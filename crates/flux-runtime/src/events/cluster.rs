//! Writes events into the cluster as core/v1 Events.

use std::sync::Arc;

use flux_api::event::{Event as Payload, Severity};
use k8s_openapi::api::core::v1::{Event, EventSource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;

use super::correlate::{Correlator, Decision};
use super::{Pending, cut};
use crate::Metrics;

/// The longest text of an event, in bytes; the API server takes one more.
const NOTE_LIMIT: usize = 1_023;

/// How often a write is tried.
const TRIES: u32 = 3;

/// Takes events from a queue and writes them.
pub(super) struct Writer {
    client: Client,
    controller: &'static str,
    metrics: Metrics,
    correlator: Correlator,
}

impl Writer {
    pub(super) fn new(client: Client, controller: &'static str, metrics: Metrics) -> Self {
        Self { client, controller, metrics, correlator: Correlator::default() }
    }

    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Arc<Payload>>, pending: Arc<Pending>) {
        while let Some(event) = events.recv().await {
            self.write(&event).await;
            pending.done();
        }
    }

    async fn write(&mut self, payload: &Payload) {
        let decision = self.correlator.decide(payload);
        let params = || Some(self.controller.to_owned());
        let namespace = payload.involved_object.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        for attempt in 1..=TRIES {
            let written = match &decision {
                Decision::Drop => {
                    self.metrics.event_dropped("kubernetes", "rate_limited");
                    return;
                }
                Decision::Create { message } => {
                    let event = self.event(payload, message, 1, payload.timestamp.clone());
                    let params = PostParams { field_manager: params(), ..PostParams::default() };
                    api.create(&params, &event).await
                }
                Decision::Count { name, count, message, .. } => {
                    let patch = json!({"count": count, "lastTimestamp": payload.timestamp, "message": note(message)});
                    let params = PatchParams { field_manager: params(), ..PatchParams::default() };
                    api.patch(name, &params, &Patch::Merge(patch)).await
                }
            };
            match written {
                Ok(event) => return self.correlator.wrote(payload, &event.metadata.name.unwrap_or_default()),
                Err(kube::Error::Api(status))
                    if status.is_not_found() && matches!(decision, Decision::Count { .. }) =>
                {
                    // The event has expired in the cluster: it starts anew.
                    return self.recreate(&api, payload, &decision).await;
                }
                // Names are unique: what is there is what an earlier try wrote, whose answer was lost.
                Err(kube::Error::Api(status)) if attempt > 1 && status.is_already_exists() => {
                    return self.correlator.wrote(payload, &name_of(payload));
                }
                // An answer means that another try would be answered the same.
                Err(err @ kube::Error::Api(_)) => return self.lost(&err),
                Err(err) if attempt == TRIES => return self.lost(&err),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(250) * attempt).await,
            }
        }
    }

    async fn recreate(&mut self, api: &Api<Event>, payload: &Payload, decision: &Decision) {
        let Decision::Count { count, first, message, .. } = decision else { return };
        let event = self.event(payload, message, *count, first.clone());
        let params = PostParams { field_manager: Some(self.controller.to_owned()), ..PostParams::default() };
        match api.create(&params, &event).await {
            Ok(event) => self.correlator.wrote(payload, &event.metadata.name.unwrap_or_default()),
            Err(err) => self.lost(&err),
        }
    }

    fn lost(&self, err: &kube::Error) {
        self.metrics.event_dropped("kubernetes", "undelivered");
        tracing::debug!(error = crate::report::message(err), "event could not be written");
    }

    fn event(&self, payload: &Payload, message: &str, count: i32, first: Time) -> Event {
        let object = &payload.involved_object;
        Event {
            metadata: ObjectMeta {
                name: Some(name_of(payload)),
                namespace: object.namespace.clone(),
                annotations: (!payload.metadata.is_empty()).then(|| payload.metadata.clone()),
                ..ObjectMeta::default()
            },
            involved_object: object.clone(),
            reason: Some(payload.reason.clone()),
            message: Some(note(message)),
            type_: Some(if payload.severity == Severity::Error { "Warning" } else { "Normal" }.to_owned()),
            count: Some(count),
            first_timestamp: Some(first),
            last_timestamp: Some(payload.timestamp.clone()),
            source: Some(EventSource { component: Some(self.controller.to_owned()), host: None }),
            reporting_component: Some(self.controller.to_owned()),
            reporting_instance: Some(String::new()),
            ..Event::default()
        }
    }
}

/// As client-go names events: the object's name, and the time in hexadecimal nanoseconds.
fn name_of(payload: &Payload) -> String {
    let object = payload.involved_object.name.as_deref().unwrap_or_default();
    format!("{object}.{:x}", payload.timestamp.0.as_nanosecond())
}

/// The text within the API server's limit, which counts bytes.
fn note(message: &str) -> String {
    if message.len() <= NOTE_LIMIT {
        return message.to_owned();
    }
    let mut end = NOTE_LIMIT - 3;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    cut(format!("{}...", &message[..end]), NOTE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_are_cut_on_a_character_boundary() {
        assert_eq!(note("short"), "short");
        let cut = note(&"ä".repeat(600));
        assert!(cut.len() <= NOTE_LIMIT && cut.ends_with("ä..."), "{}", cut.len());
    }
}
