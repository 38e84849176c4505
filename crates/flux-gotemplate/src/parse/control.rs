//! Texts, actions and control structures.

use super::build::{Building, small};
use super::lexer::{Item, Kind};
use super::node::{Branch, ListId, Node, TemplateCall};
use super::parser::{Parsed, Parser};
use crate::value::GoStr;

/// Control structures nested deeper are refused: each takes a level of the parser.
const MOST_NESTING: usize = 10_000;

/// The stack that a level of nesting may need, and how much more is taken when there is less.
const RED_ZONE: usize = 128 << 10;
const MORE_STACK: usize = 1 << 20;

/// What an action is.
enum Action {
    Node(Node),
    End,
    Else,
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Self::Node(_) => "action",
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// Which control structure a branch belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

impl Control {
    fn context(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }

    fn node(self, branch: Branch) -> Node {
        match self {
            Self::If => Node::If(branch),
            Self::With => Node::With(branch),
            Self::Range => Node::Range(branch),
        }
    }
}

impl Parser<'_> {
    /// The whole text.
    pub(super) fn template(&mut self) -> Parsed<()> {
        let mut nodes = Vec::new();
        while self.peek() != Kind::Eof {
            if self.peek() == Kind::LeftDelim {
                let delim = self.next();
                if self.next_word().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.backup_two(delim);
            }
            match self.text_or_action()? {
                Action::Node(node) => nodes.push(node),
                action => return self.fail(&format!("unexpected {}", action.name())),
            }
        }
        let root = self.tree.add_list(nodes);
        self.finish(root, Building::new(GoStr::default()))
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::replace(&mut self.tree, Building::new("definition".into()));
        let item = self.next_word();
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&item, CONTEXT);
        }
        self.tree.name = self.string(&item)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let (root, end) = self.list()?;
        if !matches!(end, Action::End) {
            return self.fail(&format!("unexpected {} in {CONTEXT}", end.name()));
        }
        self.finish(root, outer)
    }

    /// A list up to an end or else, which is given too.
    fn list(&mut self) -> Parsed<(ListId, Action)> {
        let mut nodes = Vec::new();
        while self.peek_word().kind != Kind::Eof {
            match self.text_or_action()? {
                Action::Node(node) => nodes.push(node),
                end => return Ok((self.tree.add_list(nodes), end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Action> {
        let item = self.next_word();
        match item.kind {
            Kind::Text => Ok(Action::Node(Node::Text(small(item.at), small(item.end)))),
            Kind::LeftDelim => {
                self.tree.action_line = item.line;
                let action = self.action()?;
                self.tree.action_line = 0;
                Ok(action)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Action> {
        let item = self.next_word();
        Ok(Action::Node(match item.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump("break", Node::Break)?,
            Kind::Continue => self.jump("continue", Node::Continue)?,
            Kind::Else => {
                if !matches!(self.peek_word().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Action::Else);
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Action::End);
            }
            Kind::If => self.control(Control::If)?,
            Kind::Range => self.control(Control::Range)?,
            Kind::Template => self.template_call()?,
            Kind::With => self.control(Control::With)?,
            _ => {
                self.backup();
                self.peek();
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Node::Action(small(item.at), pipe)
            }
        }))
    }

    fn jump(&mut self, word: &str, node: Node) -> Parsed<Node> {
        let item = self.next_word();
        if item.kind != Kind::RightDelim {
            return self.unexpected(&item, &format!("{{{{{word}}}}}"));
        }
        if self.tree.ranges == 0 {
            return self.fail(&format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn control(&mut self, control: Control) -> Parsed<Node> {
        if self.nesting >= MOST_NESTING {
            return self.fail("control structures are nested too deep");
        }
        self.nesting += 1;
        let node = stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.branch(control));
        self.nesting -= 1;
        node
    }

    fn branch(&mut self, control: Control) -> Parsed<Node> {
        let variables = self.tree.scope.len();
        let pipe = self.pipeline(control.context(), Kind::RightDelim)?;
        let ranges = usize::from(control == Control::Range);
        self.tree.ranges += ranges;
        let (list, end) = self.list()?;
        self.tree.ranges -= ranges;
        let else_list = match end {
            Action::Else => Some(self.else_list(control)?),
            Action::End | Action::Node(_) => None,
        };
        self.tree.scope.truncate(variables);
        Ok(control.node(Branch { pipe, list, else_list }))
    }

    fn else_list(&mut self, control: Control) -> Parsed<ListId> {
        // `else if` is an else with an if inside, whose end is that of both.
        let chained = match (control, self.peek()) {
            (Control::If, Kind::If) | (Control::With, Kind::With) => true,
            (Control::If | Control::With | Control::Range, _) => false,
        };
        if chained {
            self.next();
            let node = self.control(control)?;
            return Ok(self.tree.add_list(vec![node]));
        }
        let (list, end) = self.list()?;
        match end {
            Action::End => Ok(list),
            Action::Else | Action::Node(_) => self.fail(&format!("expected end; found {}", end.name())),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_word();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        if self.nesting >= MOST_NESTING {
            return self.fail("control structures are nested too deep");
        }
        self.nesting += 1;
        let outer = std::mem::replace(&mut self.tree, Building::new(name.clone()));
        let (root, end) = stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.list())?;
        if !matches!(end, Action::End) {
            // The outer template complains, at the line that it had read up to.
            self.tree = outer;
            return self.fail(&format!("unexpected {} in {CONTEXT}", end.name()));
        }
        self.finish(root, outer)?;
        self.nesting -= 1;
        Ok(Node::Template(Box::new(TemplateCall { at: small(item.at), name, pipe: Some(pipe) })))
    }

    fn template_call(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_word();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = if self.next_word().kind == Kind::RightDelim {
            None
        } else {
            self.backup();
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template(Box::new(TemplateCall { at: small(item.at), name, pipe })))
    }

    fn template_name(&mut self, item: &Item, context: &str) -> Parsed<GoStr> {
        if matches!(item.kind, Kind::String | Kind::RawString) {
            return self.string(item);
        }
        self.unexpected(item, context)
    }
}
