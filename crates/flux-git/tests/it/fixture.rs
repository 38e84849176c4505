//! What the tests share: a server, a store folder, and short ways to ask.

use std::fmt::Write;

use camino::Utf8PathBuf;
use flux_git::{Checkout, Error, FetchOptions, Kind, Reference, Remote, Resolved, Store, resolve};
use flux_testkit::{GitRepository, GitRequest, GitServer, GitServerOptions};

/// A server with the empty repository `app.git`, and a place for stores.
pub(crate) struct Fixture {
    pub(crate) server: GitServer,
    pub(crate) repository: GitRepository,
    pub(crate) store: Store,
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(GitServerOptions::default())
    }

    pub(crate) fn with(options: GitServerOptions) -> Self {
        let server = GitServer::start(options).unwrap();
        let repository = server.create("app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(stores(&folder), u64::MAX);
        Self { server, repository, store, folder }
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote::new(&self.server.url("app")).unwrap()
    }

    /// The same, changed.
    pub(crate) fn remote_with(&self, change: impl FnOnce(&mut Remote)) -> Remote {
        let mut remote = self.remote();
        change(&mut remote);
        remote
    }

    /// The folder of the stores.
    pub(crate) fn stores(&self) -> Utf8PathBuf {
        stores(&self.folder)
    }

    /// The folders of the single stores.
    pub(crate) fn store_folders(&self) -> Vec<Utf8PathBuf> {
        let Ok(entries) = self.stores().read_dir_utf8() else { return Vec::new() };
        entries.map(|entry| entry.unwrap().into_path()).filter(|path| path.is_dir()).collect()
    }

    pub(crate) async fn resolve(&self, reference: Reference) -> Result<Resolved, Error> {
        resolve(&self.remote(), &reference).await
    }

    /// Resolves `main` and fetches it.
    pub(crate) async fn main(&self) -> Checkout {
        self.fetch(branch("main"), &FetchOptions::default()).await.unwrap()
    }

    pub(crate) async fn fetch(&self, reference: Reference, options: &FetchOptions) -> Result<Checkout, Error> {
        let resolved = self.resolve(reference).await?;
        self.store.fetch(&self.remote(), &resolved, options).await
    }

    /// Bytes of all answers since the record was last cleared.
    pub(crate) fn sent(&self) -> u64 {
        self.server.requests().iter().map(|request| request.sent).sum()
    }

    /// The kinds of requests since the record was last cleared.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.server.requests().into_iter().map(|GitRequest { kind, .. }| kind).collect()
    }
}

fn stores(folder: &tempfile::TempDir) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(folder.path().join("git")).unwrap()
}

pub(crate) fn branch(name: &str) -> Reference {
    Reference::Branch(name.to_owned())
}

pub(crate) fn sparse(directories: &[&str]) -> FetchOptions {
    let sparse = directories.iter().map(|directory| (*directory).to_owned()).collect();
    FetchOptions { sparse, ..FetchOptions::default() }
}

/// The checkout as lines: directories end in a slash, executables in a star, links show their target; files show their
/// content where it is short.
pub(crate) fn listing(checkout: &Checkout) -> Vec<String> {
    let mut walk = checkout.walk().unwrap();
    let mut lines = Vec::new();
    let mut content = Vec::new();
    while let Some(entry) = walk.next() {
        let entry = entry.unwrap();
        if entry.kind == Kind::Directory {
            lines.push(format!("{}/", entry.path));
            continue;
        }
        walk.read(&entry, &mut content).unwrap();
        assert_eq!(walk.size(&entry).unwrap(), content.len() as u64);
        let text = String::from_utf8_lossy(&content);
        lines.push(match entry.kind {
            Kind::Directory | Kind::File => format!("{}={text}", entry.path),
            Kind::Executable => format!("{}*={text}", entry.path),
            Kind::Symlink => format!("{}->{text}", entry.path),
        });
    }
    lines
}

/// Text that does not compress.
pub(crate) fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut text = String::with_capacity(bytes);
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        write!(text, "{state:016x}").unwrap();
    }
    text
}

/// The error and its causes in one line.
pub(crate) fn message<T>(result: Result<T, Error>) -> String {
    let Err(err) = result else { panic!("an error was expected") };
    let mut text = err.to_string();
    let mut cause = std::error::Error::source(&err);
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}
