//! The API server's client: configuration, limits, metrics, impersonation, and errors that can be shown.

mod layers;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};

use crate::Metrics;
use crate::args::ApiArgs;
use layers::{Counting, Limit, Limited};
use tower::timeout::TimeoutLayer;

/// How long an answer may take to begin. API servers give up on a request after a minute, and the answer to a watch begins at
/// once; what takes longer comes over a connection that went dead.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long an answer that has begun may pause. A watch is ended by the API server before.
const PAUSE: Duration = Duration::from_secs(310);

/// The API server could not be reached or did not answer as asked. Shows its message, without codes and dumps.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API server's answer.
    #[error("{}", if .0.message.is_empty() { &.0.reason } else { &.0.message })]
    Answer(Box<kube::core::Status>),
    /// There was none.
    #[error("failed to call the API server")]
    Call(#[source] kube::Error),
}

impl ApiError {
    /// Whether there is no such object or kind.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Answer(status) if status.is_not_found())
    }

    /// Whether the object has changed or exists already.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Answer(status) if status.code == 409)
    }

    /// Whether the identity may not do this.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Answer(status) if status.is_forbidden())
    }
}

impl From<kube::Error> for ApiError {
    fn from(err: kube::Error) -> Self {
        match err {
            kube::Error::Api(status) => Self::Answer(status),
            other => Self::Call(other),
        }
    }
}

/// A client that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor the pod's service account.
    #[error("failed to find the API server's address and credentials")]
    Config(#[source] kube::config::InferConfigError),
    /// The credentials or certificates cannot be used.
    #[error("failed to configure the API server's client")]
    Client(#[source] kube::Error),
}

/// A client for the API server that the environment names: KUBECONFIG, or the pod's service account. Its requests are
/// counted, and limited to `args` where the API server has no flow control of its own.
pub async fn connect(user_agent: &str, args: &ApiArgs, metrics: &Metrics) -> Result<Client, ConnectError> {
    let config = Config::infer().await.map_err(ConnectError::Config)?;
    let limit = Limit::new(args.kube_api_qps, args.kube_api_burst);
    let client = layered(config, user_agent, &limit, metrics, PATIENCE)?;
    if has_flow_control(&client).await {
        limit.lift();
    }
    Ok(client)
}

fn layered(
    mut config: Config,
    user_agent: &str,
    limit: &Arc<Limit>,
    metrics: &Metrics,
    patience: Duration,
) -> Result<Client, ConnectError> {
    if let Ok(value) = HeaderValue::from_str(user_agent) {
        config.headers.push((http::header::USER_AGENT, value));
    }
    let host = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
    config.read_timeout = Some(PAUSE);
    config.reset_reader_on_write = true;
    let builder = ClientBuilder::try_from(config).map_err(ConnectError::Client)?;
    let builder = builder
        .with_layer(&TimeoutLayer::new(patience))
        .with_layer(&Counting::layer(metrics.clone(), host))
        .with_layer(&Limited::layer(Arc::clone(limit)));
    Ok(builder.build())
}

/// Whether the API server shares its time out fairly by itself, which its answers to any request show.
async fn has_flow_control(client: &Client) -> bool {
    let Ok(request) = Request::head("/livez/ping").body(Body::empty()) else { return false };
    match client.send(request).await {
        Ok(answer) => answer.headers().contains_key("x-kubernetes-pf-flowschema-uid"),
        Err(_) => false,
    }
}

/// A client that acts as `service_account` in `namespace`, over the connections of `client`.
pub fn impersonate(client: &Client, namespace: &str, service_account: &str) -> Client {
    let user = HeaderValue::from_str(&format!("system:serviceaccount:{namespace}:{service_account}"));
    let groups = [
        HeaderValue::from_static("system:serviceaccounts"),
        HeaderValue::from_str(&format!("system:serviceaccounts:{namespace}"))
            .unwrap_or(HeaderValue::from_static("system:serviceaccounts")),
        HeaderValue::from_static("system:authenticated"),
    ];
    // A name that is no header value is no service account's: the API server refuses it as unknown.
    let user = user.unwrap_or(HeaderValue::from_static("system:serviceaccount::"));
    let base = client.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let headers = request.headers_mut();
        headers.insert("impersonate-user", user.clone());
        headers.remove("impersonate-group");
        for group in &groups {
            headers.append("impersonate-group", group.clone());
        }
        let base = base.clone();
        async move { base.send(request).await }
    });
    Client::new(service, namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_is_never_answered_ends() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Config::new(format!("http://{}", silent.local_addr().unwrap()).parse().unwrap());
        let limit = Limit::new(0.0, 1);
        let client = layered(config, "test", &limit, &Metrics::new(), Duration::from_millis(50)).unwrap();
        let asked = tokio::time::timeout(Duration::from_secs(10), client.apiserver_version()).await.unwrap();
        let text = crate::report::message(&ApiError::from(asked.unwrap_err()));
        assert!(text.starts_with("failed to call the API server: ") && text.ends_with("request timed out"), "{text}");
    }
}
