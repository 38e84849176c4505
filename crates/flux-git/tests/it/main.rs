//! Git repositories as controllers use them, against real servers.

mod access;
mod checkouts;
mod fixture;
mod hostile;
mod references;
mod ssh;
mod stores;
mod submodules;
