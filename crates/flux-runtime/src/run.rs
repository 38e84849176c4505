//! One run as its reconciler sees it: the client, progress, waits that hold no permit, interruption.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_api::meta::{ConditionStatus, FluxObject, READY, RECONCILING, reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use crate::events::{About, Recorder};
use crate::mask::Masker;
use crate::permit::Permit;
use crate::publish::{Publisher, WriteError, Written};
use crate::running::Interrupt;
use crate::secrets::{ReadError, SecretData, read_config_map, read_secret};
use crate::{Facts, client};

/// What a reconciler may use while it runs.
pub struct Run<K> {
    /// The controller's own client.
    pub client: kube::Client,
    /// The object as the run found it.
    pub object: Arc<K>,
    pub(crate) permit: Arc<Permit>,
    pub(crate) interrupt: Interrupt,
    /// Whether waits may be cut short.
    pub(crate) interruptible: bool,
    pub(crate) publisher: Publisher<K>,
    pub(crate) recorder: Recorder,
    pub(crate) about: About,
    pub(crate) masker: Masker,
}

/// The run was told to stop waiting because it is out of date.
#[derive(Debug, thiserror::Error)]
#[error("superseded by {by}")]
pub struct Interrupted {
    /// The object or change that made the run out of date, as `Kind/namespace/name`.
    pub by: String,
}

impl<K: FluxObject> Run<K> {
    /// Writes the facts so far with Reconciling=True (`Progressing`, `message`) and Ready=Unknown, and sends the
    /// notices so far. A failed write is logged; the run goes on.
    pub async fn progress<S: Serialize>(&self, facts: &mut Facts<S>, message: impl Into<String>) {
        let message = message.into();
        facts.conditions.set_now(&Time(self.now()));
        facts.conditions.set(READY, ConditionStatus::Unknown, reason::PROGRESSING, message.clone());
        facts.conditions.set(RECONCILING, ConditionStatus::True, reason::PROGRESSING, message);
        if let Err(err) = self.save(facts).await {
            tracing::warn!(error = crate::report::message(&err), "progress could not be written");
        }
    }

    /// Writes the facts and conditions so far as they are, and sends the notices so far. For what must be on record
    /// before the next step, such as the inventory before an apply.
    pub async fn save<S: Serialize>(&self, facts: &mut Facts<S>) -> Result<(), WriteError> {
        for notice in facts.notices.drain(..) {
            self.recorder.record(&self.about, &self.masker, notice);
        }
        let wanted = Written {
            fields: Written::fields(&facts.status)?,
            conditions: masked(&self.masker, facts.conditions.sorted()),
            ..self.publisher.base().await
        };
        self.publisher.write(wanted).await
    }

    /// Awaits `future` without holding the run's permit, and takes a permit again before returning.
    /// Ends early when a newer revision or spec makes the run out of date.
    pub async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Interrupted> {
        if !self.interruptible {
            return Ok(self.wait_uninterrupted(future).await);
        }
        let wait = self.permit.release();
        let ended = tokio::select! {
            biased;
            by = self.interrupt.raised() => Err(Interrupted { by }),
            output = future => Ok(output),
        };
        drop(wait);
        self.permit.retake().await;
        ended
    }

    /// Awaits `future` with the run's permit held, for what a thread waits that works for the run meanwhile.
    /// Ends early when a newer revision or spec makes the run out of date.
    pub async fn while_current<F: Future>(&self, future: F) -> Result<F::Output, Interrupted> {
        if !self.interruptible {
            return Ok(future.await);
        }
        tokio::select! {
            biased;
            by = self.interrupt.raised() => Err(Interrupted { by }),
            output = future => Ok(output),
        }
    }

    /// As [`wait`](Self::wait), but not cut short by newer revisions.
    pub async fn wait_uninterrupted<F: Future>(&self, future: F) -> F::Output {
        let wait = self.permit.release();
        let output = future.await;
        drop(wait);
        self.permit.retake().await;
        output
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// From here on this value is masked in the status, the events and the log lines of the run.
    pub fn mask(&self, secret: &[u8]) {
        self.masker.add(secret);
    }

    /// The run's masker, for steps that report on their own.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Reads a Secret, and masks its values but for those under keys that are public by nature (`username`,
    /// `known_hosts`, certificates, …).
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<SecretData, ReadError> {
        let secret = read_secret(&self.client, namespace, name).await?;
        secret.masked_values().for_each(|value| self.masker.add(value));
        Ok(secret)
    }

    /// Reads a ConfigMap's data.
    pub async fn config_map(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, String>, ReadError> {
        read_config_map(&self.client, namespace, name).await
    }

    /// A client that acts as the service account, over the controller's own connections.
    pub fn impersonate(&self, namespace: &str, service_account: &str) -> kube::Client {
        client::impersonate(&self.client, namespace, service_account)
    }
}

/// The conditions with all secrets masked.
pub(crate) fn masked(
    masker: &Masker,
    mut conditions: Vec<flux_api::meta::Condition>,
) -> Vec<flux_api::meta::Condition> {
    for condition in &mut conditions {
        condition.message = masker.apply(&condition.message);
    }
    conditions
}
