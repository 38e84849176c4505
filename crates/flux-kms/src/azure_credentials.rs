//! Credentials for Azure as a decryption Secret holds them.

use flux_auth::azure::{AzureIdentity, AzureLogin, AzureProof, AzureSettings};
use flux_auth::{CloudLogin, Secret};
use flux_http::ClientOptions;
use jiff::Timestamp;
use url::Url;

use crate::CredentialsError;
use crate::azure_certificate::{Certificate, CertificateError};
use crate::entries::{Entries, EntriesError};

/// The authority of the public cloud.
const AUTHORITY: &str = "https://login.microsoftonline.com/";

/// Why the text of `sops.azure-kv` is of no use.
#[derive(Debug, thiserror::Error)]
pub enum AzureCredentialsError {
    /// It is no YAML of this shape.
    #[error("failed to read Azure authentication file")]
    Entries(#[from] EntriesError),
    /// The certificate or its key is unusable.
    #[error("invalid client certificate")]
    Certificate(#[from] CertificateError),
    /// The authority is no URL.
    #[error("field \"authorityHost\" is no URL")]
    Authority,
    /// No combination of fields makes credentials.
    #[error(
        "invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or \
         'tenantId', 'clientId' and 'clientCertificate'"
    )]
    Incomplete,
}

/// Who logs in to Azure, and how.
#[derive(Clone, Debug)]
pub(crate) enum AzureCredentials {
    /// An application with a secret.
    ClientSecret { identity: AzureIdentity, secret: Secret, authority: Option<Url> },
    /// An application with a certificate.
    ClientCertificate { identity: AzureIdentity, certificate: Certificate, authority: Option<Url> },
    /// An identity of the machine.
    ManagedIdentity { client: String },
}

impl AzureCredentials {
    /// Reads the forms that Flux takes: a client's secret, a client's certificate, what `az ad sp create-for-rbac`
    /// prints, the id of a managed identity; the first one that is complete. YAML or JSON, UTF-8 or UTF-16.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, AzureCredentialsError> {
        let entries = Entries::parse(&decode(text)?)?;
        let text = |field| entries.text(field).map(|text| (!text.is_empty()).then(|| Secret::new(text.as_str())));
        let plain = |field| text(field).map(|text| text.map(|text| text.expose().to_owned()));
        let (tenant, client) = (plain("tenantId")?, plain("clientId")?);
        let (client_secret, certificate) = (text("clientSecret")?, text("clientCertificate")?);
        let (az_client, az_tenant, az_password) = (plain("appId")?, plain("tenant")?, text("password")?);
        let send_chain = entries.bool("clientCertificateSendChain")?;
        let authority = match plain("authorityHost")? {
            Some(host) => Some(Url::parse(&host).map_err(|_| AzureCredentialsError::Authority)?),
            None => None,
        };
        if let (Some(tenant), Some(client)) = (&tenant, &client) {
            let identity = AzureIdentity { tenant: tenant.clone(), client: client.clone() };
            if let Some(secret) = client_secret {
                return Ok(Self::ClientSecret { identity, secret, authority });
            }
            if let Some(pem) = certificate {
                let certificate = Certificate::from_pem(pem.expose(), send_chain)?;
                return Ok(Self::ClientCertificate { identity, certificate, authority });
            }
        }
        match (az_tenant, az_client, az_password, client) {
            (Some(tenant), Some(client), Some(secret), _) => {
                Ok(Self::ClientSecret { identity: AzureIdentity { tenant, client }, secret, authority })
            }
            (_, _, _, Some(client)) => Ok(Self::ManagedIdentity { client }),
            (_, _, _, None) => Err(AzureCredentialsError::Incomplete),
        }
    }

    /// An access token for `scope`. `metadata_host` stands for the link-local address of the machine's own server.
    pub(crate) async fn token(
        &self,
        scope: &str,
        client: ClientOptions,
        metadata_host: Option<&Url>,
        now: Timestamp,
    ) -> Result<Secret, CredentialsError> {
        let settings = |authority_host| AzureSettings { authority_host, ..AzureSettings::default() };
        let token = match self {
            Self::ClientSecret { identity, secret, authority } => {
                let settings = settings(authority.clone());
                let proof = AzureProof::ClientSecret(secret.clone());
                AzureLogin { settings: &settings, scope, client }.token(identity, &proof, now).await
            }
            Self::ClientCertificate { identity, certificate, authority } => {
                let audience = token_endpoint(authority.as_ref(), &identity.tenant);
                let assertion = certificate.assertion(&audience, &identity.client, now);
                let proof = AzureProof::Assertion(assertion.map_err(CredentialsError::Certificate)?);
                let settings = settings(authority.clone());
                AzureLogin { settings: &settings, scope, client }.token(identity, &proof, now).await
            }
            Self::ManagedIdentity { client: id } => {
                let settings = AzureSettings {
                    client_id: Some(id.clone()),
                    metadata_host: metadata_host.cloned(),
                    ..AzureSettings::default()
                };
                AzureLogin { settings: &settings, scope, client }.controller_token(now).await
            }
        };
        Ok(Secret::new(token?.expose()))
    }
}

