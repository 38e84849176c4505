//! The words of Go's YAML library for what is wrong with a text.
//!
//! Its scanner counts lines from one and its parser from zero, and neither tells a line that it counts as zero.

/// What is wrong, as Go says it, with the line where Go tells one.
///
/// `line` counts from one; `message` is that of our parser.
pub(super) fn describe(text: &str, line: u32, message: &str) -> String {
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    // The last part is what is wrong, those before say what was being read.
    let plain = if message.starts_with("while ") {
        message.split_once(", ").map_or(message, |(_, plain)| plain)
    } else {
        message
    };
    let of_scanner = |fault: &str| located(if line > 1 { line } else { 0 }, fault);
    let of_parser = |fault: &str| located(line.saturating_sub(1), fault);
    match plain {
        _ if message.starts_with("unexpected character: ") => unexpected_character(message, of_scanner),
        _ if message.starts_with("tabs disallowed") => of_scanner("found character that cannot start any token"),
        _ if message.starts_with("unclosed bracket") => located(lines, unclosed_bracket(text)),
        _ if message.starts_with("unexpected EOF while parsing") || message == "misplaced bracket" => {
            of_parser("did not find expected node content")
        }
        _ if message.starts_with("invalid trailing content after") => of_parser("did not find expected key"),
        "unclosed quote" | "invalid indentation in multiline quoted scalar" => {
            of_scanner("found unexpected end of stream")
        }
        "simple key expected ':'" => located(line + 1, "could not find expected ':'"),
        "found unknown anchor" => format!("unknown anchor '{}' referenced", alias(text, line)),
        fault
            if fault.starts_with("did not find expected '-'")
                || matches!(fault, "did not find expected key" | "did not find expected <document start>") =>
        {
            of_parser(fault)
        }
        fault => of_scanner(fault),
    }
}

fn located(line: u32, fault: &str) -> String {
    if line == 0 { fault.to_owned() } else { format!("line {line}: {fault}") }
}

/// The character is told between a back-quote and a quote.
fn unexpected_character(message: &str, of_scanner: impl Fn(&str) -> String) -> String {
    if message.contains("\\u{") {
        return "control characters are not allowed".to_owned();
    }
    of_scanner("found character that cannot start any token")
}

/// What is missing where the text ends within brackets.
fn unclosed_bracket(text: &str) -> &'static str {
    match text.trim_end().chars().next_back() {
        Some('[' | '{' | ',' | ':') | None => "did not find expected node content",
        Some(_) if text.rfind('{') > text.rfind('[') => "did not find expected ',' or '}'",
        Some(_) => "did not find expected ',' or ']'",
    }
}

/// The name of the first alias on a line.
fn alias(text: &str, line: u32) -> &str {
    let line = text.lines().nth(usize::try_from(line.saturating_sub(1)).unwrap_or_default()).unwrap_or_default();
    let name = line.split_once('*').map_or("", |(_, name)| name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())]
}

/// Where a text between double quotes escapes half of a character, which Go's library refuses; the line from one.
pub(super) fn surrogate_escape(text: &str) -> Option<u32> {
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        let escape = &rest[at..];
        let before = text.len() - escape.len();
        let slashes = text[..before].bytes().rev().take_while(|byte| *byte == b'\\').count();
        let code = escape.get(2..6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if slashes.is_multiple_of(2) && code.is_some_and(|code| (0xd800..0xe000).contains(&code)) {
            return u32::try_from(text[..before].matches('\n').count() + 1).ok();
        }
        rest = &escape[2..];
    }
    None
}
