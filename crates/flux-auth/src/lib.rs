//! Credentials from outside: GitHub App tokens and their cache.
//!
//! [`GitHubApp`] exchanges an App's key for an installation token, which Git servers take as a basic-auth password.
//! [`TokenCache`] keeps such tokens for most of their life. Time is a parameter; nothing here reads a clock.

mod cache;
mod github_app;
mod token;

pub use cache::{CacheEvent, TokenCache};
pub use github_app::{GitHubApp, GitHubAppError, GitHubAppOptions, Installation};
pub use token::AccessToken;
