//! Label selectors in kubectl's notation, matched against labels or annotations.

use serde_json::{Map, Value};

/// All requirements must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
    Above(String, i64),
    Below(String, i64),
}

impl Selector {
    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`; `Err` holds the part that cannot be read.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let requirements: Result<_, _> =
            parts(text).into_iter().filter(|part| !part.is_empty()).map(Requirement::parse).collect();
        Ok(Self { requirements: requirements? })
    }

    pub(crate) fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        let number = |key: &str| value(key).and_then(|value| value.parse::<i64>().ok());
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|value| values.iter().any(|v| v == value)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|v| v != value)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::DoesNotExist(key) => value(key).is_none(),
            Requirement::Above(key, bound) => number(key).is_some_and(|value| value > *bound),
            Requirement::Below(key, bound) => number(key).is_some_and(|value| value < *bound),
        })
    }
}

impl Requirement {
    fn parse(part: &str) -> Result<Self, String> {
        let wrong = || part.to_owned();
        if let Some(key) = part.strip_prefix('!') {
            return key_of(key).map(Self::DoesNotExist).ok_or_else(wrong);
        }
        if let Some(list) = part.strip_suffix(')') {
            let (head, list) = list.split_once('(').ok_or_else(wrong)?;
            let values = list.split(',').map(|value| value.trim().to_owned()).collect();
            let (key, operator) = head.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
            let key = key_of(key).ok_or_else(wrong)?;
            return match operator.trim() {
                "in" => Ok(Self::In(key, values)),
                "notin" => Ok(Self::NotIn(key, values)),
                _ => Err(wrong()),
            };
        }
        for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
            if let Some((key, value)) = part.split_once(operator) {
                let key = key_of(key).ok_or_else(wrong)?;
                let values = vec![value_of(value).ok_or_else(wrong)?];
                return Ok(if negated { Self::NotIn(key, values) } else { Self::In(key, values) });
            }
        }
        for (operator, above) in [('>', true), ('<', false)] {
            if let Some((key, value)) = part.split_once(operator) {
                let key = key_of(key).ok_or_else(wrong)?;
                let bound = value.trim().parse().map_err(|_: std::num::ParseIntError| wrong())?;
                return Ok(if above { Self::Above(key, bound) } else { Self::Below(key, bound) });
            }
        }
        key_of(part).map(Self::Exists).ok_or_else(wrong)
    }
}

/// Splits at commas outside of parentheses.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}

fn key_of(text: &str) -> Option<String> {
    let key = text.trim();
    let known = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    (!key.is_empty() && key.chars().all(known)).then(|| key.to_owned())
}

fn value_of(text: &str) -> Option<String> {
    let value = text.trim();
    let known = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    value.chars().all(known).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(selector: &str, expected: bool) {
        let labels = json!({"app": "web", "tier": "front", "size": "3"});
        assert_eq!(Selector::parse(selector).unwrap().matches(labels.as_object()), expected, "{selector}");
    }

    #[test]
    fn every_operator_is_read() {
        check("", true);
        check("app=web,tier==front", true);
        check("app=api", false);
        check("app!=api,missing!=x", true);
        check("app in (api, web),tier notin (back)", true);
        check("app notin (web)", false);
        check("app,!missing", true);
        check("missing", false);
        check("!app", false);
        check("size>2,size<4", true);
        check("size>3", false);
        check("missing=", false);
    }

    #[test]
    fn what_is_no_selector_is_named() {
        for part in ["app of (web)", "=web", "a b", "size>x", "app in web)"] {
            assert_eq!(Selector::parse(part), Err(part.to_owned()));
        }
    }
}
