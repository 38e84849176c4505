//! Whether an answer is the recorded one, and how it differs.

use similar::TextDiff;

use crate::case::{Compared, Recorded};

/// What became of one case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The same output, or a failure where one was recorded.
    pub(crate) passed: bool,
    /// Whether the error opens with the same words; nothing where no error's words were recorded.
    pub(crate) same_words: Option<bool>,
}

/// Folders of the input as recorded texts mask them.
const MASKS: [&str; 2] = ["<ROOT>", "<CHART>"];

pub(crate) fn judge(compared: &Compared) -> Verdict {
    let Compared { answer, recorded } = compared;
    match (answer, recorded) {
        (Ok(own), Recorded::Output(text)) => Verdict { passed: own == text, same_words: None },
        (Err(_), Recorded::Output(_)) | (Ok(_), Recorded::Failure) => Verdict::default(),
        (Err(_), Recorded::Failure) => Verdict { passed: true, same_words: None },
        (Ok(_), Recorded::Error(_)) => Verdict { passed: false, same_words: Some(false) },
        (Err(own), Recorded::Error(text)) => Verdict { passed: true, same_words: Some(same_opening(own, text)) },
    }
}

/// The difference for a person: a unified diff of outputs, both errors, or what was there instead of the other.
pub(crate) fn difference(compared: &Compared) -> String {
    let Compared { answer, recorded } = compared;
    match (answer, recorded) {
        (Ok(own), Recorded::Output(text)) if own == text => "the same output\n".to_owned(),
        (Ok(own), Recorded::Output(text)) => {
            TextDiff::from_lines(text, own).unified_diff().context_radius(4).header("recorded", "own").to_string()
        }
        (Ok(own), Recorded::Error(text)) => format!("recorded error: {}\nown output:\n{own}", text.trim_end()),
        (Ok(own), Recorded::Failure) => format!("a failure was recorded, own output:\n{own}"),
        (Err(own), Recorded::Output(_)) => format!("an output was recorded, own error: {own}\n"),
        (Err(own), Recorded::Failure) => format!("a failure was recorded, own error: {own}\n"),
        (Err(own), Recorded::Error(text)) => {
            format!(
                "recorded error: {}\nhas to open:    {}\nown error:      {own}\n",
                text.trim_end(),
                masked(opening(text))
            )
        }
    }
}

/// Whether an error opens as the recorded one does.
fn same_opening(own: &str, recorded: &str) -> bool {
    let opening = masked(opening(recorded));
    masked(own).strip_prefix(opening.as_str()).is_some_and(|rest| {
        let rest = rest.trim_start_matches(' ');
        rest.is_empty() || rest.starts_with([':', '\n'])
    })
}

/// An error without the words of the command line around it, and with paths from the input's root.
fn masked(text: &str) -> String {
    let text = text.trim();
    let mut text = text.strip_prefix("Error: ").unwrap_or(text).to_owned();
    for mask in MASKS {
        text = text.replace(&format!("{mask}/"), "").replace(mask, ".");
    }
    text
}

/// The part that has to be the same: up to the first `: ` behind the place, which is a quoted name or a path, whichever
/// ends first; up to the first `: ` of all where no place is named.
fn opening(text: &str) -> &str {
    let text = text.strip_prefix("Error: ").unwrap_or(text);
    let from = place_end(text).unwrap_or(0);
    let behind = &text[from..];
    behind.find(": ").or_else(|| behind.find(":\n")).map_or(text, |at| &text[..from + at])
}

/// Where the first place in an error's text ends.
fn place_end(text: &str) -> Option<usize> {
    let quote = text.char_indices().find(|(_, c)| matches!(c, '\'' | '"'));
    let quoted = quote.and_then(|(at, quote)| text[at + 1..].find(quote).map(|end| at + 1 + end + 1));
    let mut at = 0;
    let path = text.split_inclusive(' ').find_map(|word| {
        let begin = at;
        at += word.len();
        let bare = word.trim_end().trim_end_matches([':', ';', ',']);
        let names_a_path = bare.contains('/') || MASKS.iter().any(|mask| bare.contains(mask));
        names_a_path.then_some(begin + bare.len())
    });
    quoted.into_iter().chain(path).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_the_same_ends_behind_the_place() {
        for (text, part) in [
            (
                "accumulating: accumulation err='from '../o2': x' must': recursed",
                "accumulating: accumulation err='from '../o2'",
            ),
            ("failed to decode YAML from app/dep.yaml: Malformed: yaml", "failed to decode YAML from app/dep.yaml"),
            ("post build failed for 'ConfigMap.v1/w': envsubst error: x", "post build failed for 'ConfigMap.v1/w'"),
            (
                "no matches for Id Deployment.v1.apps/a.ns2; failed",
                "no matches for Id Deployment.v1.apps/a.ns2; failed",
            ),
            ("Error walking tree: Could not decrypt", "Error walking tree"),
            ("template: c/templates/t.yaml:1:3: executing \"c\" at <x>: nil", "template: c/templates/t.yaml:1:3"),
            ("missing closing brace", "missing closing brace"),
            ("failed: several files under: <ROOT>/app", "failed: several files under: <ROOT>/app"),
            ("components: \"path '<ROOT>/a': no matches: x\"", "components: \"path '<ROOT>/a'"),
        ] {
            assert_eq!(opening(text), part);
        }
    }

    #[test]
    fn words_are_compared_up_to_there_with_the_root_masked() {
        assert!(same_opening("cannot read a/b.yaml: gone", "Error: cannot read <ROOT>/a/b.yaml: no such file\n"));
        assert!(!same_opening("cannot read a/c.yaml: gone", "Error: cannot read <ROOT>/a/b.yaml: no such file\n"));
        assert!(same_opening("no 'a' : gone", "no 'a' : no such file"));
        assert!(!same_opening("missing closing braces", "missing closing brace"));
    }

    #[test]
    fn a_recorded_error_passes_with_any_words_but_they_are_counted() {
        let judge = |answer: Result<&str, &str>, recorded| {
            judge(&Compared { answer: answer.map(str::to_owned).map_err(str::to_owned), recorded })
        };
        let error = || Recorded::Error("bad: x".to_owned());
        assert_eq!(judge(Err("bad: y"), error()), Verdict { passed: true, same_words: Some(true) });
        assert_eq!(judge(Err("worse"), error()), Verdict { passed: true, same_words: Some(false) });
        assert_eq!(judge(Ok("a"), error()), Verdict { passed: false, same_words: Some(false) });
        assert_eq!(judge(Ok("a"), Recorded::Output("a".to_owned())), Verdict { passed: true, same_words: None });
        assert_eq!(judge(Err("a"), Recorded::Output("a".to_owned())), Verdict::default());
        assert_eq!(judge(Err("a"), Recorded::Failure), Verdict { passed: true, same_words: None });
    }
}
