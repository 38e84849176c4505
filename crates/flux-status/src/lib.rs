//! Readiness of objects: conditions, kstatus rules, health expressions, dependency order.

mod conditions;

pub use conditions::{Conditions, MESSAGE_LIMIT, Summary, rebase};
