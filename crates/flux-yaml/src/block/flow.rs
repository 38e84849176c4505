//! Collections in brackets that are written on one line.

use std::borrow::Cow;

use granit_parser::ScalarStyle;

use super::{Reader, inline};
use crate::parse::scalar;
use crate::{Node, Style};

/// The collection that `text` holds, which ends its line but for a comment.
pub(super) fn value(reader: &mut Reader<'_>, text: &str, line: u32) -> Option<Node> {
    let mut flow = Flow { reader, rest: text, line };
    let node = flow.collection()?;
    inline::ends(flow.rest).then_some(node)
}

struct Flow<'r, 'd, 't> {
    reader: &'r mut Reader<'d>,
    rest: &'t str,
    line: u32,
}

impl Flow<'_, '_, '_> {
    fn collection(&mut self) -> Option<Node> {
        self.reader.descend()?;
        let is_list = self.pass('[');
        let node = if is_list { self.sequence()? } else { self.mapping()? };
        self.reader.depth += 1;
        Some(Node { style: Style::Flow, line: self.line, ..node })
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut items = Vec::new();
        self.blanks();
        if self.pass(']') {
            return Some(Node::sequence(items));
        }
        loop {
            items.push(self.node()?);
            self.blanks();
            if self.pass(']') {
                return Some(Node::sequence(items));
            }
            self.comma()?;
        }
    }

    fn mapping(&mut self) -> Option<Node> {
        let mut entries = Vec::new();
        self.pass('{').then_some(())?;
        self.blanks();
        if self.pass('}') {
            return Some(Node::mapping(entries));
        }
        loop {
            let key = self.scalar()?;
            (self.pass(':') && self.rest.starts_with(' ')).then_some(())?;
            self.blanks();
            entries.push((key, self.node()?));
            self.blanks();
            if self.pass('}') {
                return Some(Node::mapping(entries));
            }
            self.comma()?;
        }
    }

    fn node(&mut self) -> Option<Node> {
        if self.rest.starts_with(['[', '{']) { self.collection() } else { self.scalar() }
    }

    fn scalar(&mut self) -> Option<Node> {
        self.reader.count()?;
        let (text, style) = if self.rest.starts_with(['"', '\'']) {
            let (text, style, rest) = inline::written(self.rest)?;
            self.rest = rest;
            (text, style)
        } else {
            let end = plain_end(self.rest);
            let (text, rest) = self.rest.split_at(end);
            let text = text.trim_end_matches(' ');
            if !inline::begins_plain(text) {
                return None;
            }
            self.rest = rest;
            (Cow::Borrowed(text), ScalarStyle::Plain)
        };
        Some(scalar(text.into_owned(), style, None, self.line))
    }

    fn comma(&mut self) -> Option<()> {
        self.pass(',').then(|| self.blanks())
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn pass(&mut self, sign: char) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// Where a plain text in brackets ends: before anything that is not plain beyond doubt.
fn plain_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let inside = |(at, byte): (usize, &u8)| {
        super::is_plain(*byte)
            || matches!(byte, b' ' | b'=' | b'+' | b'(' | b')' | b'*' | b'$' | b'<' | b'>')
            || *byte == b':' && bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'/')
    };
    bytes.iter().enumerate().position(|entry| !inside(entry)).unwrap_or(bytes.len())
}
