//! From text to nodes.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, StrInput, StructureStyle};

use crate::{Content, Error, Node, Resolved, Style, Tag, block, quoted, yaml3};

/// What one document may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep collections may stand in one another, at most 255.
    pub depth: usize,
    /// Nodes of a document, those that aliases repeat included.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 200, nodes: 2_000_000 }
    }
}

/// The first document of `text`, or nothing when there is none or it is empty.
pub fn parse(text: &str, limits: Limits) -> Result<Option<Node>, Error> {
    quoted::indented(text, |text| parse_once(text, limits))
}

fn parse_once(text: &str, limits: Limits) -> Result<Option<Node>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let plain = match block::documents(text).as_deref() {
        Some([(first, part)]) => block::parse(part, *first, limits),
        _ => None,
    };
    plain.map_or_else(|| Reader::new(text, limits).document(), |node| Ok(Some(node)))
}

/// All documents of `text` but the empty ones.
pub fn parse_all(text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    quoted::indented(text, |text| parse_all_once(text, limits))
}

fn parse_all_once(text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(parts) = block::documents(text) else { return parse_fully_once(text, limits) };
    let mut documents = Vec::with_capacity(parts.len());
    for (first, part) in parts {
        match block::parse(part, first, limits) {
            Some(node) => documents.push(node),
            None => Reader { before: first - 1, ..Reader::new(part, limits) }.documents(&mut documents)?,
        }
    }
    Ok(documents)
}

/// The same by the full parser alone.
#[cfg(test)]
pub(crate) fn parse_fully(text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    quoted::indented(text, |text| parse_fully_once(text, limits))
}

fn parse_fully_once(text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    let mut documents = Vec::new();
    Reader::new(text, limits).documents(&mut documents)?;
    Ok(documents)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    limits: Limits,
    nodes: usize,
    anchors: HashMap<usize, Node>,
    open: Vec<Open>,
    finished: bool,
    /// How many characters a text has that does not end with a line break.
    cut_at: Option<usize>,
    /// Whether nothing but blanks stands behind the text's last line break.
    ends_blank: bool,
    /// How many lines stand before the text.
    before: u32,
}

