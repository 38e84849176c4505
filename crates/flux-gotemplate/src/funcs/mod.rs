//! The functions that templates call.

pub mod sprig;
