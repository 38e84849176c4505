//! Serves the tree of artifacts over HTTP.
//!
//! A static file server: GET and HEAD, one range, conditional requests, listings of directories. A strong ETag comes
//! from what the file system says of a file, which is enough because published files are replaced, never written to.
//! Names that start with a dot do not exist for it.

mod conditional;
mod content;
mod lookup;
mod stall;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use content::Body;
use stall::StallGuard;

/// How patient the server is.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// How long a client may take to send a request's head, also on an idle connection.
    pub header_timeout: Duration,
    /// How long a client may take too few of the bytes that wait for it.
    pub stall_timeout: Duration,
    /// How many bytes a second are not too few. Bounds how long the answer to a request can take.
    pub slowest_rate: u64,
    /// How many connections may be open; more have to wait.
    pub connections: usize,
    /// How long open requests may go on once the server is told to stop.
    pub shutdown_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_mins(1),
            slowest_rate: 16 << 10,
            connections: 1024,
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}

/// Answers requests for the files below `root` until `stop`, then lets open requests end, within bounds.
pub async fn serve(
    listener: TcpListener,
    root: &Utf8Path,
    options: ServerOptions,
    stop: CancellationToken,
) -> io::Result<()> {
    let root: Arc<Utf8Path> = Arc::from(root.canonicalize_utf8()?);
    let slots = Arc::new(Semaphore::new(options.connections));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = open.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, slot) = accepted;
        open.spawn(connection(stream, slot, Arc::clone(&root), options, stop.clone()));
    }
    drop(listener);
    let all_done = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(options.shutdown_timeout, all_done).await.is_err() {
        tracing::info!(connections = open.len(), "artifact server closes connections that did not end in time");
        open.shutdown().await;
    }
    Ok(())
}

/// The next connection. Failing to accept one, for want of descriptors perhaps, is no reason to end the server.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else {
            // The semaphore is never closed.
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(err) => {
                tracing::debug!(error = %err, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    root: Arc<Utf8Path>,
    options: ServerOptions,
    stop: CancellationToken,
) {
    let service = service_fn(move |request| answer(Arc::clone(&root), request));
    let io = TokioIo::new(StallGuard::new(stream, options.stall_timeout, options.slowest_rate));
    let mut connection = std::pin::pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(64 * 1024)
            .serve_connection(io, service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(err) = ended {
        tracing::debug!(error = %err, "artifact connection ended early");
    }
    drop(slot);
}

async fn answer(root: Arc<Utf8Path>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let looked_up = tokio::task::spawn_blocking(move || lookup::lookup(&root, &path)).await;
    Ok(match looked_up {
        Ok(found) => content::respond(request.method(), request.headers(), found),
        Err(_) => content::failed(),
    })
}

/// Where a request leads.
#[derive(Debug)]
enum Found {
    /// To a regular file.
    File(lookup::OpenFile),
    /// To a directory with these names, those of directories with a slash at their end.
    Directory(Vec<String>),
    /// To a directory that was asked for without a slash at the end.
    NeedsSlash(Utf8PathBuf),
    /// Nowhere.
    Nothing,
    /// To something that the file system does not give away.
    Failed(io::Error),
}
