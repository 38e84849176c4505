//! Keeps secrets out of texts.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use regex::{Captures, Regex};
use zeroize::Zeroize as _;

/// What stands in a text where a secret was.
pub const MASK: &str = "*****";

/// Values shorter than this are not masked: they would blot out ordinary words.
const SHORTEST: usize = 6;

/// The secrets of one run. Clones share them.
#[derive(Clone, Default)]
pub struct Masker(Arc<RwLock<Secrets>>);

/// Values that are overwritten when nobody needs them any more.
#[derive(Default)]
struct Secrets(BTreeSet<Box<str>>);

impl Drop for Secrets {
    fn drop(&mut self) {
        for secret in std::mem::take(&mut self.0) {
            secret.into_string().zeroize();
        }
    }
}

impl Secrets {
    /// Nothing is copied that is known already.
    fn extend<'a>(&mut self, secrets: impl Iterator<Item = &'a str>) {
        for secret in secrets {
            if !self.0.contains(secret) {
                self.0.insert(Box::from(secret));
            }
        }
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker")
    }
}

impl Masker {
    /// A masker that knows no secret yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From here on `secret` is masked wherever it occurs, and so is each of its lines.
    /// Values that are not UTF-8 or shorter than six bytes are ignored.
    pub fn add(&self, secret: &[u8]) {
        let Ok(text) = std::str::from_utf8(secret) else { return };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let parts = std::iter::once(text.trim()).chain(text.lines().map(str::trim));
        known.extend(parts.filter(|part| part.len() >= SHORTEST));
    }

    /// From here on all that `other` masks is masked as well.
    pub fn learn(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let others = other.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(others.0.iter().map(|secret| &**secret));
    }

    /// `text` without the secrets, and without credentials in URLs.
    pub fn apply(&self, text: &str) -> String {
        let mut masked = mask_urls(text);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // The longest first, so that a secret that contains another leaves no remainder.
        let mut secrets: Vec<_> = known.0.iter().filter(|secret| masked.contains(&***secret)).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            masked = masked.replace(&**secret, MASK);
        }
        masked
    }
}

static USERINFO: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b([a-z][a-z0-9+.-]*)://([^/?#\s'\x22]*)@").ok());

/// `text` with the credentials of each URL masked; the bare user name of a URL other than http(s) stays.
pub fn mask_urls(text: &str) -> String {
    let Some(userinfo) = USERINFO.as_ref() else { return text.to_owned() };
    let replaced = userinfo.replace_all(text, |found: &Captures<'_>| {
        let (scheme, user) = (&found[1], &found[2]);
        let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        if web || user.contains(':') { format!("{scheme}://{MASK}@") } else { found[0].to_owned() }
    });
    replaced.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_urls_are_masked() {
        for (text, masked) in [
            ("failed to fetch https://jo:s3cret@git.io/a.git: 401", "failed to fetch https://*****@git.io/a.git: 401"),
            ("https://ghp_token@git.io/a", "https://*****@git.io/a"),
            ("ssh://git@git.io/a", "ssh://git@git.io/a"),
            ("ssh://git:pw@git.io/a", "ssh://*****@git.io/a"),
            ("http://git.io/a@b", "http://git.io/a@b"),
            ("a 'http://git.io' b@c", "a 'http://git.io' b@c"),
        ] {
            assert_eq!(mask_urls(text), masked);
        }
    }

    #[test]
    fn registered_values_and_their_lines_are_masked() {
        let masker = Masker::new();
        masker.add(b"hunter2!\n");
        masker.add(b"-----BEGIN KEY-----\nabcdefgh\n");
        masker.add(b"hunter2!hunter3!");
        masker.add(b"true");
        let other = Masker::new();
        other.learn(&masker);
        masker.learn(&masker.clone());
        assert_eq!(other.apply("hunter2! hunter9!"), "***** hunter9!");
        let text = masker.apply("got hunter2!hunter3! and hunter2! near abcdefgh, true");
        assert_eq!(text, "got ***** and ***** near *****, true");
    }
}
