//! From text to tokens, and the comments between them.

use granit_parser::{Options, ScalarStyle, Scanner, Span, StrInput, TokenType};

use super::comments::{Comment, Comments, Text};
use crate::stores::DEPTH;

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    Directive,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    /// The tag in its short form.
    Tag(String),
    Scalar(Style, String),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    Plain,
    Quoted,
    Block,
}

/// A token and where it begins.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The number of characters before it. The end of a block may stand before the first.
    pub(super) start: isize,
    /// The line, counted from 1.
    pub(super) line: usize,
}

/// The tokens of a text and its comments, both in order.
pub(super) struct Scanned {
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment>,
    /// Where the text goes on no longer, and why.
    pub(super) error: Option<String>,
}

/// Cuts a text up. An error ends the tokens; those before it are there.
pub(super) fn scan(text: &str) -> Scanned {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEPTH;
    options.block_nesting_limit = DEPTH;
    let chars = Text::new(text);
    let cut_at = (!text.ends_with(['\n', '\r'])).then(|| chars.len());
    let mut scanned = Scanned { tokens: Vec::new(), comments: Vec::new(), error: None };
    let mut comments = Comments::new(chars);
    let mut ends = 0;
    let mut inserted = Vec::new();
    for next in Scanner::with_options(StrInput::new(text), options) {
        let (span, token) = match next {
            Ok(token) => token.into_parts(),
            Err(err) => {
                scanned.error = Some(format!("line {}: {}", err.marker().line(), err.info()));
                break;
            }
        };
        let position = Position { start: span.start.index(), end: span.end.index(), line: span.start.line() };
        let Some(kind) = kind(token, &span, cut_at) else { continue };
        match kind {
            Kind::BlockEnd => ends += 1,
            // These stand where the next token does, and take no room.
            Kind::BlockSequenceStart | Kind::BlockMappingStart => inserted.push((kind, position)),
            Kind::Key if position.start == position.end => inserted.push((kind, position)),
            kind => {
                let mut position = position;
                // The parser tells where a block's text begins and a dash ends, not where their signs stand.
                if matches!(kind, Kind::Scalar(Style::Block, _) | Kind::BlockEntry) {
                    position.start = comments.next_sign();
                }
                if matches!(kind, Kind::Value | Kind::BlockEntry) {
                    position.end = position.start + 1;
                }
                comments.before(position.start);
                for _ in 0..std::mem::take(&mut ends) {
                    let start = comments.block_end(position.start, &kind);
                    scanned.tokens.push(Token { kind: Kind::BlockEnd, start, line: position.line });
                }
                for (kind, position) in inserted.drain(..) {
                    comments.inserted(&kind, position.start);
                    scanned.tokens.push(Token { kind, start: signed(position.start), line: position.line });
                }
                let before = scanned.tokens.last().map(|token| token.start);
                comments.after(&kind, position.start, position.end, before);
                scanned.tokens.push(Token { kind, start: signed(position.start), line: position.line });
            }
        }
    }
    scanned.comments = comments.found;
    scanned
}

struct Position {
    start: usize,
    end: usize,
    line: usize,
}

/// A position that may be compared with one before the first character.
pub(super) fn signed(position: usize) -> isize {
    isize::try_from(position).unwrap_or(isize::MAX)
}

fn kind(token: TokenType<'_>, span: &Span, cut_at: Option<usize>) -> Option<Kind> {
    let empty = span.start.index() == span.end.index();
    Some(match token {
        TokenType::StreamStart => Kind::StreamStart,
        TokenType::StreamEnd => Kind::StreamEnd,
        TokenType::VersionDirective(..) | TokenType::TagDirective(..) | TokenType::ReservedDirective(..) => {
            Kind::Directive
        }
        TokenType::DocumentStart => Kind::DocumentStart,
        TokenType::DocumentEnd => Kind::DocumentEnd,
        TokenType::BlockSequenceStart => Kind::BlockSequenceStart,
        TokenType::BlockMappingStart => Kind::BlockMappingStart,
        TokenType::BlockEnd => Kind::BlockEnd,
        TokenType::FlowSequenceStart => Kind::FlowSequenceStart,
        TokenType::FlowSequenceEnd => Kind::FlowSequenceEnd,
        // A pair in a list is told by its key alone.
        TokenType::FlowMappingStart | TokenType::FlowMappingEnd if empty => return None,
        TokenType::FlowMappingStart => Kind::FlowMappingStart,
        TokenType::FlowMappingEnd => Kind::FlowMappingEnd,
        TokenType::BlockEntry => Kind::BlockEntry,
        TokenType::FlowEntry => Kind::FlowEntry,
        TokenType::Key => Kind::Key,
        TokenType::Value => Kind::Value,
        TokenType::Alias(name) => Kind::Alias(name.into_owned()),
        TokenType::Anchor(name) => Kind::Anchor(name.into_owned()),
        TokenType::Tag(handle, suffix) => Kind::Tag(short_tag(&handle, &suffix)),
        TokenType::Scalar(style, text) => {
            let mut text = text.into_owned();
            let style = match style {
                ScalarStyle::Plain => Style::Plain,
                ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
            };
            // A block that the text's end cuts off has no line break there, whatever its header says.
            let cut = cut_at.is_some_and(|last| span.end.index() >= last);
            if style == Style::Block && cut && text.ends_with('\n') {
                text.pop();
            }
            Kind::Scalar(style, text)
        }
        _ => return None,
    })
}

/// `!!str` for the tags of YAML itself, whichever way they are written.
fn short_tag(handle: &str, suffix: &str) -> String {
    let whole = format!("{handle}{suffix}");
    match whole.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}"),
        None => whole,
    }
}
