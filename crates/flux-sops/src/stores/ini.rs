//! Sections of `name = value`, as the library below SOPS reads and aligns them.

use std::collections::HashMap;

use super::plain;
use crate::{Branch, Entry, Key, Value};

/// The name of what stands before the first section.
const DEFAULT: &str = "DEFAULT";
const DELIMITERS: [char; 2] = ['=', ':'];
const COMMENTS: [char; 2] = ['#', ';'];

struct Section {
    name: String,
    comment: String,
    entries: Vec<Item>,
    /// Where each name stands among the entries.
    places: HashMap<String, usize>,
}

impl Section {
    fn new(name: &str, comment: String) -> Self {
        Self { name: name.to_owned(), comment, entries: Vec::new(), places: HashMap::new() }
    }

    fn get(&self, name: &str) -> Option<&Item> {
        self.places.get(name).map(|at| &self.entries[*at])
    }

    /// Adds an entry, or replaces the one of the same name where it stands.
    fn set(&mut self, item: Item) {
        if let Some(at) = self.places.get(&item.name) {
            self.entries[*at] = item;
        } else {
            self.places.insert(item.name.clone(), self.entries.len());
            self.entries.push(item);
        }
    }
}

struct Item {
    name: String,
    value: String,
    comment: String,
}

pub(super) fn read(data: &[u8]) -> Result<Branch, String> {
    let text = String::from_utf8_lossy(data);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = Reader { lines: text.split_inclusive('\n'), line: 0, comment: String::new() };
    let sections = reader.sections()?;
    Ok(sections
        .into_iter()
        .map(|section| Entry::new(section.name, Value::Branch(branch(section.entries, &section.comment))))
        .collect())
}

/// A comment stands behind the entry that it was written above; the section's stands first.
fn branch(entries: Vec<Item>, comment: &str) -> Branch {
    let mut branch = Branch::new();
    let note = |comment: &str, branch: &mut Branch| {
        if !comment.is_empty() {
            branch.push(Entry::comment(strip_mark(comment), false));
        }
    };
    note(comment, &mut branch);
    for item in entries {
        branch.push(Entry::new(item.name, Value::text(item.value)));
        note(&item.comment, &mut branch);
    }
    branch
}

fn strip_mark(comment: &str) -> &str {
    match comment.chars().next() {
        Some(mark @ (';' | '#')) => comment.trim_start_matches([mark, ' ']),
        _ => comment,
    }
}

