//! A server that notes what it is asked and gives prepared answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use flux_auth::ServiceAccount;
use jiff::Timestamp;
use url::Url;

/// What was asked, as `GET /path?query`, with headers and body.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The fields of the form that was posted.
    pub(crate) fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

#[derive(Default)]
struct Prepared {
    answers: HashMap<String, (u16, String)>,
    requests: Mutex<Vec<Request>>,
}

/// A running issuer.
pub(crate) struct Issuer {
    pub(crate) url: Url,
    prepared: Arc<Prepared>,
}

impl Issuer {
    /// Answers requests such as `GET /path`, whatever their query, with a status and a body; all others with 404.
    pub(crate) async fn start(answers: &[(&str, u16, &str)]) -> Self {
        let answers = answers.iter().map(|(line, status, body)| ((*line).to_owned(), (*status, (*body).to_owned())));
        let prepared = Arc::new(Prepared { answers: answers.collect(), requests: Mutex::default() });
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&prepared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test's own server ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, prepared }
    }

    /// What was asked so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.prepared.requests.lock().unwrap().clone()
    }

    /// The only request.
    pub(crate) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests.into_iter().next().unwrap()
    }
}

async fn answer(
    State(prepared): State<Arc<Prepared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let body = String::from_utf8(body.to_vec()).unwrap();
    prepared.requests.lock().unwrap().push(Request { line: format!("{method} {uri}"), headers, body });
    match prepared.answers.get(&format!("{method} {}", uri.path())) {
        Some((status, body)) => (StatusCode::from_u16(*status).unwrap(), body.clone()),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

/// The time of all logins.
pub(crate) fn now() -> Timestamp {
    "2027-01-15T08:00:00Z".parse().unwrap()
}

/// The time at which what was issued ends.
pub(crate) fn in_an_hour() -> Timestamp {
    "2027-01-15T09:00:00Z".parse().unwrap()
}

/// The ServiceAccount `apps/flux` with these annotations.
pub(crate) fn account(annotations: &[(&str, &str)]) -> ServiceAccount {
    let annotations: BTreeMap<_, _> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    ServiceAccount { namespace: "apps".to_owned(), name: "flux".to_owned(), annotations }
}

/// The text of an error with its causes.
pub(crate) fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}
