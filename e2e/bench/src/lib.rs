//! Benchmarks, one file each.
