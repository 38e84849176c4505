//! Go's syntax, read into the tree that the automata are built from.

use regex_syntax::hir::{Capture, Class, ClassUnicode, Hir, Look, Repetition};

use super::class;
use super::error::{Fault, SyntaxError};

/// The highest count of a repetition, and of what nested ones multiply to.
const MAX_REPEAT: u32 = 1000;
/// How deep groups and repetitions may nest.
const MAX_DEPTH: usize = 1000;

/// A pattern that was read.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The names of the groups by number, of which the first is the whole match.
    pub(super) names: Vec<Option<String>>,
}

/// Reads a pattern with the flags that `regexp.Compile` sets.
pub(super) fn parse(pattern: &str) -> Result<Parsed, SyntaxError> {
    let mut parser = Parser { pattern, flags: Flags::default(), groups: vec![Group::default()], names: vec![None] };
    let mut rest = pattern;
    let mut last_repeat = None;
    while !rest.is_empty() {
        let before = rest;
        let step = parser.step(rest, last_repeat)?;
        rest = step.rest;
        last_repeat = step.repeat.then_some(before);
    }
    match parser.groups.pop() {
        Some(whole) if parser.groups.is_empty() => Ok(Parsed { hir: whole.finish().hir, names: parser.names }),
        _ => Err(Fault::MissingParenthesis.at(pattern)),
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    swap_greed: bool,
}

/// A part of the tree with what bounds its nesting.
struct Piece {
    hir: Hir,
    /// What the counts of nested repetitions multiply to.
    repeats: u32,
    depth: usize,
}

impl Piece {
    fn plain(hir: Hir) -> Self {
        Self { hir, repeats: 1, depth: 1 }
    }
}

/// A group that is not closed yet: alternatives before, and the pieces of the current one.
#[derive(Default)]
struct Group {
    alternatives: Vec<Piece>,
    pieces: Vec<Piece>,
    /// The number where it captures.
    capture: Option<u32>,
    /// The flags to restore when it closes.
    outer: Flags,
}

impl Group {
    fn end_alternative(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        let concatenated = join(pieces, Hir::concat);
        self.alternatives.push(concatenated);
    }

    fn finish(mut self) -> Piece {
        self.end_alternative();
        join(self.alternatives, Hir::alternation)
    }
}

fn join(pieces: Vec<Piece>, combine: impl FnOnce(Vec<Hir>) -> Hir) -> Piece {
    let repeats = pieces.iter().map(|piece| piece.repeats).max().unwrap_or(1);
    let depth = pieces.iter().map(|piece| piece.depth).max().unwrap_or(0) + usize::from(pieces.len() > 1);
    Piece { hir: combine(pieces.into_iter().map(|piece| piece.hir).collect()), repeats, depth }
}

/// What a group does with what it matches.
enum Opening<'a> {
    Plain,
    Numbered,
    Named(&'a str),
}

/// What one step leaves over.
struct Step<'p> {
    rest: &'p str,
    /// Whether it was a repetition, which another must not follow.
    repeat: bool,
}

struct Parser<'p> {
    pattern: &'p str,
    flags: Flags,
    groups: Vec<Group>,
    names: Vec<Option<String>>,
}