struct Reader<'t> {
    lines: std::str::SplitInclusive<'t, char>,
    line: usize,
    /// The comments since the last entry.
    comment: String,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<&'t str> {
        self.line += 1;
        self.lines.next()
    }

    fn sections(&mut self) -> Result<Vec<Section>, String> {
        let mut sections = Vec::new();
        let mut section = Section::new(DEFAULT, String::new());
        let mut count = 1;
        while let Some(line) = self.next() {
            let line = line.trim_start();
            if line.is_empty() {
                continue;
            }
            if line.starts_with(COMMENTS) {
                self.comment.push_str(line);
            } else if let Some(rest) = line.strip_prefix('[') {
                let end = rest.rfind(']').ok_or_else(|| self.error("unclosed section"))?;
                if end == 0 {
                    return Err(self.error("empty section name"));
                }
                if let Some(at) = rest[end + 1..].find(COMMENTS) {
                    self.comment.push_str(&rest[end + 1 + at..]);
                }
                let next = Section::new(&rest[..end], self.take_comment());
                sections.push(std::mem::replace(&mut section, next));
                count = 1;
            } else {
                let (mut name, value) = self.split(line)?;
                if name == "-" {
                    name = format!("#{count}");
                    count += 1;
                }
                let value = self.value(value)?;
                if name.is_empty() {
                    return Err(self.error("error creating new key: empty key name"));
                }
                let item = Item { name, value, comment: self.take_comment() };
                section.set(item);
            }
        }
        sections.push(section);
        Ok(sections)
    }

    /// The text of a line may be a secret, so messages have its number only.
    fn error(&self, message: &str) -> String {
        format!("{message} (line {})", self.line)
    }

    fn take_comment(&mut self) -> String {
        std::mem::take(&mut self.comment).trim().to_owned()
    }

    /// The name, and what follows the sign behind it.
    fn split(&self, line: &'t str) -> Result<(String, &'t str), String> {
        let missing = || self.error("key-value delimiter not found");
        let quote = if line.len() > 6 && line.starts_with("\"\"\"") {
            "\"\"\""
        } else if line.starts_with('"') {
            "\""
        } else if line.starts_with('`') {
            "`"
        } else {
            let at = line.find(DELIMITERS).ok_or_else(missing)?;
            if at == 0 {
                return Err(self.error("empty key name"));
            }
            return Ok((line[..at].trim().to_owned(), &line[at + 1..]));
        };
        let body = &line[quote.len()..];
        let end = body.find(quote).ok_or_else(|| self.error("missing closing key quote"))?;
        let after = &body[end + quote.len()..];
        let at = after.find(DELIMITERS).ok_or_else(missing)?;
        Ok((body[..end].trim().to_owned(), &after[at + 1..]))
    }

    fn value(&mut self, text: &str) -> Result<String, String> {
        let line = text.trim_start();
        if line.is_empty() {
            return Ok(String::new());
        }
        let quote = if line.len() > 3 && line.starts_with("\"\"\"") {
            Some("\"\"\"")
        } else if line.starts_with('`') {
            Some("`")
        } else {
            None
        };
        if let Some(quote) = quote {
            let body = &line[quote.len()..];
            return match body.rfind(quote) {
                Some(end) => Ok(body[..end].to_owned()),
                None => self.lines_until(quote, body),
            };
        }
        let mut line = line.trim();
        if let Some(start) = line.strip_suffix('\\') {
            return Ok(self.continued(start));
        }
        if let Some(at) = line.find(COMMENTS) {
            self.comment.push_str(&line[at..]);
            line = line[..at].trim();
        }
        Ok(unquote(line).to_owned())
    }

    fn lines_until(&mut self, quote: &str, start: &str) -> Result<String, String> {
        let mut value = start.to_owned();
        while let Some(next) = self.next() {
            if let Some(end) = next.rfind(quote) {
                value.push_str(&next[..end]);
                if let Some(at) = next[end..].find(COMMENTS) {
                    self.comment.push_str(next[end + at..].trim());
                }
                return Ok(value);
            }
            value.push_str(next);
        }
        Err(self.error("missing closing key quote"))
    }

    fn continued(&mut self, start: &str) -> String {
        let mut value = start.to_owned();
        while let Some(next) = self.next() {
            let next = next.trim();
            if next.is_empty() {
                break;
            }
            value.push_str(next);
            if !value.ends_with('\\') {
                break;
            }
            value.pop();
        }
        value
    }
}

/// Without quotes around it, provided that there are no more of them inside.
fn unquote(line: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = line.strip_prefix(quote).and_then(|line| line.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
            return inner;
        }
    }
    line
}

pub(super) fn print(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let mut sections = Vec::new();
    for entry in branches.iter().flatten() {
        match (&entry.key, &entry.value) {
            (Key::Comment(_), _) => {}
            (Key::Name(name), _) if name.is_empty() => {
                return Err("Error encoding section : empty section name".to_owned());
            }
            (Key::Name(name), Value::Branch(branch)) => sections.push(section(name, branch)?),
            (Key::Name(_), _) => {
                return Err("Error encoding section: Section values should always be TreeBranches".to_owned());
            }
            (Key::Other { text, .. }, _) => return Err(format!("key {text:?} is no text")),
        }
    }
    let mut text = String::new();
    let last = sections.len().saturating_sub(1);
    for (index, section) in sections.iter().enumerate() {
        print_section(section, index == 0, &mut text);
        let silent = index == 0 && is_default(section) && section.entries.is_empty();
        if index < last && !silent {
            text.push('\n');
        }
    }
    Ok(text.into_bytes())
}

fn is_default(section: &Section) -> bool {
    section.name.to_uppercase() == DEFAULT
}

