//! The CRDs of all kinds, as upstream writes them.

use serde_json::{Value, json};

/// The pattern of timeouts, which unlike intervals are not counted in hours.
pub(crate) const SHORT_DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$";

/// `x-kubernetes-validations` of pairs of a CEL rule and the message of its failure.
pub(crate) fn rules(rules: &[(&str, &str)]) -> Value {
    rules.iter().map(|(rule, message)| json!({ "message": message, "rule": rule })).collect()
}
