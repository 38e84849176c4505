//! Go's times and durations: layouts, zones, arithmetic.
//!
//! The local zone is UTC: an engine has no environment to take another from.

mod civil;
mod duration;
mod format;
mod layout;
mod methods;
mod parse;
mod zone;

use std::sync::Arc;

pub(crate) use civil::Civil;
pub(crate) use duration::{SECOND, format_duration, parse_duration, round};
pub use methods::Time;
pub(crate) use parse::TimeError;
pub(crate) use zone::Zone;
