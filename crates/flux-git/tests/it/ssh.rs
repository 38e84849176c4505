//! Repositories over SSH.

use flux_git::{
    Checkout, Credentials, Error, Failure, FetchOptions, Reference, Remote, Secret, SshIdentity, Store, resolve,
};
use flux_testkit::{GitRepository, SshGitServer, SshGitServerOptions, SshKey};

use crate::fixture::{branch, listing, message};

struct Ssh {
    server: SshGitServer,
    repository: GitRepository,
    key: SshKey,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Ssh {
    fn new() -> Self {
        let key = SshKey::generate().unwrap();
        let options = SshGitServerOptions { clients: vec![key.clone()], ..SshGitServerOptions::default() };
        let server = SshGitServer::start(options).unwrap();
        let repository = server.create("app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_str().unwrap(), u64::MAX);
        Self { server, repository, key, store, _folder: folder }
    }

    fn remote(&self, key: &SshKey, known_hosts: String) -> Remote {
        let mut remote = Remote::new(&self.server.url("app")).unwrap();
        remote.credentials = Credentials::Ssh(SshIdentity {
            user: None,
            identity: Secret::from(key.private().unwrap()),
            passphrase: None,
            known_hosts,
        });
        remote
    }

    fn known(&self) -> Remote {
        self.remote(&self.key, self.server.known_hosts().unwrap())
    }

    async fn fetch(&self, remote: &Remote, reference: Reference) -> Result<Checkout, Error> {
        let resolved = resolve(remote, &reference).await?;
        self.store.fetch(remote, &resolved, &FetchOptions::default()).await
    }
}

#[tokio::test]
async fn a_known_host_with_a_known_key_is_read() {
    let ssh = Ssh::new();
    ssh.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let remote = ssh.known();
    assert_eq!(listing(&ssh.fetch(&remote, branch("main")).await.unwrap()), ["a=1"]);
    let first = ssh.repository.commit_files("main", "second", &[("a", "2")]).unwrap();
    assert_eq!(listing(&ssh.fetch(&remote, branch("main")).await.unwrap()), ["a=2"]);
    ssh.repository.commit_files("main", "third", &[("a", "3")]).unwrap();
    let pinned = Reference::Commit { id: first, branch: None };
    assert_eq!(listing(&ssh.fetch(&remote, pinned).await.unwrap()), ["a=2"]);
}

#[tokio::test]
async fn a_host_with_another_key_or_none_is_refused_before_we_log_in() {
    let ssh = Ssh::new();
    ssh.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let other = ssh.server.known_hosts_of(&SshKey::generate().unwrap()).unwrap();
    let elsewhere = ssh.server.known_hosts().unwrap().replace("127.0.0.1", "127.0.0.9");
    for (known_hosts, expected) in [(other, "knownhosts: key mismatch"), (elsewhere, "knownhosts: key is unknown")] {
        let err = resolve(&ssh.remote(&ssh.key, known_hosts), &branch("main")).await.unwrap_err();
        assert!(matches!(err.failure, Failure::HostKey { .. }), "{err:?}");
        let shown = message::<()>(Err(err));
        assert!(shown.contains(&format!("ssh: handshake failed: {expected}")), "{shown}");
    }
    assert!(ssh.server.requests().is_empty());
}

#[tokio::test]
async fn a_key_the_server_does_not_know_is_refused() {
    let ssh = Ssh::new();
    let remote = ssh.remote(&SshKey::generate().unwrap(), ssh.server.known_hosts().unwrap());
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::AuthenticationFailed { .. }), "{err:?}");
}

#[tokio::test]
async fn identities_that_cannot_be_read_are_refused_before_connecting() {
    let ssh = Ssh::new();
    let mut remote = ssh.known();
    let with_identity = |remote: &mut Remote, identity: &str| {
        let Credentials::Ssh(ssh) = &mut remote.credentials else { panic!("ssh") };
        ssh.identity = identity.into();
    };
    with_identity(&mut remote, "no key");
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::InvalidCredentials { .. }), "{err:?}");
    remote.credentials = Credentials::None;
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::InvalidCredentials { .. }), "{err:?}");
}

#[tokio::test]
async fn a_repository_the_server_does_not_have_is_not_found() {
    let ssh = Ssh::new();
    let known = ssh.known();
    let mut remote = Remote::new(&ssh.server.url("other")).unwrap();
    remote.credentials = known.credentials;
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::RepositoryNotFound), "{err:?}");
}

#[tokio::test]
async fn algorithms_can_be_chosen() {
    let ssh = Ssh::new();
    ssh.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let mut remote = ssh.known();
    remote.ssh.key_exchange = vec!["curve25519-sha256".to_owned()];
    remote.ssh.host_key = vec!["ssh-ed25519".to_owned()];
    resolve(&remote, &branch("main")).await.unwrap();
    remote.ssh.host_key = vec!["rsa-sha2-512".to_owned()];
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::HostKey { .. }), "{err:?}");
    remote.ssh.key_exchange = vec!["nonsense".to_owned()];
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::InvalidTransport { .. }), "{err:?}");
}
