//! Artifacts on disk: publish, verify, retain, serve.
//!
//! An artifact is one file, `<kind>/<namespace>/<name>/<file>` below the storage root. It appears whole or not at all:
//! it is written to a hidden file beside its place, synced, and renamed. A published file is never written again, so
//! inode, size and times say whether it is still the one that was checked. [`serve`] answers HTTP requests from the
//! same tree without knowing what is in it.
//!
//! [`Storage`] blocks: call it off the async threads.

mod address;
mod lock;
mod path;
mod retention;
mod server;
mod storage;

pub use address::AdvertisedAddress;
pub use path::{ArtifactPath, ObjectDirectory, PathError};
pub use retention::Retention;
pub use server::{ServerOptions, serve};
pub use storage::{Collected, IntegrityError, PublishError, Storage, StorageError, Stored};
