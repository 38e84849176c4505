//! What a line of block YAML leaves open for the lines behind it.
//!
//! Indentation says where a block ends, but for what stands in quotes or brackets: it may go on in lines of any
//! indentation. So these are followed to their ends; what they mean is not looked at.

use memchr::{memchr, memchr_iter, memchr2, memmem};

use super::Fault;

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Nothing: the next line has a key or an item.
    Nothing,
    /// A text without quotes or a block of text, which lines right of this column belong to.
    Text(usize),
    /// A text in double or single quotes.
    Quoted(u8),
    /// Brackets.
    Flow(Flow),
}

/// Brackets that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    depth: u32,
    /// The quote that is open within.
    quote: Option<u8>,
    /// A value may start here.
    at_start: bool,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A blank line or a comment.
    Blank,
    /// A part of what was open before.
    Inside,
    /// A key or an item, in this column.
    Structure(usize),
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a token ends before the place.
pub(super) fn ends_at(line: &[u8], at: usize) -> bool {
    line.get(at).is_none_or(|byte| is_blank(*byte))
}

/// The first place from `at` on that is not blank.
pub(super) fn skip_blanks(line: &[u8], at: usize) -> usize {
    line[at.min(line.len())..].iter().position(|byte| !is_blank(*byte)).map_or(line.len(), |count| at + count)
}

/// Whether there is nothing but a comment at the place, which is the first behind blanks.
pub(super) fn is_end(line: &[u8], at: usize) -> bool {
    line.get(at).is_none_or(|byte| *byte == b'#')
}

