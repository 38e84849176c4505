use std::net::SocketAddr;
use std::sync::Arc;

use flux_http::{
    BodyError, Certificates, ClientIdentity, ClientOptions, ConfigureError, ProxyAddress, ProxySetting, Redirects,
    read_limited,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Scripted, answer, exchange};

fn direct() -> ClientOptions {
    ClientOptions { proxy: ProxySetting::Direct, ..ClientOptions::default() }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// A TLS server that wants a client certificate of the same authority.
async fn tls_server(authority: &Authority) -> SocketAddr {
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = authority.issue("localhost");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                exchange(&mut stream, &answer("200 OK", b"hello")).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_private_authority_and_a_client_certificate_are_used_when_given() {
    let authority = Authority::new();
    let address = tls_server(&authority).await;
    let url = format!("https://localhost:{}/", address.port());
    let certificates = Certificates::from_pem(authority.0.pem().as_bytes()).unwrap();
    let (certificate, key) = authority.issue("client");
    let identity =
        Some(ClientIdentity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap());

    let both = ClientOptions { certificates: certificates.clone(), identity: identity.clone(), ..direct() };
    let body = both.client().unwrap().get(&url).send().await.unwrap().text().await.unwrap();
    assert_eq!(body, "hello");
    assert!(!format!("{both:?}").contains("PRIVATE"));

    let stranger = ClientOptions { identity, ..direct() };
    assert!(stranger.client().unwrap().get(&url).send().await.is_err(), "unknown authority");
    let nameless = ClientOptions { certificates, ..direct() };
    assert!(nameless.client().unwrap().get(&url).send().await.is_err(), "no client certificate");
}

#[tokio::test]
async fn requests_go_through_a_given_proxy_with_its_credentials() {
    let proxy = Scripted::start(vec![answer("200 OK", b"via")]).await;
    let address = ProxyAddress::new(&proxy.url("/"), Some("user"), Some("pass")).unwrap();
    assert!(!format!("{address:?}").contains("pass"));
    let options = ClientOptions { proxy: ProxySetting::Address(address), ..ClientOptions::default() };
    let response = options.client().unwrap().get("http://unresolvable.invalid/x").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "via");
    let request = proxy.requests().concat().to_lowercase();
    assert!(request.starts_with("get http://unresolvable.invalid/x http/1.1\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: basic dxnlcjpwyxnz\r\n"), "{request}");
}

#[test]
fn a_proxy_address_must_be_one() {
    let refused = |address| ProxyAddress::new(address, None, None).unwrap_err().to_string();
    assert_eq!(refused("ftp://host"), "unsupported proxy address with scheme \"ftp\"");
    assert_eq!(refused("host"), "invalid proxy address");
}

#[test]
fn unusable_certificates_are_refused() {
    assert!(matches!(Certificates::from_pem(b"text"), Err(ConfigureError::NoCertificate)));
    assert!(matches!(ClientIdentity::from_pem(b"text", b"text"), Err(ConfigureError::Identity(_))));
}

#[tokio::test]
async fn redirects_can_be_left_to_the_caller() {
    let found = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Scripted::start(vec![found.to_vec(), found.to_vec(), answer("200 OK", b"next")]).await;
    let refusing = ClientOptions { redirects: Redirects::Refuse, ..direct() }.client().unwrap();
    assert_eq!(refusing.get(server.url("/")).send().await.unwrap().status(), 302);
    let response = direct().client().unwrap().get(server.url("/")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "next");
}

#[tokio::test]
async fn bodies_are_read_within_a_limit() {
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 5000]].concat();
    let server = Scripted::start(vec![answer("200 OK", b"12345"), answer("200 OK", b"12345"), endless]).await;
    let client = direct().client().unwrap();
    let get = async |limit| read_limited(client.get(server.url("/")).send().await.unwrap(), limit).await;
    assert_eq!(get(5).await.unwrap(), "12345");
    assert!(matches!(get(4).await, Err(BodyError::TooLarge { limit: 4 })));
    assert!(matches!(get(4000).await, Err(BodyError::TooLarge { .. })));
}
