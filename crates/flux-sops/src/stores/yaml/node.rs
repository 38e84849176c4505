//! Trees as nodes with the comments around them, ready to be printed.

use std::borrow::Cow;

use base64::Engine as _;
use flux_yaml::{Resolved, format_float, yaml3, yaml11};

use crate::{Comment, Entry, Key, Value};

/// How many characters of Base64 stand on a line.
const BASE64_LINE: usize = 70;

/// A value with the comments around it.
pub(super) struct Node<'t> {
    pub(super) around: Around,
    pub(super) content: Content<'t>,
}

pub(super) enum Content<'t> {
    Scalar(Scalar<'t>),
    Sequence(Vec<Node<'t>>),
    Mapping(Vec<(Node<'t>, Node<'t>)>),
}

pub(super) struct Scalar<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) style: Style,
    pub(super) tag: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    Plain,
    DoubleQuoted,
    Literal,
}

/// Comments around a node, or waiting to be written.
#[derive(Default)]
pub(super) struct Around {
    pub(super) head: String,
    pub(super) beside: String,
    pub(super) foot: String,
    /// The foot of the pair before, which is written once the next one begins or the mapping ends.
    pub(super) tail: String,
}

/// Comments that wait for the value behind them.
#[derive(Default)]
struct Pending {
    above: Vec<String>,
    beside: Vec<String>,
}

impl Pending {
    fn note(&mut self, comment: &Comment) {
        let list = if comment.inline { &mut self.beside } else { &mut self.above };
        list.push(comment.text.clone());
    }

    fn above(&mut self) -> String {
        joined(&std::mem::take(&mut self.above))
    }

    fn beside(&mut self) -> String {
        joined(&std::mem::take(&mut self.beside))
    }

    fn rest(mut self) -> String {
        self.above.append(&mut self.beside);
        joined(&self.above)
    }
}

fn joined(comments: &[String]) -> String {
    if comments.is_empty() { String::new() } else { format!("#{}", comments.join("\n#")) }
}

impl<'t> Node<'t> {
    pub(super) fn mapping(branch: &'t [Entry]) -> Result<Self, String> {
        let mut around = Around::default();
        let mut entries: Vec<(Node<'t>, Node<'t>)> = Vec::new();
        let mut pending = Pending::default();
        for entry in branch {
            let name = match &entry.key {
                Key::Comment(comment) => {
                    pending.note(comment);
                    continue;
                }
                Key::Name(name) => name,
                Key::Other { text, .. } => return Err(format!("key {text:?} is no text")),
            };
            if entries.is_empty() {
                around.head = pending.above();
            }
            let mut key = Self::scalar(Scalar::text(name.as_bytes()));
            key.around.head = pending.above();
            let mut value = Self::value(&entry.value)?;
            add_line(&mut value.around.beside, &pending.beside());
            entries.push((key, value));
        }
        let rest = pending.rest();
        match entries.last_mut() {
            Some((key, _)) => key.around.foot = rest,
            None => around.head = rest,
        }
        Ok(Self { around, content: Content::Mapping(entries) })
    }

    fn sequence(list: &'t [Value]) -> Result<Self, String> {
        let mut around = Around::default();
        let mut items: Vec<Node<'t>> = Vec::new();
        let mut pending = Pending::default();
        for value in list {
            if let Value::Comment(comment) = value {
                pending.note(comment);
                continue;
            }
            if items.is_empty() {
                around.head = pending.above();
            }
            let mut item = Self::value(value)?;
            let head = pending.above();
            if !head.is_empty() {
                item.around.head =
                    if item.around.head.is_empty() { head } else { format!("{head}\n{}", item.around.head) };
            }
            add_line(&mut item.around.beside, &pending.beside());
            items.push(item);
        }
        let rest = pending.rest();
        match items.last_mut() {
            Some(item) => add_line(&mut item.around.foot, &rest),
            None => around.head = rest,
        }
        Ok(Self { around, content: Content::Sequence(items) })
    }

    fn value(value: &'t Value) -> Result<Self, String> {
        let plain = |text: String| Scalar { text: Cow::Owned(text), style: Style::Plain, tag: "" };
        Ok(Self::scalar(match value {
            Value::Branch(branch) => return Self::mapping(branch),
            Value::List(items) => return Self::sequence(items),
            Value::Null | Value::Comment(_) => plain("null".to_owned()),
            Value::Bool(truth) => plain(truth.to_string()),
            Value::Int(number) => plain(number.to_string()),
            Value::Uint(number) => plain(number.to_string()),
            Value::Float(number) => plain(float(*number)),
            Value::Time(time) => plain(time.clone()),
            Value::Text(text) => Scalar::text(text),
        }))
    }

    fn scalar(scalar: Scalar<'t>) -> Self {
        Self { around: Around::default(), content: Content::Scalar(scalar) }
    }
}

fn add_line(all: &mut String, more: &str) {
    if !all.is_empty() && !more.is_empty() {
        all.push('\n');
    }
    all.push_str(more);
}

fn float(number: f64) -> String {
    if number.is_nan() {
        ".nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        format_float(number)
    }
}

impl<'t> Scalar<'t> {
    fn text(bytes: &'t [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::binary(bytes) };
        let style = if text.contains('\n') {
            Style::Literal
        } else if yaml3(text) == Resolved::Str && yaml11(text) == Resolved::Str && !is_base_60(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        // yaml.v3 takes its own merge sign for a text until it reads it again.
        let (style, tag) = if text == "<<" { (Style::Plain, "!!merge") } else { (style, "") };
        Self { text: Cow::Borrowed(text), style, tag }
    }

    fn binary(bytes: &[u8]) -> Self {
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        let text = if encoded.len() < BASE64_LINE {
            encoded
        } else {
            // Base64 is ASCII, so any place may be cut at.
            let lines = encoded.as_bytes().chunks(BASE64_LINE).map(String::from_utf8_lossy);
            lines.fold(String::new(), |text, line| text + &line + "\n")
        };
        let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
        Self { text: Cow::Owned(text), style, tag: "!!binary" }
    }
}

/// Numbers to the base of 60, which only older readers know.
fn is_base_60(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !body.starts_with(|c: char| c.is_ascii_digit()) || !body.contains(':') {
        return false;
    }
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut parts = whole.split(':');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let sixty = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    parts.next().is_some_and(digits) && parts.all(sixty) && digits(fraction)
}
