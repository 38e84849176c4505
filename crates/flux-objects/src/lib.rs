//! What an object is to Flux, without a cluster: identity, inventory, apply order, normalisation, difference, masking.
//!
//! A [`Manifest`] is a desired or live object as JSON, with its identity checked once. [`stages`] puts manifests into the
//! order of a server-side apply, [`Deletion`] into that in which they go, [`Inventory`] records what was applied, [`Marks`] read the labels and annotations that
//! steer one object, [`drifted`] says whether a dry run would change a live object.
//!
//! Nothing here talks to an API server: flux-ssa does.

mod change;
mod deletion;
mod drift;
mod id;
mod ignore;
mod inventory;
mod known_fields;
mod manifest;
mod marks;
mod mask;
mod normalise;
mod order;
mod owner;
mod pointer;
mod prepare;
mod selector;

pub use change::{Action, Change, ChangeSet};
pub use deletion::Deletion;
pub use drift::{differences, drifted};
pub use id::{GroupKind, ObjectId, ParseIdError};
pub use ignore::{Adjustment, IgnoreError, IgnoreRules};
pub use inventory::{Entry, Inventory};
pub use manifest::{Manifest, ManifestError, manifests};
pub use marks::Marks;
pub use mask::{MASK, mask_differences, mask_text};
pub use normalise::normalise;
pub use order::{Stage, StageKind, rank, sort_for_apply, stages};
pub use owner::{Owner, set_common_metadata};
pub use prepare::{DroppedField, prepare};
