//! Who is let in, and what is trusted.

use flux_git::{ClientIdentity, Credentials, Failure, Reference, Remote, resolve};
use flux_testkit::{Authentication, ClientCertificates, GitFault, GitServerOptions, TestAuthority};

use crate::fixture::{Fixture, branch, listing, message};

fn basic(username: &str, password: &str) -> Credentials {
    Credentials::Basic { username: username.into(), password: password.into() }
}

#[tokio::test]
async fn users_and_tokens_are_let_in_and_others_told_why_not() {
    for (authentication, good, bad) in [
        (Authentication::Basic("user".into(), "p:ä".into()), basic("user", "p:ä"), basic("user", "wrong")),
        (Authentication::Bearer("token".into()), Credentials::Bearer("token".into()), Credentials::Bearer("x".into())),
    ] {
        let fixture = Fixture::with(GitServerOptions { authentication, ..GitServerOptions::default() });
        fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
        let ask = async |credentials: Credentials| {
            let remote = fixture.remote_with(|remote| remote.credentials = credentials);
            let resolved = resolve(&remote, &branch("main")).await?;
            fixture.store.fetch(&remote, &resolved, &flux_git::FetchOptions::default()).await
        };
        assert_eq!(listing(&ask(good).await.unwrap()), ["a=1"]);
        let refused = ask(bad).await.unwrap_err();
        assert!(matches!(refused.failure, Failure::AuthenticationFailed { .. }), "{refused:?}");
        let anonymous = ask(Credentials::None).await.unwrap_err();
        assert!(matches!(anonymous.failure, Failure::AuthenticationRequired), "{anonymous:?}");
    }
}

#[tokio::test]
async fn credentials_in_the_url_are_used_and_never_shown() {
    let authentication = Authentication::Basic("user".into(), "hidden".into());
    let fixture = Fixture::with(GitServerOptions { authentication, ..GitServerOptions::default() });
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let url = |userinfo: &str| fixture.server.url("app").replace("://", &format!("://{userinfo}@"));
    let remote = Remote::new(&url("user:hidden")).unwrap();
    resolve(&remote, &branch("main")).await.unwrap();
    assert!(!format!("{:?} {}", remote, remote.display_url()).contains("hidden"));
    let shown = message(resolve(&Remote::new(&url("user:other-secret")).unwrap(), &branch("main")).await);
    assert!(shown.contains("*****") && !shown.contains("other-secret"), "{shown}");
}

#[tokio::test]
async fn statuses_have_their_meaning() {
    let fixture = Fixture::new();
    for (status, expected) in [
        (404, "repository not found"),
        (403, "authorization failed"),
        (500, "unexpected status 500"),
        (429, "unexpected status 429"),
    ] {
        fixture.server.set_fault(GitFault::Status(status));
        let shown = message(fixture.resolve(branch("main")).await);
        assert!(shown.ends_with(expected), "{shown}");
    }
}

#[tokio::test]
async fn a_private_authority_and_a_client_certificate_open_a_tls_server() {
    let authority = TestAuthority::new().unwrap();
    let client = authority.client("flux").unwrap();
    let pem = authority.certificate();
    let tls = Some((authority, ClientCertificates::Required));
    let fixture = Fixture::with(GitServerOptions { tls, ..GitServerOptions::default() });
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();

    let mut remote = fixture.remote();
    let unknown = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(unknown.failure, Failure::Tls { .. }), "{unknown:?}");

    remote.tls.ca = Some(TestAuthority::new().unwrap().certificate().into_bytes());
    let wrong = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(wrong.failure, Failure::Tls { .. }), "{wrong:?}");

    remote.tls.ca = Some(pem.into_bytes());
    let bare = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(bare.failure, Failure::Tls { .. } | Failure::Unreachable { .. }), "{bare:?}");

    remote.tls.identity =
        Some(ClientIdentity { certificate: client.certificate.into_bytes(), key: client.key.as_str().into() });
    resolve(&remote, &branch("main")).await.unwrap();
}

#[tokio::test]
async fn unusable_settings_are_told_before_anything_is_sent() {
    let fixture = Fixture::new();
    for url in ["git://example.com/x", "/path", "https://", "ht!tp://x"] {
        let err = Remote::new(url).unwrap_err();
        assert!(matches!(err.failure, Failure::InvalidUrl { .. }), "{url}: {err:?}");
    }
    let mut remote = fixture.remote();
    remote.tls.ca = Some(b"no certificate".to_vec());
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::InvalidTransport { .. }), "{err:?}");
    assert!(fixture.server.requests().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for scheme in ["http", "https"] {
        let remote = Remote::new(&format!("{scheme}://127.0.0.1:{port}/app.git")).unwrap();
        let err = resolve(&remote, &Reference::default()).await.unwrap_err();
        assert!(matches!(err.failure, Failure::Unreachable { .. }), "{err:?}");
    }
}

#[tokio::test]
async fn a_page_that_is_no_repository_is_told_apart() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/app.git", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
            )
            .unwrap();
    });
    let shown = message(resolve(&Remote::new(&url).unwrap(), &branch("main")).await);
    assert!(shown.ends_with("protocol error: the server does not speak Git's smart HTTP protocol"), "{shown}");
    server.join().unwrap();
}