impl<'p> Parser<'p> {
    /// Reads one element at the start of `text`, which is not empty.
    fn step(&mut self, text: &'p str, last_repeat: Option<&'p str>) -> Result<Step<'p>, SyntaxError> {
        let mut characters = text.chars();
        let first = characters.next().unwrap_or_default();
        let mut rest = characters.as_str();
        match first {
            '(' if rest.starts_with('?') => rest = self.perl_group(text)?,
            '(' => self.open(&Opening::Numbered)?,
            ')' => self.close()?,
            '|' => self.group().end_alternative(),
            '^' => self.push(Hir::look(if self.flags.multi_line { Look::StartLF } else { Look::Start })),
            '$' => self.push(Hir::look(if self.flags.multi_line { Look::EndLF } else { Look::End })),
            '.' => self.push_class(if self.flags.dot_all { class::any() } else { class::any_but_line_feed() }),
            '[' => rest = self.bracket(text)?,
            '*' => return self.repeat((0, None), text, rest, last_repeat),
            '+' => return self.repeat((1, None), text, rest, last_repeat),
            '?' => return self.repeat((0, Some(1)), text, rest, last_repeat),
            '{' => match counts(text) {
                None => self.push_literal('{'),
                Some((bounds, after)) => {
                    let part = &text[..text.len() - after.len()];
                    let (min, max) = bounds.ok_or_else(|| Fault::RepeatCount.at(part))?;
                    return self.repeat((min, max), text, after, last_repeat);
                }
            },
            '\\' => rest = self.escape(text)?,
            _ => self.push_literal(first),
        }
        Ok(Step { rest, repeat: false })
    }

    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn push(&mut self, hir: Hir) {
        self.group().pieces.push(Piece::plain(hir));
    }

    fn push_class(&mut self, class: ClassUnicode) {
        self.push(Hir::class(Class::Unicode(class)));
    }

    fn push_literal(&mut self, character: char) {
        self.push_code(character.into());
    }

    fn push_code(&mut self, code: u32) {
        let ignore_case = self.flags.ignore_case;
        self.push_class(class::fold(class::range(code, code), ignore_case));
    }

    fn open(&mut self, opening: &Opening<'_>) -> Result<(), SyntaxError> {
        if self.groups.len() >= MAX_DEPTH {
            return Err(Fault::TooDeep.at(self.pattern));
        }
        let name = match opening {
            Opening::Plain => None,
            Opening::Numbered => Some(None),
            Opening::Named(name) => Some(Some((*name).to_owned())),
        };
        let capture = name.map(|name| {
            self.names.push(name);
            u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
        });
        self.groups.push(Group { capture, outer: self.flags, ..Group::default() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        if self.groups.len() < 2 {
            return Err(Fault::UnexpectedParenthesis.at(self.pattern));
        }
        let Some(group) = self.groups.pop() else { return Ok(()) };
        let (capture, outer) = (group.capture, group.outer);
        let mut piece = group.finish();
        if let Some(index) = capture {
            piece.hir = Hir::capture(Capture { index, name: None, sub: Box::new(piece.hir) });
            piece.depth += 1;
        }
        if piece.depth > MAX_DEPTH {
            return Err(Fault::TooDeep.at(self.pattern));
        }
        self.flags = outer;
        self.group().pieces.push(piece);
        Ok(())
    }

    /// Repeats the last piece; `text` starts at the operator and `after` behind it.
    fn repeat(
        &mut self,
        (min, max): (u32, Option<u32>),
        text: &'p str,
        after: &'p str,
        last_repeat: Option<&'p str>,
    ) -> Result<Step<'p>, SyntaxError> {
        let (lazy, rest) = after.strip_prefix('?').map_or((false, after), |rest| (true, rest));
        if let Some(last) = last_repeat {
            return Err(Fault::NestedRepetition.at(&last[..last.len() - rest.len()]));
        }
        let part = &text[..text.len() - rest.len()];
        let greedy = lazy == self.flags.swap_greed;
        let piece = self.group().pieces.pop().ok_or_else(|| Fault::MissingArgument.at(part))?;
        let count = max.unwrap_or(min).max(min);
        let repeats = if text.starts_with('{') { piece.repeats.saturating_mul(count.max(1)) } else { piece.repeats };
        if repeats > MAX_REPEAT {
            return Err(Fault::RepeatCount.at(part));
        }
        let depth = piece.depth + 1;
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep.at(self.pattern));
        }
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(piece.hir) });
        self.group().pieces.push(Piece { hir, repeats, depth });
        Ok(Step { rest, repeat: true })
    }

    /// `(?flags)`, `(?flags:`, `(?P<name>` and `(?<name>`.
    fn perl_group(&mut self, text: &'p str) -> Result<&'p str, SyntaxError> {
        if let Some(named) =
            text.strip_prefix("(?P<").or_else(|| text.strip_prefix("(?<")).filter(|rest| !rest.is_empty())
        {
            let (name, rest) = named.split_once('>').ok_or_else(|| Fault::NamedCapture.at(text))?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(Fault::NamedCapture.at(&text[..text.len() - rest.len()]));
            }
            self.open(&Opening::Named(name))?;
            return Ok(rest);
        }
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, false);
        let mut characters = text[2..].chars();
        while let Some(character) = characters.next() {
            match character {
                'i' => flags.ignore_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'U' => flags.swap_greed = on,
                '-' if on => {
                    (on, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    if character == ':' {
                        self.open(&Opening::Plain)?;
                    }
                    self.flags = flags;
                    return Ok(characters.as_str());
                }
                _ => break,
            }
            saw_flag = true;
        }
        Err(Fault::PerlSyntax.at(&text[..text.len() - characters.as_str().len()]))
    }

    /// What starts with a backslash, outside of brackets.
    fn escape(&mut self, text: &'p str) -> Result<&'p str, SyntaxError> {
        let rest = text.get(2..).unwrap_or_default();
        match text.as_bytes().get(1) {
            Some(b'A') => self.push(Hir::look(Look::Start)),
            Some(b'z') => self.push(Hir::look(Look::End)),
            Some(b'b') => self.push(Hir::look(Look::WordAscii)),
            Some(b'B') => self.push(Hir::look(Look::WordAsciiNegate)),
            Some(b'C') => return Err(Fault::Escape.at(r"\C")),
            Some(b'Q') => {
                let (literal, rest) = rest.split_once(r"\E").unwrap_or((rest, ""));
                literal.chars().for_each(|character| self.push_literal(character));
                return Ok(rest);
            }
            _ => {
                if let Some((class, rest)) = self.class_escape(text)? {
                    self.push_class(class);
                    return Ok(rest);
                }
                let (code, rest) = character_escape(text)?;
                self.push_code(code);
                return Ok(rest);
            }
        }
        Ok(rest)
    }

    /// A class such as `\d` or `\pL` at the start of `text`.
    fn class_escape(&self, text: &'p str) -> Result<Option<(ClassUnicode, &'p str)>, SyntaxError> {
        let Some(escaped) = text.strip_prefix('\\') else { return Ok(None) };
        let Some(letter) = escaped.chars().next() else { return Ok(None) };
        let rest = &escaped[letter.len_utf8()..];
        if matches!(letter, 'p' | 'P') {
            return self.unicode_class(text, rest, letter == 'p').map(Some);
        }
        Ok(class::perl(letter, self.flags.ignore_case).map(|class| (class, rest)))
    }

    fn unicode_class(
        &self,
        text: &'p str,
        rest: &'p str,
        positive: bool,
    ) -> Result<(ClassUnicode, &'p str), SyntaxError> {
        let (name, rest) = match rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or_else(|| Fault::CharacterRange.at(text))?,
            None => rest.split_at(rest.chars().next().map_or(0, char::len_utf8)),
        };
        let (name, positive) = name.strip_prefix('^').map_or((name, positive), |name| (name, !positive));
        let class = class::unicode(name, self.flags.ignore_case)
            .ok_or_else(|| Fault::CharacterRange.at(&text[..text.len() - rest.len()]))?;
        Ok((class::signed(class, positive), rest))
    }

    /// A class in brackets at the start of `text`.
    fn bracket(&mut self, text: &'p str) -> Result<&'p str, SyntaxError> {
        let (mut rest, positive) = text[1..].strip_prefix('^').map_or((&text[1..], true), |rest| (rest, false));
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            let (members, after) = self.bracket_member(rest, text)?;
            class.union(&members);
            rest = after;
        }
        self.push_class(class::signed(class, positive));
        Ok(&rest[1..])
    }

    fn bracket_member(&self, text: &'p str, whole: &str) -> Result<(ClassUnicode, &'p str), SyntaxError> {
        if let Some((name, rest)) = text.strip_prefix("[:").and_then(|named| named.split_once(":]")) {
            let class = class::posix(name, self.flags.ignore_case)
                .ok_or_else(|| Fault::CharacterRange.at(&text[..text.len() - rest.len()]))?;
            return Ok((class, rest));
        }
        if let Some(found) = self.class_escape(text)? {
            return Ok(found);
        }
        let (low, rest) = bracket_character(text, whole)?;
        let Some(upper) = rest.strip_prefix('-').filter(|upper| !upper.is_empty() && !upper.starts_with(']')) else {
            return Ok((class::fold(class::range(low, low), self.flags.ignore_case), rest));
        };
        let (high, rest) = bracket_character(upper, whole)?;
        if high < low {
            return Err(Fault::CharacterRange.at(&text[..text.len() - rest.len()]));
        }
        Ok((class::fold(class::range(low, high), self.flags.ignore_case), rest))
    }
}

