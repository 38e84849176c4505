//! Answers recorded from Masterminds semver: read where FLUX_CONFORMANCE names the folder, else said to be skipped.
#![expect(clippy::disallowed_methods, reason = "a test may read recorded answers")]

use flux_semver::{Constraint, Version};

/// One recorded `semverCompare "CONSTRAINT" "VERSION"`; `None` for templates of another form.
fn arguments(template: &str) -> Option<(String, String)> {
    let rest = template.strip_prefix("{{ semverCompare ")?.strip_suffix(" }}")?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let pair = (values.next()?.ok()?, values.next()?.ok()?);
    values.next().is_none().then_some(pair)
}

#[test]
fn recorded_comparisons_have_the_same_answers() {
    let Some(folder) = std::env::var_os("FLUX_CONFORMANCE") else {
        println!("skipped: FLUX_CONFORMANCE is not set");
        return;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("helm/vectors/semver.jsonl")).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some((constraint, version)) = case["tpl"].as_str().and_then(arguments) else { continue };
        let answer = Constraint::parse(&constraint).and_then(|range| Ok(range.matches(&Version::parse(&version)?)));
        let same = match &case["output"] {
            serde_json::Value::String(output) => answer.as_ref().is_ok_and(|answer| answer.to_string() == *output),
            _ => answer.is_err(),
        };
        compared += 1;
        if !same {
            wrong.push(format!("{constraint:?} {version:?}: {answer:?}, expected {}", case["output"]));
        }
    }
    println!("compared {compared}");
    assert!(compared > 1000, "only {compared} comparisons found");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}
