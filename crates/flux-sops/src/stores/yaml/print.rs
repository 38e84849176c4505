//! From trees to text, as yaml.v3 prints with an indentation of four.

use super::node::{Around, Content, Node, Scalar, Style};
use super::text::{Allowed, escape, is_break, is_printable};
use crate::Branch;

/// How many columns a level takes.
const INDENT: usize = 4;
/// The longest key that is written before a colon, in bytes.
const SIMPLE_KEY: usize = 128;

/// One document for each branch.
pub(in crate::stores) fn print(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let mut printer = Printer::default();
    for (index, branch) in branches.iter().enumerate() {
        printer.document(&Node::mapping(branch)?, index == 0);
    }
    Ok(printer.text.into_bytes())
}

#[derive(Default)]
struct Printer {
    text: String,
    column: usize,
    /// Whether the last character was blank, or stands for one.
    whitespace: bool,
    /// Whether only indentation stands on the line so far.
    indention: bool,
    /// The column of the block that the present node stands in; none at the top.
    indent: Option<usize>,
    /// The column at which a foot was written last: what follows there is set off by an empty line.
    foot_indent: Option<usize>,
    waiting: Around,
    /// A comment that stood beside a collection, for the next key.
    key_beside: String,
}

impl Printer {
    fn document(&mut self, node: &Node<'_>, first: bool) {
        if first {
            self.whitespace = true;
            self.indention = true;
        } else {
            self.write_indent();
            self.indicator("---", true, false, false);
            self.write_indent();
        }
        if !self.waiting.head.is_empty() {
            self.write_head();
            self.put_break();
        }
        self.begin(node);
        self.write_head();
        self.node(node, Context::Value);
        self.foot_indent = Some(0);
        self.write_foot();
        self.foot_indent = None;
        self.write_indent();
    }

    /// Takes the comments that are written with the begin of a node.
    fn begin(&mut self, node: &Node<'_>) {
        replace(&mut self.waiting.head, &node.around.head);
        if matches!(node.content, Content::Scalar(_)) {
            replace(&mut self.waiting.beside, &node.around.beside);
            replace(&mut self.waiting.foot, &node.around.foot);
        }
    }

    /// Takes the comments that are written with the end of a collection.
    fn end(&mut self, node: &Node<'_>) {
        replace(&mut self.waiting.beside, &node.around.beside);
        replace(&mut self.waiting.foot, &node.around.foot);
    }

    /// Writes a node whose begin was taken.
    fn node(&mut self, node: &Node<'_>, context: Context) {
        match &node.content {
            Content::Scalar(scalar) => {
                let indent = self.indent;
                self.indent = Some(self.deeper(context));
                self.scalar(scalar, context);
                self.indent = indent;
            }
            Content::Sequence(_) | Content::Mapping(_) => {}
        }
        if matches!(context, Context::Item | Context::Value) {
            self.write_beside();
            self.write_foot();
        }
        match &node.content {
            Content::Scalar(_) => {}
            Content::Sequence(items) if items.is_empty() => self.empty(node, "[", "]", context),
            Content::Mapping(entries) if entries.is_empty() => self.empty(node, "{", "}", context),
            Content::Sequence(items) => self.sequence(node, items, context),
            Content::Mapping(entries) => self.mapping(node, entries, context),
        }
    }

    fn deeper(&self, context: Context) -> usize {
        match self.indent {
            // The dash takes the first two columns of what is in a list.
            Some(indent) if context == Context::Item => indent + 2,
            Some(indent) => INDENT * ((indent + INDENT) / INDENT),
            None => 0,
        }
    }

    fn empty(&mut self, node: &Node<'_>, open: &str, close: &str, context: Context) {
        self.indicator(open, true, true, false);
        let indent = self.indent;
        // At the top, what stands in brackets is indented.
        self.indent = Some(indent.map_or(INDENT, |_| self.deeper(context)));
        self.end(node);
        let mapping = matches!(node.content, Content::Mapping(_));
        if mapping {
            self.write_head();
        }
        self.indent = indent;
        if !mapping && self.column == 0 {
            self.write_indent();
        }
        self.indicator(close, false, false, false);
        self.write_beside();
        self.write_foot();
    }

