//! What single faults are called by the library that Helm uses.

use boon::ErrorKind;
use flux_gotemplate::strconv::quote;
use serde_json::Value;

use super::fault::Shown;
use super::formats::GO_REGEX;
use super::number::{count, decimal};

pub(super) const GROUP: &str = "validation failed";
pub(super) const ALL_OF: &str = "'allOf' failed";
pub(super) const ANY_OF: &str = "'anyOf' failed";
pub(super) const ONE_OF: &str = "'oneOf' failed, none matched";

/// The words for a kind of fault.
pub(super) fn of(kind: &ErrorKind<'_, '_>, shown: Shown<'_>) -> String {
    let got = |text: &str| match shown {
        Shown::Plain => single_quoted(text),
        Shown::Masked(_) => "value".to_owned(),
    };
    let pattern = |text: &str| match shown {
        Shown::Plain => single_quoted(text),
        Shown::Masked(patterns) => single_quoted(patterns.get(text).map_or(text, String::as_str)),
    };
    match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } => GROUP.to_owned(),
        ErrorKind::Schema { url } => format!("jsonschema validation failed with {}", single_quoted(url)),
        ErrorKind::ContentSchema => "'contentSchema' failed".to_owned(),
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", single_quoted(prop)),
        ErrorKind::RefCycle { url, kw_loc1, kw_loc2 } => {
            format!("both {kw_loc1} and {kw_loc2} resolve to {} causing reference cycle", crate::values::quoted(url))
        }
        ErrorKind::FalseSchema => "false schema".to_owned(),
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|want| want.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Enum { want } => one_of(want),
        ErrorKind::Const { want: Value::Array(_) | Value::Object(_) } => "'const' failed".to_owned(),
        ErrorKind::Const { want } => format!("value must be {}", display(want)),
        ErrorKind::Format { got: value, want, err } => {
            let got = value.as_str().map_or_else(|| "value".to_owned(), got);
            let want = if *want == GO_REGEX { "regex" } else { want };
            format!("{got} is not valid {want}: {}", reason(err.as_ref()))
        }
        ErrorKind::MinProperties { got, want } => bound("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => bound("maxProperties", *got, *want),
        ErrorKind::MinItems { got, want } => bound("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => bound("maxItems", *got, *want),
        ErrorKind::MinLength { got, want } => bound("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => bound("maxLength", *got, *want),
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", all_quoted(got.iter().map(AsRef::as_ref)))
        }
        ErrorKind::Required { want } => match want.as_slice() {
            [missing] => format!("missing property {}", single_quoted(missing)),
            missing => format!("missing properties {}", all_quoted(missing.iter().copied())),
        },
        ErrorKind::Dependency { prop, missing } | ErrorKind::DependentRequired { prop, missing } => {
            format!("properties {} required, if {} exists", all_quoted(missing.iter().copied()), single_quoted(prop))
        }
        ErrorKind::Contains => "no items match contains schema".to_owned(),
        ErrorKind::MinContains { got, want } if got.is_empty() => {
            format!("min {} items required to match contains schema, but none matched", count(*want))
        }
        ErrorKind::MinContains { got, want } => format!("min {}", contained(got, *want)),
        ErrorKind::MaxContains { got, want } => format!("max {}", contained(got, *want)),
        ErrorKind::UniqueItems { got: [first, second] } => {
            format!("items at {} and {} are equal", count(*first), count(*second))
        }
        ErrorKind::AdditionalItems { got } => format!("last {} additionalItem(s) not allowed", count(*got)),
        ErrorKind::Pattern { got: value, want } => {
            format!("{} does not match pattern {}", got(value), pattern(want))
        }
        ErrorKind::ContentEncoding { want, err } => {
            format!("value is not {} encoded: {err}", single_quoted(want))
        }
        ErrorKind::ContentMediaType { want, err, .. } => {
            format!("value if not of mediatype {}: {err}", single_quoted(want))
        }
        ErrorKind::Minimum { got, want } => limit("minimum", got, want),
        ErrorKind::Maximum { got, want } => limit("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => limit("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => limit("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => limit("multipleOf", got, want),
        ErrorKind::Not => "'not' failed".to_owned(),
        ErrorKind::AllOf => ALL_OF.to_owned(),
        ErrorKind::AnyOf => ANY_OF.to_owned(),
        ErrorKind::OneOf(None) => ONE_OF.to_owned(),
        ErrorKind::OneOf(Some((first, second))) => {
            format!("'oneOf' failed, subschemas {}, {} matched", count(*first), count(*second))
        }
    }
}

/// The last line of an error: those of regular expressions show the expression before.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let last = text.lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// The text in single quotes, escaped as Go escapes it.
pub(super) fn single_quoted(text: &str) -> String {
    let quoted = quote(text.as_bytes());
    let quoted = String::from_utf8_lossy(&quoted).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default())
}

fn all_quoted<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(single_quoted).collect::<Vec<_>>().join(", ")
}

fn bound(keyword: &str, got: usize, want: usize) -> String {
    format!("{keyword}: got {}, want {}", count(got), count(want))
}

fn limit(keyword: &str, got: &serde_json::Number, want: &serde_json::Number) -> String {
    format!("{keyword}: got {}, want {}", decimal(got), decimal(want))
}

fn contained(got: &[usize], want: usize) -> String {
    let places: Vec<String> = got.iter().map(ToString::to_string).collect();
    let (want, number) = (count(want), count(got.len()));
    format!("{want} items required to match contains schema, but matched {number} items at {}", places.join(" "))
}

fn one_of(want: &[Value]) -> String {
    match want {
        _ if want.iter().any(|want| want.is_array() || want.is_object()) => "'enum' failed".to_owned(),
        [want] => format!("value must be {}", display(want)),
        _ => format!("value must be one of {}", want.iter().map(display).collect::<Vec<_>>().join(", ")),
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => single_quoted(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
