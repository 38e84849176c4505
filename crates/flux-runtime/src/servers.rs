//! The metrics and probe endpoints.
//!
//! A connection is for one request, and ends soon whatever its client does: nobody who can reach the port can keep the
//! probes from being answered for long.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use flux_tasks::Tasks;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::Metrics;

/// How many connections may be open; more have to wait.
const CONNECTIONS: usize = 128;
/// How long to wait when there is nothing to accept a connection with.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// To send its request's head.
    head: Duration,
    /// For all, the answer taken included.
    whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), whole: Duration::from_secs(30) }
    }
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It is none.
    #[error("{address:?} is not an address such as \":8080\" or \"127.0.0.1:8080\"")]
    Address {
        /// As given.
        address: String,
    },
    /// It is taken or not ours.
    #[error("failed to listen on {address}")]
    Listen {
        /// As given.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Serves `/metrics`, and what there is of `/debug/pprof/`.
pub(crate) async fn metrics(address: &str, metrics: &Metrics, tasks: &Tasks) -> Result<Option<SocketAddr>, ServeError> {
    let metrics = metrics.clone();
    let routes = Router::new()
        .route(
            "/metrics",
            get(async move || ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text())),
        )
        .route("/debug/pprof/", get(async || PROFILES))
        .route("/debug/pprof/cmdline", get(async || std::env::args().collect::<Vec<_>>().join("\0")))
        .route("/debug/pprof/{profile}", get(async || (StatusCode::NOT_IMPLEMENTED, NO_PROFILE).into_response()));
    serve("metrics", address, routes, Patience::default(), tasks).await
}

/// Serves `/healthz` and `/readyz`.
pub(crate) async fn probes(address: &str, tasks: &Tasks) -> Result<Option<SocketAddr>, ServeError> {
    let routes = Router::new().route("/healthz", get(async || "ok")).route("/readyz", get(async || "ok"));
    serve("probes", address, routes, Patience::default(), tasks).await
}

const PROFILES: &str = "This program is not written in Go, so it has none of Go's runtime profiles.\n\
                        Available: /debug/pprof/cmdline\n";
const NO_PROFILE: &str = "this program has no Go runtime to profile\n";

async fn serve(
    what: &'static str,
    address: &str,
    routes: Router,
    patience: Patience,
    tasks: &Tasks,
) -> Result<Option<SocketAddr>, ServeError> {
    let sockets = socket_addresses(address)?;
    if sockets.is_empty() {
        return Ok(None);
    }
    let failed = |source| ServeError::Listen { address: address.to_owned(), source };
    // The first that can be had.
    let listener = TcpListener::bind(sockets.as_slice()).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tasks.spawn(what, accept(listener, routes, patience, tasks.token()));
    Ok(Some(bound))
}

/// Answers until `told`, and then lets what is under way end.
async fn accept(listener: TcpListener, routes: Router, patience: Patience, told: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let next = async {
            // Closed never; without a slot there would be no bound, which is no reason not to answer.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = told.cancelled() => break,
            Some(_) = open.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let answered = answer(stream, routes.clone(), patience);
                open.spawn(async move {
                    answered.await;
                    drop(slot);
                });
            }
            // Too few descriptors, perhaps: they come back.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

/// Answers one request.
async fn answer(stream: TcpStream, routes: Router, patience: Patience) {
    let service = service_fn(move |request| routes.clone().oneshot(request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(patience.whole, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(err)) => tracing::debug!(error = crate::report::message(&err), "connection ended early"),
        Err(_) => tracing::debug!("connection took too long"),
    }
}

/// Go's form of an address: without a host it is every address of the machine, of both protocols where there is IPv6.
/// "0" and an empty text are none.
fn socket_addresses(address: &str) -> Result<Vec<SocketAddr>, ServeError> {
    if address.is_empty() || address == "0" {
        return Ok(Vec::new());
    }
    let error = || ServeError::Address { address: address.to_owned() };
    if let Some(port) = address.strip_prefix(':') {
        let port: u16 = port.parse().map_err(|_not_a_port| error())?;
        return Ok(vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]);
    }
    let address = address.strip_prefix("localhost:").map_or(address.to_owned(), |port| format!("127.0.0.1:{port}"));
    address.parse().map(|address| vec![address]).map_err(|_not_an_address| error())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn addresses_are_read_as_go_does() {
        for (text, expected) in [
            (":8080", &["[::]:8080", "0.0.0.0:8080"][..]),
            ("127.0.0.1:0", &["127.0.0.1:0"]),
            ("localhost:9440", &["127.0.0.1:9440"]),
            ("[::1]:80", &["[::1]:80"]),
            ("0", &[]),
            ("", &[]),
        ] {
            let read: Vec<_> = socket_addresses(text).unwrap().iter().map(ToString::to_string).collect();
            assert_eq!(read, expected);
        }
        for text in ["8080", ":x", "host:80", ":70000"] {
            assert!(socket_addresses(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_without_a_host_is_served_on_both_protocols() {
        let tasks = Tasks::new();
        let bound = probes(":0", &tasks).await.unwrap().unwrap();
        TcpStream::connect((Ipv4Addr::LOCALHOST, bound.port())).await.unwrap();
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_ok() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, bound.port())).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_request_is_cut_off_and_others_are_answered() {
        let tasks = Tasks::new();
        let patience = Patience { head: Duration::from_millis(50), ..Patience::default() };
        let routes = Router::new().route("/healthz", get(async || "ok"));
        let bound = serve("probes", "127.0.0.1:0", routes, patience, &tasks).await.unwrap().unwrap();
        let mut rest = Vec::new();
        let mut silent = TcpStream::connect(bound).await.unwrap();
        silent.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        let mut other = TcpStream::connect(bound).await.unwrap();
        other.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        other.read_to_end(&mut rest).await.unwrap();
        let text = String::from_utf8(std::mem::take(&mut rest)).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nok"), "{text}");
        // Ends, with a refusal or without.
        silent.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}
