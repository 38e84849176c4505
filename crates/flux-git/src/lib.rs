//! Git repositories: resolve a reference, fetch what is missing, read the tree, verify signatures.
//!
//! [`resolve`] asks a server, in one listing of the wanted reference only, which commit it has. [`Store::fetch`] brings
//! that commit's tree into the local object store of the remote and its credentials, asking for missing objects only,
//! and gives a [`Checkout`]: the tree's files in lexical order, read from the object database without a work tree.
//! [`verify`] checks signatures of commits and tags.
//!
//! The asynchronous functions stop all that they started when they are dropped or when [`Remote::timeout`] is over.
//! Everything a server sends is bounded by [`Limits`]. What this crate does not do: push, work trees, history beyond
//! what a commit needs, SHA-256 repositories, Git LFS, attributes and filters.

mod checkout;
mod commit;
mod error;
mod protocol;
mod reference;
mod remote;
mod resolve;
mod secret;
mod store;
mod transport;
pub mod verify;

pub use checkout::{Checkout, Entry, Kind, Walk};
pub use commit::{Commit, Signature, Signed, Tag};
pub use error::{Error, Failure};
pub use gix_hash::ObjectId;
pub use reference::{Reference, Resolved};
pub use remote::{ClientIdentity, Credentials, Limits, Proxy, Remote, SshAlgorithms, SshIdentity, Tls};
pub use resolve::resolve;
pub use secret::Secret;
pub use store::{FetchOptions, Store};
