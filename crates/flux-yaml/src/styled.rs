//! From nodes to text with the order, quotes and brackets of the source, as yaml.v3 prints.

use std::borrow::Cow;

use crate::style::{is_break, is_printable, push_escape};
use crate::{Content, Node, Resolved, Style, Tag, yaml3};

/// The longest key that is written before a colon.
const SIMPLE_KEY: usize = 128;

/// The node as YAML with a line break at its end: keys in the node's order, texts quoted as they were read where that
/// is possible, lists and mappings in brackets where they were read so. Nothing is folded.
pub fn print_styled(node: &Node) -> String {
    let mut printer = Printer { text: String::new() };
    printer.node(node, Place { indent: 0, after: After::Nothing });
    if !printer.text.ends_with('\n') {
        printer.text.push('\n');
    }
    printer.text
}

/// Where a node in blocks is written.
#[derive(Clone, Copy)]
struct Place {
    indent: usize,
    after: After,
}

/// What stands before a node on its line.
#[derive(Clone, Copy, PartialEq)]
enum After {
    Nothing,
    Key,
    Dash,
}

/// What a text stands in.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    Block,
    Flow,
    /// A key of either.
    Key,
}

struct Printer {
    text: String,
}

impl Printer {
    fn node(&mut self, node: &Node, place: Place) {
        let in_brackets = node.style == Style::Flow || node.is_empty();
        match &node.content {
            Content::Sequence(items) if !in_brackets => self.sequence(items, place),
            Content::Mapping(entries) if !in_brackets => self.mapping(entries, place),
            Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => {
                if place.after != After::Nothing {
                    self.text.push(' ');
                }
                match &node.content {
                    Content::Scalar(_) => self.scalar(node, place.indent, Context::Block),
                    Content::Sequence(_) | Content::Mapping(_) => self.flow(node),
                }
            }
        }
    }

    fn sequence(&mut self, items: &[Node], place: Place) {
        let indent = if place.after == After::Dash { place.indent + 2 } else { place.indent };
        for (at, item) in items.iter().enumerate() {
            self.begin(at == 0, indent, place.after);
            self.text.push('-');
            self.node(item, Place { indent, after: After::Dash });
        }
    }

    fn mapping(&mut self, entries: &[(Node, Node)], place: Place) {
        let indent = if place.after == After::Nothing { place.indent } else { place.indent + 2 };
        for (at, (key, value)) in entries.iter().enumerate() {
            self.begin(at == 0, indent, place.after);
            self.key(key, indent);
            self.node(value, Place { indent, after: After::Key });
        }
    }

    /// Goes to where an item or a key begins: behind a dash the first one stays on its line.
    fn begin(&mut self, first: bool, indent: usize, after: After) {
        if first && after == After::Dash {
            self.text.push(' ');
        } else {
            self.line(indent);
        }
    }

    fn key(&mut self, key: &Node, indent: usize) {
        let simple = key.text().is_some_and(|text| text.len() <= SIMPLE_KEY && !text.contains(is_break));
        if simple {
            self.scalar(key, indent, Context::Key);
        } else {
            self.text.push_str("? ");
            match key.text() {
                Some(_) => self.scalar(key, indent, Context::Block),
                None => self.flow(key),
            }
            self.line(indent);
        }
        self.text.push(':');
    }

    /// A node in brackets, where everything in it is in brackets too.
    fn flow(&mut self, node: &Node) {
        match &node.content {
            Content::Scalar(_) => self.scalar(node, 0, Context::Flow),
            Content::Sequence(items) => {
                self.text.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { ", " });
                    self.flow(item);
                }
                self.text.push(']');
            }
            Content::Mapping(entries) => {
                self.text.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { ", " });
                    match key.text() {
                        Some(_) => self.scalar(key, 0, Context::Key),
                        None => self.flow(key),
                    }
                    self.text.push_str(": ");
                    self.flow(value);
                }
                self.text.push('}');
            }
        }
    }

    fn scalar(&mut self, node: &Node, indent: usize, context: Context) {
        let text = node.text().unwrap_or_default();
        let shape = Shape::of(text);
        match shape.style(node, text, context) {
            Style::SingleQuoted => {
                self.text.push('\'');
                self.text.push_str(&text.replace('\'', "''"));
                self.text.push('\'');
            }
            Style::DoubleQuoted => self.double_quoted(text),
            Style::Literal => self.block('|', text, text, indent + 2),
            Style::Folded => self.block('>', text, &unfolded(text), indent + 2),
            Style::Plain | Style::Flow => self.text.push_str(text),
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.text.push('"');
        // The library looks for a byte order mark at the start of the text, whichever character is at hand.
        let marked = text.starts_with('\u{feff}');
        for c in text.chars() {
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                push_escape(&mut self.text, c);
            } else {
                self.text.push(c);
            }
        }
        self.text.push('"');
    }

    /// A text as a block of these lines.
    fn block(&mut self, indicator: char, text: &str, lines: &str, indent: usize) {
        self.text.push(indicator);
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.text.push('2');
        }
        let ending = &text[text.trim_end_matches('\n').len()..];
        self.text.push_str(match ending.len() {
            0 => "-",
            1 if text.len() > 1 => "",
            _ => "+",
        });
        let body = lines.strip_suffix('\n').unwrap_or(lines);
        for line in body.split('\n') {
            self.text.push('\n');
            if !line.is_empty() {
                self.text.extend(std::iter::repeat_n(' ', indent));
                self.text.push_str(line);
            }
        }
        self.text.push('\n');
    }

    fn line(&mut self, indent: usize) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.extend(std::iter::repeat_n(' ', indent));
    }
}

