//! Which token each comment belongs to, by the rules of yaml.v3.
//!
//! A comment is the head of what follows, the foot of what precedes, or stands in the line of a token. What it is
//! hangs on empty lines, on its column and on the indentation of the block around it.

use super::scan::{Kind, Style, signed};

/// Blanks beyond this are not looked through for a comment.
const LOOK: usize = 512;

/// A comment, or several that belong together.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) role: Role,
    pub(super) text: String,
    /// The comment is handed over with the first token that begins here or behind.
    pub(super) token: isize,
    /// Where the blank room begins that the comment was found in.
    room: isize,
    start: isize,
    column: usize,
    end: isize,
}

/// What a comment is to its token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Head,
    Line,
    Foot,
}

/// A text by its characters.
pub(super) struct Text {
    chars: Vec<char>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut lines = vec![0];
        for (index, c) in chars.iter().enumerate() {
            let pair = *c == '\r' && chars.get(index + 1) == Some(&'\n');
            if is_break(*c) && !pair {
                lines.push(index + 1);
            }
        }
        Self { chars, lines }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    fn at(&self, index: usize) -> Option<char> {
        self.chars.get(index).copied()
    }

    fn line(&self, index: usize) -> usize {
        self.lines.partition_point(|start| *start <= index).saturating_sub(1)
    }

    fn column(&self, index: usize) -> usize {
        index - self.lines[self.line(index)]
    }

    /// How many line breaks stand between the last character that is no blank and `index`.
    fn breaks_before(&self, index: usize) -> usize {
        let blanks = self.chars[..index].iter().rev().take_while(|c| is_blank(**c) || is_break(**c)).count();
        self.line(index) - self.line(index - blanks)
    }

    fn end_of_line(&self, index: usize) -> usize {
        let rest = &self.chars[index.min(self.len())..];
        index + rest.iter().position(|c| is_break(*c)).unwrap_or(rest.len())
    }

    fn slice(&self, start: usize, end: usize) -> impl Iterator<Item = char> + '_ {
        self.chars[start..end].iter().copied()
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Collects comments while the tokens go by.
pub(super) struct Comments {
    text: Text,
    pub(super) found: Vec<Comment>,
    /// Up to where the text is read.
    at: usize,
    /// Where the room before the present token began.
    room: usize,
    flow: usize,
    /// The columns of the open blocks.
    indents: Vec<usize>,
    /// The last token and the one before it, for what follows them.
    last: Option<Last>,
    before_last: Option<Last>,
    /// While blocks end: where the last one ended.
    ended: Option<isize>,
}

#[derive(Clone, Copy)]
struct Last {
    start: usize,
    value: bool,
    comma: bool,
}

impl Comments {
    pub(super) fn new(text: Text) -> Self {
        Self {
            text,
            found: Vec::new(),
            at: 0,
            room: 0,
            flow: 0,
            indents: Vec::new(),
            last: None,
            before_last: None,
            ended: None,
        }
    }

    /// Where the next token begins.
    pub(super) fn next_sign(&self) -> usize {
        let mut at = self.at;
        loop {
            match self.text.at(at) {
                Some('#') => at = self.text.end_of_line(at),
                Some(c) if is_blank(c) || is_break(c) => at += 1,
                _ => return at,
            }
        }
    }

    /// Reads the room before the token at `start`.
    pub(super) fn before(&mut self, start: usize) {
        self.room = self.at;
        self.ended = None;
        while self.at < start {
            match self.text.at(self.at) {
                Some('#') if self.last.is_some() => self.room_comments(),
                Some(_) => self.at += 1,
                None => break,
            }
        }
        self.at = start;
    }

