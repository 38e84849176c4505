//! The functions that templates call.

pub(crate) mod builtin;
mod methods;
pub mod sprig;

pub(crate) use methods::{duration_method, error_method};
