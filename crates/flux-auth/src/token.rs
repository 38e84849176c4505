//! A token with its end.

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

/// A token that grants access until it expires. Never printed.
#[derive(Clone)]
pub struct AccessToken {
    token: Zeroizing<String>,
    expires_at: Timestamp,
}

impl AccessToken {
    /// `token`, good until `expires_at`.
    pub fn new(token: String, expires_at: Timestamp) -> Self {
        Self { token: Zeroizing::new(token), expires_at }
    }

    /// The token, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.token
    }

    /// When it stops being accepted.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken(expires at {})", self.expires_at)
    }
}
