//! What every controller shares: runs, status, events, metrics, election.
//!
//! A controller is a program whose `main` is [`main`], and whose `run` does, in this order:
//!
//! 1. [`Runtime::start`]: logs, the API server's client, the metrics and probe servers, the event queues;
//! 2. [`Runtime::watch`] and its sisters: a [`Store`] for each kind that it reads;
//! 3. [`Runtime::lead`]: waits to be the leader, where there is an election;
//! 4. [`Runtime::reconcile`] for each kind that it reconciles, with the [`Reconciler`] and the streams that wake its objects;
//! 5. [`Runtime::finish`]: waits for the end and brings it about in order.
//!
//! A [`Reconciler`] tells a story that ends in an [`Outcome`] or a [`Fault`]. All else is done here, once: the finalizer,
//! suspension, permits, backoff, the status patch, the events, the metrics, the next run.
//!
//! What this crate does not know: Git, Helm, Kustomize, images.

mod access;
pub mod args;
mod backoff;
pub mod client;
mod cloud;
mod controller;
mod events;
mod fault;
mod features;
mod lease;
mod log;
mod mask;
mod metrics;
mod outcome;
mod permit;
mod process;
mod publish;
mod queue;
mod reconcile;
pub mod report;
mod run;
mod running;
mod runtime;
pub mod secrets;
mod servers;
mod store;
mod tokens;
mod watch;

pub use access::{Access, AccessDenied};
pub use cloud::{CloudToken, LoginAs, LoginError};
pub use controller::{Controller, ResourceInfo};
pub use events::{Recorder, SinkError};
pub use fault::{Failure, Fault, Retry};
pub use features::{FeatureGates, UnknownGate};
pub use lease::{Candidate, Election, Lost};
pub use mask::{MASK, Masker, mask_urls};
pub use metrics::Metrics;
pub use outcome::{Facts, Notice, Outcome, Severity};
pub use process::main;
pub use publish::WriteError;
pub use reconcile::Reconciler;
pub use report::{Clock, End, Report, Requeue};
pub use run::{Interrupted, Run};
pub use runtime::{Identity, Runtime, StartError, StopError};
pub use secrets::{ReadError, Secret, SecretData};
pub use servers::ServeError;
pub use store::{Change, Kept, ObjectKey, Store};
pub use tokens::{TokenUse, Tokens};
pub use watch::{Scope, Wake, wakes, watch_kind, watch_metadata};
