//! Requests signed with AWS Signature Version 4.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use url::Url;

use super::AwsCredentials;
use crate::Secret;

/// Which service of which region a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningScope<'a> {
    /// For example `eu-west-1`.
    pub region: &'a str,
    /// The service's signing name, for example `kms`.
    pub service: &'a str,
}

/// A request as it will be sent, before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct UnsignedRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The address.
    pub url: &'a Url,
    /// The headers to sign. `Host` and those that [`sign`] adds are not among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// The headers that sign `request`, to be sent with it: `x-amz-date`, `x-amz-security-token` where there is a session,
/// and `authorization`. Not for S3, which reads paths differently.
pub fn sign(
    request: &UnsignedRequest<'_>,
    scope: SigningScope<'_>,
    credentials: &AwsCredentials,
    now: Timestamp,
) -> Vec<(&'static str, Secret)> {
    let time = format!("{}Z", time_stamp(now));
    let mut added = vec![("x-amz-date", Secret::new(time.clone()))];
    if let Some(token) = credentials.session_token() {
        added.push(("x-amz-security-token", token.clone()));
    }
    let host = host(request.url);
    let mut headers: Vec<(String, String)> = std::iter::once(("host", host.as_str()))
        .chain(request.headers.iter().copied())
        .chain(added.iter().map(|(name, value)| (*name, value.expose())))
        .map(|(name, value)| (name.to_ascii_lowercase(), collapse(value)))
        .collect();
    headers.sort();
    let signed: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = signed.join(";");
    let mut canonical = format!("{}\n{}\n{}\n", request.method, path(request.url), query(request.url));
    for (name, value) in &headers {
        // Writing to a String cannot fail.
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let _ = write!(canonical, "\n{signed}\n{}", hex::encode(Sha256::digest(request.body)));
    let signature = signature(&canonical, &time, scope, credentials);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={signed}, Signature={signature}",
        credentials.access_key_id(),
        credential_scope(&time, scope),
    );
    added.push(("authorization", Secret::new(authorization)));
    added
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The signature of a canonical request at `time`, whose first eight characters are the date.
pub(super) fn signature(canonical: &str, time: &str, scope: SigningScope<'_>, credentials: &AwsCredentials) -> String {
    let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
    let text = format!("{ALGORITHM}\n{time}\n{}\n{hash}", credential_scope(time, scope));
    let secret = zeroize::Zeroizing::new(format!("AWS4{}", credentials.secret_access_key().expose()));
    let date_key = authenticate(secret.as_bytes(), date(time));
    let region_key = authenticate(&date_key, scope.region);
    let service_key = authenticate(&region_key, scope.service);
    let signing_key = authenticate(&service_key, "aws4_request");
    hex::encode(authenticate(&signing_key, &text))
}

/// `now` to the second as `20150830T123600`, in UTC.
pub(super) fn time_stamp(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S").to_string()
}

/// The host as a client sends it: with the port unless it is the scheme's own.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The path, whose percent signs are encoded once more.
pub(super) fn path(url: &Url) -> String {
    let encoded = encode(url.path(), true);
    if encoded.is_empty() { "/".to_owned() } else { encoded }
}

fn query(url: &Url) -> String {
    let mut pairs: Vec<_> =
        url.query_pairs().map(|(name, value)| (encode(&name, false), encode(&value, false))).collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn credential_scope(time: &str, scope: SigningScope<'_>) -> String {
    format!("{}/{}/{}/aws4_request", date(time), scope.region, scope.service)
}

fn date(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}

fn authenticate(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn collapse(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (keep_slash && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(session: Option<&str>) -> AwsCredentials {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        AwsCredentials::new("AKIDEXAMPLE", secret, session.map(Secret::new), Timestamp::MAX)
    }

    fn authorization(method: &str, url: &str, headers: &[(&str, &str)], body: &str, scope: (&str, &str)) -> String {
        let url = Url::parse(url).unwrap();
        let request = UnsignedRequest { method, url: &url, headers, body: body.as_bytes() };
        let scope = SigningScope { region: scope.0, service: scope.1 };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let added = sign(&request, scope, &credentials(None), now);
        assert_eq!((added[0].0, added[0].1.expose()), ("x-amz-date", "20150830T123600Z"));
        added.last().unwrap().1.expose().to_owned()
    }

    #[test]
    fn published_examples_have_their_published_signatures() {
        let users = authorization(
            "GET",
            "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            &[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            "",
            ("us-east-1", "iam"),
        );
        assert_eq!(
            users,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
        let check = |method: &str, url: &str, headers: &[(&str, &str)], body: &str, expected: &str| {
            let text = authorization(method, url, headers, body, ("us-east-1", "service"));
            assert_eq!(text.rsplit('=').next(), Some(expected), "{method} {url}");
        };
        let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        check("GET", "https://example.amazonaws.com/", &[], "", vanilla);
        let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        check("POST", "https://example.amazonaws.com/", &[], "", post);
        let ordered = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        check("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", &[], "", ordered);
        let form = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        let header = [("Content-Type", "application/x-www-form-urlencoded")];
        check("POST", "https://example.amazonaws.com/", &header, "Param1=value1", form);
    }

    #[test]
    fn a_session_token_is_signed_with_the_request() {
        let url = Url::parse("https://kms.eu-west-1.amazonaws.com/").unwrap();
        let request = UnsignedRequest { method: "POST", url: &url, headers: &[], body: b"{}" };
        let scope = SigningScope { region: "eu-west-1", service: "kms" };
        let added = sign(&request, scope, &credentials(Some("session")), Timestamp::UNIX_EPOCH);
        let names: Vec<_> = added.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["x-amz-date", "x-amz-security-token", "authorization"]);
        assert!(added[2].1.expose().contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
    }

    #[test]
    fn paths_are_encoded_twice_and_ports_belong_to_the_host() {
        let url = Url::parse("https://host:8443/a%20b/c:d").unwrap();
        assert_eq!((path(&url), host(&url)), ("/a%2520b/c%3Ad".to_owned(), "host:8443".to_owned()));
    }
}
