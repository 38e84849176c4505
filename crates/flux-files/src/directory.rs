//! Files of a directory on disk.

/// Files below a directory on disk.
#[derive(Debug)]
pub struct Directory;