fn bracket_character<'p>(text: &'p str, whole: &str) -> Result<(u32, &'p str), SyntaxError> {
    match text.chars().next() {
        None => Err(Fault::MissingBracket.at(whole)),
        Some('\\') => character_escape(text),
        Some(character) => Ok((character.into(), &text[character.len_utf8()..])),
    }
}

/// The character that an escape at the start of `text` stands for.
fn character_escape(text: &str) -> Result<(u32, &str), SyntaxError> {
    let mut characters = text[1..].chars();
    let Some(letter) = characters.next() else { return Err(Fault::TrailingBackslash.at("")) };
    let code = match letter {
        'a' => Some(0x07),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        'x' => hexadecimal(&mut characters),
        // A single digit would be a back-reference.
        '1'..='7' if !characters.as_str().starts_with(|next| matches!(next, '0'..='7')) => None,
        '0'..='7' => Some(octal(letter, &mut characters)),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Some(letter.into()),
        _ => None,
    };
    let rest = characters.as_str();
    code.map(|code| (code, rest)).ok_or_else(|| Fault::Escape.at(&text[..text.len() - rest.len()]))
}

/// Up to three octal digits, of which the first was read.
fn octal(first: char, characters: &mut std::str::Chars<'_>) -> u32 {
    let mut code = first.to_digit(8).unwrap_or_default();
    for _ in 0..2 {
        let Some(digit) = characters.as_str().chars().next().and_then(|next| next.to_digit(8)) else { break };
        characters.next();
        code = code * 8 + digit;
    }
    code
}