    /// Where the end of a block stands that the token at `start` ends. Comments below it that are as far indented as
    /// the block belong to what is around it, and come after the end.
    pub(super) fn block_end(&mut self, start: usize, next: &Kind) -> isize {
        let indent = self.indents.pop().unwrap_or_default();
        // The end of a document closes the blocks at its own column too, in a second go.
        let column = self.text.column(start);
        let second = indent <= column && matches!(next, Kind::StreamEnd | Kind::DocumentStart | Kind::DocumentEnd);
        let room = if second { start } else { self.room };
        let mut mark = match self.ended {
            Some(mark) if !second => mark,
            _ => signed(room) - 1,
        };
        let mut stop = mark;
        for comment in self.found.iter().rev() {
            if comment.end < stop {
                break;
            }
            if comment.column == indent + 1 {
                mark = comment.start;
            }
            stop = comment.room;
        }
        if !second {
            self.ended = Some(mark);
        }
        mark
    }

    /// Takes note of a token without room that begins a block.
    pub(super) fn inserted(&mut self, kind: &Kind, start: usize) {
        if matches!(kind, Kind::BlockSequenceStart | Kind::BlockMappingStart) {
            self.indents.push(self.text.column(start));
        }
    }

    /// Takes note of a token, and reads the comment in its line. `before` is where the token before it begins.
    pub(super) fn after(&mut self, kind: &Kind, start: usize, end: usize, before: Option<isize>) {
        match kind {
            Kind::FlowSequenceStart | Kind::FlowMappingStart => self.flow += 1,
            Kind::FlowSequenceEnd | Kind::FlowMappingEnd => self.flow = self.flow.saturating_sub(1),
            _ => {}
        }
        self.before_last = self.last;
        self.last = Some(Last { start, value: *kind == Kind::Value, comma: *kind == Kind::FlowEntry });
        self.at = end.max(self.at);
        match kind {
            Kind::StreamStart | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd | Kind::BlockEntry => return,
            Kind::Directive => {
                self.at = self.text.end_of_line(self.at);
                return;
            }
            Kind::Scalar(Style::Block, _) => self.header_comment(start),
            _ => {}
        }
        if let Kind::Scalar(style, _) = kind
            && *style != Style::Quoted
        {
            while self.text.at(self.at).is_some_and(|c| is_blank(c) || is_break(c)) {
                self.at += 1;
            }
        }
        let outer = match kind {
            Kind::Value => self.flow == 0,
            Kind::FlowEntry => self.flow > 0,
            _ => false,
        };
        let token = before.filter(|_| outer).unwrap_or_else(|| signed(start));
        self.line_comment(token);
    }

    /// The comment behind the sign that begins a block of text.
    fn header_comment(&mut self, start: usize) {
        let mut at = start + 1;
        while self.text.at(at).is_some_and(|c| matches!(c, '0'..='9' | '+' | '-' | ' ' | '\t')) {
            at += 1;
        }
        if self.text.at(at) == Some('#') {
            let end = self.text.end_of_line(at);
            self.push_line(signed(start), at, end);
        }
    }

    fn line_comment(&mut self, token: isize) {
        if self.text.breaks_before(self.at.min(self.text.len())) > 0 {
            return;
        }
        let blanks = (self.at..).take(LOOK).take_while(|at| self.text.at(*at).is_some_and(is_blank)).count();
        let at = self.at + blanks;
        if blanks < LOOK && self.text.at(at) == Some('#') {
            self.at = self.text.end_of_line(at);
            self.push_line(token, at, self.at);
        }
    }

    fn push_line(&mut self, token: isize, start: usize, end: usize) {
        let text = self.text.slice(start, end).collect();
        let column = self.text.column(start);
        // No block's end looks back beyond a comment in a line.
        self.found.push(Comment { role: Role::Line, text, token, room: 0, start: signed(start), column, end: -2 });
    }

    /// Reads the comments from here up to the next token or the end of the blanks that are looked through.
    fn room_comments(&mut self) {
        let mut group = Group::new(self);
        group.run();
    }
}

/// Comments that follow one another, while they are sorted into feet and heads.
struct Group<'c> {
    comments: &'c mut Comments,
    /// The token that a foot belongs to.
    token: isize,
    /// Whether that token is the sign between a key and its value.
    after_value: bool,
    room: isize,
    text: String,
    start: isize,
    start_line: usize,
    /// Counted from 1.
    start_column: usize,
    /// The line on which a comment must begin to be a foot.
    foot_line: Option<usize>,
    first_empty: bool,
}

