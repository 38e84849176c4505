//! From text to items.

use memchr::memmem;

use crate::strconv::{is_digit, is_letter, is_print};
use crate::value::decode_rune;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn of_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"." => Self::Dot,
            b"block" => Self::Block,
            b"break" => Self::Break,
            b"continue" => Self::Continue,
            b"define" => Self::Define,
            b"else" => Self::Else,
            b"end" => Self::End,
            b"if" => Self::If,
            b"range" => Self::Range,
            b"nil" => Self::Nil,
            b"template" => Self::Template,
            b"with" => Self::With,
            _ => return None,
        })
    }

    pub(super) fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// Where it starts in the text.
    pub(super) at: usize,
    /// Where it ends in the text.
    pub(super) end: usize,
    pub(super) line: usize,
}

/// Which words are keywords.
#[derive(Clone, Copy)]
pub(super) struct Keywords {
    pub(super) breaks: bool,
    pub(super) continues: bool,
}

/// Cuts a template's text into items.
pub(super) struct Lexer<'t> {
    input: &'t [u8],
    at: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    in_action: bool,
    /// What is wrong with the text, after an error.
    fault: Option<String>,
    keywords: Keywords,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";

/// What a scanning step leads to.
enum Step {
    Item(Item),
    Text,
}

type Scanned = Result<(), String>;

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t [u8], keywords: Keywords) -> Self {
        Self { input, at: 0, start: 0, line: 1, start_line: 1, parens: 0, in_action: false, fault: None, keywords }
    }

    pub(super) fn next_item(&mut self) -> Item {
        if self.fault.is_some() {
            return Item { kind: Kind::Eof, at: 0, end: 0, line: self.start_line };
        }
        loop {
            let step = if self.in_action { self.action().map(Step::Item) } else { self.text() };
            match step {
                Ok(Step::Item(item)) => return item,
                Ok(Step::Text) => {}
                Err(message) => {
                    self.fault = Some(message);
                    return Item { kind: Kind::Error, at: self.start, end: self.start, line: self.start_line };
                }
            }
        }
    }

    /// What is wrong, after an item that is an error.
    pub(super) fn fault(&self) -> &str {
        self.fault.as_deref().unwrap_or_default()
    }

    #[inline]
    fn rest(&self) -> &'t [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn peek(&self) -> Option<char> {
        decode_rune(self.rest()).map(|(rune, _)| rune)
    }

    fn next(&mut self) -> Option<char> {
        let (rune, size) = decode_rune(self.rest())?;
        self.at += size;
        if rune == '\n' {
            self.line += 1;
        }
        Some(rune)
    }

    fn item(&mut self, kind: Kind) -> Item {
        let item = Item { kind, at: self.start, end: self.at, line: self.start_line };
        self.start = self.at;
        self.start_line = self.line;
        item
    }

    /// Counts the lines of what was passed over without [`Lexer::next`].
    fn count_lines(&mut self) {
        let passed = self.input.get(self.start..self.at).unwrap_or_default();
        self.line += newlines(passed);
    }

    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.at;
        self.start_line = self.line;
    }

    fn text(&mut self) -> Result<Step, String> {
        let rest = self.rest();
        let Some(length) = memmem::find(rest, LEFT) else {
            self.at = self.input.len();
            if self.at > self.start {
                self.count_lines();
                return Ok(Step::Item(self.item(Kind::Text)));
            }
            return Ok(Step::Item(self.item(Kind::Eof)));
        };
        if length > 0 {
            self.at += length;
            let after = self.input.get(self.at + LEFT.len()..).unwrap_or_default();
            let text = self.input.get(self.start..self.at).unwrap_or_default();
            let trimmed = if has_left_marker(after) { trailing_spaces(text) } else { 0 };
            self.at -= trimmed;
            self.count_lines();
            let item = self.item(Kind::Text);
            self.at += trimmed;
            self.ignore();
            if item.end > item.at {
                return Ok(Step::Item(item));
            }
        }
        self.left_delim()
    }

    fn left_delim(&mut self) -> Result<Step, String> {
        self.at += LEFT.len();
        let marker = if has_left_marker(self.rest()) { 2 } else { 0 };
        let after = self.input.get(self.at + marker..).unwrap_or_default();
        if after.starts_with(b"/*") {
            self.at += marker;
            self.ignore();
            self.comment()?;
            return Ok(Step::Text);
        }
        let item = self.item(Kind::LeftDelim);
        self.in_action = true;
        self.at += marker;
        self.ignore();
        self.parens = 0;
        Ok(Step::Item(item))
    }

    fn comment(&mut self) -> Scanned {
        self.at += 2;
        let length = memmem::find(self.rest(), b"*/").ok_or("unclosed comment")?;
        self.at += length + 2;
        let trims = self.at_right_delim().ok_or("comment ends before closing delimiter")?;
        self.count_lines();
        self.start = self.at;
        self.start_line = self.line;
        self.right_delim_end(trims);
        self.ignore();
        Ok(())
    }

    /// Passes a right delimiter and the spaces that its marker trims.
    fn right_delim_end(&mut self, trims: bool) {
        self.at += RIGHT.len();
        if trims {
            self.at += 2;
            self.at += leading_spaces(self.rest());
        }
    }

    /// Whether a right delimiter is next, and whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_marker(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delim(&mut self, trims: bool) -> Item {
        if trims {
            self.at += 2;
            self.ignore();
        }
        self.at += RIGHT.len();
        let item = self.item(Kind::RightDelim);
        if trims {
            self.at += leading_spaces(self.rest());
            self.ignore();
        }
        self.in_action = false;
        item
    }

    fn action(&mut self) -> Result<Item, String> {
        if let Some(trims) = self.at_right_delim() {
            if self.parens > 0 {
                return Err("unclosed left paren".to_owned());
            }
            return Ok(self.right_delim(trims));
        }
        let rune = self.peek().ok_or("unclosed action")?;
        if is_space(rune) {
            return Ok(self.space());
        }
        if rune == '+' || rune == '-' || rune.is_ascii_digit() {
            return self.number();
        }
        if is_alphanumeric(rune) {
            return self.identifier();
        }
        if rune == '.' {
            let digit = self.rest().get(1).is_none_or(u8::is_ascii_digit);
            if digit {
                return self.number();
            }
            self.next();
            return self.field_or_variable(Kind::Field);
        }
        self.next();
        let kind = match rune {
            '=' => Kind::Assign,
            ':' if self.next() == Some('=') => Kind::Declare,
            ':' => return Err("expected :=".to_owned()),
            '|' => Kind::Pipe,
            '"' => {
                self.quoted('"', "unterminated quoted string")?;
                Kind::String
            }
            '\'' => {
                self.quoted('\'', "unterminated character constant")?;
                Kind::CharConstant
            }
            '`' => {
                while self.next().ok_or("unterminated raw quoted string")? != '`' {}
                Kind::RawString
            }
            '$' => return self.field_or_variable(Kind::Variable),
            '(' => {
                self.parens += 1;
                Kind::LeftParen
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                Kind::RightParen
            }
            _ if rune.is_ascii() && is_print(rune) => Kind::Char,
            _ => return Err(format!("unrecognized character in action: {}", unicode(rune))),
        };
        Ok(self.item(kind))
    }

    fn space(&mut self) -> Item {
        let mut count = 0;
        while self.peek().is_some_and(is_space) {
            self.next();
            count += 1;
        }
        // The last space may belong to a trimming right delimiter.
        let from_last = self.input.get(self.at - 1..).unwrap_or_default();
        if has_right_marker(from_last) && from_last.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            self.at -= 1;
            if self.input.get(self.at) == Some(&b'\n') {
                self.line -= 1;
            }
            if count == 1 {
                return self.right_delim(true);
            }
        }
        self.item(Kind::Space)
    }

    fn identifier(&mut self) -> Result<Item, String> {
        self.alphanumerics()?;
        let word = self.input.get(self.start..self.at).unwrap_or_default();
        let kind = match Kind::of_word(word) {
            Some(Kind::Break) if !self.keywords.breaks => Kind::Identifier,
            Some(Kind::Continue) if !self.keywords.continues => Kind::Identifier,
            Some(kind) => kind,
            None if word == b"true" || word == b"false" => Kind::Bool,
            None => Kind::Identifier,
        };
        Ok(self.item(kind))
    }

    /// A field or variable whose first rune is passed.
    fn field_or_variable(&mut self, kind: Kind) -> Result<Item, String> {
        if self.at_terminator() {
            let kind = if kind == Kind::Variable { kind } else { Kind::Dot };
            return Ok(self.item(kind));
        }
        self.alphanumerics()?;
        Ok(self.item(kind))
    }

    fn alphanumerics(&mut self) -> Scanned {
        while let Some((rune, size)) = decode_rune(self.rest())
            && is_alphanumeric(rune)
        {
            self.at += size;
        }
        match self.peek() {
            Some(rune) if !self.at_terminator() => Err(format!("bad character {}", unicode(rune))),
            _ => Ok(()),
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    /// The rest of a string or character, whose opening quote is passed.
    fn quoted(&mut self, quote: char, unterminated: &str) -> Scanned {
        loop {
            match self.next() {
                Some('\\') if self.next().is_some_and(|rune| rune != '\n') => {}
                Some(rune) if rune == quote => return Ok(()),
                None | Some('\n' | '\\') => return Err(unterminated.to_owned()),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Result<Item, String> {
        if !self.scan_number() {
            return Err(self.bad_number());
        }
        if matches!(self.peek(), Some('+' | '-')) {
            let ok = self.scan_number();
            let last = self.at.checked_sub(1).and_then(|at| self.input.get(at));
            if !ok || last != Some(&b'i') {
                return Err(self.bad_number());
            }
            return Ok(self.item(Kind::Complex));
        }
        Ok(self.item(Kind::Number))
    }

    fn bad_number(&self) -> String {
        let text = self.input.get(self.start..self.at).unwrap_or_default();
        format!("bad number syntax: {}", String::from_utf8_lossy(&crate::strconv::quote(text)))
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| valid.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        while self.accept(digits) {}
        if self.accept(b".") {
            while self.accept(digits) {}
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            while self.accept(b"0123456789_") {}
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// The number of line breaks in the text.
pub(super) fn newlines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

fn is_space(rune: char) -> bool {
    matches!(rune, ' ' | '\t' | '\r' | '\n')
}

fn is_space_byte(byte: u8) -> bool {
    is_space(char::from(byte))
}

#[inline]
fn is_alphanumeric(rune: char) -> bool {
    rune == '_' || rune.is_ascii_alphanumeric() || !rune.is_ascii() && (is_letter(rune) || is_digit(rune))
}

fn has_left_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space_byte(*space))
}

fn has_right_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space_byte(*space))
}

fn trailing_spaces(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| is_space_byte(**byte)).count()
}

fn leading_spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_space_byte(**byte)).count()
}

/// The rune as `%#U` prints it.
fn unicode(rune: char) -> String {
    let code = u32::from(rune);
    if is_print(rune) { format!("U+{code:04X} '{rune}'") } else { format!("U+{code:04X}") }
}
