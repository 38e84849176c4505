//! Items to operands, commands and pipelines; control structures are in [`super::control`].

use std::sync::Arc;

use super::build::{Building, small};
use super::lexer::{Item, Keywords, Kind, Lexer};
use super::node::{Body, Command, Expr, Pipe, PipeId, Tree};
use super::number;
use crate::function::Functions;
use crate::strconv::{quote, unquote};
use crate::value::{GoStr, Value, runes};

/// What stops a parse: the whole text of the error.
pub(super) type Parsed<T> = Result<T, String>;

/// Parenthesized expressions nested deeper are refused, as Go does.
const MOST_PARENS: usize = 10_000;

/// The stack that a level of nesting may need, and how much more is taken when there is less.
const RED_ZONE: usize = 128 << 10;
const MORE_STACK: usize = 1 << 20;

/// Parses the text and the definitions in it, which may call the functions and the builtin ones.
///
pub(crate) fn parse(name: &GoStr, text: &GoStr, functions: &Functions) -> Result<TextTrees, String> {
    if u32::try_from(text.len()).is_err() {
        return Err(format!("template: {name}:1: text is too large"));
    }
    let keywords =
        Keywords { breaks: functions.get("break").is_none(), continues: functions.get("continue").is_none() };
    let mut parser = Parser {
        name: name.clone(),
        text: text.clone(),
        lexer: Lexer::new(text.as_bytes(), keywords),
        functions,
        trees: Vec::new(),
        of_own_name: 0,
        tree: Building::new(name.clone()),
        nesting: 0,
    };
    parser.template()?;
    Ok(TextTrees { trees: parser.trees, defines_itself: parser.of_own_name > 1 })
}

/// What a text was parsed to.
pub(crate) struct TextTrees {
    /// In no particular order; that of the text itself has the text's name.
    pub(crate) trees: Vec<Tree>,
    /// Whether the text also defines a template of its own name.
    pub(crate) defines_itself: bool,
}

pub(super) struct Parser<'t> {
    name: GoStr,
    text: GoStr,
    lexer: Lexer<'t>,
    functions: &'t Functions,
    trees: Vec<Tree>,
    /// How many templates had the text's name, itself included.
    of_own_name: usize,
    pub(super) tree: Building,
    pub(super) nesting: usize,
}

