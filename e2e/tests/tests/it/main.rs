//! Whole-toolkit scenarios: both controllers as processes on a real control plane and a real Git server.

mod api_server;
mod kill;
mod manifests;
mod replicas;
mod storage;
mod sync;
