//! Under which host artifacts are announced.

/// The prefix of artifact URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedAddress {
    prefix: String,
}

impl AdvertisedAddress {
    /// The address that was asked for (`host`, `host:port`, or with `http://` or `https://`), or else one that follows
    /// from where the server listens: no host becomes `localhost`, `0.0.0.0` becomes `hostname`.
    pub fn new(advertised: Option<&str>, listen: &str, hostname: &str) -> Self {
        let host = match advertised.filter(|address| !address.is_empty()) {
            Some(address) => address.to_owned(),
            None => match listen.rsplit_once(':') {
                Some(("", port)) => format!("localhost:{port}"),
                Some(("0.0.0.0", port)) if !hostname.is_empty() => format!("{hostname}:{port}"),
                _ => listen.to_owned(),
            },
        };
        let host = host.trim_end_matches('/');
        if host.starts_with("http://") || host.starts_with("https://") {
            Self { prefix: host.to_owned() }
        } else {
            Self { prefix: format!("http://{host}") }
        }
    }

    /// The URL of the artifact at `path`.
    pub fn url_of(&self, path: &crate::ArtifactPath) -> String {
        format!("{}/{path}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advertised_address_wins_and_else_follows_from_the_listening_one() {
        let check = |advertised, listen, expected: &str| {
            assert_eq!(AdvertisedAddress::new(advertised, listen, "pod-1").prefix, expected);
        };
        check(None, ":9090", "http://localhost:9090");
        check(Some(""), ":9090", "http://localhost:9090");
        check(None, "0.0.0.0:9090", "http://pod-1:9090");
        check(None, "127.0.0.1:80", "http://127.0.0.1:80");
        check(Some("source-controller.flux-system.svc."), ":9090", "http://source-controller.flux-system.svc.");
        check(Some("https://artifacts.example.com/"), ":9090", "https://artifacts.example.com");
    }
}
