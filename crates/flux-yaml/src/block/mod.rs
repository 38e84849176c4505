//! Documents of plain blocks, which most manifests are, read without the full parser.
//!
//! What is read here is what the full parser would read; whatever is not plain enough is left to it: texts of several
//! lines but literal ones, most escapes, anchors, tags, brackets over several lines, complex keys.

mod flow;
mod inline;
mod lines;

use granit_parser::ScalarStyle;

use crate::Node;
use crate::parse::{Limits, scalar};
use lines::{Line, Literal};

/// The document that `text` holds; none where the full parser has to read it. Lines are counted from `first`.
pub(crate) fn parse(text: &str, first: u32, limits: Limits) -> Option<Node> {
    let lines = lines::lines(text, first)?;
    let mut reader = Reader { text, lines, next: 0, depth: limits.depth, nodes: limits.nodes };
    let indent = reader.lines.first()?.indent;
    let node = reader.block(indent)?;
    (reader.next == reader.lines.len()).then_some(node)
}

struct Reader<'t> {
    text: &'t str,
    lines: Vec<Line<'t>>,
    next: usize,
    /// How much deeper collections may be nested, and how many nodes there may be more.
    depth: usize,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<Line<'t>> {
        self.lines.get(self.next).copied()
    }

    /// A collection whose entries stand at a column.
    fn block(&mut self, indent: usize) -> Option<Node> {
        let line = self.peek()?;
        self.descend()?;
        let mut node = if item(line.text).is_some() { self.sequence(indent)? } else { self.mapping(indent)? };
        node.line = line.number;
        self.depth += 1;
        Some(node)
    }

    fn sequence(&mut self, indent: usize) -> Option<Node> {
        let mut items = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            let Some(rest) = item(line.text) else { break };
            let column = indent + line.text.len() - rest.len();
            if entry(rest).is_some() || item(rest).is_some() {
                // The first entry of what the item holds stands on its line.
                self.lines[self.next] = Line { indent: column, text: rest, ..line };
                items.push(self.block(column)?);
            } else {
                items.push(self.value(rest, line, indent)?);
            }
        }
        Some(Node::sequence(items))
    }

    fn mapping(&mut self, indent: usize) -> Option<Node> {
        let mut entries = Vec::with_capacity(4);
        while let Some(line) = self.peek().filter(|line| line.indent == indent && item(line.text).is_none()) {
            let (name, style, rest) = entry(line.text)?;
            self.count()?;
            let key = scalar(name.to_owned(), style, None, line.number);
            let value = if rest.is_empty() || rest.starts_with('#') {
                self.next += 1;
                let below = self.peek()?;
                let nested = below.indent > indent || (below.indent == indent && item(below.text).is_some());
                if !nested || line.literal.is_some() {
                    return None;
                }
                self.block(below.indent)?
            } else {
                self.value(rest, line, indent)?
            };
            entries.push((key, value));
        }
        (!entries.is_empty()).then(|| Node::mapping(entries))
    }

    /// A text or a collection in brackets on the present line, which ends there, or the literal text below it.
    fn value(&mut self, text: &str, line: Line<'t>, indent: usize) -> Option<Node> {
        self.next += 1;
        if self.peek().is_some_and(|below| below.indent > indent) {
            return None;
        }
        if let Some(literal) = line.literal {
            let is_header = text.len() <= 2 && text.starts_with('|');
            self.count()?;
            return if is_header { self.literal(&literal, line.number, indent) } else { None };
        }
        if text.starts_with(['[', '{']) {
            return flow::value(self, text, line.number);
        }
        self.count()?;
        let (text, style) = inline::value(text)?;
        Some(scalar(text.into_owned(), style, None, line.number))
    }

    fn literal(&self, literal: &Literal, header: u32, indent: usize) -> Option<Node> {
        if literal.indent <= indent {
            return None;
        }
        let text = literal.text(self.text)?;
        Some(scalar(text, ScalarStyle::Literal, None, header + 1 + literal.blank))
    }

    fn descend(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.count()
    }

    fn count(&mut self) -> Option<()> {
        self.nodes = self.nodes.checked_sub(1)?;
        Some(())
    }
}

/// The longest key that stands on one line with its value.
const LONGEST_KEY: usize = 1_000;

/// What stands behind the dash of a list's item.
fn item(text: &str) -> Option<&str> {
    text.strip_prefix("- ").map(|rest| rest.trim_start_matches(' '))
}

/// The plain or quoted key of a mapping's entry, and what stands behind it.
fn entry(text: &str) -> Option<(&str, ScalarStyle, &str)> {
    let (name, style, rest) = match text.as_bytes().first()? {
        b'"' | b'\'' => inline::quoted(text)?,
        first if first.is_ascii_alphanumeric() => {
            let end = text.bytes().position(|byte| !is_plain(byte))?;
            let (name, rest) = text.split_at(end);
            (name, ScalarStyle::Plain, rest)
        }
        _ => return None,
    };
    let rest = rest.strip_prefix(':')?;
    let fits = name.len() <= LONGEST_KEY && (rest.is_empty() || rest.starts_with(' '));
    fits.then(|| (name, style, rest.trim_start_matches(' ')))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_')
}

