//! A server of artifacts, as source-controller's is to this controller.

use std::collections::BTreeMap;
use std::io::Write as _;
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

/// Serves archives on a loopback port until it is dropped.
pub(crate) struct ArtifactServer {
    address: String,
    served: Served,
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
        let served = Served::default();
        let router = Router::new().route("/{*path}", get(answer)).with_state(Arc::clone(&served));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a test's own server")]
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, served, task }
    }

    /// Packs `files` and serves them under `path`.
    pub(crate) fn serve(&self, path: &str, files: &[(&str, &str)]) -> Archive {
        let archive = pack(files);
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&archive)));
        let size = archive.len();
        self.served.lock().unwrap().insert(path.to_owned(), archive);
        Archive { url: format!("{}/{path}", self.address), path: path.to_owned(), digest, size }
    }
}

impl ArtifactServer {
    /// Serves a text as it is, and returns its address.
    pub(crate) fn serve_file(&self, path: &str, text: &str) -> String {
        self.served.lock().unwrap().insert(path.to_owned(), text.as_bytes().to_vec());
        format!("{}/{path}", self.address)
    }
}

impl Drop for ArtifactServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(served): State<Served>, Path(path): Path<String>) -> impl IntoResponse {
    served.lock().unwrap().get(&path).cloned().ok_or(StatusCode::NOT_FOUND)
}

fn pack(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}
