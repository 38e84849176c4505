//! Answers.

use std::fmt::Write as _;
use std::io::{self, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::Found;
use super::conditional::{Representation, Verdict, http_date, verdict};
use super::lookup::OpenFile;

const CHUNK: usize = 64 * 1024;

/// What the server sends.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

pub(super) fn respond(method: &Method, headers: &HeaderMap, found: Found) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let response = match found {
        Found::File(file) => send_file(method, headers, file),
        Found::Directory(names) => listing(&names),
        Found::NeedsSlash(path) => redirect(path.file_name().unwrap_or_default()),
        Found::Nothing => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        Found::Failed(err) => {
            tracing::error!(error = %err, "failed to read artifact");
            failed()
        }
    };
    if *method == Method::HEAD { response.map(|_| empty()) } else { response }
}

pub(super) fn failed() -> Response<Body> {
    text(StatusCode::INTERNAL_SERVER_ERROR, "internal server error\n")
}

fn send_file(method: &Method, headers: &HeaderMap, file: OpenFile) -> Response<Body> {
    let of = Representation { etag: &file.etag, modified: file.modified, size: file.size };
    let verdict = verdict(method, headers, &of);
    let mut response = Response::new(empty());
    let own = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        own.insert(header::ETAG, etag);
    }
    if let Some(date) = http_date(file.modified).and_then(|date| HeaderValue::try_from(date).ok()) {
        own.insert(header::LAST_MODIFIED, date);
    }
    own.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let size = file.size;
    match verdict {
        Verdict::Whole => with_content(response, file, 0..size),
        Verdict::Part(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            content_range(&mut response, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
            with_content(response, file, range)
        }
        Verdict::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        }
        Verdict::PreconditionFailed => {
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
            response
        }
        Verdict::NotSatisfiable => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            content_range(&mut response, &format!("bytes */{size}"));
            response
        }
    }
}

fn content_range(response: &mut Response<Body>, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
}

fn with_content(mut response: Response<Body>, file: OpenFile, range: Range<u64>) -> Response<Body> {
    let length = range.end - range.start;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&file.name)));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.map(|_| file_body(file, range.start, length))
}

/// Opens nothing and reads nothing before it is polled, so that a HEAD request costs no read.
fn file_body(file: OpenFile, start: u64, length: u64) -> Body {
    let stream = async move {
        let mut file = tokio::fs::File::from_std(file.file);
        file.seek(SeekFrom::Start(start)).await?;
        Ok::<_, io::Error>(ReaderStream::with_capacity(file.take(length), CHUNK))
    };
    let frames = futures::TryFutureExt::try_flatten_stream(stream).map_ok(Frame::data);
    StreamBody::new(frames).boxed_unsync()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("gz" | "tgz") => "application/gzip",
        Some("yaml" | "yml") => "application/yaml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

fn listing(names: &[String]) -> Response<Body> {
    let mut page = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n".to_owned();
    for name in names {
        // Writing to a text cannot fail.
        let _ = writeln!(page, "<a href=\"./{}\">{}</a>", percent_encode(name), escape(name));
    }
    page += "</pre>\n";
    let mut response = text(StatusCode::OK, &page);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn redirect(name: &str) -> Response<Body> {
    let mut response = text(StatusCode::MOVED_PERMANENTLY, "");
    if let Ok(target) = HeaderValue::try_from(format!("{}/", percent_encode(name))) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

fn text(status: StatusCode, content: &str) -> Response<Body> {
    let mut response = Response::new(Full::from(content.to_owned()).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(content.len()));
    response
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn percent_encode(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/@!$()*,;=+".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn escape(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('\'', "&#39;")
}
