//! What every controller shares: runs, status, events, metrics, election.

mod fault;
mod outcome;
mod reconcile;
pub mod report;
mod run;

pub use fault::{Failure, Fault, Retry};
pub use outcome::{Facts, Notice, Outcome, Severity};
pub use reconcile::Reconciler;
pub use report::{Clock, End, Report, Requeue};
pub use run::{Interrupted, Run};
