//! A tree while it is parsed.

use super::lexer::{Item, Kind};
use super::node::{ListId, Node, Pipe, PipeId, VariableId};
use crate::value::GoStr;

/// What belongs to one tree during parsing; definitions within definitions have their own.
pub(super) struct Building {
    pub(super) name: GoStr,
    pub(super) lists: Vec<Vec<Node>>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) names: Vec<GoStr>,
    /// The variables that are defined where the parser is.
    pub(super) scope: Vec<VariableId>,
    /// Items read ahead; the last of the lexer is the first here.
    pub(super) items: [Item; 3],
    pub(super) ahead: usize,
    /// Where the current action started, zero outside.
    pub(super) action_line: usize,
    pub(super) ranges: usize,
    pub(super) parens: usize,
}

impl Building {
    pub(super) fn new(name: GoStr) -> Self {
        let none = Item { kind: Kind::Error, at: 0, end: 0, line: 0 };
        let mut building = Self {
            name,
            lists: Vec::new(),
            pipes: Vec::new(),
            names: Vec::new(),
            scope: Vec::new(),
            items: [none; 3],
            ahead: 0,
            action_line: 0,
            ranges: 0,
            parens: 0,
        };
        let dollar = building.intern(b"$");
        building.scope.push(dollar);
        building
    }

    pub(super) fn intern(&mut self, name: &[u8]) -> VariableId {
        let known = self.names.iter().position(|known| known.as_bytes() == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        VariableId(small(index))
    }

    pub(super) fn add_list(&mut self, nodes: Vec<Node>) -> ListId {
        self.lists.push(nodes);
        ListId(small(self.lists.len() - 1))
    }

    pub(super) fn add_pipe(&mut self, pipe: Pipe) -> PipeId {
        self.pipes.push(pipe);
        PipeId(small(self.pipes.len() - 1))
    }
}

/// Texts are shorter than 4 GiB, and so are their parts.
pub(super) fn small(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
