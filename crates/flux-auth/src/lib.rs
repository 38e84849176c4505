//! Credentials from outside: logins at clouds and at GitHub, and a cache of what they issue.
//!
//! A [`CloudLogin`] ([`aws::AwsLogin`], [`azure::AzureLogin`], [`gcp::GcpLogin`]) issues tokens, either for the controller
//! by what its environment offers, or for a ServiceAccount in exchange for a token of the Kubernetes API server.
//! [`GitHubApp`] exchanges an App's key for an installation token. [`TokenCache`] keeps tokens for most of their life,
//! under keys ([`cache_key`]) that never fit two identities.
//!
//! Nothing here reads the environment or a clock: settings and time are parameters. Answers are bounded in size and
//! time, redirects are not followed, and no error holds a secret.

pub mod aws;
pub mod azure;
mod cache;
mod exchange;
pub mod gcp;
mod github_app;
mod login;
mod secret;
mod token;

pub use cache::{CacheEvent, TokenCache};
pub use exchange::{ExchangeError, FileError};
pub use github_app::{GitHubApp, GitHubAppError, GitHubAppOptions, Installation};
pub use login::{CloudError, CloudLogin, CloudSettings, ServiceAccount, cache_key};
pub use secret::Secret;
pub use token::{AccessToken, Token};
