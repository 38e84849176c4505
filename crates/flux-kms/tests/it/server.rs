//! A server that answers by a function and keeps what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flux_http::{ClientOptions, ProxySetting, RetryPolicy};
use flux_kms::ServiceOptions;
use serde_json::Value;
use url::Url;

/// A request as it came in.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn form(&self) -> std::collections::BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// How a server answers, and what it was asked.
#[derive(Clone)]
struct Shared {
    answer: Arc<dyn Fn(&Received) -> Response + Send + Sync>,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A server with its address.
pub(crate) struct Server {
    pub(crate) url: Url,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Answers every request by `answer`.
    pub(crate) async fn start(answer: impl Fn(&Received) -> Response + Send + Sync + 'static) -> Self {
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let state = Shared { answer: Arc::new(answer), received: Arc::clone(&received) };
        let url = serve(Router::new().fallback(handle).with_state(state)).await;
        Self { url, received }
    }

    /// What was asked so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn only_received(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "the number of requests");
        received.into_iter().next().unwrap()
    }
}

/// Serves on a free port of this machine.
pub(crate) async fn serve(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test's own server ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let request = Received { method: parts.method.to_string(), path, headers: parts.headers, body };
    let response = (shared.answer)(&request);
    shared.received.lock().unwrap().push(request);
    response
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    text(status, &body.to_string())
}

/// An answer with a text.
pub(crate) fn text(status: u16, body: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Body::from(body.to_owned())).into_response()
}

/// The whole text of an error, causes included.
pub(crate) fn message(err: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(err), |err| err.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The text of what an error is caused by.
pub(crate) fn cause(err: &flux_kms::KeyError) -> String {
    message(std::error::Error::source(err).unwrap())
}

/// Clients without the environment's proxy.
pub(crate) fn client() -> ClientOptions {
    ClientOptions { proxy: ProxySetting::Direct, ..ClientOptions::default() }
}

/// The same, with two repetitions at once.
pub(crate) fn service() -> ServiceOptions {
    let wait = Duration::from_millis(1);
    ServiceOptions { client: client(), retry: RetryPolicy { retries: 2, shortest_wait: wait, longest_wait: wait } }
}
