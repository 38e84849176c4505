//! A Git server over HTTP and HTTPS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::traffic::{Counters, Traffic};
use super::{GitFault, GitRepository, GitRequest, backend};
use crate::background::Background;
use crate::listen::{TlsListener, bind};
use crate::tls::{ClientCertificates, TestAuthority};

/// Bare repositories served over HTTP by git itself, on a free port of loopback.
///
/// The server has its own threads: a test may block while it answers.
pub struct GitServer {
    url: String,
    root: PathBuf,
    authority: Option<Arc<TestAuthority>>,
    traffic: Traffic,
    _background: Background,
    _temporary: Option<TempDir>,
}

/// What a Git server over HTTP asks of its clients.
#[derive(Default)]
pub struct GitServerOptions {
    /// Who may read and write.
    pub authentication: Authentication,
    /// With an authority the server speaks TLS; the second part says whether clients need a certificate of it.
    pub tls: Option<(TestAuthority, ClientCertificates)>,
    /// Where the repositories are kept. A temporary folder when not given.
    pub folder: Option<PathBuf>,
}

/// Whether a user name and a password are let in.
pub type PasswordCheck = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// What a client must send to be let in.
#[derive(Default, Clone)]
pub enum Authentication {
    /// Nothing.
    #[default]
    Open,
    /// This user name and password.
    Basic(String, String),
    /// This bearer token.
    Bearer(String),
    /// A user name and password that pass a check of the test's own.
    Checked(PasswordCheck),
}

impl GitServer {
    /// Starts a server without repositories.
    pub fn start(options: GitServerOptions) -> Result<Self> {
        let GitServerOptions { authentication, tls, folder } = options;
        let temporary = if folder.is_none() { Some(TempDir::with_prefix("flux-git-")?) } else { None };
        let root = folder.or_else(|| temporary.as_ref().map(|folder| folder.path().to_path_buf()));
        let root = root.context("a server needs a folder")?;
        std::fs::create_dir_all(&root).with_context(|| format!("make {}", root.display()))?;

        let traffic = Traffic::default();
        let state = Arc::new(Served { root: root.clone(), authentication, traffic: traffic.clone() });
        let router = Router::new().fallback(serve).with_state(state);
        let (background, handle) = Background::new("git server")?;
        let _entered = handle.enter();
        let listener = bind()?;
        let address = listener.local_addr()?;
        let (url, authority) = match tls {
            None => {
                handle.spawn(async move { axum::serve(listener, router).await });
                (format!("http://{address}"), None)
            }
            Some((authority, clients)) => {
                let listener = TlsListener::new(listener, authority.server(clients)?)?;
                handle.spawn(async move { axum::serve(listener, router).await });
                (format!("https://{address}"), Some(Arc::new(authority)))
            }
        };
        Ok(Self { url, root, authority, traffic, _background: background, _temporary: temporary })
    }

    /// Makes an empty repository, served as [`Self::url`] of that name.
    pub fn create(&self, name: &str) -> Result<GitRepository> {
        GitRepository::create(&self.root.join(format!("{name}.git")))
    }

    /// Where a repository is found.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.url)
    }

    /// The folder that holds the repositories.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The authority that clients must trust, of a server that speaks TLS.
    pub fn authority(&self) -> Option<&TestAuthority> {
        self.authority.as_deref()
    }

    /// All requests since the start or the last [`Self::forget_requests`], in order.
    pub fn requests(&self) -> Vec<GitRequest> {
        self.traffic.requests()
    }

    /// Begins the record of requests anew.
    pub fn forget_requests(&self) {
        self.traffic.forget();
    }

    /// Makes the server misbehave, or behave again.
    pub fn set_fault(&self, fault: GitFault) {
        self.traffic.set_fault(fault);
    }
}

struct Served {
    root: PathBuf,
    authentication: Authentication,
    traffic: Traffic,
}

async fn serve(State(served): State<Arc<Served>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (repository, kind) = split_path(parts.uri.path());
    let (repository, kind) = (repository.to_owned(), kind.to_owned());
    let counters = Arc::new(Counters::default());
    let fault = served.traffic.fault();
    let refusal = match fault {
        GitFault::Status(code) => Some(status(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))),
        _ => unauthorized(&served.authentication, &parts.headers),
    };
    let response = match refusal {
        Some(response) => response,
        None if fault == GitFault::Silent => {
            served.traffic.record(&repository, &kind, 0, counters);
            return std::future::pending().await;
        }
        None => backend::answer(&served.root, &parts, body, counters.clone(), fault)
            .await
            .unwrap_or_else(|err| text(StatusCode::INTERNAL_SERVER_ERROR, format!("{err:#}\n"))),
    };
    served.traffic.record(&repository, &kind, response.status().as_u16(), counters);
    response
}

/// The repository's name and what is asked of it.
fn split_path(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    match path.find(".git/") {
        Some(at) => (&path[..at + 4], &path[at + 5..]),
        None => ("", path),
    }
}

fn unauthorized(authentication: &Authentication, headers: &HeaderMap) -> Option<Response<Body>> {
    const BASIC: &str = "Basic realm=\"git\"";
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (passes, scheme) = match authentication {
        Authentication::Open => return None,
        Authentication::Basic(user, password) => {
            (basic(given).is_some_and(|given| given == (user.clone(), password.clone())), BASIC)
        }
        Authentication::Checked(check) => (basic(given).is_some_and(|(user, password)| check(&user, &password)), BASIC),
        Authentication::Bearer(token) => (given.strip_prefix("Bearer ") == Some(token), "Bearer"),
    };
    if passes {
        return None;
    }
    let mut response = text(StatusCode::UNAUTHORIZED, "who are you?\n".to_owned());
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(scheme));
    Some(response)
}

/// User name and password of a header of basic authentication.
fn basic(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn status(code: StatusCode) -> Response<Body> {
    text(code, format!("{code}\n"))
}

fn text(code: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = code;
    response
}
