//! The parsed form of templates.
//!
//! All lists and pipelines of a tree lie side by side and refer to each other by number: templates may nest deeper than
//! the stack, and a tree must be dropped without recursion.

use std::sync::Arc;

use crate::function::Hint;
use crate::value::{GoStr, Value};

/// A parsed template.
pub(crate) struct Tree {
    pub(crate) name: GoStr,
    /// The name of the text it was parsed from, for places in errors.
    pub(crate) parse_name: GoStr,
    /// All but the names, which the templates of equal texts share.
    pub(crate) body: Arc<Body>,
}

/// What a template is made of.
pub(crate) struct Body {
    /// The whole text that it was parsed from.
    pub(crate) text: GoStr,
    pub(crate) root: ListId,
    pub(crate) lists: Vec<Vec<Node>>,
    pub(crate) pipes: Vec<Pipe>,
    /// Names of variables, `$` included; `$` itself is the first.
    pub(crate) variables: Vec<GoStr>,
}

/// A list of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListId(pub(crate) u32);

/// A pipeline of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipeId(pub(crate) u32);

/// The name of a variable of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VariableId(pub(crate) u32);

/// A place in the text, in bytes.
pub(crate) type Pos = u32;

/// The name of `$`.
pub(crate) const DOLLAR: VariableId = VariableId(0);

/// What a list is made of.
pub(crate) enum Node {
    /// Text from one place to another.
    Text(Pos, Pos),
    Action(Pos, PipeId),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Box<TemplateCall>),
    Break,
    Continue,
}

pub(crate) struct Branch {
    pub(crate) pipe: PipeId,
    pub(crate) list: ListId,
    pub(crate) else_list: Option<ListId>,
}

pub(crate) struct TemplateCall {
    pub(crate) at: Pos,
    pub(crate) name: GoStr,
    pub(crate) pipe: Option<PipeId>,
}

pub(crate) struct Pipe {
    pub(crate) at: Pos,
    /// The variables are assigned, not declared.
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<VariableId>,
    pub(crate) commands: Vec<Command>,
}

pub(crate) struct Command {
    pub(crate) at: Pos,
    pub(crate) args: Vec<Expr>,
}

/// An operand.
pub(crate) enum Expr {
    /// A function, and where it was found.
    Identifier(Pos, GoStr, Hint),
    /// A variable and the fields asked of it.
    Variable(Pos, VariableId, Vec<GoStr>),
    Dot(Pos),
    Nil(Pos),
    Field(Pos, Vec<GoStr>),
    Chain(Pos, Box<Expr>, Vec<GoStr>),
    Bool(Pos, bool),
    Number(Pos, Box<Number>),
    /// A string as written, and what it stands for.
    Str(Pos, GoStr, Value),
    Pipe(PipeId),
}

/// A number, as every kind that it can stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Number {
    pub(crate) text: GoStr,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Tree {
    /// The list that the template is.
    pub(crate) fn root(&self) -> &[Node] {
        self.list(self.body.root)
    }

    pub(crate) fn list(&self, id: ListId) -> &[Node] {
        self.body.lists.get(id.0 as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn pipe(&self, id: PipeId) -> &Pipe {
        static NONE: Pipe = Pipe { at: 0, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.body.pipes.get(id.0 as usize).unwrap_or(&NONE)
    }

    /// Whether there is nothing in it but blanks.
    pub(crate) fn is_empty(&self) -> bool {
        self.root().iter().all(|node| match node {
            Node::Text(from, to) => is_blank(self.slice(*from, *to)),
            Node::Action(..)
            | Node::If(_)
            | Node::With(_)
            | Node::Range(_)
            | Node::Template(_)
            | Node::Break
            | Node::Continue => false,
        })
    }

    pub(crate) fn slice(&self, from: Pos, to: Pos) -> &[u8] {
        self.body.text.as_bytes().get(from as usize..to as usize).unwrap_or_default()
    }

    pub(crate) fn variable(&self, id: VariableId) -> &[u8] {
        self.body.variables.get(id.0 as usize).map_or(b"", |name| name.as_bytes())
    }

    /// Line and column of a place, as errors give them: lines from one, bytes within the line from zero.
    pub(crate) fn line_and_column(&self, at: Pos) -> (usize, usize) {
        let before = self.slice(0, at);
        let line = super::lexer::newlines(before) + 1;
        let column = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => before.len() - newline - 1,
            None => before.len(),
        };
        (line, column)
    }
}

impl Expr {
    pub(crate) fn at(&self, tree: &Tree) -> Pos {
        match self {
            Self::Identifier(at, ..)
            | Self::Variable(at, ..)
            | Self::Dot(at)
            | Self::Nil(at)
            | Self::Field(at, _)
            | Self::Chain(at, ..)
            | Self::Bool(at, _)
            | Self::Number(at, _)
            | Self::Str(at, ..) => *at,
            Self::Pipe(id) => tree.pipe(*id).at,
        }
    }
}

/// Whether Go's `bytes.TrimSpace` leaves nothing.
fn is_blank(text: &[u8]) -> bool {
    crate::value::runes(text).all(|(_, rune, _)| {
        matches!(rune, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}')
            || matches!(rune, '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
    })
}
