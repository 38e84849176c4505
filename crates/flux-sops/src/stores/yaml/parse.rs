//! From tokens to nodes with their comments.

use std::collections::HashMap;
use std::rc::Rc;

use super::comments::{Comment, Role};
use super::scan::{Kind, Scanned, Style, Token, scan};
use crate::stores::DEPTH;

/// A node with the comments around it. Comments have their marks, and one line each.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) head: String,
    pub(super) beside: String,
    pub(super) foot: String,
    pub(super) content: Content,
    /// The line, counted from 1.
    pub(super) line: usize,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar { text: String, style: Style, tag: Option<String> },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    Alias(Rc<Node>),
}

/// A document with the comments around it.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) head: String,
    pub(super) foot: String,
    pub(super) node: Node,
}

/// The documents of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Document>, (usize, String)> {
    let Scanned { tokens, comments, error } = scan(text);
    let mut parser = Parser {
        tokens: tokens.into_iter(),
        next: None,
        comments: comments.into_iter().peekable(),
        error,
        around: Around::default(),
        stem: String::new(),
        anchors: HashMap::new(),
    };
    let mut documents = Vec::new();
    parser.stream(&mut documents).map_err(|message| (documents.len(), message))?;
    Ok(documents)
}

/// Comments that wait for their node.
#[derive(Default)]
struct Around {
    head: String,
    beside: String,
    foot: String,
}

struct Parser {
    tokens: std::vec::IntoIter<Token>,
    next: Option<Token>,
    comments: std::iter::Peekable<std::vec::IntoIter<Comment>>,
    error: Option<String>,
    around: Around,
    /// The comment above a collection that begins behind the dash of a list's item.
    stem: String,
    anchors: HashMap<String, Option<Rc<Node>>>,
}

/// A step of reading, or what is wrong with the text.
type Parsed<T> = Result<T, String>;

fn join(all: &mut String, text: &str) {
    if !all.is_empty() {
        all.push('\n');
    }
    all.push_str(text);
}

impl Parser {
    /// The kind of the next token. The comments that belong to it are taken along.
    fn peek(&mut self) -> Parsed<&Kind> {
        if self.next.is_none() {
            self.next = self.tokens.next();
        }
        let Some(token) = &self.next else {
            return Err(self.error.take().unwrap_or_else(|| "unexpected end of stream".to_owned()));
        };
        while let Some(comment) = self.comments.peek().filter(|comment| token.start >= comment.token) {
            if comment.role == Role::Head && token.kind == Kind::BlockEnd {
                // A head is for what comes after the end.
                break;
            }
            let all = match comment.role {
                Role::Head => &mut self.around.head,
                Role::Line => &mut self.around.beside,
                Role::Foot => &mut self.around.foot,
            };
            join(all, &comment.text);
            self.comments.next();
        }
        Ok(&token.kind)
    }

    /// The token that was looked at.
    fn skip(&mut self) -> Option<Kind> {
        self.next.take().map(|token| token.kind)
    }

    fn line(&self) -> usize {
        self.next.as_ref().map_or(0, |token| token.line)
    }

    fn error(&self, message: &str) -> String {
        format!("line {}: {message}", self.line())
    }

    fn take_comments(&mut self) -> Around {
        self.stem.clear();
        std::mem::take(&mut self.around)
    }

    fn stream(&mut self, documents: &mut Vec<Document>) -> Parsed<()> {
        self.peek()?;
        self.skip();
        let mut implicit = true;
        loop {
            if !implicit {
                while *self.peek()? == Kind::DocumentEnd {
                    self.skip();
                }
            }
            let mut head = String::new();
            let node = match self.peek()? {
                Kind::StreamEnd => return Ok(()),
                Kind::Directive | Kind::DocumentStart => self.explicit()?,
                _ if implicit => {
                    head = self.document_head();
                    self.node(Place::Block, DEPTH)?
                }
                _ => return Err(self.error("did not find expected <document start>")),
            };
            if *self.peek()? == Kind::DocumentEnd {
                self.skip();
            }
            let Around { head: below, foot, .. } = self.take_comments();
            let foot = if foot.is_empty() { below } else { foot };
            documents.push(Document { head, foot, node });
            implicit = false;
        }
    }

    fn explicit(&mut self) -> Parsed<Node> {
        while *self.peek()? == Kind::Directive {
            self.skip();
        }
        if *self.peek()? != Kind::DocumentStart {
            return Err(self.error("did not find expected <document start>"));
        }
        self.skip();
        match self.peek()? {
            Kind::Directive | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd => Ok(self.empty()),
            _ => self.node(Place::Block, DEPTH),
        }
    }

    /// What stands above the last empty line of the comments at the top belongs to the document.
    fn document_head(&mut self) -> String {
        let head = &mut self.around.head;
        let (end, rest) = if head.len() > 1 && head.ends_with('\n') {
            (head.len() - 1, head.len())
        } else if let Some(at) = head.rfind("\n\n") {
            (at, at + 2)
        } else {
            return String::new();
        };
        let top = head[..end].to_owned();
        head.drain(..rest);
        top
    }

