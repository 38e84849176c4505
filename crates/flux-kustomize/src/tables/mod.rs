//! Facts taken from upstream's modules.

pub(crate) mod openapi;
pub(crate) mod scopes;
pub(crate) mod specs;
