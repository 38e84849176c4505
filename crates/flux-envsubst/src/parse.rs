//! From text to nodes. The grammar is upstream's scanner in its results, oddities included.

use crate::Error;

/// A piece of the text.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Text(String),
    Variable(Variable),
}

/// `${name}` with its operator and the operator's arguments.
#[derive(Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) operator: String,
    pub(crate) arguments: Vec<Node>,
}

pub(crate) fn parse(text: &str, depth: usize) -> Result<Vec<Node>, Error> {
    // A zero byte ends the text upstream.
    let text = text.split('\0').next().unwrap_or_default();
    let mut parser = Parser { rest: text, depth };
    let mut nodes = Vec::new();
    while !parser.rest.is_empty() {
        if parser.eat("${") {
            nodes.push(Node::Variable(parser.variable(0)?));
        } else {
            nodes.push(Node::Text(parser.text(|_| true, Escapes::Dollar)));
        }
    }
    Ok(nodes)
}

/// Which characters lose their meaning by doubling or a backslash.
#[derive(Clone, Copy, PartialEq)]
enum Escapes {
    None,
    Dollar,
    DollarAndBackslash,
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn eat(&mut self, what: &str) -> bool {
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What `accept` takes, one escape after the other resolved, up to a nested `${`.
    fn text(&mut self, accept: impl Fn(char) -> bool, escapes: Escapes) -> String {
        let mut text = String::new();
        while let Some(next) = self.peek() {
            if self.rest.starts_with("${") {
                break;
            }
            if let Some(escaped) = self.escaped(escapes) {
                text.push(escaped);
                continue;
            }
            if !accept(next) {
                break;
            }
            text.push(next);
            self.rest = &self.rest[next.len_utf8()..];
        }
        text
    }

    fn escaped(&mut self, escapes: Escapes) -> Option<char> {
        if escapes != Escapes::None && self.eat("$$") {
            return Some('$');
        }
        if escapes == Escapes::DollarAndBackslash {
            if self.eat("\\/") {
                return Some('/');
            }
            if self.eat("\\\\") {
                return Some('\\');
            }
        }
        None
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    /// What follows `${`.
    fn variable(&mut self, depth: usize) -> Result<Variable, Error> {
        if depth >= self.depth {
            return Err(Error::TooDeep(self.depth));
        }
        if self.eat("#") {
            return self.length();
        }
        let name = self.take_while(is_name);
        if name.is_empty() {
            return Err(Error::VariableName);
        }
        let mut variable = Variable { name, operator: String::new(), arguments: Vec::new() };
        match self.peek() {
            Some(':') => self.default_or_substring(&mut variable, depth)?,
            Some('=') => self.default(&mut variable, 1, depth)?,
            Some(',' | '^') => self.case(&mut variable)?,
            Some('/') => self.replace(&mut variable, depth)?,
            Some(mark @ ('#' | '%')) => self.trim(&mut variable, mark, depth)?,
            Some('}') => self.close()?,
            _ => return Err(Error::MissingClosingBrace),
        }
        Ok(variable)
    }

    fn length(&mut self) -> Result<Variable, Error> {
        let name = self.take_while(is_name);
        if name.is_empty() {
            return Err(Error::BadSubstitution);
        }
        self.close()?;
        Ok(Variable { name, operator: "#".to_owned(), arguments: Vec::new() })
    }

    fn default_or_substring(&mut self, variable: &mut Variable, depth: usize) -> Result<(), Error> {
        match self.rest[1..].chars().next() {
            Some('=' | '-' | '?' | '+') => self.default(variable, 2, depth),
            // Upstream steps back by the width of this character and then misses the colon.
            Some(next) if next.is_ascii() => self.substring(variable, depth),
            _ => Err(Error::BadSubstitution),
        }
    }

    fn default(&mut self, variable: &mut Variable, width: usize, depth: usize) -> Result<(), Error> {
        self.operator(variable, width);
        while self.peek() != Some('}') {
            let argument = self.argument(|c| c != '}', Escapes::None, depth)?;
            variable.arguments.push(argument);
        }
        self.close()
    }

    fn substring(&mut self, variable: &mut Variable, depth: usize) -> Result<(), Error> {
        self.operator(variable, 1);
        let position = self.argument(|c| c != ':' && c != '}', Escapes::None, depth)?;
        variable.arguments.push(position);
        if self.eat("}") {
            return Ok(());
        }
        if self.take_while(|c| c == ':').is_empty() {
            return Err(Error::BadSubstitution);
        }
        let length = self.argument(|c| c != '}', Escapes::None, depth)?;
        variable.arguments.push(length);
        self.close()
    }

    fn case(&mut self, variable: &mut Variable) -> Result<(), Error> {
        let width = self.rest.chars().take(2).take_while(|c| matches!(c, ',' | '^')).count();
        self.operator(variable, width);
        self.close()
    }

    fn trim(&mut self, variable: &mut Variable, mark: char, depth: usize) -> Result<(), Error> {
        let width = self.rest.chars().take(2).take_while(|c| *c == mark).count();
        self.operator(variable, width);
        let pattern = self.argument(|c| c != '}', Escapes::None, depth)?;
        variable.arguments.push(pattern);
        self.close()
    }

    fn replace(&mut self, variable: &mut Variable, depth: usize) -> Result<(), Error> {
        let width = if matches!(self.rest[1..].chars().next(), Some('/' | '#' | '%')) { 2 } else { 1 };
        self.operator(variable, width);
        let old = self.argument(|c| c != '/', Escapes::DollarAndBackslash, depth)?;
        variable.arguments.push(old);
        if self.take_while(|c| c == '/').is_empty() {
            return Err(Error::BadSubstitution);
        }
        if self.peek() == Some('}') {
            return self.close();
        }
        let new = self.argument(|c| c != '}', Escapes::DollarAndBackslash, depth)?;
        variable.arguments.push(new);
        self.close()
    }

    /// Takes an operator of `width` ASCII characters.
    fn operator(&mut self, variable: &mut Variable, width: usize) {
        let (operator, rest) = self.rest.split_at(width);
        operator.clone_into(&mut variable.operator);
        self.rest = rest;
    }

    fn argument(&mut self, accept: impl Fn(char) -> bool, escapes: Escapes, depth: usize) -> Result<Node, Error> {
        if self.eat("${") {
            return Ok(Node::Variable(self.variable(depth + 1)?));
        }
        let text = self.text(accept, escapes);
        if text.is_empty() { Err(Error::Argument) } else { Ok(Node::Text(text)) }
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.eat("}") { Ok(()) } else { Err(Error::BadSubstitution) }
    }
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
