//! From nodes to text, as sigs.k8s.io/yaml prints.

use serde_json::Value;

use crate::json::key_text;
use crate::style::{Context, Shape, Written, is_break, is_printable, is_simple, push_escape};
use crate::{Content, Error, Node, Scalar, format_float, from_json, order};

/// The column behind which text is folded.
const WIDTH: usize = 80;
/// The longest key that is written before a colon.
const SIMPLE_KEY: usize = 128;

/// The node as YAML with a line break at its end.
///
/// Repeated keys, keys that are no strings and numbers that are not finite are errors.
pub fn print(node: &Node) -> Result<String, Error> {
    write(node, true)
}

/// The same with keys in the order of the node.
pub fn print_in_order(node: &Node) -> Result<String, Error> {
    write(node, false)
}

fn write(node: &Node, sorted: bool) -> Result<String, Error> {
    let mut printer = Printer { text: String::new(), sorted };
    printer.node(node, Place { indent: 0, depth: 0, after: After::Nothing })?;
    printer.line_break();
    Ok(printer.text)
}

/// JSON as YAML, as sigs.k8s.io/yaml prints it.
pub fn print_json(value: &Value) -> Result<String, Error> {
    print(&from_json(value))
}

/// Where a node is written.
#[derive(Clone, Copy)]
struct Place {
    /// The column of the collection that holds the node.
    indent: usize,
    depth: usize,
    after: After,
}

/// What stands before a node on its line.
#[derive(Clone, Copy, PartialEq)]
enum After {
    Nothing,
    Key,
    Dash,
}

struct Printer {
    text: String,
    sorted: bool,
}

impl Printer {
    fn node(&mut self, node: &Node, place: Place) -> Result<(), Error> {
        match &node.content {
            Content::Scalar(_) => {
                self.space(place);
                self.scalar(&node.value()?, place);
                Ok(())
            }
            Content::Sequence(items) if items.is_empty() => {
                self.space(place);
                self.text.push_str("[]");
                Ok(())
            }
            Content::Mapping(entries) if entries.is_empty() => {
                self.space(place);
                self.text.push_str("{}");
                Ok(())
            }
            Content::Sequence(items) => self.sequence(items, place),
            Content::Mapping(entries) => self.mapping(entries, place),
        }
    }

    fn space(&mut self, place: Place) {
        if place.after != After::Nothing {
            self.text.push(' ');
        }
    }

    fn sequence(&mut self, items: &[Node], place: Place) -> Result<(), Error> {
        // A list below a key stands at the key's column; one in a list or at the top has its own.
        let indent = if place.after == After::Dash { place.indent + 2 } else { place.indent };
        for (index, item) in items.iter().enumerate() {
            if index == 0 && place.after == After::Dash {
                self.text.push(' ');
            } else {
                self.start_line(indent);
            }
            self.text.push('-');
            self.node(item, Place { indent, depth: place.depth + 1, after: After::Dash })?;
        }
        Ok(())
    }

