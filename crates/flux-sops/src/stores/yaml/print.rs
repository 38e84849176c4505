//! From trees to text, as yaml.v3 prints with an indentation of four.

use std::borrow::Cow;

use base64::Engine as _;
use flux_yaml::{Resolved, format_float, yaml3, yaml11};

use crate::{Branch, Entry, Key, Value};

/// How many columns a level takes.
const INDENT: usize = 4;
/// The longest key that is written before a colon, in bytes.
const SIMPLE_KEY: usize = 128;
/// How many characters of Base64 stand on a line.
const BASE64_LINE: usize = 70;

/// One document for each branch.
pub(in crate::stores) fn print(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let mut printer = Printer::default();
    for (index, branch) in branches.iter().enumerate() {
        printer.document(&Node::mapping(branch)?, index == 0);
    }
    Ok(printer.text.into_bytes())
}

/// A value with the comments around it.
struct Node<'t> {
    around: Around,
    content: Content<'t>,
}

enum Content<'t> {
    Scalar(Scalar<'t>),
    Sequence(Vec<Node<'t>>),
    Mapping(Vec<(Node<'t>, Node<'t>)>),
}

struct Scalar<'t> {
    text: Cow<'t, str>,
    style: Style,
    tag: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    DoubleQuoted,
    Literal,
}

/// Comments around a node, or waiting to be written.
#[derive(Default)]
struct Around {
    head: String,
    beside: String,
    foot: String,
    /// The foot of the pair before, which is written once the next one begins or the mapping ends.
    tail: String,
}

/// Comments that wait for the value behind them.
#[derive(Default)]
struct Pending {
    above: Vec<String>,
    beside: Vec<String>,
}

impl Pending {
    fn note(&mut self, comment: &crate::Comment) {
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
    fn mapping(branch: &'t [Entry]) -> Result<Self, String> {
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

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Characters beyond the basic plane are not printable to yaml.v3.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// The ways in which a text may be written.
struct Allowed {
    multiline: bool,
    plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Allowed {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, single_quoted: true, block: false };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut tabs) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut previous: Option<char> = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let before_blank = chars.peek().is_none_or(|next| is_blank(*next));
            let after_blank = previous.is_none_or(|previous| is_blank(previous) || is_break(previous));
            indicators |= match c {
                '#' => after_blank,
                ':' => before_blank,
                '?' | '-' => previous.is_none() && before_blank,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                    previous.is_none()
                }
                _ => false,
            };
            tabs |= c == '\t';
            special |= c != '\t' && !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(edge) || text.ends_with(edge);
        let odd = space_break || tabs || special;
        Self {
            multiline: breaks,
            plain: !(indicators || edges || breaks || break_space || odd),
            single_quoted: !(break_space || odd),
            block: !(text.ends_with(' ') || space_break || special),
        }
    }
}

#[derive(Default)]
struct Printer {
    text: String,
    column: usize,
    /// Whether the last character was blank, or stands for one.
    whitespace: bool,
    /// Whether only indentation stands on the line so far.
    indention: bool,
    /// The column of the block that the present node stands in; none at the top.
    indent: Option<usize>,
    /// The column at which a foot was written last: what follows there is set off by an empty line.
    foot_indent: Option<usize>,
    waiting: Around,
    /// A comment that stood beside a collection, for the next key.
    key_beside: String,
}

impl Printer {
    fn document(&mut self, node: &Node<'_>, first: bool) {
        if first {
            self.whitespace = true;
            self.indention = true;
        } else {
            self.write_indent();
            self.indicator("---", true, false, false);
            self.write_indent();
        }
        if !self.waiting.head.is_empty() {
            self.write_head();
            self.put_break();
        }
        self.begin(node);
        self.write_head();
        self.node(node, Context::Value);
        self.foot_indent = Some(0);
        self.write_foot();
        self.foot_indent = None;
        self.write_indent();
    }

    /// Takes the comments that are written with the begin of a node.
    fn begin(&mut self, node: &Node<'_>) {
        replace(&mut self.waiting.head, &node.around.head);
        if matches!(node.content, Content::Scalar(_)) {
            replace(&mut self.waiting.beside, &node.around.beside);
            replace(&mut self.waiting.foot, &node.around.foot);
        }
    }

