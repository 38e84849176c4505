//! Indexes as most repositories write them: YAML in blocks.
//!
//! Only the entries of wanted charts are read, one at a time; the lines of others are passed over. What is unusual for
//! an index is left to the parser of whole documents.

use std::collections::HashSet;
use std::io::Read;

use flux_yaml::{Resolved, yaml11};

use super::entry::{Language, read_list};
use super::lines::Lines;
use super::open::{Line, Open, close, colon, ends_at, is_end, skip_blanks};
use super::{ChartVersion, Fault, HEADER_SIZE, Header, IndexError, Limits, Skipped, Versions, Wanted, limits_of_yaml};
use crate::chart::decode::DecodeError;
use crate::chart::document::Json;

/// Where in the index a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first key.
    Start,
    /// In another part than the entries.
    Beside,
    /// Among the entries, whose charts stand in this column, once there was one.
    Entries(Option<usize>),
}

/// Reads an index, chart by chart.
pub(super) struct Block<'b, 'w> {
    limits: Limits,
    open: Open,
    place: Place,
    wanted: &'b mut Wanted<'w>,
    names: HashSet<String>,
    has_entries: bool,
    /// The text of the index without its entries.
    beside: Vec<u8>,
    section: Option<Section>,
    line: u32,
}

/// The part of the index about a wanted chart.
struct Section {
    name: String,
    form: Form,
    /// The lines that were not read yet.
    text: Vec<u8>,
    /// The line of the index where they start.
    start: u32,
    versions: Vec<ChartVersion>,
    skipped: Vec<Skipped>,
    size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nothing behind the name.
    Empty,
    /// A list whose dashes stand in this column; the text is that of one item.
    Items(usize),
    /// Anything else; the text is the whole part.
    Other,
}

impl<'b, 'w> Block<'b, 'w> {
    pub(super) fn new(limits: Limits, wanted: &'b mut Wanted<'w>) -> Self {
        Self {
            limits,
            open: Open::Nothing,
            place: Place::Start,
            wanted,
            names: HashSet::new(),
            has_entries: false,
            beside: Vec::new(),
            section: None,
            line: 0,
        }
    }

    /// Reads the whole index; the answer is what it says beside its entries.
    pub(super) fn read(&mut self, source: impl Read) -> Result<Header, Fault> {
        let mut lines = Lines::new(source, self.limits.size, self.limits.chart);
        loop {
            self.line = lines.number.saturating_add(1);
            let Some(line) = lines.next()? else { break };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match self.open.feed(line)? {
                Line::Blank if self.section.is_none() => {}
                Line::Blank | Line::Inside => self.keep(line)?,
                Line::Structure(0) if line.starts_with(b"...") && ends_at(line, 3) => break,
                Line::Structure(0) if line.starts_with(b"---") && ends_at(line, 3) => {
                    if self.place != Place::Start {
                        break;
                    }
                    if !is_end(line, skip_blanks(line, 3)) {
                        return Err(Fault::Unusual);
                    }
                    self.open = Open::Nothing;
                }
                Line::Structure(indent) => self.structure(line, indent)?,
            }
        }
        if matches!(self.open, Open::Quoted(_) | Open::Flow(_)) {
            return Err(Fault::Unusual);
        }
        self.finish()?;
        let beside = Json::from_yaml_strict(&self.beside, limits_of_yaml()).map_err(|_| Fault::Unusual)?;
        Ok(Header::read(Language::Yaml, beside)?)
    }

    /// Takes a line with a key or an item.
    fn structure(&mut self, line: &[u8], indent: usize) -> Result<(), Fault> {
        let is_item = line[indent] == b'-' && ends_at(line, indent + 1);
        match self.place {
            Place::Start if indent > 0 || is_item => Err(Fault::Unusual),
            Place::Beside if indent > 0 || is_item => self.keep(line),
            Place::Entries(_) if indent == 0 && is_item => Err(Fault::Unusual),
            _ if indent == 0 => self.part(line),
            Place::Entries(None) if is_item => Err(Fault::Unusual),
            Place::Entries(Some(column)) if indent < column => Err(Fault::Unusual),
            Place::Entries(Some(column)) if indent > column || is_item => self.inside(line, indent, is_item),
            Place::Start | Place::Beside | Place::Entries(_) => {
                self.place = Place::Entries(Some(indent));
                self.chart(line, indent)
            }
        }
    }

    /// A key of the index itself.
    fn part(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.finish()?;
        let (key, value) = key(line, 0)?;
        if !key.eq_ignore_ascii_case("entries") {
            self.place = Place::Beside;
            return self.keep(line);
        }
        if key != "entries" {
            return Err(Fault::Unusual);
        }
        if std::mem::replace(&mut self.has_entries, true) {
            return Err(DecodeError::Twice { line: self.line, key }.into());
        }
        let value = value_text(line, value);
        self.place = match value {
            b"" => Place::Entries(None),
            b"{}" | b"null" | b"~" => Place::Beside,
            _ => return Err(Fault::Unusual),
        };
        Ok(())
    }

