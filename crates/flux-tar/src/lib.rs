//! Deterministic archives, checked extraction and digests.
