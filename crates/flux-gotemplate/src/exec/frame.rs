//! The stack of lists, scopes, ranges and templates.

use std::slice::Iter;

use super::range::Items;
use super::{Done, Exec, MOST_TEMPLATES, Typed, quoted};
use crate::budget::Budget;
use crate::error::Error;
use crate::parse::{Branch, DOLLAR, ListId, Node, Part, PipeId, TemplateCall, Tree};
use crate::templates::Templates;
use crate::value::Value;

/// What is left to do.
pub(super) enum Frame<'t> {
    /// The rest of a list.
    List(Iter<'t, Node>),
    /// Forget the variables from here on.
    Scope(usize),
    /// Bring back what dot was.
    Dot(Typed),
    /// Go on with a range.
    Range(Box<Range<'t>>),
    /// Go back to the template that called.
    Template { tree: &'t Tree, base: usize, dot: Typed },
}

pub(super) struct Range<'t> {
    pub(super) items: Items,
    pub(super) list: &'t [Node],
    /// The variables before the range's own, and with them.
    pub(super) outer: usize,
    pub(super) inner: usize,
    pub(super) dot: Typed,
    pub(super) pipe: PipeId,
}

/// Executes `tree` on `data`.
pub(crate) fn run(
    templates: &Templates,
    tree: &Tree,
    data: &Value,
    budget: &mut Budget<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let dot = Typed::plain(data.clone());
    let mut exec = Exec {
        templates,
        budget,
        out,
        tree,
        part: None,
        dot: dot.clone(),
        variables: vec![(DOLLAR, dot)],
        base: 0,
        frames: vec![Frame::List(tree.root().iter())],
        depth: 0,
    };
    exec.walk().map_err(|stop| *stop.0)
}

impl<'t> Exec<'t, '_, '_> {
    fn walk(&mut self) -> Done<()> {
        while let Some(frame) = self.frames.last_mut() {
            if let Frame::List(nodes) = frame
                && let Some(node) = nodes.next()
            {
                self.budget.step()?;
                self.node(node)?;
                continue;
            }
            match self.frames.pop() {
                None | Some(Frame::List(_)) => {}
                Some(Frame::Scope(mark)) => self.variables.truncate(mark),
                Some(Frame::Dot(dot)) => self.dot = dot,
                Some(Frame::Range(range)) => self.next_iteration(range)?,
                Some(Frame::Template { tree, base, dot }) => {
                    self.variables.truncate(self.base);
                    self.tree = tree;
                    self.base = base;
                    self.dot = dot;
                    self.depth -= 1;
                }
            }
        }
        Ok(())
    }

    fn node(&mut self, node: &'t Node) -> Done<()> {
        self.at(Part::Node(node));
        match node {
            Node::Text(from, to) => {
                let text = self.tree.slice(*from, *to);
                self.budget.output(text.len())?;
                self.out.extend_from_slice(text);
            }
            Node::Action(_, pipe) => {
                let value = self.pipeline(*pipe)?;
                if self.tree.pipe(*pipe).variables.is_empty() {
                    self.at(Part::Node(node));
                    self.print(&value.value)?;
                }
            }
            Node::If(branch) => self.condition(branch, false)?,
            Node::With(branch) => self.condition(branch, true)?,
            Node::Range(branch) => self.range(branch)?,
            Node::Template(call) => self.template(call)?,
            Node::Break => self.jump(true),
            Node::Continue => self.jump(false),
        }
        Ok(())
    }

    pub(super) fn push_list(&mut self, list: ListId) {
        self.frames.push(Frame::List(self.tree.list(list).iter()));
    }

    fn condition(&mut self, branch: &'t Branch, sets_dot: bool) -> Done<()> {
        self.frames.push(Frame::Scope(self.variables.len()));
        let value = self.pipeline(branch.pipe)?;
        if value.value.truth() {
            if sets_dot {
                let dot = std::mem::replace(&mut self.dot, value);
                self.frames.push(Frame::Dot(dot));
            }
            self.push_list(branch.list);
        } else if let Some(list) = branch.else_list {
            self.push_list(list);
        }
        Ok(())
    }

    /// Leaves the lists up to the innermost range; a break leaves that too.
    fn jump(&mut self, leaves: bool) {
        while let Some(frame) = self.frames.pop() {
            if let Frame::Range(range) = frame {
                self.dot = range.dot.clone();
                if leaves {
                    self.variables.truncate(range.outer);
                } else {
                    self.frames.push(Frame::Range(range));
                }
                return;
            }
        }
    }

    fn template(&mut self, call: &'t TemplateCall) -> Done<()> {
        let Some(tree) = self.templates.tree(call.name.as_bytes()) else {
            return self.fail(&format!("template {} not defined", quoted(call.name.as_bytes())));
        };
        if self.depth == MOST_TEMPLATES {
            return self.fail(&format!("exceeded maximum template depth ({MOST_TEMPLATES})"));
        }
        let dot = match call.pipe {
            Some(pipe) => self.pipeline(pipe)?,
            None => Typed::default(),
        };
        self.depth += 1;
        let frame = Frame::Template {
            tree: std::mem::replace(&mut self.tree, tree),
            base: std::mem::replace(&mut self.base, self.variables.len()),
            dot: std::mem::replace(&mut self.dot, dot.clone()),
        };
        self.frames.push(frame);
        self.variables.push((DOLLAR, dot));
        self.frames.push(Frame::List(tree.root().iter()));
        Ok(())
    }
}
