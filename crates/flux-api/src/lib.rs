//! Every Flux kind as a typed object, with its CRD.

pub mod meta;