/// The place behind the quote that closes the text from `at` on, in which no quote opens.
pub(super) fn close(line: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        let rest = line.get(at..)?;
        let found = if quote == b'"' { memchr2(b'"', b'\\', rest) } else { memchr(b'\'', rest) };
        at += found?;
        let is_escape = line[at] == b'\\' || quote == b'\'' && line.get(at + 1) == Some(&b'\'');
        if !is_escape {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The colon behind a key without quotes that starts at the place.
pub(super) fn colon(line: &[u8], at: usize) -> Option<usize> {
    let colon = memchr_iter(b':', &line[at..]).map(|found| at + found).find(|colon| ends_at(line, colon + 1))?;
    // A comment may have colons too.
    memmem::find(&line[at..colon], b" #").is_none().then_some(colon)
}

impl Open {
    /// Takes the next line, without a carriage return at its end.
    pub(super) fn feed(&mut self, line: &[u8]) -> Result<Line, Fault> {
        match *self {
            Self::Quoted(quote) => {
                not_a_marker(line)?;
                if let Some(end) = close(line, 0, quote) {
                    *self = Self::Nothing;
                    tail(line, end)?;
                }
                return Ok(Line::Inside);
            }
            Self::Flow(flow) => {
                not_a_marker(line)?;
                *self = Self::Nothing;
                self.flow(line, 0, flow)?;
                return Ok(Line::Inside);
            }
            Self::Nothing | Self::Text(_) => {}
        }
        let indent = line.iter().position(|byte| *byte != b' ').unwrap_or(line.len());
        let first = skip_blanks(line, indent);
        if first == line.len() {
            return Ok(Line::Blank);
        }
        if matches!(*self, Self::Text(column) if indent > column) {
            return Ok(Line::Inside);
        }
        if line[first] == b'#' {
            return Ok(Line::Blank);
        }
        if first > indent {
            // A tab in the indentation.
            return Err(Fault::Unusual);
        }
        *self = Self::Nothing;
        self.structure(line, indent)?;
        Ok(Line::Structure(indent))
    }

    /// Looks at the keys and items that start in a line.
    fn structure(&mut self, line: &[u8], indent: usize) -> Result<(), Fault> {
        let (mut at, mut column) = (indent, indent);
        while line[at] == b'-' && ends_at(line, at + 1) {
            column = at;
            at = skip_blanks(line, at + 1);
            if is_end(line, at) {
                return Ok(());
            }
        }
        let key = at;
        at = properties(line, at);
        match line.get(at) {
            None => return Ok(()),
            Some(quote @ (b'"' | b'\'')) => {
                let Some(end) = close(line, at + 1, *quote) else {
                    *self = Self::Quoted(*quote);
                    return Ok(());
                };
                at = skip_blanks(line, end);
                if line.get(at) != Some(&b':') || !ends_at(line, at + 1) {
                    return tail(line, end);
                }
            }
            Some(_) => match plain_key(line, at)? {
                Some(colon) => at = colon,
                None => return self.value(line, at, column),
            },
        }
        let value = properties(line, skip_blanks(line, at + 1));
        if is_end(line, value) { Ok(()) } else { self.value(line, value, key) }
    }

    /// Looks at the value that starts at the place; `column` is that of the collection that it is in.
    fn value(&mut self, line: &[u8], at: usize, column: usize) -> Result<(), Fault> {
        match line[at] {
            quote @ (b'"' | b'\'') => match close(line, at + 1, quote) {
                Some(end) => return tail(line, end),
                None => *self = Self::Quoted(quote),
            },
            b'[' | b'{' => return self.flow(line, at, Flow { depth: 0, quote: None, at_start: true }),
            b'%' | b'@' | b'`' => return Err(Fault::Unusual),
            b'-' | b'?' if ends_at(line, at + 1) => return Err(Fault::Unusual),
            _ => *self = Self::Text(column),
        }
        Ok(())
    }

    /// Follows brackets to their end or that of the line.
    fn flow(&mut self, line: &[u8], mut at: usize, mut flow: Flow) -> Result<(), Fault> {
        while at < line.len() {
            if let Some(quote) = flow.quote {
                let Some(end) = close(line, at, quote) else { break };
                flow = Flow { quote: None, at_start: false, ..flow };
                at = end;
                // A colon right behind a text in quotes is one.
                if line.get(at) == Some(&b':') {
                    flow.at_start = true;
                    at += 1;
                }
                continue;
            }
            match line[at] {
                b' ' | b'\t' => {}
                b'[' | b'{' => flow = Flow { depth: flow.depth + 1, at_start: true, ..flow },
                b']' | b'}' => {
                    flow = Flow { depth: flow.depth - 1, at_start: false, ..flow };
                    if flow.depth == 0 {
                        return tail(line, at + 1);
                    }
                }
                b',' => flow.at_start = true,
                b':' => flow.at_start = line.get(at + 1).is_none_or(|byte| is_blank(*byte) || b",[]{}".contains(byte)),
                quote @ (b'"' | b'\'') if flow.at_start => flow.quote = Some(quote),
                b'#' if at == 0 || is_blank(line[at - 1]) => break,
                b'&' | b'!' | b'?' if flow.at_start => return Err(Fault::Unusual),
                _ => flow.at_start = false,
            }
            at += 1;
        }
        *self = Self::Flow(flow);
        Ok(())
    }
}

/// Fails for what can only be a mistake behind a value.
fn tail(line: &[u8], at: usize) -> Result<(), Fault> {
    let first = skip_blanks(line, at);
    let is_comment = first > at && line.get(first) == Some(&b'#');
    if first == line.len() || is_comment { Ok(()) } else { Err(Fault::Unusual) }
}

/// Fails where a document ends within quotes or brackets.
fn not_a_marker(line: &[u8]) -> Result<(), Fault> {
    let is_marker = (line.starts_with(b"---") || line.starts_with(b"...")) && ends_at(line, 3);
    if is_marker { Err(Fault::Unusual) } else { Ok(()) }
}

/// The place behind anchors and tags.
fn properties(line: &[u8], mut at: usize) -> usize {
    while let Some(b'&' | b'!') = line.get(at) {
        let end = line[at..].iter().position(|byte| is_blank(*byte)).map_or(line.len(), |count| at + count);
        at = skip_blanks(line, end);
    }
    at
}

/// The colon behind the key without quotes at the place; nothing where there is a value.
fn plain_key(line: &[u8], at: usize) -> Result<Option<usize>, Fault> {
    match line[at] {
        b'[' | b'{' | b'|' | b'>' | b'#' => Ok(None),
        b'?' if ends_at(line, at + 1) => Err(Fault::Unusual),
        b'%' | b'@' | b'`' => Err(Fault::Unusual),
        _ => Ok(colon(line, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each line is: `k` for a key or an item, `.` for a blank line, `|` for what belongs to a line before.
    fn check(text: &str, expected: &str) {
        let mut open = Open::Nothing;
        let kinds: String = text
            .lines()
            .map(|line| match open.feed(line.as_bytes()) {
                Ok(Line::Blank) => '.',
                Ok(Line::Inside) => '|',
                Ok(Line::Structure(_)) => 'k',
                Err(_) => '!',
            })
            .collect();
        assert_eq!(kinds, expected, "{text}");
    }

    #[test]
    fn texts_go_on_in_deeper_lines() {
        check("a: b\n  c: d\nb: |\n  c: \"\n\n  d\nc: >-\n\n x\n# d\nd:\n", "k|k|.|k.|.k");
        check("- a: b\n  c: d\n  e: f\n    \"g\n- h\n  i\n  - j\n", "kkk|k||");
        check("- - a\n  - b\n    c\n", "kk|");
    }

    #[test]
    fn quotes_and_brackets_go_on_at_any_indentation() {
        check("a: \"b\n c: d\n\ne \\\" f\\\n\" # end\ng:\n", "k||||k");
        check("a: 'b''\nit''s\n'\nb:\n", "k||k");
        check("a: [b, \"]\n]\", # ]\n'it''s', it's {\n}] # end\nb:\n", "k|||k");
        check("a: {\"b\":\"}\", c: '}'}\nb:\n", "kk");
        check("'a': 'b'\n\"a b\" : |\n c\nb:\n", "kk|k");
    }

    #[test]
    fn comments_and_blank_lines_are_neither() {
        check("# a: \"\n\n  # b: [\n\t\na: # c: \"\n  b: c # \"\n", "....kk");
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser() {
        for text in ["? a\n", "a: \"b\" c\n", "a: [b] c\n", "a: @b\n", "a: - b\n", "\ta: b\n", "a: [&x b]\n"] {
            check(text, "!");
        }
        check("a: \"b\n---\n", "k!");
    }

    #[test]
    fn anchors_and_tags_stand_before_what_they_are_for() {
        check("a: &x \"b\n\"\nb: !!str |\n c: \"\nc: &y\n  d: e\n", "k|k|kk");
    }
}