    fn empty(&self) -> Node {
        let content = Content::Scalar { text: String::new(), style: Style::Plain, tag: None };
        Node { head: String::new(), beside: String::new(), foot: String::new(), content, line: self.line() }
    }

    /// A node. `depth` is how many levels may still be below it.
    fn node(&mut self, place: Place, depth: usize) -> Parsed<Node> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.error(&format!("nesting is deeper than {DEPTH}")));
        };
        self.peek()?;
        let line = self.line();
        if matches!(self.peek()?, Kind::Alias(_)) {
            return self.alias(line);
        }
        let mut anchor = None;
        let mut tag = None;
        loop {
            match self.peek()? {
                Kind::Anchor(_) if anchor.is_none() => {
                    if let Some(Kind::Anchor(name)) = self.skip() {
                        anchor = Some(name);
                    }
                }
                Kind::Tag(_) if tag.is_none() => {
                    if let Some(Kind::Tag(name)) = self.skip() {
                        tag = Some(name);
                    }
                }
                _ => break,
            }
        }
        if let Some(name) = &anchor {
            // Until it is whole, an alias to it would be inside itself.
            self.anchors.insert(name.clone(), None);
        }
        let node = self.content(place, depth, tag, anchor.is_some(), line)?;
        if let Some(name) = anchor {
            self.anchors.insert(name, Some(Rc::new(node.clone())));
        }
        Ok(node)
    }

    fn alias(&mut self, line: usize) -> Parsed<Node> {
        let around = self.take_comments();
        let Some(Kind::Alias(name)) = self.skip() else { return Ok(self.empty()) };
        let target = match self.anchors.get(&name) {
            Some(Some(target)) => target.clone(),
            Some(None) => return Err(format!("anchor '{name}' value contains itself")),
            None => return Err(format!("unknown anchor '{name}' referenced")),
        };
        Ok(around.of(Content::Alias(target), line))
    }

    fn content(
        &mut self,
        place: Place,
        depth: usize,
        tag: Option<String>,
        anchored: bool,
        line: usize,
    ) -> Parsed<Node> {
        match self.peek()? {
            Kind::BlockEntry if place == Place::Value => {
                let items = self.indentless(depth)?;
                Ok(Around::default().of(Content::Sequence(items), line))
            }
            Kind::Scalar(..) => {
                let around = self.take_comments();
                let Some(Kind::Scalar(style, text)) = self.skip() else { return Ok(self.empty()) };
                Ok(around.of(Content::Scalar { text, style, tag }, line))
            }
            Kind::FlowSequenceStart => {
                let head = self.take_comments().head;
                self.flow_sequence(head, depth, line)
            }
            Kind::FlowMappingStart => {
                let head = self.take_comments().head;
                self.flow_mapping(head, depth, line)
            }
            Kind::BlockSequenceStart if place != Place::Flow => {
                let head = std::mem::take(&mut self.stem);
                let items = self.block_sequence(depth)?;
                Ok(Around { head, ..Around::default() }.of(Content::Sequence(items), line))
            }
            Kind::BlockMappingStart if place != Place::Flow => {
                let head = std::mem::take(&mut self.stem);
                self.block_mapping(head, depth, line)
            }
            _ if anchored || tag.is_some() => {
                let content = Content::Scalar { text: String::new(), style: Style::Plain, tag };
                Ok(Around::default().of(content, line))
            }
            _ => Err(self.error("did not find expected node content")),
        }
    }

    fn block_sequence(&mut self, depth: usize) -> Parsed<Vec<Node>> {
        self.skip();
        let mut items = Vec::new();
        loop {
            match self.peek()? {
                Kind::BlockEntry => {
                    self.dash()?;
                    let node = match self.peek()? {
                        Kind::BlockEntry | Kind::BlockEnd => self.empty(),
                        _ => self.node(Place::Block, depth)?,
                    };
                    items.push(node);
                }
                Kind::BlockEnd => {
                    self.skip();
                    return Ok(items);
                }
                _ => return Err(self.error("did not find expected '-' indicator")),
            }
        }
    }

    fn indentless(&mut self, depth: usize) -> Parsed<Vec<Node>> {
        let mut items = Vec::new();
        while *self.peek()? == Kind::BlockEntry {
            self.dash()?;
            let node = match self.peek()? {
                Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(),
                _ => self.node(Place::Block, depth)?,
            };
            items.push(node);
        }
        Ok(items)
    }

    /// Steps over the dash of an item. The head so far is that of a whole collection, where one begins here.
    fn dash(&mut self) -> Parsed<()> {
        let length = self.around.head.len();
        self.skip();
        if length == 0 {
            return Ok(());
        }
        if matches!(self.peek()?, Kind::BlockSequenceStart | Kind::BlockMappingStart) {
            let rest = self.around.head.split_off(length);
            self.stem = std::mem::replace(&mut self.around.head, rest.get(1..).unwrap_or_default().to_owned());
        }
        Ok(())
    }

    fn block_mapping(&mut self, head: String, depth: usize, line: usize) -> Parsed<Node> {
        self.skip();
        let mut entries: Vec<(Node, Node)> = Vec::new();
        loop {
            let key = match self.peek()? {
                Kind::Key => {
                    self.skip();
                    match self.peek()? {
                        Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(),
                        _ => self.node(Place::Value, depth)?,
                    }
                }
                Kind::BlockEnd => {
                    let end = self.take_comments();
                    self.skip();
                    let mut node = Around { head, ..end }.of(Content::Mapping(entries), line);
                    if let Content::Mapping(entries) = &mut node.content
                        && let Some((last, _)) = entries.last_mut()
                        && !node.foot.is_empty()
                    {
                        last.foot = std::mem::take(&mut node.foot);
                    }
                    return Ok(node);
                }
                Kind::Value => self.empty(),
                _ => return Err(self.error("did not find expected key")),
            };
            let value = self.block_value(depth)?;
            push(&mut entries, key, value, true);
        }
    }

    fn block_value(&mut self, depth: usize) -> Parsed<Node> {
        if *self.peek()? != Kind::Value {
            return Ok(self.empty());
        }
        self.skip();
        match self.peek()? {
            Kind::Key | Kind::Value | Kind::BlockEnd => Ok(self.empty()),
            _ => self.node(Place::Value, depth),
        }
    }

    fn flow_sequence(&mut self, head: String, depth: usize, line: usize) -> Parsed<Node> {
        self.skip();
        let mut items = Vec::new();
        loop {
            if *self.peek()? != Kind::FlowSequenceEnd && !items.is_empty() {
                if *self.peek()? != Kind::FlowEntry {
                    return Err(self.error("did not find expected ',' or ']'"));
                }
                self.skip();
            }
            match self.peek()? {
                Kind::FlowSequenceEnd => break,
                Kind::Key => {
                    let line = self.line();
                    self.skip();
                    let pair = self.flow_pair(depth)?;
                    items.push(Around::default().of(Content::Mapping(vec![pair]), line));
                }
                _ => items.push(self.node(Place::Flow, depth)?),
            }
        }
        let end = self.take_comments();
        self.skip();
        Ok(Around { head, ..end }.of(Content::Sequence(items), line))
    }

    /// A pair in a list, without brackets.
    fn flow_pair(&mut self, depth: usize) -> Parsed<(Node, Node)> {
        let none = |kind: &Kind| matches!(kind, Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd);
        let key = if none(self.peek()?) { self.empty() } else { self.node(Place::Flow, depth)? };
        if *self.peek()? != Kind::Value {
            return Ok((key, self.empty()));
        }
        self.skip();
        let value = if none(self.peek()?) { self.empty() } else { self.node(Place::Flow, depth)? };
        Ok((key, value))
    }

    fn flow_mapping(&mut self, head: String, depth: usize, line: usize) -> Parsed<Node> {
        self.skip();
        let mut entries = Vec::new();
        loop {
            if *self.peek()? != Kind::FlowMappingEnd && !entries.is_empty() {
                if *self.peek()? != Kind::FlowEntry {
                    return Err(self.error("did not find expected ',' or '}'"));
                }
                self.skip();
            }
            let (key, value) = match self.peek()? {
                Kind::FlowMappingEnd => break,
                Kind::Key => {
                    self.skip();
                    let key = match self.peek()? {
                        Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd => self.empty(),
                        _ => self.node(Place::Flow, depth)?,
                    };
                    (key, self.flow_value(depth)?)
                }
                Kind::Value => (self.empty(), self.flow_value(depth)?),
                _ => (self.node(Place::Flow, depth)?, self.empty()),
            };
            push(&mut entries, key, value, false);
        }
        let end = self.take_comments();
        self.skip();
        Ok(Around { head, ..end }.of(Content::Mapping(entries), line))
    }

    fn flow_value(&mut self, depth: usize) -> Parsed<Node> {
        if *self.peek()? != Kind::Value {
            return Ok(self.empty());
        }
        self.skip();
        match self.peek()? {
            Kind::FlowEntry | Kind::FlowMappingEnd => Ok(self.empty()),
            _ => self.node(Place::Flow, depth),
        }
    }
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Block,
    /// A key or value of a block mapping, where a list needs no indentation.
    Value,
    Flow,
}

impl Around {
    fn of(self, content: Content, line: usize) -> Node {
        Node { head: self.head, beside: self.beside, foot: self.foot, content, line }
    }
}

/// Adds a pair. The foot of a key in a block is that of the pair before; the foot of a value is its key's.
fn push(entries: &mut Vec<(Node, Node)>, mut key: Node, mut value: Node, block: bool) {
    if block
        && !key.foot.is_empty()
        && let Some((before, _)) = entries.last_mut()
    {
        before.foot = std::mem::take(&mut key.foot);
    }
    if key.foot.is_empty() {
        key.foot = std::mem::take(&mut value.foot);
    }
    entries.push((key, value));
}