fn section(name: &str, branch: &Branch) -> Result<Section, String> {
    let mut section = Section::new(name, String::new());
    for (index, entry) in branch.iter().enumerate() {
        match &entry.key {
            Key::Comment(comment) if index == 0 => section.comment.clone_from(&comment.text),
            // A comment belongs to the entry before it; of several the last stays.
            Key::Comment(comment) => {
                if let Some(item) = section.entries.last_mut() {
                    item.comment.clone_from(&comment.text);
                }
            }
            Key::Name(name) if name.is_empty() => {
                return Err("Error encoding key: error creating new key: empty key name".to_owned());
            }
            Key::Name(name) => {
                if entry.value.is_collection() {
                    return Err(format!("cannot use complex value in INI file; offending key {name}"));
                }
                // A value that comes once more leaves the comment of the first.
                let comment = section.get(name).map(|item| item.comment.clone()).unwrap_or_default();
                let item = Item { name: name.clone(), value: plain(&entry.value), comment };
                section.set(item);
            }
            Key::Other { text, .. } => return Err(format!("key {text:?} is no text")),
        }
    }
    Ok(section)
}

fn print_section(section: &Section, first: bool, text: &mut String) {
    for line in section.comment.split('\n').filter(|_| !section.comment.is_empty()) {
        comment_line(line, line, text);
    }
    if !(first && is_default(section)) {
        text.extend(["[", &section.name, "]\n"]);
    }
    let width = section.entries.iter().map(|item| width(&item.name)).max().unwrap_or_default();
    for item in &section.entries {
        for line in item.comment.split('\n').filter(|_| !item.comment.is_empty()) {
            comment_line(line, line.trim(), text);
        }
        let name = quoted_name(&item.name);
        text.push_str(&name);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(name.len())));
        text.push_str(" = ");
        text.push_str(&quoted_value(&item.value));
        text.push('\n');
    }
}

fn comment_line(line: &str, unmarked: &str, text: &mut String) {
    if line.starts_with(COMMENTS) {
        text.extend([&line[..1], " ", line[1..].trim(), "\n"]);
    } else {
        text.extend(["; ", unmarked, "\n"]);
    }
}

/// How wide a name stands with its quotes.
fn width(name: &str) -> usize {
    name.len()
        + if name.contains('"') || name.contains(DELIMITERS) {
            2
        } else if name.contains('`') {
            6
        } else {
            0
        }
}

fn quoted_name(name: &str) -> String {
    if name.contains('"') || name.contains(DELIMITERS) {
        format!("`{name}`")
    } else if name.contains('`') {
        format!("\"\"\"{name}\"\"\"")
    } else {
        name.to_owned()
    }
}

fn quoted_value(value: &str) -> String {
    if value.contains(['\n', '`']) {
        format!("\"\"\"{value}\"\"\"")
    } else if value.contains(COMMENTS) {
        format!("`{value}`")
    } else if value.trim() != value {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let branch = read(source.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(print(&[branch]).unwrap()).unwrap(), expected);
    }

    #[test]
    fn names_are_aligned_and_comments_get_lines_of_their_own() {
        check(
            "top=1\n; about x\n[x] # inline\nlong_name: 'v v' ; why\ny=\n-=a\n-=b\n",
            "top = 1\n\n; about x\n# inline\n[x]\n; why\nlong_name = v v\ny         = \n#1        = a\n#2        = b\n",
        );
    }

    #[test]
    fn values_that_need_quotes_get_them() {
        check(
            "[s]\na = \"\"\"x\ny\"\"\"\nb = `p;q`\nc = \"\"\" z \"\"\"\nd = a \\\n  b\n`k=1` = 2\n",
            "[s]\na     = \"\"\"x\ny\"\"\"\nb     = `p;q`\nc     = \" z \"\nd     = a b\n`k=1` = 2\n",
        );
    }

    #[test]
    fn lines_that_are_no_entries_are_named_by_number() {
        let error = |source: &str| read(source.as_bytes()).err().unwrap();
        assert_eq!(error("[a]\nsecret\n"), "key-value delimiter not found (line 2)");
        assert_eq!(error("[a\n"), "unclosed section (line 1)");
        assert_eq!(error("=b\n"), "empty key name (line 1)");
    }
}
