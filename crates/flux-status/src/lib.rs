//! Readiness of objects: conditions, kstatus rules, health expressions, dependency order.

mod conditions;
mod expression;
mod health;
mod kstatus;
mod order;
mod sets;
mod typing;

pub use conditions::{Conditions, MESSAGE_LIMIT, Summary, rebase};
pub use expression::{EvaluationError, Expression, ExpressionError};
pub use health::{HealthRules, ReadyExpression};
pub use kstatus::{SCHEDULE_WINDOW, State, Status, is_unschedulable, kstatus, unscheduled};
pub use order::{DependencyCycle, dependency_order};
