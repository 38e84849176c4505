//! One way to configure HTTP clients, and to fetch an artifact.
//!
//! [`ClientOptions`] is the only place of the workspace that builds an HTTP client: rustls, the system's certificate
//! authorities beside a given one, a client certificate, a proxy (given, or from the environment), timeouts.
//! [`fetch_artifact`] downloads what a source published, checks its digest, and only then unpacks it.
//! [`Artifacts`] does so once for all who ask for the same one.
//! Bodies are read within limits. No error repeats a credential of a URL.

mod artifacts;
mod body;
mod client;
mod fetch;
mod mask;
mod retry;
mod unpack;

pub use artifacts::{Artifacts, SharedFetchError, Unpacked};
pub use body::{BodyError, read_limited};
pub use client::{Certificates, ClientIdentity, ClientOptions, ConfigureError, ProxyAddress, ProxySetting, Redirects};
pub use fetch::{FetchError, FetchLimits, FetchOptions, Fetched, HostOverrides, fetch_artifact};
pub use mask::mask_url;
pub use retry::{RetryPolicy, is_retryable_status};
pub use unpack::{UnpackError, unpack_archive};
