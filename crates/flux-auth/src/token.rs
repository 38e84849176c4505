//! Tokens with their end.

use std::fmt;

use jiff::Timestamp;

use crate::Secret;

/// What a cache can keep: something that grants access until it expires.
pub trait Token: Clone + Send + Sync + 'static {
    /// When it stops being accepted.
    fn expires_at(&self) -> Timestamp;

    /// Its parts that must not be shown.
    fn secrets(&self) -> Vec<&str>;
}

/// A token that grants access until it expires. Never printed.
#[derive(Clone)]
pub struct AccessToken {
    token: Secret,
    expires_at: Timestamp,
}

impl AccessToken {
    /// `token`, good until `expires_at`.
    pub fn new(token: String, expires_at: Timestamp) -> Self {
        Self { token: Secret::new(token), expires_at }
    }

    /// The token, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.token.expose()
    }

    /// When it stops being accepted.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl Token for AccessToken {
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn secrets(&self) -> Vec<&str> {
        vec![self.expose()]
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken(expires at {})", self.expires_at)
    }
}
