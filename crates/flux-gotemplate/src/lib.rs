//! Go's text/template as of Go 1.26: values, parser, executor and formatting; and the functions that Helm offers.
//!
//! A pure function of its input: templates, data and [`Functions`] go in, bytes or Go's error text come out. A
//! [`Templates`] set parses texts and executes them by name on a [`Value`]; functions get a [`Call`], through which they
//! render other templates of the set as a part of the same rendering. What a rendering may use is bounded by the
//! [`Limits`] of its [`Budget`]; what functions need of the world (a clock, random numbers) is handed in.
//!
//! Maps are shared by reference, as in Go, so that a template that changes one is seen by later ones; a
//! [`value::Scope`] around a rendering gives up those that contain themselves.
//!
//! Not there: other delimiters, channels and iterator functions, HTML's contextual escaping.

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
pub use regex::translate as translate_regex;
pub use templates::{MissingKey, Parsed, Templates};
pub use time::Time;
pub use value::{GoStr, Kind, List, Map, Object, Type, Value};
