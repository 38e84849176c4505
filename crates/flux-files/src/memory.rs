//! Files held in memory.

/// Files held in memory.
#[derive(Debug, Default)]
pub struct Memory;