/// The lines of a folded text: breaks are doubled behind lines that do not begin with a blank, so that reading folds one
/// of them away. A text that itself begins with a blank stays as it is.
fn unfolded(text: &str) -> Cow<'_, str> {
    if begins_blank(text) {
        return Cow::Borrowed(text);
    }
    let mut lines = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        lines.push_str(line);
        if line.ends_with('\n') && !line.starts_with([' ', '\t', '\n']) {
            lines.push('\n');
        }
    }
    Cow::Owned(lines)
}

fn begins_blank(text: &str) -> bool {
    text.trim_start_matches(is_break).starts_with([' ', '\t'])
}

/// The node as it is after it was printed with its styles and read again, as kustomize does before it prints an object.
///
/// Folded texts change by that: reading does not fold breaks before lines that begin with a blank nor those that are kept
/// at the end, so that there is one more.
pub fn reread(node: &Node) -> Cow<'_, Node> {
    if !has_folded(node) {
        return Cow::Borrowed(node);
    }
    let mut node = node.clone();
    refold(&mut node);
    Cow::Owned(node)
}

fn has_folded(node: &Node) -> bool {
    match &node.content {
        Content::Scalar(text) => node.style == Style::Folded && text.contains('\n'),
        Content::Sequence(items) => items.iter().any(has_folded),
        Content::Mapping(entries) => entries.iter().any(|(_, value)| has_folded(value)),
    }
}

fn refold(node: &mut Node) {
    let in_brackets = node.style == Style::Flow;
    match &mut node.content {
        Content::Scalar(text) if node.style == Style::Folded && Shape::of(text).block => {
            *text = grown(text).into_owned();
        }
        Content::Sequence(items) if !in_brackets => items.iter_mut().for_each(refold),
        Content::Mapping(entries) if !in_brackets => entries.iter_mut().for_each(|(_, value)| refold(value)),
        Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => {}
    }
}

/// What reading makes of the [`unfolded`] lines of a text.
fn grown(text: &str) -> Cow<'_, str> {
    if begins_blank(text) {
        return Cow::Borrowed(text);
    }
    let keeps_end = text.ends_with("\n\n");
    let mut read = String::with_capacity(text.len() + 4);
    let mut lines = text.split_inclusive('\n').peekable();
    let mut doubled = false;
    while let Some(line) = lines.next() {
        read.push_str(line);
        if line != "\n" {
            doubled = line.ends_with('\n') && !line.starts_with([' ', '\t']);
        }
        let unfolds = lines.peek().map_or(keeps_end, |next| next.starts_with([' ', '\t']));
        if doubled && unfolds {
            read.push('\n');
        }
    }
    Cow::Owned(read)
}

