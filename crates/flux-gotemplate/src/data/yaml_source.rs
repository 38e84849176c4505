//! What Go's YAML library makes of a text before and beside its grammar, where our parser is of another mind.

use std::borrow::Cow;

use flux_yaml::{Content, Node, Style};

use super::yaml_faults::scanner_fault;

/// A byte order mark within a text is a character like others to the library, and none to our parser.
const MARK: char = '\u{feff}';

/// A text as our parser is to read it.
pub(super) struct Source<'t> {
    pub(super) text: Cow<'t, str>,
    /// What stands for a byte order mark.
    mark: Option<char>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        if text.is_ascii() || !text.contains([MARK, '\u{85}', '\u{2028}', '\u{2029}']) {
            return Self { text: Cow::Borrowed(text), mark: None };
        }
        let mut text = with_line_feeds(text);
        let mark = ('\u{f8d0}'..='\u{f8ff}').find(|c| text.contains(MARK) && !text.contains(*c));
        if let Some(mark) = mark {
            text = text.replace(MARK, mark.encode_utf8(&mut [0; 4]));
        }
        Self { text: Cow::Owned(text), mark }
    }

    /// A text of the document as it was written.
    pub(super) fn restored<'v>(&self, text: &'v str) -> Cow<'v, str> {
        match self.mark.filter(|mark| text.contains(*mark)) {
            Some(mark) => Cow::Owned(text.replace(mark, MARK.encode_utf8(&mut [0; 4]))),
            None => Cow::Borrowed(text),
        }
    }

    /// What is wrong with a document though our parser took it; lines count from one.
    pub(super) fn fault(&self, root: Option<&Node>) -> Option<String> {
        if root.is_none() && self.text.trim_start().starts_with("...") {
            return Some("did not find expected node content".to_owned());
        }
        let name = self.text.strip_prefix(['&', '*']);
        if name.is_some_and(|name| !name.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
            return Some("did not find expected alphabetic or numeric character".to_owned());
        }
        let suspects = Suspects { tabs: self.text.contains('\t'), escapes: wrong_escape(&self.text).is_some() };
        if !suspects.tabs && !suspects.escapes {
            return None;
        }
        let breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
        let check = Check { text: &self.text, lines: std::iter::once(0).chain(breaks).collect() };
        check.fault(root?, suspects)
    }
}

/// What may be wrong with the nodes of a text.
#[derive(Clone, Copy)]
struct Suspects {
    tabs: bool,
    escapes: bool,
}

/// Looks for what is wrong with the nodes of a text.
struct Check<'t> {
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Check<'_> {
    fn fault(&self, node: &Node, suspects: Suspects) -> Option<String> {
        // Between brackets, tabs are space as any other.
        let suspects = Suspects { tabs: suspects.tabs && node.style != Style::Flow, ..suspects };
        match &node.content {
            Content::Scalar(_) if suspects.tabs && self.follows_a_tab(node) => {
                Some(scanner_fault(node.line, "found character that cannot start any token"))
            }
            Content::Scalar(text) if suspects.escapes && node.style == Style::DoubleQuoted => {
                let (lines, escape) = self.escape(node, text)?;
                Some(scanner_fault(node.line + lines, escape.fault))
            }
            Content::Scalar(_) => None,
            Content::Sequence(items) => items.iter().find_map(|item| self.fault(item, suspects)),
            Content::Mapping(entries) => entries
                .iter()
                .find_map(|(key, value)| self.fault(key, suspects).or_else(|| self.fault(value, suspects))),
        }
    }

    /// The text from the line of the node on.
    fn from(&self, node: &Node) -> &str {
        let line = usize::try_from(node.line.saturating_sub(1)).unwrap_or_default();
        self.lines.get(line).and_then(|start| self.text.get(*start..)).unwrap_or_default()
    }

    /// Whether a scalar's line has a tab where a token may start: in the indentation, or behind a dash.
    fn follows_a_tab(&self, node: &Node) -> bool {
        let mut rest = self.from(node).trim_start_matches(' ');
        while let Some(after) = rest.strip_prefix('-').filter(|after| after.starts_with([' ', '\t'])) {
            rest = after.trim_start_matches(' ');
        }
        rest.starts_with('\t')
    }

    /// The wrong escape in a scalar between double quotes, and how many lines below its first one; the scalar is one of
    /// those that open on its line.
    fn escape(&self, node: &Node, text: &str) -> Option<(u32, WrongEscape)> {
        let rest = self.from(node);
        let line = rest.find('\n').unwrap_or(rest.len());
        let mut from = 0;
        let mut scalars = std::iter::from_fn(|| {
            let start = from + rest.get(from..line)?.find('"')? + 1;
            let scalar = quoted(&rest[start..]);
            from = start + scalar.len() + 1;
            Some(scalar)
        });
        scalars.find_map(|quoted| {
            let escape = wrong_escape(quoted).filter(|escape| text.contains(escape.may_give))?;
            let above = quoted[..escape.at].matches('\n').count();
            Some((u32::try_from(above).unwrap_or(u32::MAX), escape))
        })
    }
}

/// What stands before the next double quote that is not escaped.
fn quoted(text: &str) -> &str {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    &text[..end.unwrap_or(text.len())]
}

/// The line breaks of Unicode as line feeds: the next-line character always, the separators where no text follows.
fn with_line_feeds(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let breaks = match c {
            '\u{85}' => true,
            '\u{2028}' | '\u{2029}' => {
                let after = text[at + c.len_utf8()..].trim_start_matches([' ', '\u{2028}', '\u{2029}']);
                after.is_empty() || after.starts_with('\n') || out.is_empty() || out.ends_with('\n')
            }
            _ => false,
        };
        out.push(if breaks { '\n' } else { c });
    }
    out
}

/// An escape that the library refuses between double quotes.
struct WrongEscape {
    at: usize,
    fault: &'static str,
    /// Whether a character of a text may come from such an escape.
    may_give: fn(char) -> bool,
}

/// The first escape of half a character or of a slash.
fn wrong_escape(text: &str) -> Option<WrongEscape> {
    let first = text.find('\\')?;
    let mut backslashes = 0;
    for (at, byte) in text.bytes().enumerate().skip(first) {
        if byte == b'\\' {
            backslashes += 1;
            continue;
        }
        let escaped = backslashes % 2 == 1;
        backslashes = 0;
        match byte {
            b'u' if escaped && is_surrogate(&text[at + 1..]) => {
                let fault = "found invalid Unicode character escape code";
                return Some(WrongEscape { at, fault, may_give: |c| c > '\u{ffff}' });
            }
            b'/' if escaped => {
                let fault = "found unknown escape character";
                return Some(WrongEscape { at, fault, may_give: |c| c == '/' });
            }
            _ => {}
        }
    }
    None
}

fn is_surrogate(digits: &str) -> bool {
    let code = digits.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.is_some_and(|code| (0xd800..0xe000).contains(&code))
}

#[cfg(test)]
mod tests {
    use crate::data::{Target, read_yaml};

    #[test]
    fn slashes_may_be_escaped_outside_of_double_quotes_only() {
        let fault = |text: &str| read_yaml(text.as_bytes(), Target::Any).err().map(|err| err.to_string());
        assert_eq!(fault("a: \"b \\\"/\\\" c\"\nd: ^e\\/f$\n"), None);
        let wrong = fault("a: \"b\"\nc: {d: \"/\", e: \"\\/\"}\n");
        assert!(wrong.unwrap().ends_with("line 2: found unknown escape character"));
    }
}