/// Where the tenant's tokens are issued, which is the audience of assertions.
fn token_endpoint(authority: Option<&Url>, tenant: &str) -> String {
    let authority = authority.map_or(AUTHORITY, Url::as_str).trim_end_matches('/');
    format!("{authority}/{tenant}/oauth2/v2.0/token")
}

/// The text, which Windows' tools write as UTF-16 with a byte order mark.
fn decode(text: &[u8]) -> Result<zeroize::Zeroizing<String>, EntriesError> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let decoded = match text {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            std::str::from_utf8(rest).map_err(|_| EntriesError::Encoding)?.to_owned()
        }
    };
    Ok(zeroize::Zeroizing::new(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8]) -> String {
        match AzureCredentials::parse(text) {
            Ok(AzureCredentials::ClientSecret { identity, secret, authority }) => {
                let authority = authority.map(String::from).unwrap_or_default();
                format!("secret {}/{} {} {authority}", identity.tenant, identity.client, secret.expose())
            }
            Ok(AzureCredentials::ClientCertificate { identity, .. }) => {
                format!("certificate {}/{}", identity.tenant, identity.client)
            }
            Ok(AzureCredentials::ManagedIdentity { client }) => format!("managed {client}"),
            Err(err) => err.to_string(),
        }
    }

    #[test]
    fn the_first_complete_form_counts() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text.as_bytes()).trim_end(), expected);
        check("tenantId: t\nclientId: c\nclientSecret: s", "secret t/c s");
        check("tenantId: t\nclientId: c\nclientSecret: s\nappId: a\ntenant: b\npassword: p", "secret t/c s");
        check(r#"{"appId": "a", "displayName": "x", "tenant": "b", "password": "p"}"#, "secret b/a p");
        check("clientId: c\nappId: a\ntenant: b\npassword: p", "secret b/a p");
        check("clientId: c", "managed c");
        check("tenantId: t\nclientId: c", "managed c");
        check(
            "tenantId: t\nclientId: c\nclientSecret: s\nauthorityHost: https://login.chinacloudapi.cn",
            "secret t/c s https://login.chinacloudapi.cn/",
        );
        let pair = rcgen::generate_simple_self_signed(["flux".to_owned()]).unwrap();
        let text =
            format!("tenantId: t\nclientId: c\nclientCertificate: |\n  {}", pair.cert.pem().replace('\n', "\n  "));
        check(&text, "invalid client certificate");
    }

    #[test]
    fn incomplete_forms_are_refused_in_the_words_of_flux() {
        let expected = "invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' and \
                        'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'";
        for text in ["", "tenantId: t", "tenant: b\npassword: p", "authorityHost: https://example.com"] {
            assert_eq!(shown(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(shown(b"just a text"), "failed to read Azure authentication file");
        assert_eq!(shown(b"\xff"), "failed to read Azure authentication file");
    }

    #[test]
    fn files_of_windows_are_read() {
        let text = "clientId: grün";
        let little: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        for bytes in [little, big, marked] {
            assert_eq!(shown(&bytes), "managed grün");
        }
    }
}
