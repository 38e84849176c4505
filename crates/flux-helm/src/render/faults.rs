//! Errors of templates as Helm words them.

/// What stands around the message of a chart that refuses its values.
pub(super) const MESSAGE_START: &str = "HELM_ERR_START";
pub(super) const MESSAGE_END: &str = "HELM_ERR_END";

const OPENING: &str = "template: ";

/// The error of a parse: the place and the last part of what the parser said.
pub(super) fn of_parse(file: &str, text: &str) -> String {
    let mut parts = text.split(": ");
    match (parts.nth(1), text.rsplit(": ").next()) {
        (Some(place), Some(message)) => format!("parse error at ({place}): {message}"),
        _ => format!("parse error in ({file}): {text}"),
    }
}

/// The error of an execution: the message of a chart that refuses its values, else one block for each template on the
/// way to the fault. What does not consist of such blocks stays as it is.
pub(super) fn of_execution(file: &str, text: &str) -> String {
    let mut parts = text.splitn(3, ": ");
    let (Some(_), Some(place), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return format!("execution error in ({file}): {text}");
    };
    if let Some(message) = refusal(rest) {
        return format!("execution error at ({place}): {message}");
    }
    blocks(text).unwrap_or_else(|| text.to_owned())
}

/// What the chart said when it refused its values.
fn refusal(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once(MESSAGE_START)?;
    behind.rsplit_once(MESSAGE_END).map(|(message, _)| message)
}

fn blocks(text: &str) -> Option<String> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut current = Some(text);
    while let Some(text) = current {
        let block = Block::read(text)?;
        // A template that includes itself is told once.
        if blocks.last() != Some(&block) {
            blocks.push(block);
        }
        current = cause(text);
    }
    let shown: String = blocks.iter().map(Block::show).collect();
    Some(shown.trim().to_owned())
}

/// The error of the function that was called, when it was one that failed.
fn cause(text: &str) -> Option<&str> {
    let (_, called) = text.split_once(": error calling ")?;
    called.split_once(": ").map(|(_, cause)| cause)
}

/// Where an execution was, and what went wrong there.
#[derive(PartialEq, Eq)]
struct Block<'t> {
    place: &'t str,
    executing: Option<(&'t str, &'t str)>,
    message: &'t str,
}

impl<'t> Block<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let rest = text.strip_prefix(OPENING)?;
        if rest.starts_with("no template ") {
            return Some(Self { place: "", executing: None, message: text });
        }
        Self::executing(rest).or_else(|| {
            let (place, message) = rest.rsplit_once(": ")?;
            Some(Self { place, executing: None, message: before_next(message) })
        })
    }

    fn executing(rest: &'t str) -> Option<Self> {
        let (place, behind) = rest.split_once(": executing \"")?;
        let (name, behind) = behind.split_once('"')?;
        let (expression, message) = behind.strip_prefix(" at <")?.split_once(">: ")?;
        Some(Self { place, executing: Some((name, expression)), message: before_next(message) })
    }

    fn show(&self) -> String {
        let place = if self.place.is_empty() { String::new() } else { format!("{}\n  ", self.place) };
        let executing =
            self.executing.map(|(name, expression)| format!("executing \"{name}\" at <{expression}>:\n    "));
        let message = if self.message.is_empty() { String::new() } else { format!("{}\n", self.message) };
        format!("{place}{}{message}", executing.unwrap_or_default())
    }
}

/// The message without the error that it goes on with.
fn before_next(message: &str) -> &str {
    message.split_once(" template:").map_or(message, |(message, _)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_errors_tell_the_place_and_the_last_part() {
        assert_eq!(
            of_parse("c/t", "template: c/t:1: function \"x\" not defined"),
            "parse error at (c/t:1): function \"x\" not defined"
        );
        assert_eq!(of_parse("c/t", "odd"), "parse error in (c/t): odd");
    }

    #[test]
    fn each_template_on_the_way_to_a_fault_has_a_block() {
        let text = "template: c/a:1:3: executing \"c/a\" at <include \"n\" .>: error calling include: \
                    template: c/_h:2:5: executing \"n\" at <.x.y>: nil pointer evaluating interface {}.y";
        assert_eq!(
            of_execution("c/a", text),
            "c/a:1:3\n  executing \"c/a\" at <include \"n\" .>:\n    error calling include:\n\
             c/_h:2:5\n  executing \"n\" at <.x.y>:\n    nil pointer evaluating interface {}.y"
        );
    }

    #[test]
    fn errors_of_other_functions_stay_in_one_line() {
        let text = "template: c/a:1:3: executing \"c/a\" at <index .l 9>: error calling index: index out of range: 9";
        assert_eq!(of_execution("c/a", text), text);
    }

    #[test]
    fn refusals_of_charts_are_told_by_their_message_alone() {
        let text = "template: c/a:1:3: executing \"c/a\" at <fail \"a: b\">: error calling fail: \
                    HELM_ERR_STARTa: b\nc\nHELM_ERR_END";
        assert_eq!(of_execution("c/a", text), "execution error at (c/a:1:3): a: b\nc\n");
    }
}
