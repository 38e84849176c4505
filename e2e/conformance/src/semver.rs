//! Comparisons of versions, recorded as Helm templates that consist of one call.

use std::path::Path;

use anyhow::Result;
use flux_semver::{Constraint, Version};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};

/// The suite whose calls of `semverCompare` need no templates.
pub(crate) const SUITE: &str = "helm/vectors/semver";

pub(crate) fn cases(vectors: &Path) -> Result<Vec<Case>> {
    let case = |(_, case): (usize, Value)| {
        let (constraint, version) = arguments(case["tpl"].as_str()?)?;
        Some(Case::new(text(&case["id"]), move || {
            let recorded = match (case["output"].as_str(), case["error"].as_str()) {
                (Some(output), _) => Recorded::Output(output.to_owned()),
                // The words around are those of a template.
                (None, _) => Recorded::Failure,
            };
            Ok(Compared { answer: run(&constraint, &version), recorded })
        }))
    };
    Ok(read_json_lines(vectors)?.into_iter().filter_map(case).collect())
}

/// The arguments of `{{ semverCompare "CONSTRAINT" "VERSION" }}`; nothing for other templates.
fn arguments(template: &str) -> Option<(String, String)> {
    let rest = template.strip_prefix("{{ semverCompare ")?.strip_suffix(" }}")?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let pair = (values.next()?.ok()?, values.next()?.ok()?);
    values.next().is_none().then_some(pair)
}

fn run(constraint: &str, version: &str) -> Answer {
    let matches = Constraint::parse(constraint).and_then(|range| Ok(range.matches(&Version::parse(version)?)));
    matches.map(|matches| matches.to_string()).map_err(|err| err.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_templates_of_one_plain_call_are_taken() {
        assert_eq!(arguments(r#"{{ semverCompare ">=1" "1.2.0" }}"#), Some((">=1".to_owned(), "1.2.0".to_owned())));
        assert_eq!(arguments(r#"{{ semverCompare ">=1" .Values.v }}"#), None);
        assert_eq!(arguments(r#"{{ (semver "1").Major }}"#), None);
    }
}
