//! Every Flux kind as a typed object, with its CRD.
//!
//! One module a group and version, named as upstream names them: [`source::v1`], [`kustomize::v1`] and so on. Each kind
//! is a root type (`GitRepository`) with `spec` and an optional `status`; its JSON is the contract's, with empty
//! fields left out. What several kinds share is in [`meta`] and [`acl`], what controllers post to
//! notification-controller in [`event`].
//!
//! There is no client here and no behaviour: reading an object that does not fit its type is a plain serde error, and
//! the rules that the API server enforces are carried by the CRDs ([`crd`]).

pub mod acl;
pub mod crd;
pub mod event;
pub mod helm;
pub mod image;
pub mod kustomize;
pub mod meta;
pub mod notification;
pub mod source;
pub mod source_extensions;
