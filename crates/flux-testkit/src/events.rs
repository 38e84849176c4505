//! A receiver of Flux events, in the place of notification-controller.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;

use crate::background::Background;
use crate::listen::bind;
use crate::wait_for;

/// The longest event that is taken.
const EVENT_LIMIT: usize = 1 << 20;

/// An HTTP server that takes events and keeps them.
///
/// Dropping it leaves an address that refuses connections.
pub struct EventSink {
    url: String,
    shared: Arc<Shared>,
    _background: Background,
}

/// One event that was posted.
#[derive(Debug, Clone)]
pub struct PostedEvent {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The event; a string where it is not JSON.
    pub body: Value,
}

/// How an event sink answers from now on. Events are kept in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinkMood {
    /// At once, with 202.
    #[default]
    Accepts,
    /// At once, with this status.
    Refuses(u16),
    /// With 202 after a time.
    Slow(Duration),
    /// Never.
    Silent,
}

#[derive(Default)]
struct Shared {
    mood: Mutex<SinkMood>,
    events: Mutex<Vec<PostedEvent>>,
}

impl EventSink {
    /// Starts a sink on a free port of loopback, with threads of its own.
    pub fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(take).with_state(shared.clone());
        let (background, handle) = Background::new("event sink")?;
        let _entered = handle.enter();
        let listener = bind()?;
        let url = format!("http://{}/", listener.local_addr()?);
        handle.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shared, _background: background })
    }

    /// What a controller's `--events-addr` is set to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes how events are answered.
    pub fn set_mood(&self, mood: SinkMood) {
        *self.shared.mood.lock() = mood;
    }

    /// All events so far, in order.
    pub fn events(&self) -> Vec<PostedEvent> {
        self.shared.events.lock().clone()
    }

    /// The first event of which `is_it` is true, waiting for it.
    pub async fn wait_for(
        &self,
        what: &str,
        timeout: Duration,
        is_it: impl Fn(&PostedEvent) -> bool,
    ) -> Result<PostedEvent> {
        wait_for(what, timeout, async || {
            let events = self.events();
            let found = events.iter().find(|event| is_it(event)).cloned();
            found.with_context(|| {
                let bodies: Vec<_> = events.iter().map(|event| event.body.to_string()).collect();
                format!("{} events so far: {}", bodies.len(), bodies.join("\n"))
            })
        })
        .await
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, EVENT_LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE };
    shared.events.lock().push(PostedEvent { headers: parts.headers, body: read(&bytes) });
    let mood = *shared.mood.lock();
    match mood {
        SinkMood::Accepts => StatusCode::ACCEPTED,
        SinkMood::Refuses(code) => StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        SinkMood::Slow(time) => {
            tokio::time::sleep(time).await;
            StatusCode::ACCEPTED
        }
        SinkMood::Silent => std::future::pending().await,
    }
}

fn read(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
