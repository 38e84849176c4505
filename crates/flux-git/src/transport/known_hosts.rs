//! Which host keys are trusted, from lines of a `known_hosts` file held in memory.

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{Algorithm, PublicKey};
use sha1::Sha1;
use ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts as Lines, Marker};

use crate::error::Failure;

/// The keys known for one host.
#[derive(Clone, Debug)]
pub(crate) struct HostKeys {
    host: String,
    trusted: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

impl HostKeys {
    /// Those of `host` at `port` in `text`. Lines with keys of an unknown kind are passed over.
    pub(crate) fn parse(text: &str, host: &str, port: u16) -> Result<Self, Failure> {
        let host = if port == 22 { host.to_lowercase() } else { format!("[{}]:{port}", host.to_lowercase()) };
        let mut keys = Self { host, trusted: Vec::new(), revoked: Vec::new() };
        let mut lines = 0;
        for entry in Lines::new(text).flatten() {
            lines += 1;
            if !matches(&entry, &keys.host) {
                continue;
            }
            match entry.marker() {
                None => keys.trusted.push(entry.public_key().clone()),
                Some(Marker::Revoked) => keys.revoked.push(entry.public_key().clone()),
                Some(Marker::CertAuthority) => {}
            }
        }
        if lines == 0 {
            let reason = "known_hosts holds no host key".to_owned();
            return Err(Failure::InvalidCredentials { reason });
        }
        Ok(keys)
    }

    /// Whether a key of `algorithm` is known, so that it makes sense to ask the server for it.
    pub(crate) fn has(&self, algorithm: &Algorithm) -> bool {
        self.trusted.iter().any(|key| same_kind(&key.algorithm(), algorithm))
    }

    /// Why `key` is not the host's; nothing when it is.
    pub(crate) fn refuse(&self, key: &PublicKey) -> Option<String> {
        let is = |known: &PublicKey| known.key_data() == key.key_data();
        let host = &self.host;
        let fingerprint = key.fingerprint(ssh_key::HashAlg::Sha256);
        if self.revoked.iter().any(is) {
            return Some(format!("knownhosts: key {fingerprint} of {host} is revoked"));
        }
        if self.trusted.iter().any(is) {
            return None;
        }
        Some(self.unknown(Some(&fingerprint.to_string())))
    }

    /// Why no key of the host will do.
    pub(crate) fn unknown(&self, fingerprint: Option<&str>) -> String {
        let host = &self.host;
        match (self.trusted.is_empty(), fingerprint) {
            (true, _) => format!("knownhosts: key is unknown: known_hosts has no key for {host}"),
            (false, Some(shown)) => {
                format!("knownhosts: key mismatch: {host} shows {shown}, which is not in known_hosts")
            }
            (false, None) => format!("knownhosts: key mismatch: {host} has no key of a kind that is in known_hosts"),
        }
    }
}

/// Whether two algorithms use the same kind of key; RSA signs with several hashes.
fn same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    match (one, other) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        (one, other) => one == other,
    }
}

/// Whether the entry is about `host`, which is bracketed with its port unless that is 22.
fn matches(entry: &Entry, host: &str) -> bool {
    match entry.host_patterns() {
        HostPatterns::HashedName { salt, hash } => {
            let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else { return false };
            mac.update(host.as_bytes());
            mac.verify_slice(hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut found = false;
            for pattern in patterns {
                let pattern = pattern.to_lowercase();
                match pattern.strip_prefix('!') {
                    Some(negated) if glob(negated.as_bytes(), host.as_bytes()) => return false,
                    Some(_) => {}
                    None => found |= glob(pattern.as_bytes(), host.as_bytes()),
                }
            }
            found
        }
    }
}

/// Matches `*` and `?`, without backtracking further than the last star.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    fn key() -> PublicKey {
        PublicKey::from_openssh(ED).unwrap()
    }

    #[track_caller]
    fn check(line: &str, host: &str, port: u16, trusted: bool) {
        let keys = HostKeys::parse(&format!("# a comment\n\n{line} {ED}\n"), host, port).unwrap();
        assert_eq!(keys.refuse(&key()).is_none(), trusted, "{line} for {host}:{port}");
    }

    #[test]
    fn hosts_match_by_name_pattern_and_port() {
        check("github.com", "github.com", 22, true);
        check("github.com", "GitHub.com", 22, true);
        check("github.com", "github.com", 2222, false);
        check("[github.com]:2222", "github.com", 2222, true);
        check("gitlab.com,*.example.com", "git.example.com", 22, true);
        check("*.example.com,!bad.example.com", "bad.example.com", 22, false);
        check("git?.example.com", "git1.example.com", 22, true);
        check("@revoked github.com", "github.com", 22, false);
        check("@cert-authority *", "github.com", 22, false);
    }

    #[test]
    fn hashed_hosts_match() {
        let mut mac = Hmac::<Sha1>::new_from_slice(b"01234567890123456789").unwrap();
        mac.update(b"[localhost]:2222");
        let encode = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        let line = format!("|1|{}|{}", encode(b"01234567890123456789"), encode(&mac.finalize().into_bytes()));
        check(&line, "localhost", 2222, true);
        check(&line, "localhost", 22, false);
    }

    #[test]
    fn a_text_without_host_keys_is_refused() {
        assert!(HostKeys::parse("not a line\n", "github.com", 22).is_err());
    }
}
