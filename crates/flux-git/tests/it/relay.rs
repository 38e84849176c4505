//! Ways around: servers of the first protocol version, proxies, connections that are cut.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use flux_git::{Credentials, Failure, FetchOptions, Proxy, Reference, Remote, Secret, SshIdentity, resolve};
use flux_testkit::{GitFault, SshGitServer, SshGitServerOptions, SshKey};

use crate::fixture::{Fixture, branch, listing, sparse};

/// Passes connections on to `target`; `change` sees what clients send. Tells of each connection that clients end.
fn relay(target: SocketAddr, change: fn(&mut [u8])) -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, endings) = channel();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, ended) = (client.unwrap(), ended.clone());
            std::thread::spawn(move || {
                let server = TcpStream::connect(target).unwrap();
                let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || pump(from, to, |_| ()));
                pump(client, server, change);
                let _ = ended.send(());
            });
        }
    });
    (address, endings)
}

fn pump(mut from: TcpStream, mut to: TcpStream, change: fn(&mut [u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut chunk = buffer[..count].to_vec();
        change(&mut chunk);
        if to.write_all(&chunk).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// Hides from the server that the client speaks the second version of the protocol.
fn old_protocol(chunk: &mut [u8]) {
    let header = b"git-protocol: version=2";
    let found = chunk.windows(header.len()).position(|window| window.eq_ignore_ascii_case(header));
    if let Some(at) = found {
        chunk[at..at + 3].copy_from_slice(b"xxx");
    }
}

/// The server's address, and the remote through `address` instead.
fn through(fixture: &Fixture, change: fn(&mut [u8])) -> (Remote, Receiver<()>) {
    let url = fixture.server.url("app");
    let target = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let (address, endings) = relay(target.parse().unwrap(), change);
    (Remote::new(&url.replace(&target, &address.to_string())).unwrap(), endings)
}

#[tokio::test]
async fn servers_of_the_first_protocol_version_work_as_well() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let first = repository.commit_files("main", "first", &[("apps/a", "1"), ("b", "1")]).unwrap();
    repository.tag_annotated("v1.0.0", &first, "one").unwrap();
    let (remote, _endings) = through(&fixture, old_protocol);
    let ask = async |reference: Reference, options: FetchOptions| {
        let resolved = resolve(&remote, &reference).await?;
        fixture.store.fetch(&remote, &resolved, &options).await
    };
    let whole = FetchOptions::default;
    assert_eq!(listing(&ask(branch("main"), whole()).await.unwrap()), ["apps/", "apps/a=1", "b=1"]);
    let tagged = ask(Reference::Semver("*".to_owned()), whole()).await.unwrap();
    assert_eq!(tagged.tag().unwrap().name, "v1.0.0");
    repository.commit_files("main", "second", &[("b", "2")]).unwrap();
    assert_eq!(listing(&ask(branch("main"), whole()).await.unwrap()), ["apps/", "apps/a=1", "b=2"]);
    assert_eq!(listing(&ask(branch("main"), sparse(&["apps"])).await.unwrap()), ["apps/", "apps/a=1"]);

    let second = repository.resolve("main").unwrap();
    repository.commit_files("main", "third", &[("b", "3")]).unwrap();
    fixture.store.release("").await.unwrap();
    for branch in [None, Some("main".to_owned())] {
        let found = ask(Reference::Commit { id: second.clone(), branch }, whole()).await.unwrap();
        assert_eq!(listing(&found), ["apps/", "apps/a=1", "b=2"], "found in history");
        fixture.store.release("").await.unwrap();
    }
    let absent = Reference::Commit { id: "1".repeat(40), branch: None };
    assert!(matches!(ask(absent, whole()).await.unwrap_err().failure, Failure::CommitNotFound(_)));
    let elsewhere = Reference::Commit { id: first, branch: Some("other".to_owned()) };
    assert!(matches!(ask(elsewhere, whole()).await.unwrap_err().failure, Failure::ReferenceNotFound(_)));
    let off = repository.commit_files("side", "off", &[("c", "1")]).unwrap();
    ask(branch("side"), whole()).await.unwrap();
    let off = Reference::Commit { id: off, branch: Some("main".to_owned()) };
    assert!(matches!(ask(off, whole()).await.unwrap_err().failure, Failure::CommitNotFound(_)));
    let missing = ask(branch("other"), whole()).await.unwrap_err();
    assert!(matches!(missing.failure, Failure::ReferenceNotFound(_)), "{missing:?}");
}

#[tokio::test]
async fn an_empty_repository_is_told_in_the_first_protocol_version() {
    let fixture = Fixture::new();
    let (remote, _endings) = through(&fixture, old_protocol);
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::EmptyRepository), "{err:?}");
}

