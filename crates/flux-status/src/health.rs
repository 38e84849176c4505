//! What readiness is for the objects of one owner: kstatus, or the user's expressions where there are some.

use std::collections::HashMap;

use flux_api::kustomize::CustomHealthCheck;
use flux_objects::GroupKind;
use serde_json::{Map, Value};

use crate::kstatus::unobserved;
use crate::{Expression, ExpressionError, State, Status, kstatus};

/// Rules by kind, compiled once for a run.
#[derive(Debug, Default)]
pub struct HealthRules {
    by_kind: HashMap<GroupKind, Expressions>,
}

#[derive(Debug)]
struct Expressions {
    /// In the order in which they are asked.
    ordered: Vec<(Expression, State)>,
}

impl HealthRules {
    /// Compiles `healthCheckExprs`. A rule without a kind is for all kinds of its group that have no rule of their own.
    pub fn compile(checks: &[CustomHealthCheck]) -> Result<Self, ExpressionError> {
        let mut by_kind = HashMap::with_capacity(checks.len());
        for check in checks {
            let CustomHealthCheck { api_version, kind, in_progress, failed, current } = check;
            let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
            let kind = GroupKind::new(group, kind.clone().unwrap_or_default());
            let named = format!("{}/{}", kind.group, kind.kind);
            let rule = Expressions::compile(in_progress.as_deref(), failed.as_deref(), current)?;
            if by_kind.insert(kind, rule).is_some() {
                return Err(ExpressionError::Duplicate(named));
            }
        }
        Ok(Self { by_kind })
    }

    /// How far an object is.
    pub fn status(&self, object: &Map<String, Value>) -> Status {
        match self.rule(object) {
            Some(rule) => rule.status(object),
            None => kstatus(object),
        }
    }

    /// Whether expressions decide over the object, and kstatus does not.
    pub fn decide(&self, object: &Map<String, Value>) -> bool {
        self.rule(object).is_some()
    }

    fn rule(&self, object: &Map<String, Value>) -> Option<&Expressions> {
        if self.by_kind.is_empty() {
            return None;
        }
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let group = text("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
        let rule = |kind: &str| self.by_kind.get(&GroupKind::new(group, kind));
        rule(text("kind")).or_else(|| rule(""))
    }
}

impl Expressions {
    fn compile(in_progress: Option<&str>, failed: Option<&str>, current: &str) -> Result<Self, ExpressionError> {
        if current.is_empty() {
            return Err(ExpressionError::Missing("current"));
        }
        let given = [(in_progress, State::InProgress), (failed, State::Failed), (Some(current), State::Current)];
        let expressions = given.into_iter().filter_map(|(text, state)| {
            let text = text.filter(|text| !text.is_empty())?;
            Some(Expression::parse(text).map(|expression| (expression, state)))
        });
        Ok(Self { ordered: expressions.collect::<Result<_, _>>()? })
    }

    fn status(&self, object: &Map<String, Value>) -> Status {
        if let Some(status) = unobserved(object) {
            return status;
        }
        for (expression, state) in &self.ordered {
            match expression.evaluate_object(object) {
                Ok(true) => return Status::new(*state, ""),
                Ok(false) => {}
                Err(err) => return Status::new(State::Unknown, err.to_string()),
            }
        }
        Status::new(State::InProgress, "")
    }
}

/// A dependency's `readyExpr`.
#[derive(Debug)]
pub struct ReadyExpression(Expression);

impl ReadyExpression {
    /// Parses an expression over `self` and `dep`.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        Expression::with_variables(text, &["self", "dep"]).map(Self)
    }