/// A collection whose end has not been read.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, limits: Limits) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.flow_nesting_limit = limits.depth.min(255);
        options.block_nesting_limit = limits.depth.min(255);
        let parser = Parser::new_from_str_with_options(text, options);
        let cut_at = (!text.ends_with(['\n', '\r'])).then(|| text.chars().count());
        let ends_blank = text.trim_end_matches(' ').ends_with(['\n', '\r']);
        Self {
            parser,
            limits,
            nodes: 0,
            anchors: HashMap::new(),
            open: Vec::new(),
            finished: false,
            cut_at,
            ends_blank,
            before: 0,
        }
    }

    /// All documents that are left.
    fn documents(mut self, documents: &mut Vec<Node>) -> Result<(), Error> {
        while !self.finished {
            documents.extend(self.document()?);
        }
        Ok(())
    }

    fn line(&self, line: usize) -> u32 {
        u32::try_from(line).unwrap_or(u32::MAX).saturating_add(self.before)
    }

    /// Whether the break at the end of a block is not in the text: what is cut off is part of the block, unless it is
    /// nothing but the block's indentation.
    fn is_cut(&self, block: &str) -> bool {
        let Some(lines) = block.strip_suffix('\n') else { return false };
        !self.ends_blank || lines.trim_end_matches(' ').ends_with('\n') && lines.ends_with(' ')
    }

    /// The next document; nothing when it is empty or there is none.
    fn document(&mut self) -> Result<Option<Node>, Error> {
        self.nodes = 0;
        self.anchors.clear();
        let mut root = None;
        while let Some(next) = self.parser.next() {
            let (event, span) =
                next.map_err(|err| Error::Syntax { line: self.line(err.marker().line()), message: err.info() })?;
            let line = self.line(span.start.line());
            let complete = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let tag = tag.map(|tag| explicit(&tag));
                    let mut text = text.into_owned();
                    // A block that the text's end cuts off has no line break there, whatever its header says.
                    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                    if block && self.cut_at.is_some_and(|last| span.end.index() >= last) && self.is_cut(&text) {
                        text.pop();
                    }
                    // The parser writes a sign where nothing stands.
                    if style == ScalarStyle::Plain && span.start.index() == span.end.index() {
                        text.clear();
                    }
                    let node = scalar(text, style, tag, line);
                    Some((node, anchor))
                }
                Event::Alias(anchor) => {
                    let node = self
                        .anchors
                        .get(&anchor)
                        .cloned()
                        .ok_or_else(|| Error::Syntax { line, message: "anchor value contains itself".to_owned() })?;
                    self.count(node.count(), line)?;
                    Some((node, 0))
                }
                Event::SequenceStart(style, anchor, _) => {
                    let style = collection(style);
                    self.open(Node { style, line, ..Node::sequence(Vec::new()) }, anchor, line)?;
                    None
                }
                Event::MappingStart(style, anchor, _) => {
                    let style = collection(style);
                    self.open(Node { style, line, ..Node::mapping(Vec::new()) }, anchor, line)?;
                    None
                }
                Event::SequenceEnd => self.open.pop().map(|open| (open.node, open.anchor)),
                Event::MappingEnd => match self.open.pop() {
                    Some(mut open) => {
                        self.merge(&mut open.node)?;
                        Some((open.node, open.anchor))
                    }
                    None => None,
                },
                Event::DocumentEnd => return Ok(root.filter(|node: &Node| !node.is_null())),
                Event::StreamEnd => break,
                _ => None,
            };
            if let Some((node, anchor)) = complete {
                self.count(1, line)?;
                if anchor != 0 {
                    self.anchors.insert(anchor, node.clone());
                }
                root = self.place(node).or(root);
            }
        }
        self.finished = true;
        Ok(root.filter(|node: &Node| !node.is_null()))
    }

    fn open(&mut self, node: Node, anchor: usize, line: u32) -> Result<(), Error> {
        if self.open.len() >= self.limits.depth {
            let message = format!("nesting is deeper than {}", self.limits.depth);
            return Err(Error::Syntax { line, message });
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// Puts a complete node into the innermost open collection; gives it back where none is open.
    fn place(&mut self, node: Node) -> Option<Node> {
        let Some(open) = self.open.last_mut() else { return Some(node) };
        match &mut open.node.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(entries) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => entries.push((key, node)),
            },
            Content::Scalar(_) => {}
        }
        None
    }

    fn count(&mut self, nodes: usize, line: u32) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes { Err(Error::TooLarge { line, limit: self.limits.nodes }) } else { Ok(()) }
    }

    /// Replaces a merge key by the entries that it stands for; the mapping's own entries win.
    fn merge(&mut self, node: &mut Node) -> Result<(), Error> {
        let Some(entries) = node.entries_mut() else { return Ok(()) };
        let Some(index) = entries.iter().position(|(key, _)| key.tag == Tag::Merge) else { return Ok(()) };
        let (_, value) = entries.remove(index);
        let line = value.line;
        if entries.iter().any(|(key, _)| key.tag == Tag::Merge) {
            return Err(Error::DuplicateKey { line, key: "<<".to_owned() });
        }
        let own = entries.clone();
        for source in merged(value)? {
            self.count(source.len() * 2, line)?;
            for entry in source {
                put(entries, entry);
            }
        }
        for entry in own {
            put(entries, entry);
        }
        Ok(())
    }
}

/// The entries to merge, those that win last.
fn merged(value: Node) -> Result<Vec<Vec<(Node, Node)>>, Error> {
    let line = value.line;
    match value.content {
        Content::Mapping(entries) => Ok(vec![entries]),
        Content::Sequence(items) => {
            let mut sources = Vec::with_capacity(items.len());
            for item in items.into_iter().rev() {
                match item.content {
                    Content::Mapping(entries) => sources.push(entries),
                    Content::Scalar(_) | Content::Sequence(_) => return Err(Error::Merge { line }),
                }
            }
            Ok(sources)
        }
        Content::Scalar(_) => Err(Error::Merge { line }),
    }
}

fn put(entries: &mut Vec<(Node, Node)>, entry: (Node, Node)) {
    match entries.iter_mut().find(|(key, _)| key.text() == entry.0.text()) {
        Some(old) => *old = entry,
        None => entries.push(entry),
    }
}

fn collection(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Plain,
        StructureStyle::Flow => Style::Flow,
    }
}

fn explicit(tag: &granit_parser::Tag) -> Tag {
    let Some(suffix) = tag.suffix_in_namespace("tag:yaml.org,2002:") else {
        // The non-specific tag makes a plain scalar a string.
        return if tag.handle() == "!" && tag.suffix().is_empty() { Tag::Str } else { Tag::Custom };
    };
    match suffix.as_ref() {
        "null" => Tag::Null,
        "bool" => Tag::Bool,
        "int" => Tag::Int,
        "float" => Tag::Float,
        "str" => Tag::Str,
        "timestamp" => Tag::Timestamp,
        "binary" => Tag::Binary,
        "merge" => Tag::Merge,
        _ => Tag::Custom,
    }
}

