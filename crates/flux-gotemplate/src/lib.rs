//! Go's text/template as of Go 1.26: values, parser, executor and formatting.
//!
//! A pure function of its input: templates, data and [`Functions`] go in, bytes or Go's error text come out. What a
//! rendering may use is bounded by the [`Limits`] of its [`Budget`]; what functions need of the world (a clock, random
//! numbers) is handed in with [`Budget::with_state`].

mod budget;
mod call;
pub mod data;
mod error;
mod exec;
pub mod fmt;
pub mod funcs;
mod function;
mod parse;
mod regex;
pub mod strconv;
mod templates;
mod time;
pub mod value;

pub use budget::{Budget, Limits};
pub use call::Call;
pub use error::{Bound, Error, FuncError};
pub use function::{Args, Closure, Function, Functions, Plain, Signature};
pub use templates::{MissingKey, Parsed, Templates};
pub use time::Time;
pub use value::{GoStr, Kind, List, Map, Object, Type, Value};
