//! Reading and printing YAML.

use flux_yaml::{Limits, parse, parse_all, print_json, to_json, yaml11_to_json};
use serde_json::{Map, Number, Value, json};

use crate::mutate::Numbers;
use crate::{shown, text};

/// Marks of YAML and texts that look like other types.
pub(crate) const WORDS: [&str; 40] = [
    "- ",
    ": ",
    "? ",
    "&a ",
    "*a",
    "<<: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "|",
    ">-",
    "|+2\n",
    "\n",
    "\n  ",
    "\t",
    "#",
    " # c\n",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "!!str ",
    "!!binary ",
    "!!int ",
    "'",
    "\"",
    "\\u0000",
    "~",
    "null",
    "yes",
    "0o17",
    "1_000",
    "1:30",
    ".inf",
    ".nan",
    "1e999",
    "2001-01-01",
    "\u{feff}",
    "\u{1F600}",
];

/// Keeps every node that an alias repeats countable in a short time.
const LIMITS: Limits = Limits { depth: 200, nodes: 200_000 };

/// What can be read as JSON prints, and reads back as the same; both readers end on all texts.
pub(crate) fn read_text_prints_and_reads_back(bytes: &[u8]) {
    for node in parse_all(text(bytes), LIMITS).unwrap_or_default() {
        let _ = yaml11_to_json(&node);
        if let Ok(value) = to_json(&node) {
            reads_back(&value);
        }
    }
}

/// Documents of plain blocks are read in a short way; with a directive before them the full parser reads them to the same.
pub(crate) fn both_ways_of_reading_agree(bytes: &[u8]) {
    let text = text(bytes);
    // Directives, and what may or may not stand between documents, are not alike behind a directive.
    if text.starts_with('%') || text.contains("\n%") || text.contains(['\u{feff}', '\r']) {
        return;
    }
    let read = |text: &str| {
        parse_all(text, LIMITS).map(|nodes| nodes.iter().map(|node| to_json(node).ok()).collect::<Vec<_>>())
    };
    let (own, full) = (read(text), read(&format!("%YAML 1.2\n---\n{text}")));
    match (own, full) {
        (Ok(own), Ok(full)) if own == full => {}
        (Err(_), Err(_)) => {}
        (own, full) => panic!("{} and with a directive {}", shown(&format!("{own:?}")), shown(&format!("{full:?}"))),
    }
}

/// Any JSON value prints, and reads back as the same.
pub(crate) fn values_print_and_read_back(bytes: &[u8]) {
    let mut source = Source { bytes, numbers: Numbers::new(bytes.len() as u64) };
    reads_back(&source.value(0));
}

fn reads_back(value: &Value) {
    // A text that stands alone can be folded so that a line looks like the end of the document, in Go as here.
    let value = json!({"value": value});
    let Ok(printed) = print_json(&value) else { return };
    // This key is printed without quotes and read as a merge, in Go as here.
    if printed.contains("<<: ") || printed.contains("<<:\n") {
        return;
    }
    let read = match parse(&printed, Limits::default()).map(|node| node.as_ref().map(to_json).transpose()) {
        Ok(Ok(read)) => read.unwrap_or_default(),
        Ok(Err(err)) | Err(err) => panic!("{:?} cannot be read: {err}", shown(&printed)),
    };
    if let Some(place) = first_difference(&read, &value) {
        panic!("reads back otherwise: {place}");
    }
}

/// Where two values differ; numbers are compared by their value, because a whole float is printed like an integer.
fn first_difference(read: &Value, value: &Value) -> Option<String> {
    match (read, value) {
        (Value::Object(read), Value::Object(value)) if read.len() == value.len() => {
            value.iter().find_map(|(key, value)| {
                read.get(key).map_or_else(|| Some(format!("no {key:?}")), |read| first_difference(read, value))
            })
        }
        (Value::Array(read), Value::Array(value)) if read.len() == value.len() => {
            read.iter().zip(value).find_map(|(read, value)| first_difference(read, value))
        }
        (Value::Number(read), Value::Number(value)) if read.as_f64() == value.as_f64() => None,
        (read, value) => {
            (read != value).then(|| format!("{:?} was {:?}", shown(&read.to_string()), shown(&value.to_string())))
        }
    }
}

/// Makes a value of bytes.
struct Source<'a> {
    bytes: &'a [u8],
    numbers: Numbers,
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 40).min(self.bytes.len());
        let (piece, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        let mut text = String::from_utf8_lossy(piece).into_owned();
        if self.byte().is_multiple_of(4) {
            text.push_str(WORDS[self.numbers.below(WORDS.len())]);
        }
        text
    }

    fn value(&mut self, depth: usize) -> Value {
        let items = usize::from(self.byte() % 5);
        match self.byte() % 8 {
            0 if depth < 20 => (0..items).map(|_| self.value(depth + 1)).collect(),
            1 | 2 if depth < 20 => {
                Value::Object((0..items).map(|_| (self.text(), self.value(depth + 1))).collect::<Map<_, _>>())
            }
            3 => Value::Bool(items > 2),
            4 => i64::from_le_bytes([0; 8].map(|_: u8| self.byte())).into(),
            5 => Number::from_f64(f64::from_bits(u64::from_le_bytes([0; 8].map(|_: u8| self.byte()))))
                .map_or(Value::Null, Value::Number),
            _ => Value::String(self.text()),
        }
    }
}