    /// Takes the comments that are written with the end of a collection.
    fn end(&mut self, node: &Node<'_>) {
        replace(&mut self.waiting.beside, &node.around.beside);
        replace(&mut self.waiting.foot, &node.around.foot);
    }

    /// Writes a node whose begin was taken.
    fn node(&mut self, node: &Node<'_>, context: Context) {
        match &node.content {
            Content::Scalar(scalar) => {
                let indent = self.indent;
                self.indent = Some(self.deeper(context));
                self.scalar(scalar, context);
                self.indent = indent;
            }
            Content::Sequence(_) | Content::Mapping(_) => {}
        }
        if matches!(context, Context::Item | Context::Value) {
            self.write_beside();
            self.write_foot();
        }
        match &node.content {
            Content::Scalar(_) => {}
            Content::Sequence(items) if items.is_empty() => self.empty(node, "[", "]", context),
            Content::Mapping(entries) if entries.is_empty() => self.empty(node, "{", "}", context),
            Content::Sequence(items) => self.sequence(node, items, context),
            Content::Mapping(entries) => self.mapping(node, entries, context),
        }
    }

    fn deeper(&self, context: Context) -> usize {
        match self.indent {
            // The dash takes the first two columns of what is in a list.
            Some(indent) if context == Context::Item => indent + 2,
            Some(indent) => INDENT * ((indent + INDENT) / INDENT),
            None => 0,
        }
    }

    fn empty(&mut self, node: &Node<'_>, open: &str, close: &str, context: Context) {
        self.indicator(open, true, true, false);
        let indent = self.indent;
        // At the top, what stands in brackets is indented.
        self.indent = Some(indent.map_or(INDENT, |_| self.deeper(context)));
        self.end(node);
        let mapping = matches!(node.content, Content::Mapping(_));
        if mapping {
            self.write_head();
        }
        self.indent = indent;
        if !mapping && self.column == 0 {
            self.write_indent();
        }
        self.indicator(close, false, false, false);
        self.write_beside();
        self.write_foot();
    }