#[tokio::test]
async fn a_run_that_is_dropped_cuts_its_connection() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let (remote, endings) = through(&fixture, |_| ());
    fixture.server.set_fault(GitFault::Silent);
    let dropped = tokio::time::timeout(Duration::from_millis(200), resolve(&remote, &branch("main"))).await;
    assert!(dropped.is_err());
    let ended = tokio::task::spawn_blocking(move || endings.recv_timeout(Duration::from_secs(20))).await.unwrap();
    ended.expect("the connection ends");
}

#[tokio::test]
async fn a_proxy_is_used_for_http() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = url::Url::parse(&format!("http://{}", proxy.local_addr().unwrap())).unwrap();
    let seen = std::thread::spawn(move || {
        let (mut client, _) = proxy.accept().unwrap();
        let mut request = vec![0; 8192];
        let count = client.read(&mut request).unwrap();
        client.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..count]).to_lowercase()
    });
    let username = Some(Secret::from("user"));
    let proxy = Proxy { address, username, password: Some("hidden".into()) };
    let remote = fixture.remote_with(|remote| remote.proxy = Some(proxy));
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::RepositoryNotFound), "{err:?}");
    let request = seen.join().unwrap();
    assert!(request.starts_with(&format!("get {}/info/refs", fixture.server.url("app"))), "{request}");
    assert!(request.contains("proxy-authorization: basic"), "{request}");
    assert!(fixture.server.requests().is_empty());
}

#[tokio::test]
async fn ssh_goes_through_a_socks_proxy_and_no_other() {
    let key = SshKey::generate().unwrap();
    let options = SshGitServerOptions { clients: vec![key.clone()], ..SshGitServerOptions::default() };
    let server = SshGitServer::start(options).unwrap();
    server.create("app").unwrap().commit_files("main", "first", &[("a", "1")]).unwrap();
    let target: SocketAddr =
        server.url("app").trim_start_matches("ssh://git@").split('/').next().unwrap().parse().unwrap();
    let socks = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socks.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut client, _) = socks.accept().unwrap();
        let mut greeting = [0; 3];
        client.read_exact(&mut greeting).unwrap();
        client.write_all(&[5, 2]).unwrap();
        let mut login = [0; 3 + 4 + 6];
        client.read_exact(&mut login).unwrap();
        assert_eq!(&login, b"\x01\x04user\x06hidden");
        client.write_all(&[1, 0]).unwrap();
        let mut head = [0; 5];
        client.read_exact(&mut head).unwrap();
        let mut rest = vec![0; usize::from(head[4]) + 2];
        client.read_exact(&mut rest).unwrap();
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        let server = TcpStream::connect(target).unwrap();
        let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || pump(from, to, |_| ()));
        pump(client, server, |_| ());
    });
    let mut remote = Remote::new(&server.url("app")).unwrap();
    remote.credentials = Credentials::Ssh(SshIdentity {
        user: None,
        identity: key.private().unwrap().into(),
        passphrase: None,
        known_hosts: server.known_hosts().unwrap(),
    });
    let proxy = |scheme: &str| {
        let address = url::Url::parse(&format!("{scheme}://{address}")).unwrap();
        Some(Proxy { address, username: Some("user".into()), password: Some("hidden".into()) })
    };
    remote.proxy = proxy("http");
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::InvalidTransport { .. }), "{err:?}");
    remote.proxy = proxy("socks5");
    resolve(&remote, &branch("main")).await.unwrap();
}

#[tokio::test]
async fn polls_of_one_store_keep_their_connection() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let url = fixture.server.url("app");
    let target = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let (address, endings) = relay(target.parse().unwrap(), |_| ());
    for _ in 0..3 {
        let remote = fixture.store.remote(&url.replace(&target, &address.to_string())).unwrap();
        resolve(&remote, &branch("main")).await.unwrap();
    }
    drop(fixture);
    let ended = tokio::task::spawn_blocking(move || {
        endings.recv_timeout(Duration::from_secs(20)).unwrap();
        endings.try_recv().is_ok()
    });
    assert!(!ended.await.unwrap(), "there was one connection only");
}
