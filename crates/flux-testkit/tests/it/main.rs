//! The testkit's own promises.

mod controlplane;
mod events;
mod git;
