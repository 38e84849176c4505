//! Posts events to notification-controller.

use std::sync::Arc;
use std::time::Duration;

use flux_api::event::Event as Payload;
use flux_http::{ClientOptions, ConfigureError, RetryPolicy, is_retryable_status};
use reqwest::{Client, StatusCode};
use tokio::sync::mpsc;
use url::Url;

use super::Pending;
use crate::Metrics;

/// How long the receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The waits between tries, as upstream's client has them.
const RETRIES: RetryPolicy =
    RetryPolicy { retries: 4, shortest_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(30) };

/// An events address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It is no URL.
    #[error("events address {address:?} is no URL")]
    Address {
        /// As given.
        address: String,
        /// What is wrong.
        #[source]
        source: url::ParseError,
    },
    /// There is no client for it.
    #[error("failed to configure the client for events")]
    Client(#[from] ConfigureError),
}

/// Takes events from a queue and posts them in order.
pub(super) struct Poster {
    client: Client,
    address: Url,
    metrics: Metrics,
}

enum Answer {
    /// Taken, or known already.
    Taken,
    /// Refused for good.
    Refused(StatusCode),
    /// Another try may help.
    Failed(String),
}

impl Poster {
    pub(super) fn new(address: &str, controller: &str, metrics: Metrics) -> Result<Self, SinkError> {
        let parsed = Url::parse(address);
        let parsed = parsed.map_err(|source| SinkError::Address { address: crate::mask_urls(address), source })?;
        let options = ClientOptions {
            user_agent: controller.to_owned(),
            connect_timeout: TIMEOUT,
            read_timeout: TIMEOUT,
            total_timeout: Some(TIMEOUT),
            ..ClientOptions::default()
        };
        Ok(Self { client: options.client()?, address: parsed, metrics })
    }

    pub(super) async fn run(self, mut events: mpsc::Receiver<Arc<Payload>>, pending: Arc<Pending>) {
        while let Some(event) = events.recv().await {
            self.deliver(&event).await;
            pending.done();
        }
    }

    async fn deliver(&self, event: &Payload) {
        let mut tries = 0;
        loop {
            let failure = match self.post(event).await {
                Answer::Taken => return,
                Answer::Refused(status) => return self.lost(&format!("answered {status}")),
                Answer::Failed(failure) => failure,
            };
            match RETRIES.wait(tries) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return self.lost(&failure),
            }
            tries += 1;
        }
    }

    async fn post(&self, event: &Payload) -> Answer {
        let sent = self.client.post(self.address.clone()).json(event).send().await;
        match sent.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Answer::Taken,
            // The receiver limits repetitions this way: it has the event.
            Ok(StatusCode::TOO_MANY_REQUESTS) => Answer::Taken,
            Ok(status) if is_retryable_status(status) => Answer::Failed(format!("answered {status}")),
            Ok(status) => Answer::Refused(status),
            Err(err) => Answer::Failed(crate::report::message(&err.without_url())),
        }
    }

    fn lost(&self, why: &str) {
        self.metrics.event_dropped("notification-controller", "undelivered");
        tracing::error!(error = why, "event could not be posted");
    }
}