impl Parser<'_> {
    pub(super) fn next(&mut self) -> Item {
        if self.tree.ahead > 0 {
            self.tree.ahead -= 1;
        } else {
            self.tree.items[0] = self.lexer.next_item();
        }
        self.tree.items[self.tree.ahead]
    }

    pub(super) fn backup(&mut self) {
        self.tree.ahead += 1;
    }

    /// Puts back the last item, and `before`, which came before it.
    pub(super) fn backup_two(&mut self, before: Item) {
        self.tree.items[1] = before;
        self.tree.ahead = 2;
    }

    /// Puts back the last item, and the two that came before it.
    fn backup_three(&mut self, first: Item, second: Item) {
        self.tree.items[1] = second;
        self.tree.items[2] = first;
        self.tree.ahead = 3;
    }

    pub(super) fn peek(&mut self) -> Kind {
        if self.tree.ahead == 0 {
            self.tree.ahead = 1;
            self.tree.items[0] = self.lexer.next_item();
        }
        self.tree.items[self.tree.ahead - 1].kind
    }

    fn peeked_at(&self) -> usize {
        self.tree.items[self.tree.ahead.saturating_sub(1)].at
    }

    pub(super) fn next_word(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    pub(super) fn peek_word(&mut self) -> Item {
        let item = self.next_word();
        self.backup();
        item
    }

    pub(super) fn text_of(&self, item: &Item) -> &[u8] {
        self.text.as_bytes().get(item.at..item.end).unwrap_or_default()
    }

    pub(super) fn fail<T>(&self, message: &str) -> Parsed<T> {
        Err(format!("template: {}:{}: {message}", self.name, self.tree.items[0].line))
    }

    pub(super) fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item> {
        let item = self.next_word();
        if item.kind == kind { Ok(item) } else { self.unexpected(&item, context) }
    }

    pub(super) fn unexpected<T>(&self, item: &Item, context: &str) -> Parsed<T> {
        if item.kind != Kind::Error {
            return self.fail(&format!("unexpected {} in {context}", self.show(item)));
        }
        let message = self.lexer.fault();
        let started = self.tree.action_line;
        if started == 0 || started == item.line {
            return self.fail(message);
        }
        // "unclosed action" already says that it is about an action.
        let about = if message.ends_with(" action") { "" } else { " in action" };
        self.fail(&format!("{message}{about} started at {}:{started}", self.name))
    }

    fn show(&self, item: &Item) -> String {
        let text = self.text_of(item);
        match item.kind {
            Kind::Eof => "EOF".to_owned(),
            kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(text)),
            _ if text.len() > 10 => {
                let end = runes(text).nth(10).map_or(text.len(), |(at, _, _)| at);
                format!("{}...", String::from_utf8_lossy(&quote(text.get(..end).unwrap_or_default())))
            }
            _ => String::from_utf8_lossy(&quote(text)).into_owned(),
        }
    }

    /// Makes the current tree one of the text's, and goes on with `outer`.
    pub(super) fn finish(&mut self, root: super::node::ListId, outer: Building) -> Parsed<()> {
        let building = std::mem::replace(&mut self.tree, outer);
        let line = building.items[0].line;
        self.of_own_name += usize::from(building.name == self.name);
        let tree = Tree {
            name: building.name,
            parse_name: self.name.clone(),
            body: Arc::new(Body {
                text: self.text.clone(),
                root,
                lists: building.lists,
                pipes: building.pipes,
                variables: building.names,
            }),
        };
        match self.trees.iter_mut().find(|known| known.name == tree.name) {
            None => self.trees.push(tree),
            Some(known) if known.is_empty() => *known = tree,
            Some(_) if tree.is_empty() => {}
            Some(_) => {
                let name = quote(tree.name.as_bytes());
                let name = String::from_utf8_lossy(&name);
                return Err(format!(
                    "template: {}:{line}: template: multiple definition of template {name}",
                    self.name
                ));
            }
        }
        Ok(())
    }

    /// A pipeline up to `end`, its declarations included.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<PipeId> {
        let at = small(self.peek_word().at);
        let mut pipe = Pipe { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.next_word();
            match item.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        self.check_pipeline(&pipe, context)?;
        Ok(self.tree.add_pipe(pipe))
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        while self.peek_word().kind == Kind::Variable {
            let variable = self.next_word();
            // `$x foo` needs the blank back when it turns out to be no declaration.
            self.peek();
            let after = self.tree.items[self.tree.ahead - 1];
            let next = self.peek_word();
            let is_comma = next.kind == Kind::Char && self.text_of(&next) == b",";
            if !is_comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                if after.kind == Kind::Space {
                    self.backup_three(variable, after);
                } else {
                    self.backup_two(variable);
                }
                return Ok(());
            }
            pipe.assigns = next.kind == Kind::Assign;
            self.next_word();
            let name = self.text_of(&variable).to_vec();
            let id = self.tree.intern(&name);
            pipe.variables.push(id);
            self.tree.scope.push(id);
            if !is_comma {
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return self.fail(&format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_word().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return self.fail("range can only initialize variables");
            }
        }
        Ok(())
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.fail(&format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.args.first(),
                Some(Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::Str(..))
            ) {
                return self.fail(&format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let at = small(self.peek_word().at);
        let mut args = Vec::new();
        loop {
            self.peek_word();
            if let Some(operand) = self.operand()? {
                args.push(operand);
            }
            let item = self.next();
            match item.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.backup();
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&item, "operand"),
            }
        }
        if args.is_empty() {
            return self.fail("empty command");
        }
        Ok(Command { at, args })
    }

    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        if self.peek() != Kind::Field {
            return Ok(Some(term));
        }
        let at = small(self.peeked_at());
        let mut more = Vec::new();
        while self.peek() == Kind::Field {
            let item = self.next();
            more.push(GoStr::from(self.text_of(&item).get(1..).unwrap_or_default()));
        }
        Ok(Some(match term {
            Expr::Field(_, mut fields) => {
                fields.append(&mut more);
                Expr::Field(at, fields)
            }
            Expr::Variable(_, id, mut fields) => {
                fields.append(&mut more);
                Expr::Variable(at, id, fields)
            }
            Expr::Bool(..) | Expr::Str(..) | Expr::Number(..) | Expr::Nil(_) | Expr::Dot(_) => {
                let written = self.show_term(&term);
                let written = quote(&written);
                return self.fail(&format!("unexpected . after term {}", String::from_utf8_lossy(&written)));
            }
            Expr::Identifier(..) | Expr::Chain(..) | Expr::Pipe(_) => Expr::Chain(at, Box::new(term), more),
        }))
    }

    fn show_term(&self, term: &Expr) -> Vec<u8> {
        let tree = Tree {
            name: GoStr::default(),
            parse_name: GoStr::default(),
            body: Arc::new(Body {
                text: self.text.clone(),
                root: super::node::ListId(0),
                lists: Vec::new(),
                pipes: Vec::new(),
                variables: Vec::new(),
            }),
        };
        tree.print(super::Part::Expr(term))
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let item = self.next_word();
        let at = small(item.at);
        Ok(Some(match item.kind {
            Kind::Identifier => {
                let name = GoStr::from(self.text_of(&item));
                let Some(hint) = self.functions.hint(name.as_bytes()) else {
                    return self.fail(&format!("function \"{name}\" not defined"));
                };
                Expr::Identifier(at, name, hint)
            }
            Kind::Dot => Expr::Dot(at),
            Kind::Nil => Expr::Nil(at),
            Kind::Variable => self.variable(&item)?,
            Kind::Field => Expr::Field(at, vec![self.text_of(&item).get(1..).unwrap_or_default().into()]),
            Kind::Bool => Expr::Bool(at, self.text_of(&item) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => match number::read(self.text_of(&item), item.kind) {
                Ok(number) => Expr::Number(at, Box::new(number)),
                Err(message) => return self.fail(&message),
            },
            Kind::LeftParen => Expr::Pipe(self.parenthesized()?),
            Kind::String | Kind::RawString => {
                let text = self.string(&item)?;
                Expr::Str(at, self.text_of(&item).into(), Value::Str(text))
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }

    pub(super) fn string(&self, item: &Item) -> Parsed<GoStr> {
        match unquote(self.text_of(item)) {
            Some(text) => Ok(text.into()),
            None => self.fail("invalid syntax"),
        }
    }

    fn parenthesized(&mut self) -> Parsed<PipeId> {
        if self.tree.parens >= MOST_PARENS {
            return self.fail("max expression depth exceeded");
        }
        self.tree.parens += 1;
        let pipe =
            stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.pipeline("parenthesized pipeline", Kind::RightParen));
        self.tree.parens -= 1;
        pipe
    }

    fn variable(&mut self, item: &Item) -> Parsed<Expr> {
        let name = self.text_of(item).to_vec();
        let known = self
            .tree
            .scope
            .iter()
            .copied()
            .find(|id| self.tree.names.get(id.0 as usize).is_some_and(|known| known.as_bytes() == name.as_slice()));
        if let Some(id) = known {
            return Ok(Expr::Variable(small(item.at), id, Vec::new()));
        }
        let name = quote(&name);
        self.fail(&format!("undefined variable {}", String::from_utf8_lossy(&name)))
    }
}
