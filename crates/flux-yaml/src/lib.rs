//! YAML as Go reads and prints it.
//!
//! [`parse()`] reads one document into [`Node`]s that keep order, quoting, tags and lines; anchors and merge keys are
//! resolved while reading. Plain scalars mean what they mean to yaml.v3, the library below kustomize; [`yaml11`] has
//! what they mean to the older one below sigs.k8s.io/yaml. [`print()`] writes a value as the latter does: keys in
//! natural order, two columns of indentation, lists not indented, plain text folded at column 80.
//!
//! Comments are not kept.

mod block;
mod error;
mod go;
mod json;
mod node;
mod order;
mod parse;
mod print;
mod quoted;
mod resolve;
mod scalar;
mod style;
mod styled;
mod timestamp;

pub use error::Error;
pub use go::{format_float, parse_bool};
pub use json::{from_json, to_json, yaml11_to_json};
pub use node::{Content, Node, Style, Tag};
pub use order::natural;
pub use parse::{Limits, parse, parse_all};
pub use print::{print, print_in_order, print_json};
pub use resolve::{Resolved, yaml3, yaml11};
pub use scalar::Scalar;
pub use styled::{print_styled, reread};
