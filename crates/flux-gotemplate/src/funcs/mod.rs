//! The functions that templates call.

pub(crate) mod builtin;
pub mod helm_data;
mod methods;
pub mod sprig;

pub(crate) use methods::{duration_method, error_method};