    /// The name of a chart.
    fn chart(&mut self, line: &[u8], indent: usize) -> Result<(), Fault> {
        self.finish()?;
        let (name, value) = key(line, indent)?;
        if self.names.contains(&name) {
            return Err(DecodeError::Twice { line: self.line, key: name }.into());
        }
        if self.names.len() >= self.limits.charts {
            return Err(IndexError::Charts(self.limits.charts).into());
        }
        self.names.insert(name.clone());
        if !self.wanted.wants(&name) {
            return Ok(());
        }
        let form = if value_text(line, value).is_empty() { Form::Empty } else { Form::Other };
        self.section = Some(Section {
            name,
            form,
            text: Vec::new(),
            start: 0,
            versions: Vec::new(),
            skipped: Vec::new(),
            size: 0,
        });
        self.keep(line)
    }

    /// A line of a chart.
    fn inside(&mut self, line: &[u8], indent: usize, is_item: bool) -> Result<(), Fault> {
        let Some(section) = &mut self.section else { return Ok(()) };
        match section.form {
            Form::Empty if is_item => {
                section.text.clear();
                section.form = Form::Items(indent);
            }
            Form::Empty => section.form = Form::Other,
            Form::Items(column) if is_item && indent == column => section.flush()?,
            Form::Items(column) if indent <= column => return Err(Fault::Unusual),
            Form::Items(_) | Form::Other => {}
        }
        self.keep(line)
    }

    /// Keeps a line for what it belongs to, if that is wanted.
    fn keep(&mut self, line: &[u8]) -> Result<(), Fault> {
        let text = match (&mut self.section, self.place) {
            (Some(section), _) => {
                section.size += line.len() + 1;
                if section.size > self.limits.chart {
                    return Err(IndexError::Chart { name: section.name.clone(), limit: self.limits.chart }.into());
                }
                if section.text.is_empty() {
                    section.start = self.line;
                }
                &mut section.text
            }
            (None, Place::Beside) => {
                if self.beside.len() + line.len() > HEADER_SIZE {
                    return Err(IndexError::Header(HEADER_SIZE).into());
                }
                &mut self.beside
            }
            (None, Place::Start | Place::Entries(_)) => return Ok(()),
        };
        text.extend_from_slice(line);
        text.push(b'\n');
        Ok(())
    }

    /// Ends the part about a chart.
    fn finish(&mut self) -> Result<(), Fault> {
        let Some(mut section) = self.section.take() else { return Ok(()) };
        match section.form {
            Form::Empty => {}
            Form::Items(_) => section.flush()?,
            Form::Other => section.read_map()?,
        }
        self.wanted.give(Versions::sorted(section.name, section.versions, section.skipped));
        Ok(())
    }
}

impl Section {
    /// The lines as a document.
    fn document(&self) -> Result<Json, Fault> {
        Json::from_yaml_strict(&self.text, limits_of_yaml()).map_err(|fault| {
            // Read again in its place, so that the fault has the line of the index.
            let mut text = vec![b'\n'; self.start.saturating_sub(1) as usize];
            text.extend_from_slice(&self.text);
            Fault::Unreadable(Json::from_yaml_strict(&text, limits_of_yaml()).err().unwrap_or(fault))
        })
    }

    /// Reads the item whose lines are there.
    fn flush(&mut self) -> Result<(), Fault> {
        let list = self.document()?;
        self.text.clear();
        Ok(read_list(Language::Yaml, list, &mut self.versions, &mut self.skipped)?)
    }

    /// Reads the whole part: a map of the name to the list.
    fn read_map(&mut self) -> Result<(), Fault> {
        let map = self.document()?;
        let Json::Map(mut entries) = map else { return Err(Fault::Unusual) };
        let (Some((_, list)), true) = (entries.pop(), entries.is_empty()) else { return Err(Fault::Unusual) };
        Ok(read_list(Language::Yaml, list, &mut self.versions, &mut self.skipped)?)
    }
}

/// The key at the place, and where its value may start.
fn key(line: &[u8], at: usize) -> Result<(String, usize), Fault> {
    let quote = line[at];
    if matches!(quote, b'"' | b'\'') {
        let end = close(line, at + 1, quote).ok_or(Fault::Unusual)?;
        let colon = skip_blanks(line, end);
        let text = &line[at + 1..end - 1];
        if line.get(colon) != Some(&b':') || !ends_at(line, colon + 1) || text.contains(&b'\\') || text.contains(&b'\'')
        {
            return Err(Fault::Unusual);
        }
        let text = std::str::from_utf8(text).map_err(|_| Fault::Unusual)?;
        return Ok((text.to_owned(), colon + 1));
    }
    let colon = colon(line, at).ok_or(Fault::Unusual)?;
    let text = line[at..colon].trim_ascii_end();
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'+');
    if text.is_empty() || text.starts_with(b"-") || !text.iter().all(is_usual) {
        return Err(Fault::Unusual);
    }
    let text = std::str::from_utf8(text).map_err(|_| Fault::Unusual)?;
    let name = match yaml11(text) {
        Resolved::Str | Resolved::Timestamp(_) => text.to_owned(),
        Resolved::Bool(flag) => flag.to_string(),
        Resolved::Int(number) => number.to_string(),
        Resolved::Uint(number) => number.to_string(),
        Resolved::Null | Resolved::Float(_) | Resolved::Merge => return Err(Fault::Unusual),
    };
    Ok((name, colon + 1))
}

/// The value behind a key without a comment, as far as it stands in the line.
fn value_text(line: &[u8], at: usize) -> &[u8] {
    let at = skip_blanks(line, at);
    let value = &line[at..];
    if value.starts_with(b"#") {
        return b"";
    }
    let comment = memchr::memmem::find(value, b" #").unwrap_or(value.len());
    value[..comment].trim_ascii_end()
}
