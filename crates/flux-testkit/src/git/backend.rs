//! `git http-backend` behind an HTTP server.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use futures::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::io::ReaderStream;

use super::traffic::{Counters, GitFault};

/// Where in an answer that carries a pack the faults begin: after the acknowledgements.
const FAULT_OFFSET: usize = 4096;

/// The longest request that is looked into.
const REQUEST_LIMIT: usize = 1 << 20;

/// How protocol version 2 asks for refs. Such a request is too short for git to compress it.
const LIST_REFS: &[u8] = b"command=ls-refs";

/// What an answer is made of, for the faults.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Refs,
    Pack,
    Other,
}

/// Hands a request to `git http-backend` for the repositories below `root`, and streams both bodies.
pub(super) async fn answer(
    root: &Path,
    parts: &Parts,
    body: Body,
    counters: Arc<Counters>,
    fault: GitFault,
) -> Result<Response<Body>> {
    let (kind, body) = look_into(parts, body, fault).await?;
    let mut child = spawn(root, parts)?;
    let stdin = child.stdin.take().context("git http-backend has no standard input")?;
    let stdout = child.stdout.take().context("git http-backend has no standard output")?;
    tokio::spawn(send_body(body, stdin, counters.clone()));
    let mut output = BufReader::new(stdout);
    let mut response = read_headers(&mut output).await?;
    let whole = child_output(child, output);
    let faulty = match (fault, kind) {
        (GitFault::CorruptPack, Answer::Pack) => corrupt(whole).boxed(),
        (GitFault::CutPack, Answer::Pack) => cut(whole).boxed(),
        (GitFault::EndlessPack, Answer::Pack) => endless_pack()?.boxed(),
        (GitFault::EndlessRefs, Answer::Refs) => whole.chain(stream::repeat_with(|| Ok(ref_lines()))).boxed(),
        _ => whole.boxed(),
    };
    let counted = faulty.inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            counters.sent.fetch_add(chunk.len() as u64, Ordering::AcqRel);
        }
    });
    *response.body_mut() = Body::from_stream(counted);
    Ok(response)
}

/// What a request asks for. The body is read only where a fault depends on it.
async fn look_into(parts: &Parts, body: Body, fault: GitFault) -> Result<(Answer, Body)> {
    if parts.uri.path().ends_with("/info/refs") {
        return Ok((Answer::Refs, body));
    }
    if fault == GitFault::None || !parts.uri.path().ends_with("/git-upload-pack") {
        return Ok((Answer::Other, body));
    }
    let bytes = axum::body::to_bytes(body, REQUEST_LIMIT).await.context("read a request")?;
    let listing = bytes.windows(LIST_REFS.len()).any(|window| window == LIST_REFS);
    Ok((if listing { Answer::Refs } else { Answer::Pack }, Body::from(bytes)))
}

fn spawn(root: &Path, parts: &Parts) -> Result<Child> {
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")));
    if parts.headers.contains_key(header::CONTENT_LENGTH) {
        command.env("CONTENT_LENGTH", text(header::CONTENT_LENGTH));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().context("start git http-backend")
}

/// Git may end before it has read everything; its answer says why.
async fn send_body(body: Body, mut stdin: ChildStdin, counters: Arc<Counters>) {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        counters.received.fetch_add(chunk.len() as u64, Ordering::AcqRel);
        if stdin.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

/// Reads a CGI answer up to the end of its headers.
async fn read_headers(output: &mut BufReader<ChildStdout>) -> Result<Response<Body>> {
    let mut response = Response::new(Body::empty());
    loop {
        let mut line = String::new();
        output.read_line(&mut line).await.context("read the headers of git http-backend")?;
        let line = line.trim_end();
        let Some((name, value)) = line.split_once(':') else { return Ok(response) };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            *response.status_mut() = StatusCode::from_bytes(code.as_bytes())?;
        } else {
            response.headers_mut().append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
    }
}

/// The rest of the answer; the process lives as long as the stream.
fn child_output(
    child: Child,
    output: BufReader<ChildStdout>,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    stream::unfold((child, ReaderStream::with_capacity(output, 64 * 1024)), |(mut child, mut chunks)| async move {
        if let Some(chunk) = chunks.next().await {
            return Some((chunk, (child, chunks)));
        }
        // The answer is whole; how the process ended adds nothing.
        drop(child.wait().await);
        None
    })
}

/// Changes one byte past the acknowledgements, or the last but one of a short answer.
fn corrupt(
    chunks: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    whole_answer(chunks).map(|answer| {
        let mut bytes = answer?.to_vec();
        let at = fault_position(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0xff;
        }
        Ok(Bytes::from(bytes))
    })
}

fn cut(
    chunks: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    whole_answer(chunks).map(|answer| answer.map(|bytes| bytes.slice(..fault_position(bytes.len()))))
}

fn whole_answer(
    chunks: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    stream::once(async move {
        let all: Vec<std::io::Result<Bytes>> = chunks.collect().await;
        let parts = all.into_iter().collect::<std::io::Result<Vec<_>>>()?;
        Ok(Bytes::from(parts.concat()))
    })
}

fn fault_position(length: usize) -> usize {
    if length > 2 * FAULT_OFFSET { FAULT_OFFSET } else { length / 2 }
}

/// Many refs, each in a packet of its own.
fn ref_lines() -> Bytes {
    let line = format!("{} refs/heads/{}\n", "a".repeat(40), "x".repeat(200));
    Bytes::from(format!("{:04x}{line}", line.len() + 4).repeat(200))
}

/// A pack of valid blobs that never ends, as protocol version 2 carries it.
fn endless_pack() -> Result<impl Stream<Item = std::io::Result<Bytes>> + Send + 'static> {
    let mut opening = b"000dpackfile\n".to_vec();
    opening.extend(side_band(b"PACK\0\0\0\x02\xff\xff\xff\xff"));
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(&[b'x'; 4096])?;
    // A blob's header: type 3, size 4096 in groups of four and seven bits.
    let mut blob = vec![0x80 | (3 << 4), 0x80, 0x02];
    blob.extend(encoder.finish()?);
    let blobs = Bytes::from(side_band(&blob.repeat(8)));
    Ok(stream::once(async move { Ok(Bytes::from(opening)) }).chain(stream::repeat_with(move || Ok(blobs.clone()))))
}

/// A packet of pack data.
fn side_band(data: &[u8]) -> Vec<u8> {
    let mut packet = format!("{:04x}\u{1}", data.len() + 5).into_bytes();
    packet.extend_from_slice(data);
    packet
}
