//! Brings objects into a cluster and takes them out again, through a kube client: server-side apply in stages, deletion by
//! owner, and waiting for health by watch.
//!
//! A caller puts its objects into stages (flux-objects) and takes each stage through three steps:
//!
//! 1. [`Applier::plan`] dry-runs every object of the stage and writes nothing. Either all objects pass, or the error
//!    lists every one that does not. The [`Plan`] names all objects of the stage, so that the caller can record them
//!    before the first write.
//! 2. [`Applier::apply`] carries the plan out and returns what was done to each object.
//! 3. [`HealthWatcher::wait`] waits until the objects are ready, where the next stage or the user wants that.
//!
//! With a [`Memory`], objects that are as they were left the last time cost no request in the first two steps.
//!
//! [`Applier::prune`] deletes what the owner no longer wants; [`Applier::wait_terminated`] waits until it is gone.
//! All of it can be cut at any await.

mod apply;
mod cleanup;
mod definitions;
mod discovery;
mod error;
mod failures;
mod gone;
mod health;
mod known;
mod metadata;
mod pace;
mod plan;
mod prune;
mod request;

pub use apply::{Applier, Options, Rules};
pub use discovery::{Discovery, DiscoveryError, Resolved};
pub use error::{ApiFailure, ApplyError};
pub use failures::{Failed, Failures};
pub use health::{FailFast, HealthError, HealthWatcher, NetPoll, Ready, Target, Terms, Unhealthy};
pub use known::{Fingerprint, Known, LiveObjects, Memory};
pub use pace::Pace;
pub use plan::{Drift, Drifted, Plan};
pub use prune::{Pruned, TerminationError};