    fn mapping(&mut self, entries: &[(Node, Node)], place: Place) -> Result<(), Error> {
        let mut keyed = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            keyed.push((key_text(key, place.depth == 0)?, key.line, value));
        }
        let keyed = if self.sorted { order::sort(keyed, &|(key, ..)| key) } else { keyed };
        let indent = if place.after == After::Nothing { place.indent } else { place.indent + 2 };
        for (index, (key, line, value)) in keyed.iter().enumerate() {
            if index > 0 && keyed[index - 1].0 == *key {
                return Err(Error::DuplicateKey { line: *line, key: (*key).to_owned() });
            }
            if index == 0 && place.after == After::Dash {
                self.text.push(' ');
            } else {
                self.start_line(indent);
            }
            self.entry(key, value, Place { indent, depth: place.depth + 1, after: After::Key })?;
        }
        Ok(())
    }

    fn entry(&mut self, key: &str, value: &Node, place: Place) -> Result<(), Error> {
        let shape = Shape::of(key);
        if !shape.multiline && key.len() <= SIMPLE_KEY {
            self.string(key, shape, place.indent + 2, Context::Key);
            self.text.push(':');
            return self.node(value, place);
        }
        self.text.push_str("? ");
        self.string(key, shape, place.indent + 2, Context::Value);
        self.start_line(place.indent);
        self.text.push(':');
        // After an explicit key the value stands on the colon's own line.
        self.node(value, Place { after: After::Dash, ..place })
    }

    fn scalar(&mut self, value: &Scalar<'_>, place: Place) {
        match value {
            Scalar::Null => self.text.push_str("null"),
            Scalar::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Scalar::Int(value) => self.text.push_str(&value.to_string()),
            Scalar::Uint(value) => self.text.push_str(&value.to_string()),
            Scalar::Float(value) => self.float(*value),
            Scalar::String(text) => {
                self.string(text, Shape::of(text), place.indent + 2, Context::Value);
            }
        }
    }

    /// Whole numbers lose their fraction on the way through JSON.
    fn float(&mut self, value: f64) {
        let whole = format!("{value:.0}");
        let is_integer = value.fract() == 0.0
            && value.abs() < 1e21
            && (whole.parse::<i64>().is_ok() || whole.parse::<u64>().is_ok());
        match value {
            0.0 => self.text.push('0'),
            _ if is_integer => self.text.push_str(&whole),
            _ => self.text.push_str(&format_float(value)),
        }
    }

    fn string(&mut self, text: &str, shape: Shape, indent: usize, context: Context) {
        match shape.style(text, context) {
            Written::Plain => self.folded(text, indent, context, |_, _| {}),
            Written::SingleQuoted => {
                self.text.push('\'');
                self.folded(text, indent, context, |printer, c| {
                    if c == '\'' {
                        printer.text.push('\'');
                    }
                });
                self.text.push('\'');
            }
            Written::DoubleQuoted => self.double_quoted(text, indent, context),
            Written::Literal => self.literal(text, indent),
        }
    }

    /// Text whose single spaces may become line breaks. Quoted text keeps the spaces at its ends.
    fn folded(&mut self, text: &str, indent: usize, context: Context, before: impl Fn(&mut Self, char)) {
        if is_simple(text) {
            self.text.push_str(text);
            return;
        }
        let mut column = self.column();
        let (mut spaces, mut breaks) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == ' ' {
                let next_is_space = chars.peek().is_some_and(|(_, next)| *next == ' ');
                let inner = at > 0 && at + 1 < text.len();
                if context == Context::Value && !spaces && column > WIDTH && inner && !next_is_space {
                    self.start_line(indent);
                    column = indent;
                } else {
                    self.text.push(' ');
                    column += 1;
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.text.push('\n');
                }
                self.text.push(c);
                column = 0;
                breaks = true;
            } else {
                if breaks {
                    self.pad(indent);
                    column = indent;
                }
                before(self, c);
                self.text.push(c);
                column += 1;
                spaces = false;
                breaks = false;
            }
        }
    }

    fn double_quoted(&mut self, text: &str, indent: usize, context: Context) {
        self.text.push('"');
        let mut column = self.column();
        let mut spaces = false;
        // The library looks for a byte order mark at the start of the text, whichever character is at hand.
        let marked = text.starts_with('\u{feff}');
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                let before = self.text.len();
                push_escape(&mut self.text, c);
                column += self.text.len() - before;
                spaces = false;
            } else if c == ' ' {
                let inner = at > 0 && at + 1 < text.len();
                if context == Context::Value && !spaces && column > WIDTH && inner {
                    self.start_line(indent);
                    column = indent;
                    if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.text.push('\\');
                        column += 1;
                    }
                } else {
                    self.text.push(' ');
                    column += 1;
                }
                spaces = true;
            } else {
                self.text.push(c);
                column += 1;
                spaces = false;
            }
        }
        self.text.push('"');
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.text.push('|');
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.text.push('2');
        }
        let mut ends = text.chars().rev();
        match (ends.next().is_some_and(is_break), ends.next().is_none_or(is_break)) {
            (false, _) => self.text.push('-'),
            (true, true) => self.text.push('+'),
            (true, false) => {}
        }
        self.text.push('\n');
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                breaks = true;
            } else if breaks {
                self.pad(indent);
                breaks = false;
            }
            self.text.push(c);
        }
    }

    fn start_line(&mut self, indent: usize) {
        self.line_break();
        self.pad(indent);
    }

    /// Ends the line, unless nothing stands on it.
    fn line_break(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn pad(&mut self, indent: usize) {
        self.text.extend(std::iter::repeat_n(' ', indent));
    }

    fn column(&self) -> usize {
        let start = self.text.rfind('\n').map_or(0, |at| at + 1);
        self.text[start..].chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, parse};

    fn check(source: &str, expected: &str) {
        let node = parse(source, Limits::default()).unwrap().unwrap();
        assert_eq!(print(&node).unwrap(), expected);
    }

    #[test]
    fn keys_are_sorted_and_lists_not_indented() {
        check(
            "b: [1, {c: d, a: [x, []]}]\na: {}\ns10: 1\ns2: 2\n",
            "a: {}\nb:\n- 1\n- a:\n  - x\n  - []\n  c: d\ns2: 2\ns10: 1\n",
        );
    }

    #[test]
    fn numbers_between_minus_one_and_zero_keep_their_fraction() {
        check("a: -0.3\nb: -2.5e-18\nc: -0.0\nd: 0.3\n", "a: -0.3\nb: -2.5e-18\nc: 0\nd: 0.3\n");
    }

    #[test]
    fn lists_in_lists_and_maps_nest() {
        check("a: [[1, 2], [{b: 1, c: 2}]]", "a:\n- - 1\n  - 2\n- - b: 1\n    c: 2\n");
    }

    #[test]
    fn texts_that_other_readers_take_for_values_are_quoted() {
        check(
            "a: 'yes'\nb: '1:30'\nc: '- x'\nd: 'a: b'\ne: '2001-01-01'\n'y': 0o10\nf: ''\ng: ~\n",
            "a: \"yes\"\nb: \"1:30\"\nc: '- x'\nd: 'a: b'\ne: \"2001-01-01\"\nf: \"\"\ng: null\n\"y\": 8\n",
        );
    }

    #[test]
    fn lines_are_literal_blocks_unless_a_space_ends_one() {
        check(
            "a: |\n  x\n   y\nb: \"x\\n\"\nc: \"x\\ny\"\nd: \"x\\n\\n\"\ne: \"x \\ny\"\nf: \"\\n\"\ng: \" x\\ny\"\n",
            "a: |\n  x\n   y\nb: |\n  x\nc: |-\n  x\n  y\nd: |+\n  x\n\ne: \"x \\ny\"\nf: |2+\n\ng: |2-\n   x\n  y\n",
        );
    }

    #[test]
    fn long_text_is_folded_after_column_80() {
        let words = "word ".repeat(20);
        check(
            &format!("a:\n  key: {words}end\n"),
            &format!("a:\n  key: {}\n    {}end\n", "word ".repeat(15).trim_end(), "word ".repeat(5)),
        );
    }

    #[test]
    fn characters_beyond_the_basic_plane_are_escaped() {
        check("a: 😀\nb: 漢\n", "a: \"\\U0001F600\"\nb: 漢\n");
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        let print = |source: &str| super::print(&parse(source, Limits::default()).unwrap().unwrap());
        assert!(matches!(print("a: {1: b}"), Err(Error::KeyNotString { .. })));
        assert!(matches!(print("a: .inf"), Err(Error::NotFinite { .. })));
        assert!(matches!(print("a: 1\nb: 2\na: 3"), Err(Error::DuplicateKey { line: 3, .. })));
    }
}