/// The documents of a text, each with the number of its first line; none where their borders are not plain.
pub(crate) fn documents(text: &str) -> Option<Vec<(u32, &str)>> {
    let mut found = Vec::new();
    let (mut start, mut first, mut at) = (0, 1, 0);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let end = at + line.len();
        if line.starts_with('%') || line.starts_with("...") {
            return None;
        }
        if let Some(rest) = line.strip_prefix("---") {
            if rest.trim_end_matches(['\n', '\r', ' ']).is_empty() {
                found.push((first, &text[start..at]));
                (start, first) = (end, number + 1);
            } else if rest.starts_with([' ', '\t']) {
                return None;
            }
        }
        at = end;
    }
    found.push((first, &text[start..]));
    found.retain(|(_, text)| !text.trim_matches([' ', '\n', '\r']).is_empty());
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_fully;

    /// Whether the text is plain, having made sure that both readers read the same.
    fn is_plain(text: &str) -> bool {
        let limits = Limits { depth: 8, nodes: 40 };
        let Some(node) = parse(text, 1, limits) else { return false };
        assert_eq!(parse_fully(text, limits).as_deref(), Ok(&[node][..]), "{text}");
        true
    }

    #[test]
    fn plain_documents_are_read_as_the_full_parser_does() {
        for text in [
            "a: b\n",
            "# c\na:\n  b: 'x y'\n\n  c: \"z: #\"\n  # d\n  d: {}\ne: []",
            "a:\n- b\n- c: 1\n  d:\n    - 010\n    - 1.50\n- - x\n  - -1\nz: true",
            "a:\n    - b:   c\n      d: http://x:80/y\n    -   e: 2001-01-01\n        f: .5\n",
            "  - a\n  - null\n",
            "on: yes\n1: 0x1F\na.b/c_d-e: x, [y] {z}!\n",
            "a: b   \na: c\n",
            "a: |\n  x\n   y\n\n  # z\nb: |-\n    x: [\n\n\nc:\n- |+\n  é\n\n- x\n",
            "- a: |\n    x\n  b: y\n",
            "a: |\n  x",
            "a: |-\n\n  x\n    \n  y\n\n",
            "a: |+\n  x\n   \n\n",
            "a: [x, \"y\", {z: 'w', \"k\": [1, {}]}] # c\n",
            "a: {b: http://x:80/y, c: a b}\nd: []  # e\n",
            "a: b # c\nd: \"x\" # e\nf: # g\n  h: 'i' #\n",
            "\"a b\": c\n'd': \"x\\\"\\n\\\\\"\n",
            "a:\n- --x=1\n- $(Y)\n- +1\n- <x\n",
            "a: größer\nb: 'ß'\n# é\n",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_full_parser() {
        for text in [
            "",
            "a",
            "a:\n",
            "a: b\n  c\n",
            "a: 'b\n",
            "a: b: c",
            "a: &x b",
            "a: *x",
            "a: !!str 1",
            "? a\n: b",
            "<<: {}",
            "-",
            "- a\nb: c",
            "a:\n   b: c\n  d: e",
            "a: ~",
            "\ta: b",
            "a: b\r\n",
            "a: - b",
            "a b: c",
            "a:\n  - b\n  c: d",
            "a: 'x''y'",
            "a:\n- b\n  c",
            "a: @b",
            "a: [\n]",
            "a: [b,]",
            "a: [b c: d]",
            "a: [b: c]",
            "a: {b}",
            "a: {b:}",
            "a: [b] c",
            "a: |\n",
            "a: |\nb: c",
            "a: |2\n  x",
            "a: |\n    x\n  y",
            "a: |\n  x\n # y\nb: c",
            "a: |\n   \n  x",
            "a: |\n  x\n  ",
            "a: |\n  \tx",
            "a:\n  b: |\n  x",
            "a: b |\n  c",
            "a: >\n  x",
            "a: \"x\\u0041\"",
            "a: \"b\"c",
            "a: 'b' c",
            "a: \u{a0}",
            "<: b",
            "- a:\n  b: c\n   d: e",
            "# \u{8}\na: b",
            "# \u{2028}c: d\na: b",
            &format!("{}: b", "a".repeat(2_000)),
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn texts_made_of_random_parts_are_read_alike() {
        const PARTS: [&str; 40] = [
            "a", "b", ": ", ":", "\n", "\n  ", "\n    ", "- ", "-", "x y", "'q'", "\"r\"", "#", " ", "{}", "[]", "1",
            "~", "\n- ", "\n\n", "k: v", "\n  - ", "|", "|-", "|+", "\n   ", "[", "]", "{", "}", ", ", " #", "'", "\"",
            "\\n", "é", ": |\n  ", "- |\n   ", "[x, y]", "{k: v}",
        ];
        let mut seed: u64 = 42;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap()
        };
        let mut plain = 0;
        for _ in 0..40_000 {
            let text: String = (0..=next() % 12).map(|_| PARTS[next() % PARTS.len()]).collect();
            plain += u32::from(is_plain(&text));
        }
        assert!(plain > 1_000, "{plain}");
    }

    #[test]
    fn deep_and_large_documents_are_left_to_the_full_parser_and_its_limits() {
        assert!(!is_plain("a:\n b:\n  c:\n   d:\n    e:\n     f:\n      g:\n       h:\n        i: 1\n"));
        assert!(!is_plain(&"- a\n".repeat(50)));
    }

    #[test]
    fn documents_are_parted_at_plain_borders_only() {
        let found = documents("# c\n---\na: 1\n--- \n\n---\nb: |\n  ---\n").unwrap();
        assert_eq!(found, [(1, "# c\n"), (3, "a: 1\n"), (7, "b: |\n  ---\n")]);
        // Only the full parser knows what a control character is worth.
        assert_eq!(documents("a: 1\n---\n\u{b}\n").unwrap().len(), 2);
        for text in ["--- a\n", "%YAML 1.2\n---\n", "a: 1\n...\nb: 2\n"] {
            assert_eq!(documents(text), None);
        }
    }
}
