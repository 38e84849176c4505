//! A text as lines, with literal texts put aside.

/// One line that is neither blank nor a comment.
#[derive(Clone, Copy)]
pub(super) struct Line<'t> {
    pub(super) indent: usize,
    pub(super) text: &'t str,
    pub(super) number: u32,
    /// What lies below a line that ends like the header of a literal text.
    pub(super) literal: Option<Literal>,
}

/// A literal text: a part of the document.
#[derive(Clone, Copy)]
pub(super) struct Literal {
    start: usize,
    end: usize,
    /// How far its lines are indented.
    pub(super) indent: usize,
    /// How many blank lines stand before the first one.
    pub(super) blank: u32,
    chomping: Chomping,
}

/// What becomes of the last line breaks.
#[derive(Clone, Copy)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// The lines; none where one of them is not plain. They are counted from `first`.
pub(super) fn lines(text: &str, first: u32) -> Option<Vec<Line<'_>>> {
    let mut lines = Vec::with_capacity(text.len() / 32 + 1);
    let mut raw = Raw { text, at: 0 };
    let mut number = first;
    while let Some(line) = raw.next() {
        let content = line.trim_start_matches(' ');
        let text = content.trim_end_matches(' ');
        if text.is_empty() || text.starts_with('#') {
            if !text.chars().all(may_be_in_comment) {
                return None;
            }
        } else if is_printable(text) {
            let header = chomping(text);
            let indent = line.len() - content.len();
            let mut passed = 0;
            let literal = match header {
                None => None,
                Some(chomping) => Some(literal(&mut raw, chomping, &mut passed)?),
            };
            lines.push(Line { indent, text, number, literal });
            number += passed;
        } else {
            return None;
        }
        number += 1;
    }
    Some(lines)
}

/// Lines with all that is in them.
struct Raw<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Raw<'t> {
    /// The next line, without its line feed.
    fn next(&mut self) -> Option<&'t str> {
        let (line, next) = self.peek()?;
        self.at = next;
        Some(line)
    }

    /// The next line, and where the one behind it begins.
    fn peek(&self) -> Option<(&'t str, usize)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        Some(match rest.find('\n') {
            Some(end) => (&rest[..end], self.at + end + 1),
            None => (rest, self.text.len()),
        })
    }
}

/// How a line ends that may be the header of a literal text.
fn chomping(text: &str) -> Option<Chomping> {
    let (rest, chomping) = if let Some(rest) = text.strip_suffix('|') {
        (rest, Chomping::Clip)
    } else if let Some(rest) = text.strip_suffix("|-") {
        (rest, Chomping::Strip)
    } else {
        (text.strip_suffix("|+")?, Chomping::Keep)
    };
    rest.ends_with(' ').then_some(chomping)
}

/// Passes the lines that are indented as the first of them that is not blank; none where that is not plain.
fn literal(raw: &mut Raw<'_>, chomping: Chomping, passed: &mut u32) -> Option<Literal> {
    let start = raw.at;
    let (mut indent, mut blank) = (0, 0);
    // The longest of the blank lines at the start.
    let mut longest = 0;
    let mut end = start;
    while let Some((line, next)) = raw.peek() {
        let content = line.trim_start_matches(' ');
        let own = line.len() - content.len();
        if content.is_empty() {
            longest = longest.max(own);
        } else {
            if indent == 0 {
                (indent, blank) = (own, *passed);
                if indent == 0 || longest > indent || content.starts_with('\t') {
                    return None;
                }
            }
            if own < indent {
                // A comment may belong to the text, or end it.
                return if content.starts_with('#') {
                    None
                } else {
                    Some(Literal { start, end, indent, blank, chomping })
                };
            }
            if content.starts_with('\t') || !is_printable(content) {
                return None;
            }
        }
        *passed += 1;
        raw.at = next;
        end = next;
    }
    let cut_in_blank = raw.text.ends_with(' ') && raw.text.lines().last().is_some_and(|line| line.trim().is_empty());
    (indent > 0 && !cut_in_blank).then_some(Literal { start, end, indent, blank, chomping })
}

impl Literal {
    /// The text, taken out of the document.
    pub(super) fn text(&self, document: &str) -> Option<String> {
        let part = document.get(self.start..self.end)?;
        let mut text = String::with_capacity(part.len());
        for line in part.split_inclusive('\n') {
            let (line, ended) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
            text.push_str(line.get(self.indent..).unwrap_or_default());
            if ended {
                text.push('\n');
            }
        }
        let kept = text.trim_end_matches('\n').len();
        let breaks = match self.chomping {
            Chomping::Strip => 0,
            Chomping::Clip => usize::from(text.len() > kept),
            Chomping::Keep => text.len() - kept,
        };
        text.truncate(kept + breaks);
        Some(text)
    }
}

/// Whether a text on a line has nothing that has to be interpreted before its grammar.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || text.chars().all(|c| matches!(c, ' '..='~') || !c.is_ascii() && may_be_in_comment(c))
}

/// Neither a control character nor one that ends a line or marks a byte order.
fn may_be_in_comment(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
