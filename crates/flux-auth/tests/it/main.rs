//! Logins at servers that answer as the clouds and GitHub do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws;
mod azure;
mod gcp;
mod github_app;
mod issuer;
