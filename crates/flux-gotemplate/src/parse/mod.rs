//! From a template's text to its trees.

mod build;
mod control;
mod lexer;
mod node;
mod number;
mod parser;
mod print;

pub(crate) use node::{Branch, Command, DOLLAR, Expr, ListId, Node, Number, PipeId, TemplateCall, Tree, VariableId};
pub(crate) use parser::{TextTrees, parse};
pub(crate) use print::Part;
