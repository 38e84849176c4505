//! The metrics and probe endpoints.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use flux_tasks::Tasks;
use tokio::net::TcpListener;

use crate::Metrics;

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
    serve("metrics", address, routes, tasks).await
}

/// Serves `/healthz` and `/readyz`.
pub(crate) async fn probes(address: &str, tasks: &Tasks) -> Result<Option<SocketAddr>, ServeError> {
    let routes = Router::new().route("/healthz", get(async || "ok")).route("/readyz", get(async || "ok"));
    serve("probes", address, routes, tasks).await
}

const PROFILES: &str = "This program is not written in Go, so it has none of Go's runtime profiles.\n\
                        Available: /debug/pprof/cmdline\n";
const NO_PROFILE: &str = "this program has no Go runtime to profile\n";

async fn serve(
    what: &'static str,
    address: &str,
    routes: Router,
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
    let told = tasks.token();
    tasks.spawn(what, async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(told.cancelled_owned()).await;
        if let Err(err) = served {
            tracing::error!(error = crate::report::message(&err), server = what, "server ended");
        }
    });
    Ok(Some(bound))
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
    use tokio::net::TcpStream;

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
}
