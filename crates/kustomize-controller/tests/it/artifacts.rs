//! A server of artifacts, as source-controller's is to this controller.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

/// What is served, by path.
type Served = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// What is served, and how often something was.
#[derive(Clone, Default)]
struct Shelf {
    served: Served,
    fetches: Arc<AtomicUsize>,
}

/// Serves archives on a loopback port until it is dropped.
pub(crate) struct ArtifactServer {
    address: String,
    shelf: Shelf,
    task: JoinHandle<()>,
}

/// An archive that is served.
pub(crate) struct Archive {
    pub(crate) url: String,
    pub(crate) path: String,
    pub(crate) digest: String,
    pub(crate) size: usize,
}

impl ArtifactServer {
    pub(crate) async fn start() -> Self {
        let shelf = Shelf::default();
        let router = Router::new().route("/{*path}", get(answer)).with_state(shelf.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a test's own server")]
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shelf, task }
    }

    /// Packs `files` and serves them under `path`.
    pub(crate) fn serve(&self, path: &str, files: &[(&str, &str)]) -> Archive {
        self.serve_bytes(path, pack(files))
    }

    /// Serves bytes as an archive under `path`.
    pub(crate) fn serve_bytes(&self, path: &str, archive: Vec<u8>) -> Archive {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&archive)));
        let size = archive.len();
        self.shelf.served.lock().unwrap().insert(path.to_owned(), archive);
        Archive { url: format!("{}/{path}", self.address), path: path.to_owned(), digest, size }
    }
}

impl ArtifactServer {
    /// How often something was asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.shelf.fetches.load(Ordering::Relaxed)
    }

    /// Serves a text as it is, and returns its address.
    pub(crate) fn serve_file(&self, path: &str, text: &str) -> String {
        self.shelf.served.lock().unwrap().insert(path.to_owned(), text.as_bytes().to_vec());
        format!("{}/{path}", self.address)
    }
}

impl Drop for ArtifactServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shelf): State<Shelf>, Path(path): Path<String>) -> impl IntoResponse {
    shelf.fetches.fetch_add(1, Ordering::Relaxed);
    shelf.served.lock().unwrap().get(&path).cloned().ok_or(StatusCode::NOT_FOUND)
}

/// An archive of files.
pub(crate) fn pack(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        append(&mut archive, path, content);
    }
    compress(archive)
}

pub(crate) fn append(archive: &mut tar::Builder<Vec<u8>>, path: &str, content: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, content.as_bytes()).unwrap();
}

pub(crate) fn compress(archive: tar::Builder<Vec<u8>>) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}
