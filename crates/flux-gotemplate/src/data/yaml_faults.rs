//! The words of Go's YAML library for what is wrong with a text.
//!
//! Its scanner counts lines from one and its parser from zero, and neither tells a line that it counts as zero.

/// What is wrong, as Go says it, with the line where Go tells one.
///
/// `line` counts from one; `message` is that of our parser.
pub(super) fn describe(text: &str, line: u32, message: &str) -> String {
    let text = &*text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    // The last part is what is wrong, those before say what was being read.
    let plain = if message.starts_with("while ") {
        message.split_once(", ").map_or(message, |(_, plain)| plain)
    } else {
        message
    };
    let of_scanner = |fault: &str| scanner_fault(line, fault);
    let of_parser = |fault: &str| located(line.saturating_sub(1), fault);
    if let Some(rest) = text.strip_prefix('%') {
        return directive(rest, lines);
    }
    match plain {
        _ if message.starts_with("unexpected character: ") => unexpected_character(message, of_scanner),
        _ if message.starts_with("tabs disallowed") => of_scanner("found character that cannot start any token"),
        _ if message.starts_with("unclosed bracket") && starts_with_colon(text) => {
            of_parser("did not find expected node content")
        }
        _ if message.starts_with("unclosed bracket") => located(lines, unclosed_bracket(text)),
        "misplaced bracket" if starts_with_bracket(text, line) => of_parser("did not find expected key"),
        _ if message.starts_with("unexpected EOF while parsing") || message == "misplaced bracket" => {
            of_parser("did not find expected node content")
        }
        _ if message.starts_with("invalid trailing content after") => of_parser("did not find expected key"),
        // The library reads on to the end of the text.
        "unclosed quote" | "invalid indentation in multiline quoted scalar" => {
            let end = u32::try_from(text.matches('\n').count() + 1).unwrap_or(u32::MAX);
            scanner_fault(end, "found unexpected end of stream")
        }
        "found a tab" => located(line_of_tab(text, line), "found a tab character that violates indentation"),
        "simple key expected ':'" => located(line_behind_text(text, line), "could not find expected ':'"),
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

/// Whether the last bracket has a colon right behind it.
fn starts_with_colon(text: &str) -> bool {
    let bracket = text.rfind(['[', '{']).map_or(0, |at| at + 1);
    text[bracket..].trim_start().starts_with(':')
}

/// Whether a closing bracket is the first character of a line below the first.
fn starts_with_bracket(text: &str, line: u32) -> bool {
    let at = usize::try_from(line.saturating_sub(1)).unwrap_or_default();
    line > 1 && text.lines().nth(at).is_some_and(|line| line.trim_start().starts_with([']', '}']))
}

/// The line behind a text that starts on `line` and goes on in deeper lines; lines count from one.
fn line_behind_text(text: &str, line: u32) -> u32 {
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut numbered = (1..).zip(text.lines()).skip(usize::try_from(line.saturating_sub(1)).unwrap_or_default());
    let first = numbered.next().map_or(0, |(_, line)| indentation(line));
    // A colon ends the text too, wherever it stands.
    let has_colon = |line: &str| line.contains(": ") || line.ends_with(':');
    let mut behind =
        numbered.filter(|(_, line)| !line.trim().is_empty() && (indentation(line) <= first || has_colon(line)));
    let end = u32::try_from(text.lines().count() + 1).unwrap_or(u32::MAX);
    behind.next().map_or(end, |(number, _)| number)
}

/// The first line from `line` on that has a tab in its indentation; lines count from one.
fn line_of_tab(text: &str, line: u32) -> u32 {
    let is_indented_by_tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
    let numbered = (1..).zip(text.lines());
    let mut from = numbered.skip(usize::try_from(line.saturating_sub(1)).unwrap_or_default());
    from.find(|(_, text)| is_indented_by_tab(text)).map_or(line, |(number, _)| number)
}

/// The name of the first alias on a line.
fn alias(text: &str, line: u32) -> &str {
    let line = text.lines().nth(usize::try_from(line.saturating_sub(1)).unwrap_or_default()).unwrap_or_default();
    let name = line.split_once('*').map_or("", |(_, name)| name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())]
}

/// A fault of the scanner on a line that counts from one.
pub(super) fn scanner_fault(line: u32, fault: &str) -> String {
    located(if line > 1 { line } else { 0 }, fault)
}

/// What is wrong with a directive at the start of a text.
fn directive(directive: &str, lines: u32) -> String {
    let end =
        directive.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(directive.len());
    let (name, rest) = directive.split_at(end);
    match name {
        "" => "could not find expected directive name".to_owned(),
        _ if rest.starts_with(|c: char| !c.is_ascii_whitespace()) => {
            "found unexpected non-alphabetical character".to_owned()
        }
        "YAML" | "TAG" => located(lines, "did not find expected <document start>"),
        _ => "found unknown directive name".to_owned(),
    }
}