/// A scalar as it was written, with the tag that its text resolves to where none is given.
pub(crate) fn scalar(text: String, style: ScalarStyle, explicit: Option<Tag>, line: u32) -> Node {
    let mut style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    };
    let tag = match explicit {
        Some(tag) => {
            // Quotes keep an explicit string a string for readers that resolve the text anew.
            if tag == Tag::Str && style == Style::Plain {
                style = Style::DoubleQuoted;
            }
            tag
        }
        None if style != Style::Plain => Tag::Str,
        None => match yaml3(&text) {
            Resolved::Null => Tag::Null,
            Resolved::Bool(_) => Tag::Bool,
            Resolved::Int(_) | Resolved::Uint(_) => Tag::Int,
            Resolved::Float(_) => Tag::Float,
            Resolved::Timestamp(_) => Tag::Timestamp,
            Resolved::Merge => Tag::Merge,
            Resolved::Str => Tag::Str,
        },
    };
    Node { content: Content::Scalar(text), tag, style, line, link: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, Limits { depth: 10, nodes: 1_000 }).unwrap_err().to_string()
    }

    #[test]
    fn bounds_hold_for_depth_and_for_what_aliases_repeat() {
        let deep = format!("{}1{}", "[".repeat(12), "]".repeat(12));
        assert!(error(&deep).contains("line 1"), "{}", error(&deep));
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c]\n";
        assert_eq!(error(bomb), "yaml: line 4: document has more than 1000 nodes");
        let long = format!("a: {}\n", "9".repeat(10_000));
        assert!(parse(&long, Limits::default()).is_ok());
    }

    #[test]
    fn blocks_of_nothing_but_line_breaks_keep_them() {
        let node = parse("- |2+\n\n- x\n-\n", Limits::default()).unwrap().unwrap();
        assert_eq!(crate::to_json(&node).unwrap(), serde_json::json!(["\n", "x", null]));
    }

    #[test]
    fn texts_in_quotes_go_on_at_any_indentation() {
        let text = "a:\n- b: \"x\n  y\\\nz\n\n w\"\n  c: 'x\ny'\n- d\n";
        let expected = serde_json::json!({"a": [{"b": "x yz\nw", "c": "x y"}, "d"]});
        let node = parse(text, Limits::default()).unwrap().unwrap();
        assert_eq!(crate::to_json(&node).unwrap(), expected);
        let nodes = parse_all(&format!("e: f\n---\n{text}"), Limits::default()).unwrap();
        assert_eq!(crate::to_json(&nodes[1]).unwrap(), expected);
        assert_eq!(parse(text, Limits::default()), parse(&text.replace("\n  y", "\n      y"), Limits::default()));
        let unclosed = format!("a: \"b\n{}", "c\n".repeat(200));
        assert!(error(&unclosed).starts_with("yaml: line 2: "), "{}", error(&unclosed));
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line) in [("a: b\nc: [\n", 2), ("a: *none\n", 1), ("<<: x\n", 1), ("a:\n- b\n c: d\n", 3)] {
            let error = error(text);
            assert!(error.starts_with(&format!("yaml: line {line}: ")), "{text:?}: {error}");
        }
    }

    #[test]
    fn documents_are_read_one_by_one_without_empty_ones() {
        let documents = parse_all("# none\n---\na: 1\n---\n# empty\n---\n- b\n...\n", Limits::default()).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!((documents[0].line, documents[1].line), (3, 7));
    }

    #[test]
    fn merge_keys_give_way_to_own_entries() {
        let node = parse("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", Limits::default()).unwrap().unwrap();
        let text = |key: &str| node.at(&["y", key]).and_then(Node::text);
        assert_eq!((text("a"), text("b"), text("<<")), (Some("1"), Some("3"), None));
    }

    #[test]
    fn a_block_that_the_end_cuts_off_has_no_last_break() {
        for (text, expected) in [("a: |\n  x\n", "x\n"), ("a: |\n  x", "x"), ("a: |\n  x\nb: y", "x\n")] {
            let node = parse(text, Limits::default()).unwrap().unwrap();
            assert_eq!(node.get("a").and_then(Node::text), Some(expected), "{text:?}");
        }
    }
}