    fn sequence(&mut self, node: &Node<'_>, items: &[Node<'_>], context: Context) {
        let indent = self.indent;
        self.indent = Some(self.deeper(context));
        for item in items {
            self.begin(item);
            self.write_head();
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(item, Context::Item);
        }
        self.end(node);
        self.indent = indent;
    }

    fn mapping(&mut self, node: &Node<'_>, entries: &[(Node<'_>, Node<'_>)], context: Context) {
        let indent = self.indent;
        self.indent = Some(self.deeper(context));
        let mut tail = "";
        for (key, value) in entries {
            replace(&mut self.waiting.head, &key.around.head);
            replace(&mut self.waiting.tail, tail);
            tail = &key.around.foot;
            self.write_head();
            self.write_indent();
            if !self.waiting.beside.is_empty() {
                self.key_beside = std::mem::take(&mut self.waiting.beside);
            }
            let simple = is_simple(key);
            if !simple {
                self.indicator("?", true, false, true);
            }
            self.node(key, if simple { Context::SimpleKey } else { Context::LongKey });
            self.begin(value);
            if simple {
                self.indicator(":", false, false, false);
            } else {
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.beside_key(value);
            self.node(value, Context::Value);
        }
        replace(&mut self.waiting.tail, tail);
        self.end(node);
        self.write_head();
        self.indent = indent;
    }

    /// Gives the comment beside a key to its value, or writes it where a block follows.
    fn beside_key(&mut self, value: &Node<'_>) {
        if self.key_beside.is_empty() {
            return;
        }
        if matches!(value.content, Content::Scalar(_)) {
            if self.waiting.beside.is_empty() {
                self.waiting.beside = std::mem::take(&mut self.key_beside);
            }
        } else {
            std::mem::swap(&mut self.waiting.beside, &mut self.key_beside);
            self.write_beside();
            std::mem::swap(&mut self.waiting.beside, &mut self.key_beside);
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, context: Context) {
        let text = scalar.text.as_ref();
        let allowed = Allowed::of(text);
        if !scalar.tag.is_empty() {
            self.space();
            self.put_all(scalar.tag);
            self.whitespace = false;
            self.indention = false;
        }
        let multiline_key = context == Context::SimpleKey && allowed.multiline;
        match scalar.style {
            Style::Plain if allowed.plain && !multiline_key => self.plain(text),
            Style::Plain if allowed.single_quoted && !multiline_key => self.single_quoted(text),
            Style::Literal if allowed.block && context != Context::SimpleKey => self.literal(text),
            Style::Plain | Style::Literal | Style::DoubleQuoted => self.double_quoted(text),
        }
    }

    fn plain(&mut self, text: &str) {
        if !text.is_empty() {
            self.space();
        }
        self.put_all(text);
        self.whitespace = text.is_empty() && self.whitespace;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str) {
        self.indicator("'", true, false, false);
        let mut breaks = false;
        for c in text.chars() {
            if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &str) {
        self.indicator("\"", true, false, false);
        for c in text.chars() {
            if is_printable(c) && !is_break(c) && !matches!(c, '"' | '\\') {
                self.put(c);
            } else {
                self.put_all(&escape(c));
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        if self.waiting.beside.is_empty() {
            self.put_break();
        } else {
            self.write_beside();
        }
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn block_hints(&mut self, text: &str) {
        if text.starts_with(|c: char| c == ' ' || is_break(c)) {
            self.indicator(&INDENT.to_string(), false, false, false);
        }
        let mut end = text.chars().rev();
        match (end.next(), end.next()) {
            (Some(last), _) if !is_break(last) => self.indicator("-", false, false, false),
            (Some(_), before) if before.is_none_or(is_break) => self.indicator("+", false, false, false),
            (Some(_), _) => {}
            (None, _) => self.indicator("-", false, false, false),
        }
    }

    /// Writes the foot of the pair before, and what stands above.
    fn write_head(&mut self) {
        if !self.waiting.tail.is_empty() {
            self.write_indent();
            let tail = std::mem::take(&mut self.waiting.tail);
            self.comment(&tail);
            self.foot_indent = Some(self.indent.unwrap_or_default());
        }
        if !self.waiting.head.is_empty() {
            self.write_indent();
            let head = std::mem::take(&mut self.waiting.head);
            self.comment(&head);
        }
    }

    fn write_beside(&mut self) {
        if self.waiting.beside.is_empty() {
            return;
        }
        self.space();
        let beside = std::mem::take(&mut self.waiting.beside);
        self.comment(&beside);
    }

    fn write_foot(&mut self) {
        if self.waiting.foot.is_empty() {
            return;
        }
        self.write_indent();
        let foot = std::mem::take(&mut self.waiting.foot);
        self.comment(&foot);
        self.foot_indent = Some(self.indent.unwrap_or_default());
    }

    fn comment(&mut self, comment: &str) {
        let mut breaks = false;
        let mut marked = false;
        for c in comment.chars() {
            if is_break(c) {
                self.write_break(c);
                breaks = true;
                marked = false;
                continue;
            }
            if breaks {
                self.write_indent();
            }
            if !marked {
                if c != '#' {
                    self.put_all("# ");
                }
                marked = true;
            }
            self.put(c);
            self.indention = false;
            breaks = false;
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent == Some(indent) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.foot_indent = None;
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indention: bool) {
        if needs_space {
            self.space();
        }
        self.put_all(text);
        self.whitespace = is_space;
        self.indention &= is_indention;
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    fn put(&mut self, c: char) {
        self.text.push(c);
        self.column += 1;
    }

    fn put_all(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    fn write_break(&mut self, c: char) {
        self.text.push(c);
        self.column = 0;
        self.indention = true;
    }

    fn put_break(&mut self) {
        self.write_break('\n');
    }
}

/// What a node is written as.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    /// An item of a list.
    Item,
    /// A key before its colon.
    SimpleKey,
    /// A key on a line of its own.
    LongKey,
    /// The value of a key, or the whole document.
    Value,
}

fn replace(waiting: &mut String, comment: &str) {
    if !comment.is_empty() {
        comment.clone_into(waiting);
    }
}

/// Whether a key may stand before its colon.
fn is_simple(key: &Node<'_>) -> bool {
    match &key.content {
        Content::Scalar(scalar) => !scalar.text.contains(is_break) && scalar.text.len() <= SIMPLE_KEY,
        Content::Sequence(_) | Content::Mapping(_) => false,
    }
}