/// Two hexadecimal digits, or any number of them in braces.
fn hexadecimal(characters: &mut std::str::Chars<'_>) -> Option<u32> {
    let first = characters.next()?;
    if first != '{' {
        let second = characters.next();
        return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
    }
    let (mut code, mut digits) = (0_u32, 0);
    loop {
        match characters.next()? {
            '}' => return (digits > 0).then_some(code),
            character => code = code * 16 + character.to_digit(16)?,
        }
        digits += 1;
        if code > char::MAX.into() {
            return None;
        }
    }
}

/// The least and the most repetitions; no most is no bound.
type Bounds = (u32, Option<u32>);

/// `{n}`, `{n,}` or `{n,m}` at the start of `text`; no bounds where they are beyond reason.
fn counts(text: &str) -> Option<(Option<Bounds>, &str)> {
    let (min, rest) = count(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => count(rest).map(|(max, rest)| (Some(max), rest))?,
    };
    let rest = rest.strip_prefix('}')?;
    let reasonable = min <= MAX_REPEAT && max.is_none_or(|max| (min..=MAX_REPEAT).contains(&max));
    Some((reasonable.then_some((min, max)), rest))
}

/// A number without leading zeros.
fn count(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let digits = &text[..end];
    let written = !digits.is_empty() && (digits.len() == 1 || !digits.starts_with('0'));
    written.then(|| (digits.parse().unwrap_or(u32::MAX), &text[end..]))
}
