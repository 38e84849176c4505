//! The testkit's own promises.

mod controlplane;