/// What a text allows.
struct Shape {
    multiline: bool,
    plain_in_flow: bool,
    plain_in_block: bool,
    single_quoted: bool,
    block: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let document = text.starts_with("---") || text.starts_with("...");
        let (mut block, mut flow) = (document, document);
        let (mut breaks, mut special, mut tab, mut break_space, mut space_break) = (false, false, false, false, false);
        let mut previous: Option<char> = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let before_blank = chars.peek().is_none_or(|next| *next == ' ' || *next == '\t' || is_break(*next));
            let after_blank = previous.is_none_or(|previous| previous == ' ' || previous == '\t' || is_break(previous));
            match (previous.is_none(), c) {
                (
                    true,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
                ) => {
                    (block, flow) = (true, true);
                }
                (true, '?' | ':') | (false, ':') => {
                    flow = true;
                    block |= before_blank;
                }
                (true, '-') if before_blank => (block, flow) = (true, true),
                (false, ',' | '?' | '[' | ']' | '{' | '}') => flow = true,
                (false, '#') if after_blank => (block, flow) = (true, true),
                _ => {}
            }
            tab |= c == '\t';
            special |= c != '\t' && !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(edge) || text.ends_with(edge);
        let odd = break_space || space_break || tab || special;
        Self {
            multiline: breaks,
            plain_in_flow: !(text.is_empty() || flow || edges || breaks || odd),
            plain_in_block: !(block || edges || breaks || odd),
            single_quoted: !odd,
            block: !(text.is_empty() || text.ends_with(' ') || space_break || special),
        }
    }

    /// The style that the node has, or the nearest that its text allows.
    fn style(&self, node: &Node, text: &str, context: Context) -> Style {
        let is_text = matches!(node.tag, Tag::Str) && !matches!(yaml3(text), Resolved::Str | Resolved::Merge);
        let wanted = match node.style {
            Style::Plain | Style::Flow if text.contains('\n') => Style::Literal,
            Style::Plain | Style::Flow if is_text => Style::DoubleQuoted,
            style => style,
        };
        let plain = match context {
            Context::Block => self.plain_in_block,
            Context::Flow => self.plain_in_flow,
            Context::Key => self.plain_in_flow && !text.is_empty(),
        };
        let quoted = if self.single_quoted { Style::SingleQuoted } else { Style::DoubleQuoted };
        match wanted {
            Style::Plain | Style::Flow if plain => Style::Plain,
            Style::Plain | Style::Flow | Style::SingleQuoted if context == Context::Key && self.multiline => {
                Style::DoubleQuoted
            }
            Style::Plain | Style::Flow | Style::SingleQuoted => quoted,
            Style::Literal | Style::Folded if context == Context::Block && self.block => wanted,
            Style::Literal | Style::Folded | Style::DoubleQuoted => Style::DoubleQuoted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, parse};

    fn check(source: &str, expected: &str) {
        let node = parse(source, Limits::default()).unwrap().unwrap();
        assert_eq!(print_styled(&node), expected);
    }

    #[test]
    fn order_quotes_and_brackets_stay() {
        check(
            "b:\n    - 'x'\n    - \"y\"\n    -   c: [1, {d: \"e\"}]\n        f: g\na: {}\n",
            "b:\n- 'x'\n- \"y\"\n- c: [1, {d: \"e\"}]\n  f: g\na: {}\n",
        );
        check("a: {\n  b: \"1.0\",\n  c: [],\n}\n", "a: {b: \"1.0\", c: []}\n");
    }

    #[test]
    fn blocks_at_the_end_keep_their_break_unless_it_is_not_there() {
        for (source, expected) in [
            ("a: |\n  b\n  c", "a: |-\n  b\n  c\n"),
            ("a: |\n  b\n  c\n  ", "a: |\n  b\n  c\n"),
            ("a: |\n  b\n  c\n\n ", "a: |\n  b\n  c\n"),
            ("a: |\n  b\n  c\n   ", "a: \"b\\nc\\n \"\n"),
            ("a: |+\n  b\n\n ", "a: |+\n  b\n\n"),
            ("a: |\n  b \n ", "a: \"b \\n\"\n"),
            ("a: |\n  \n  ", "a: \"\"\n"),
        ] {
            check(source, expected);
        }
    }

    #[test]
    fn folded_texts_gain_breaks_each_time_they_are_printed_and_read() {
        let source =
            "k: >+\n  x\n\n\nl: >-\n    a\n\n      b\n    c\n    d\nm: >2\n    lead\n  z\n   y\n  w\nn: >\n  end\n";
        let first = "k: >+\n  x\n\n\n\nl: >-\n  a\n\n\n    b\n  c d\nm: >2\n    lead\n  z\n   y\n  w\nn: >\n  end\n\n";
        let second =
            "k: >+\n  x\n\n\n\n\nl: >-\n  a\n\n\n\n    b\n  c d\nm: >2\n    lead\n  z\n   y\n  w\nn: >\n  end\n\n";
        check(source, first);
        check(first, second);
        for text in [source, first, "k: 1\n", "k: [\"a\\n b\"]\nl:\n- >-\n  a\n   b\n"] {
            let node = parse(text, Limits::default()).unwrap().unwrap();
            let read = parse(&print_styled(&node), Limits::default()).unwrap().unwrap();
            assert_eq!(print_styled(&reread(&node)), print_styled(&read));
        }
    }

    #[test]
    fn blocks_and_texts_that_need_quotes_are_written_so() {
        check("a: |\n  x\n\n  y\nb: |-\n  x\n", "a: |\n  x\n\n  y\nb: |-\n  x\n");
        let odd =
            Node::mapping(vec![(Node::string("a: b"), Node::string("- x")), (Node::string("c"), Node::string("1"))]);
        assert_eq!(print_styled(&odd), "'a: b': '- x'\nc: \"1\"\n");
        let flow = Node { style: Style::Flow, ..Node::sequence(vec![Node::string("a, b"), Node::string("x\ny")]) };
        assert_eq!(print_styled(&flow), "['a, b', \"x\\ny\"]\n");
    }
}
