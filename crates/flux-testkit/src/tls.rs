//! A certificate authority of one test, with server and client certificates.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

/// A certificate authority that nobody else knows.
pub struct TestAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
    hosts: Vec<String>,
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct TestCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Whether a server wants to know its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Clients need none.
    Unasked,
    /// A client without one of this authority is refused.
    Required,
}

impl TestAuthority {
    /// A new authority.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        Ok(Self { issuer: Issuer::new(params, key), certificate, hosts })
    }

    /// The same authority, whose servers may also be called `host`, as a proxy can make clients do.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    /// The authority's certificate as PEM.
    pub fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// A client certificate with a common name.
    pub fn client(&self, name: &str) -> Result<TestCertificate> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(TestCertificate { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// What a server on loopback needs to speak TLS.
    pub fn server(&self, clients: ClientCertificates) -> Result<Arc<rustls::ServerConfig>> {
        let mut params = CertificateParams::new(self.hosts.clone())?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            rustls::ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match clients {
            ClientCertificates::Unasked => builder.with_no_client_auth(),
            ClientCertificates::Required => {
                let mut roots = RootCertStore::empty();
                roots.add(self.certificate.der().clone())?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.context("make the client verifier")?)
            }
        };
        Ok(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], private)?))
    }
}
