//! What a kind gives to the runtime: a story that ends in an [`Outcome`] or a [`Fault`], and facts that outlive both.

use std::sync::Arc;

use flux_api::meta::FluxObject;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{End, Facts, Fault, Outcome, Report, Run};

/// One kind's work. The runtime adds the finalizer, honours suspend, writes status, sends events and picks the next run.
pub trait Reconciler: Send + Sync + 'static {
    /// The kind.
    type Object: FluxObject;
    /// The kind's status fields without `conditions`, `observedGeneration` and `lastHandledReconcileAt`.
    /// Serialised, they are exactly those fields of `status`; deserialised from a status, they ignore the others.
    type Status: Serialize + DeserializeOwned + Default + Clone + PartialEq + Send + Sync + 'static;

    /// Brings the world in line with `object`. May be cut at any await, starts from the beginning, is never told why.
    fn reconcile(
        &self,
        object: Arc<Self::Object>,
        facts: &mut Facts<Self::Status>,
        run: &Run<Self::Object>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;

    /// Removes what `object` brought about; once it succeeds the finalizer goes.
    fn finalize(
        &self,
        object: Arc<Self::Object>,
        facts: &mut Facts<Self::Status>,
        run: &Run<Self::Object>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Turns a run's end into status, events and the next run. Pure. [`crate::report::standard`] is the default;
    /// a kind that differs upstream starts from it.
    fn report(&self, object: &Self::Object, facts: &Facts<Self::Status>, end: &End, clock: &crate::Clock) -> Report;
}
