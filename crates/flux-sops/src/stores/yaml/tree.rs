//! From nodes to a document's tree, where comments are entries.

use super::parse::{Content, Document, Node, parse};
use super::scalar;
use crate::stores::DEPTH;
use crate::{Branch, Comment, Entry, Key, Value};

/// How many nodes a document may have once its aliases are written out.
const NODES: usize = 1_000_000;
/// How deep it may nest once its aliases are written out.
const LEVELS: usize = 2 * DEPTH;

/// The documents of a text.
pub(in crate::stores) fn read(data: &[u8]) -> Result<Vec<Branch>, String> {
    let text = std::str::from_utf8(data).map_err(|err| {
        let line = data[..err.valid_up_to()].split(|byte| *byte == b'\n').count();
        format!("yaml: line {line}: invalid UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find(|c: char| !is_allowed(c)) {
        let line = text[..at].split('\n').count();
        return Err(format!("yaml: line {line}: control characters are not allowed"));
    }
    let documents = parse(text).map_err(|(documents, message)| match documents {
        // SOPS reads the first document once more, in a stricter way, before all others.
        0 => format!("yaml: {message}"),
        _ => format!("Error unmarshaling input YAML: yaml: {message}"),
    })?;
    match documents.first() {
        Some(first) => scalar::check(&first.node)?,
        None if data.is_empty() => {}
        None => return Err("EOF".to_owned()),
    }
    let mut builder = Builder { left: NODES, deeper: LEVELS };
    documents
        .iter()
        .map(|document| {
            builder.left = NODES;
            builder.deeper = LEVELS;
            builder.document(document).map_err(|err| format!("Error unmarshaling input YAML: {err}"))
        })
        .collect()
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
        && c != '\u{feff}'
}

struct Builder {
    /// How many nodes may still come.
    left: usize,
    /// How many levels may still be below the present one.
    deeper: usize,
}

/// Whether the comments around a node are still to be put into the tree.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Open,
    Done,
}

impl Builder {
    fn count(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("yaml: document contains excessive aliasing")?;
        Ok(())
    }

    fn document(&mut self, document: &Document) -> Result<Branch, String> {
        let mut branch = Branch::new();
        note(&document.head, false, &mut branch);
        self.top(&document.node, &mut branch)?;
        note(&document.foot, false, &mut branch);
        Ok(branch)
    }

    fn top(&mut self, node: &Node, branch: &mut Branch) -> Result<(), String> {
        match &node.content {
            Content::Mapping(_) => self.mapping(node, branch, Around::Open),
            Content::Sequence(_) => Err("YAML documents that are sequences are not supported".to_owned()),
            Content::Scalar { text, style, tag } => match scalar::value(text, *style, tag.as_deref()) {
                Ok(Value::Null) => {
                    note(&node.head, false, branch);
                    note(&node.beside, false, branch);
                    Ok(())
                }
                _ => Err("YAML documents that are values are not supported".to_owned()),
            },
            Content::Alias(target) => {
                note(&node.head, false, branch);
                note(&node.beside, false, branch);
                self.top(target, branch)?;
                note(&node.foot, false, branch);
                Ok(())
            }
        }
    }

    fn mapping(&mut self, node: &Node, branch: &mut Branch, around: Around) -> Result<(), String> {
        let Content::Mapping(entries) = &node.content else { return Ok(()) };
        if around == Around::Open {
            note(&node.head, false, branch);
            note(&node.beside, false, branch);
        }
        for (key, value) in entries {
            self.count()?;
            note(&key.head, false, branch);
            note(&key.beside, false, branch);
            // What stands around a collection belongs into it.
            let inside = matches!(value.content, Content::Mapping(_) | Content::Sequence(_));
            if !inside {
                note(&value.head, false, branch);
                note(&value.beside, true, branch);
            }
            let around = if inside { Around::Open } else { Around::Done };
            let result = self.value(value, around)?;
            branch.push(Entry { key: name(key), value: result });
            if !inside {
                note(&value.foot, false, branch);
            }
            note(&key.foot, false, branch);
        }
        if around == Around::Open {
            note(&node.foot, false, branch);
        }
        Ok(())
    }

    fn value(&mut self, node: &Node, around: Around) -> Result<Value, String> {
        self.count()?;
        self.deeper = self.deeper.checked_sub(1).ok_or("yaml: aliases nest too deep")?;
        let value = self.value_here(node, around);
        self.deeper += 1;
        value
    }

    fn value_here(&mut self, node: &Node, around: Around) -> Result<Value, String> {
        match &node.content {
            Content::Scalar { text, style, tag } => {
                // What its tag does not fit is nothing, as in SOPS.
                Ok(scalar::value(text, *style, tag.as_deref()).unwrap_or(Value::Null))
            }
            Content::Sequence(items) => self.sequence(node, items, around),
            Content::Mapping(_) => {
                let mut branch = Branch::new();
                self.mapping(node, &mut branch, around)?;
                Ok(Value::Branch(branch))
            }
            Content::Alias(target) => self.value(target, Around::Open),
        }
    }

    fn sequence(&mut self, node: &Node, items: &[Node], around: Around) -> Result<Value, String> {
        let mut list = Vec::new();
        if around == Around::Open {
            note_item(&node.head, false, &mut list);
            note_item(&node.beside, false, &mut list);
        }
        for item in items {
            note_item(&item.head, false, &mut list);
            note_item(&item.beside, true, &mut list);
            list.push(self.value(item, Around::Done)?);
            note_item(&item.foot, false, &mut list);
        }
        if around == Around::Open {
            note_item(&node.foot, false, &mut list);
        }
        Ok(Value::List(list))
    }
}

fn name(key: &Node) -> Key {
    let Content::Scalar { text, style, tag } = &key.content else {
        return Key::Other { kind: "collection", text: String::new() };
    };
    match scalar::value(text, *style, tag.as_deref()) {
        Ok(Value::Text(bytes)) => match String::from_utf8(bytes) {
            Ok(name) => Key::Name(name),
            Err(_) => Key::Other { kind: "binary", text: text.clone() },
        },
        Ok(other) => Key::Other { kind: other.kind(), text: text.clone() },
        Err(_) => Key::Other { kind: "null", text: text.clone() },
    }
}

/// The lines of a comment without their marks; empty lines between comments are dropped.
fn lines(comment: &str, inline: bool) -> impl Iterator<Item = Comment> + '_ {
    let lines = comment.split('\n').filter(|line| !line.is_empty());
    lines.map(move |line| Comment { text: line[1..].to_owned(), inline })
}

fn note(comment: &str, inline: bool, branch: &mut Branch) {
    branch.extend(lines(comment, inline).map(|comment| Entry { key: Key::Comment(comment), value: Value::Null }));
}

fn note_item(comment: &str, inline: bool, list: &mut Vec<Value>) {
    list.extend(lines(comment, inline).map(Value::Comment));
}
