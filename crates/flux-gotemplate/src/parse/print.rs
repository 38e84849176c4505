//! Parsed templates as text, the way errors quote them.

use super::node::{Command, Expr, Node, Pipe, TemplateCall, Tree};
use crate::strconv::append_quote;
use crate::value::GoStr;

/// The stack that a level of nesting may need, and how much more is taken when there is less.
const RED_ZONE: usize = 64 << 10;
const MORE_STACK: usize = 1 << 20;

/// A part of a tree that errors can point at.
#[derive(Clone, Copy)]
pub(crate) enum Part<'t> {
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Expr(&'t Expr),
}

impl Tree {
    /// Where the part stands in the text.
    pub(crate) fn at(&self, part: Part<'_>) -> u32 {
        match part {
            Part::Pipe(pipe) => pipe.at,
            Part::Command(command) => command.at,
            Part::Expr(expr) => expr.at(self),
            Part::Node(Node::Text(at, _) | Node::Action(at, _)) => *at,
            Part::Node(Node::If(branch) | Node::With(branch) | Node::Range(branch)) => self.pipe(branch.pipe).at,
            Part::Node(Node::Template(call)) => call.at,
            Part::Node(Node::Break | Node::Continue) => 0,
        }
    }

    /// The part as text.
    pub(crate) fn print(&self, part: Part<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        match part {
            Part::Node(node) => self.print_node(&mut out, node),
            Part::Pipe(pipe) => self.print_pipe(&mut out, pipe),
            Part::Command(command) => self.print_command(&mut out, command),
            Part::Expr(expr) => self.print_expr(&mut out, expr),
        }
        out
    }

    /// What errors point at is never a branch with its lists, but for ranges and conditions their head is printed so.
    fn print_node(&self, out: &mut Vec<u8>, node: &Node) {
        stacker::maybe_grow(RED_ZONE, MORE_STACK, || match node {
            Node::Text(from, to) => out.extend_from_slice(self.slice(*from, *to)),
            Node::Action(_, pipe) => {
                out.extend_from_slice(b"{{");
                self.print_pipe(out, self.pipe(*pipe));
                out.extend_from_slice(b"}}");
            }
            Node::If(branch) => self.print_branch(out, "if", branch),
            Node::With(branch) => self.print_branch(out, "with", branch),
            Node::Range(branch) => self.print_branch(out, "range", branch),
            Node::Template(call) => self.print_template(out, call),
            Node::Break => out.extend_from_slice(b"{{break}}"),
            Node::Continue => out.extend_from_slice(b"{{continue}}"),
        });
    }

    fn print_branch(&self, out: &mut Vec<u8>, word: &str, branch: &super::node::Branch) {
        out.extend_from_slice(format!("{{{{{word} ").as_bytes());
        self.print_pipe(out, self.pipe(branch.pipe));
        out.extend_from_slice(b"}}");
        self.print_list(out, self.list(branch.list));
        if let Some(list) = branch.else_list {
            out.extend_from_slice(b"{{else}}");
            self.print_list(out, self.list(list));
        }
        out.extend_from_slice(b"{{end}}");
    }

    fn print_list(&self, out: &mut Vec<u8>, list: &[Node]) {
        for node in list {
            self.print_node(out, node);
        }
    }

    fn print_template(&self, out: &mut Vec<u8>, call: &TemplateCall) {
        out.extend_from_slice(b"{{template ");
        append_quote(out, call.name.as_bytes(), false);
        if let Some(pipe) = call.pipe {
            out.push(b' ');
            self.print_pipe(out, self.pipe(pipe));
        }
        out.extend_from_slice(b"}}");
    }

    fn print_pipe(&self, out: &mut Vec<u8>, pipe: &Pipe) {
        for (index, variable) in pipe.variables.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(self.variable(*variable));
        }
        if !pipe.variables.is_empty() {
            out.extend_from_slice(if pipe.assigns { b" = " } else { b" := " });
        }
        for (index, command) in pipe.commands.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b" | ");
            }
            self.print_command(out, command);
        }
    }

    fn print_command(&self, out: &mut Vec<u8>, command: &Command) {
        for (index, arg) in command.args.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            self.print_operand(out, arg);
        }
    }

    /// An operand, with parentheses when it is a pipeline.
    fn print_operand(&self, out: &mut Vec<u8>, expr: &Expr) {
        if matches!(expr, Expr::Pipe(_)) {
            out.push(b'(');
            self.print_expr(out, expr);
            out.push(b')');
        } else {
            self.print_expr(out, expr);
        }
    }

    fn print_expr(&self, out: &mut Vec<u8>, expr: &Expr) {
        match expr {
            Expr::Identifier(_, name, _) => out.extend_from_slice(name.as_bytes()),
            Expr::Variable(_, id, fields) => {
                out.extend_from_slice(self.variable(*id));
                print_fields(out, fields);
            }
            Expr::Dot(_) => out.push(b'.'),
            Expr::Nil(_) => out.extend_from_slice(b"nil"),
            Expr::Field(_, fields) => print_fields(out, fields),
            Expr::Chain(_, node, fields) => {
                self.print_operand(out, node);
                print_fields(out, fields);
            }
            Expr::Bool(_, value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Expr::Number(_, number) => out.extend_from_slice(number.text.as_bytes()),
            Expr::Str(_, quoted, _) => out.extend_from_slice(quoted.as_bytes()),
            Expr::Pipe(id) => stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.print_pipe(out, self.pipe(*id))),
        }
    }
}

fn print_fields(out: &mut Vec<u8>, fields: &[GoStr]) {
    for field in fields {
        out.push(b'.');
        out.extend_from_slice(field.as_bytes());
    }
}
