//! Deterministic archives, checked extraction and digests.
//!
//! [`ArchiveWriter`] writes tar.gz archives whose bytes depend only on paths, executable bits and contents, and says
//! their digest when it is done. [`read_archive`] walks an archive from anywhere: within [`Limits`], with paths that
//! stay below the root, without links or devices. Both stream; neither knows a file system.

mod digest;
mod pax;
mod reader;
mod writer;

pub use digest::{Algorithm, Digest, DigestWriter, Hasher, ParseDigestError, UnknownAlgorithm};
pub use reader::{Content, Entry, Limits, Links, ReadError, Totals, read_archive};
pub use writer::{ArchiveWriter, Finished, Mode, WriteError, archive_order};
