//! YAML as yaml.v3 reads and prints it, with the comments that it keeps.
//!
//! [`scan`] cuts the text into tokens and decides for each comment which token it belongs to; [`parse`] makes nodes
//! of them, each with the comments above, beside and below it; [`tree`] turns nodes into a document's tree, where a
//! comment is an entry of its own. [`node`] makes nodes of trees again, and [`print`] writes them.

mod comments;
mod node;
mod parse;
mod print;
mod scalar;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub(super) use print::print;
pub(super) use tree::read;