    /// Whether the dependency is ready for the dependent, both as whole objects.
    pub fn is_ready(&self, dependent: &Value, dependency: &Value) -> Result<bool, crate::EvaluationError> {
        self.0.evaluate([("self", dependent), ("dep", dependency)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(api_version: &str, kind: &str, expressions: [&str; 3]) -> CustomHealthCheck {
        let [in_progress, failed, current] = expressions;
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        CustomHealthCheck {
            api_version: api_version.into(),
            kind: given(kind),
            in_progress: given(in_progress),
            failed: given(failed),
            current: current.into(),
        }
    }

    fn check(rules: &[CustomHealthCheck], object: Value, state: State, message: &str) {
        let Value::Object(object) = object else { unreachable!() };
        let status = HealthRules::compile(rules).unwrap().status(&object);
        assert_eq!((status.state, status.message.as_str()), (state, message), "{object:?}");
    }

    fn thing(phase: &str) -> Value {
        json!({"apiVersion": "example.com/v2", "kind": "Thing", "status": {"phase": phase}})
    }

    #[test]
    fn expressions_are_asked_in_order_and_none_true_is_in_progress() {
        let rules = [rule(
            "example.com/v1",
            "Thing",
            ["status.phase == 'A'", "status.phase in ['A', 'B']", "status.phase == 'C'"],
        )];
        check(&rules, thing("A"), State::InProgress, "");
        check(&rules, thing("B"), State::Failed, "");
        check(&rules, thing("C"), State::Current, "");
        check(&rules, thing("D"), State::InProgress, "");
    }

    #[test]
    fn a_generation_that_was_not_observed_is_in_progress_whatever_the_expressions_say() {
        let rules = [rule("example.com/v1", "Thing", ["", "", "true"])];
        let mut object = thing("A");
        object["metadata"] = json!({"generation": 2});
        object["status"]["observedGeneration"] = json!(1);
        check(&rules, object.clone(), State::InProgress, "Thing generation is 2, but latest observed generation is 1");
        object["status"]["observedGeneration"] = json!("1");
        check(&rules, object, State::Current, "");
    }

    #[test]
    fn a_rule_without_a_kind_is_for_the_rest_of_its_group() {
        let rules =
            [rule("example.com/v1", "", ["", "true", "true"]), rule("example.com/v1", "Thing", ["", "", "true"])];
        check(&rules, thing("A"), State::Current, "");
        check(&rules, json!({"apiVersion": "example.com/v1", "kind": "Other"}), State::Failed, "");
        check(&rules, json!({"apiVersion": "other.com/v1", "kind": "Thing"}), State::Current, "Resource is current");
    }

    #[test]
    fn an_expression_that_fails_leaves_the_state_unknown() {
        let rules = [rule("example.com/v1", "Thing", ["", "", "status.missing == 1"])];
        let message = "failed to evaluate the CEL expression 'status.missing == 1': no such key: missing";
        check(&rules, thing("A"), State::Unknown, message);
    }

    #[test]
    fn unusable_rules_are_refused() {
        let refused = |rules: &[CustomHealthCheck]| HealthRules::compile(rules).unwrap_err().to_string();
        assert_eq!(refused(&[rule("example.com/v1", "Thing", ["", "", ""])]), "expression current not specified");
        let twice = rule("example.com/v1", "Thing", ["", "", "true"]);
        let other = CustomHealthCheck { api_version: "example.com/v2".into(), ..twice.clone() };
        assert_eq!(refused(&[twice, other]), "duplicate health check expressions for example.com/Thing");
    }

    #[test]
    fn a_ready_expression_compares_the_two_objects() {
        let dependent = json!({"spec": {"version": "2"}});
        let dependency = |version: &str| json!({"status": {"version": version}});
        let expression = ReadyExpression::compile("dep.status.version == self.spec.version").unwrap();
        assert_eq!(expression.is_ready(&dependent, &dependency("2")), Ok(true));
        assert_eq!(expression.is_ready(&dependent, &dependency("1")), Ok(false));
        assert!(expression.is_ready(&dependent, &json!({})).is_err());
        assert!(ReadyExpression::compile("status.ready").is_err());
    }
}