    fn sequence(&mut self, node: &Node<'_>, items: &[Node<'_>], context: Context) {
        let indent = self.indent;
        self.indent = Some(self.deeper(context));
        for item in items {
            self.begin(item);
            self.write_head();
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(item, Context::Item);
        }
        self.end(node);
        self.indent = indent;
    }

    fn mapping(&mut self, node: &Node<'_>, entries: &[(Node<'_>, Node<'_>)], context: Context) {
        let indent = self.indent;
        self.indent = Some(self.deeper(context));
        let mut tail = "";
        for (key, value) in entries {
            replace(&mut self.waiting.head, &key.around.head);
            replace(&mut self.waiting.tail, tail);
            tail = &key.around.foot;
            self.write_head();
            self.write_indent();
            if !self.waiting.beside.is_empty() {
                self.key_beside = std::mem::take(&mut self.waiting.beside);
            }
            let simple = is_simple(key);
            if !simple {
                self.indicator("?", true, false, true);
            }
            self.node(key, if simple { Context::SimpleKey } else { Context::LongKey });
            self.begin(value);
            if simple {
                self.indicator(":", false, false, false);
            } else {
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.beside_key(value);
            self.node(value, Context::Value);
        }
        replace(&mut self.waiting.tail, tail);
        self.end(node);
        self.write_head();
        self.indent = indent;
    }

    /// Gives the comment beside a key to its value, or writes it where a block follows.
    fn beside_key(&mut self, value: &Node<'_>) {
        if self.key_beside.is_empty() {
            return;
        }
        if matches!(value.content, Content::Scalar(_)) {
            if self.waiting.beside.is_empty() {
                self.waiting.beside = std::mem::take(&mut self.key_beside);
            }
        } else {
            std::mem::swap(&mut self.waiting.beside, &mut self.key_beside);
            self.write_beside();
            std::mem::swap(&mut self.waiting.beside, &mut self.key_beside);
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, context: Context) {
        let text = scalar.text.as_ref();
        let allowed = Allowed::of(text);
        if !scalar.tag.is_empty() {
            self.space();
            self.put_all(scalar.tag);
            self.whitespace = false;
            self.indention = false;
        }
        let multiline_key = context == Context::SimpleKey && allowed.multiline;
        match scalar.style {
            Style::Plain if allowed.plain && !multiline_key => self.plain(text),
            Style::Plain if allowed.single_quoted && !multiline_key => self.single_quoted(text),
            Style::Literal if allowed.block && context != Context::SimpleKey => self.literal(text),
            Style::Plain | Style::Literal | Style::DoubleQuoted => self.double_quoted(text),
        }
    }

    fn plain(&mut self, text: &str) {
        if !text.is_empty() {
            self.space();
        }
        self.put_all(text);
        self.whitespace = text.is_empty() && self.whitespace;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str) {
        self.indicator("'", true, false, false);
        let mut breaks = false;
        for c in text.chars() {
            if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &str) {
        self.indicator("\"", true, false, false);
        for c in text.chars() {
            if is_printable(c) && !is_break(c) && !matches!(c, '"' | '\\') {
                self.put(c);
            } else {
                self.put_all(&escape(c));
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        if self.waiting.beside.is_empty() {
            self.put_break();
        } else {
            self.write_beside();
        }
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn block_hints(&mut self, text: &str) {
        if text.starts_with(|c: char| c == ' ' || is_break(c)) {
            self.indicator(&INDENT.to_string(), false, false, false);
        }
        let mut end = text.chars().rev();
        match (end.next(), end.next()) {
            (Some(last), _) if !is_break(last) => self.indicator("-", false, false, false),
            (Some(_), before) if before.is_none_or(is_break) => self.indicator("+", false, false, false),
            (Some(_), _) => {}
            (None, _) => self.indicator("-", false, false, false),
        }
    }

    /// Writes the foot of the pair before, and what stands above.
    fn write_head(&mut self) {
        if !self.waiting.tail.is_empty() {
            self.write_indent();
            let tail = std::mem::take(&mut self.waiting.tail);
            self.comment(&tail);
            self.foot_indent = Some(self.indent.unwrap_or_default());
        }
        if !self.waiting.head.is_empty() {
            self.write_indent();
            let head = std::mem::take(&mut self.waiting.head);
            self.comment(&head);
        }
    }

    fn write_beside(&mut self) {
        if self.waiting.beside.is_empty() {
            return;
        }
        self.space();
        let beside = std::mem::take(&mut self.waiting.beside);
        self.comment(&beside);
    }

    fn write_foot(&mut self) {
        if self.waiting.foot.is_empty() {
            return;
        }
        self.write_indent();
        let foot = std::mem::take(&mut self.waiting.foot);
        self.comment(&foot);
        self.foot_indent = Some(self.indent.unwrap_or_default());
    }

    fn comment(&mut self, comment: &str) {
        let mut breaks = false;
        let mut marked = false;
        for c in comment.chars() {
            if is_break(c) {
                self.write_break(c);
                breaks = true;
                marked = false;
                continue;
            }
            if breaks {
                self.write_indent();
            }
            if !marked {
                if c != '#' {
                    self.put_all("# ");
                }
                marked = true;
            }
            self.put(c);
            self.indention = false;
            breaks = false;
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent == Some(indent) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.foot_indent = None;
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indention: bool) {
        if needs_space {
            self.space();
        }
        self.put_all(text);
        self.whitespace = is_space;
        self.indention &= is_indention;
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    fn put(&mut self, c: char) {
        self.text.push(c);
        self.column += 1;
    }

    fn put_all(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    fn write_break(&mut self, c: char) {
        self.text.push(c);
        self.column = 0;
        self.indention = true;
    }

    fn put_break(&mut self) {
        self.write_break('\n');
    }
}

/// What a node is written as.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    /// An item of a list.
    Item,
    /// A key before its colon.
    SimpleKey,
    /// A key on a line of its own.
    LongKey,
    /// The value of a key, or the whole document.
    Value,
}

fn replace(waiting: &mut String, comment: &str) {
    if !comment.is_empty() {
        comment.clone_into(waiting);
    }
}

/// Whether a key may stand before its colon.
fn is_simple(key: &Node<'_>) -> bool {
    match &key.content {
        Content::Scalar(scalar) => !scalar.text.contains(is_break) && scalar.text.len() <= SIMPLE_KEY,
        Content::Sequence(_) | Content::Mapping(_) => false,
    }
}

fn escape(c: char) -> String {
    match c {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{a0}' => "\\_".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        c if u32::from(c) <= 0xff => format!("\\x{:02X}", u32::from(c)),
        c if u32::from(c) <= 0xffff => format!("\\u{:04X}", u32::from(c)),
        c => format!("\\U{:08X}", u32::from(c)),
    }
}