impl<'c> Group<'c> {
    fn new(comments: &'c mut Comments) -> Self {
        let at = comments.at;
        let text = &comments.text;
        let mut last = comments.last;
        if last.is_some_and(|last| last.comma) {
            last = comments.before_last.or(last);
        }
        let breaks = text.breaks_before(at);
        let foot_line = (text.line(comments.room) > 0).then(|| {
            let below = usize::from(breaks == 0 && text.column(at) > 1);
            text.line(at) + 1 - breaks + below
        });
        Self {
            token: last.map_or(0, |last| signed(last.start)),
            after_value: last.is_some_and(|last| last.value),
            room: signed(comments.room),
            text: String::new(),
            start: 0,
            start_line: 0,
            start_column: 0,
            foot_line,
            first_empty: breaks <= 1,
            comments,
        }
    }

    fn indent(&self) -> usize {
        self.comments.indents.last().copied().unwrap_or_default()
    }

    /// Whether the text stands left of the block.
    fn dedented(&self) -> bool {
        self.start_column < self.indent() + 1
    }

    fn run(&mut self) {
        let mut line = self.comments.text.line(self.comments.at);
        let mut column = self.comments.text.column(self.comments.at);
        let mut recent_empty = false;
        let mut peek = 0;
        while peek < LOOK {
            column += 1;
            let here = self.comments.at + peek;
            let c = self.comments.text.at(here);
            if c.is_some_and(is_blank) {
                peek += 1;
                continue;
            }
            let close = self.comments.flow > 0 && matches!(c, Some(']' | '}'));
            let at_break = c.is_some_and(is_break);
            if close || at_break || c.is_none() {
                if close || !recent_empty {
                    self.empty_line(close, c.is_none(), here);
                }
                if !at_break {
                    break;
                }
                self.first_empty = false;
                recent_empty = true;
                column = 0;
                line += 1;
                peek += 1;
                continue;
            }
            if !self.text.is_empty() && column < self.indent() + 1 && column != self.start_column {
                self.foot(here);
            }
            if c != Some('#') {
                break;
            }
            if self.text.is_empty() {
                self.start = signed(here);
                self.start_line = line;
                self.start_column = column;
            } else {
                self.text.push('\n');
            }
            recent_empty = false;
            let end = self.comments.text.end_of_line(here);
            self.text.extend(self.comments.text.slice(here, end));
            self.comments.at = end;
            // The line break behind the comment is stepped over without being looked at.
            peek = 1;
            column = 0;
            line = self.comments.text.line(end);
        }
        if !self.text.is_empty() {
            let end = signed(self.comments.at + peek) - 1;
            self.push(Role::Head, self.start, end);
        }
    }

    /// An empty line, or the end of a flow collection or of the text: what is above it may be a foot.
    fn empty_line(&mut self, close: bool, at_end: bool, here: usize) {
        let adjacent = Some(self.start_line) == self.foot_line && !self.after_value;
        if close || self.first_empty && (adjacent || self.dedented()) {
            if !self.text.is_empty() {
                if self.dedented() {
                    self.token = self.start;
                }
                self.foot(here);
            }
        } else if !self.text.is_empty() && !at_end {
            self.text.push('\n');
        }
    }

    fn foot(&mut self, here: usize) {
        self.push(Role::Foot, self.token, signed(here));
        self.room = signed(here);
        self.token = self.room;
    }

    fn push(&mut self, role: Role, token: isize, end: isize) {
        let text = std::mem::take(&mut self.text);
        let comment = Comment { role, text, token, room: self.room, start: self.start, column: self.start_column, end };
        self.comments.found.push(comment);
    }
}
