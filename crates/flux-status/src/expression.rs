//! CEL expressions over JSON, bounded.
//!
//! Integers of the JSON are CEL's `int`, as cel-go reads them. Besides CEL's own functions there are the extensions for
//! strings, sets and base64, and optional values. A bound on the size of an expression, on the depth of its
//! comprehensions and on the steps they take keeps one object from occupying the controller; what an evaluation says
//! never contains values of the object, which may be a Secret.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr};
use cel::{Context, Env, ExecutionError, Program, Value, extensions};
use serde_json::{Map, Value as Json};

use crate::sets;
use crate::typing::{Type, UnknownFunction, infer};

/// The longest expression, in bytes.
const LONGEST: usize = 16 * 1024;
/// How deep comprehensions may nest: each level may multiply the steps.
const DEEPEST: usize = 4;
/// How many items all comprehensions of one evaluation may visit.
const STEPS: u64 = 100_000;
/// Counts what a comprehension is about to visit. No identifier of CEL starts like this.
const COUNT: &str = "@count";

/// Why a text is no expression that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is longer than the bound.
    #[error("CEL expression is longer than {LONGEST} bytes")]
    TooLong,
    /// It is not CEL.
    #[error("failed to parse the CEL expression '{expression}': {reason}")]
    Syntax {
        /// The expression.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Comprehensions are nested deeper than the bound.
    #[error("CEL expression '{0}' nests comprehensions deeper than {DEEPEST}")]
    TooDeep(String),
    /// It reads a variable that it is not given, or calls a function that there is none of.
    #[error("failed to parse the CEL expression '{expression}': undeclared reference to '{name}'")]
    Undeclared {
        /// The expression.
        expression: String,
        /// The variable or function.
        name: String,
    },
    /// What it says is no yes or no, whatever the objects are.
    #[error("CEL expression output type mismatch: expected bool, got {0}")]
    Type(&'static str),
    /// It is the only thing that is missing from a rule.
    #[error("expression {0} not specified")]
    Missing(&'static str),
    /// Two rules are about the same kind.
    #[error("duplicate health check expressions for {0}")]
    Duplicate(String),
}

/// Why an expression said neither true nor false of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to evaluate the CEL expression '{expression}': {reason}")]
pub struct EvaluationError {
    /// The expression.
    pub expression: String,
    /// What is wrong, without the object's values.
    pub reason: String,
}

/// A parsed expression that says yes or no.
pub struct Expression {
    text: String,
    program: IdedExpr,
    env: Arc<Env>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl Expression {
    /// Parses an expression. Which variables and functions it uses shows when it is evaluated.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Self::compile(text, None)
    }

    /// Parses an expression that may read `variables` only, and checks that it calls functions that there are and says yes or
    /// no, as far as that shows without values. A bare field of a variable may be anything, so it has to be compared.
    pub fn with_variables(text: &str, variables: &[&str]) -> Result<Self, ExpressionError> {
        Self::compile(text, Some(variables))
    }

    fn compile(text: &str, variables: Option<&[&str]>) -> Result<Self, ExpressionError> {
        if text.len() > LONGEST {
            return Err(ExpressionError::TooLong);
        }
        let env = environment();
        let syntax = |reason: String| ExpressionError::Syntax { expression: text.to_owned(), reason };
        let program: Program = env.compile(text).map_err(|err| syntax(one_line(&err.to_string())))?;
        let mut program = program.expression().clone();
        let found = variables.map(|_| infer(&program)).transpose();
        let mut walk = Walk { bound: Vec::new(), undeclared: None };
        if walk.visit(&mut program, 0).is_err() {
            return Err(ExpressionError::TooDeep(text.to_owned()));
        }
        if let Some(name) = variables.and_then(|variables| walk.undeclared_among(variables)) {
            return Err(ExpressionError::Undeclared { expression: text.to_owned(), name });
        }
        match found {
            Ok(None | Some(Type::Bool | Type::Unfollowed)) => {}
            Ok(Some(other @ (Type::Dyn | Type::Other(_)))) => return Err(ExpressionError::Type(other.name())),
            Err(UnknownFunction(name)) => {
                return Err(ExpressionError::Undeclared { expression: text.to_owned(), name });
            }
        }
        Ok(Self { text: text.to_owned(), program, env })
    }

    /// What the expression says, given variables by name.
    pub fn evaluate<'a>(
        &self,
        variables: impl IntoIterator<Item = (&'a str, &'a Json)>,
    ) -> Result<bool, EvaluationError> {
        let failed = |reason: String| EvaluationError { expression: self.text.clone(), reason };
        let mut context = Context::with_env(Arc::clone(&self.env));
        let left = AtomicU64::new(STEPS);
        let counted = context.add_function(COUNT, move |range: Value| count(range, &left));
        counted.map_err(|err| failed(err.to_string()))?;
        for (name, value) in variables {
            context.add_variable_from_value(name, to_cel(value));
        }
        match Value::resolve(&self.program, &context) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(other) => Err(failed(format!("it is of type {}, not bool", other.type_of()))),
            Err(err) => Err(failed(describe(&err))),
        }
    }

    /// What the expression says of an object whose top-level fields are its variables.
    pub fn evaluate_object(&self, object: &Map<String, Json>) -> Result<bool, EvaluationError> {
        self.evaluate(object.iter().map(|(name, value)| (name.as_str(), value)))
    }
}

/// CEL with the extensions that upstream has.
fn environment() -> Arc<Env> {
    static ENVIRONMENT: std::sync::LazyLock<Arc<Env>> = std::sync::LazyLock::new(|| {
        let mut env = Env::stdlib();
        for extension in [extensions::strings, extensions::encoders, sets::extension] {
            env.add_extension(extension).expect("the extensions declare different functions");
        }
        Arc::new(env)
    });
    Arc::clone(&ENVIRONMENT)
}

fn count(range: Value, left: &AtomicU64) -> Result<Value, ExecutionError> {
    let items = match &range {
        Value::List(items) => items.len(),
        Value::Map(map) => map.map.len(),
        _ => 0,
    };
    let items = u64::try_from(items).unwrap_or(u64::MAX);
    let enough = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(items));
    match enough {
        Ok(_) => Ok(range),
        Err(_) => Err(ExecutionError::function_error("comprehension", TOO_MANY_STEPS)),
    }
}

const TOO_MANY_STEPS: &str = "the expression takes too many steps";

/// JSON as cel-go sees it: whole numbers are `int`.
fn to_cel(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::Int(integer),
            (None, Some(integer)) => Value::UInt(integer),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(map) => {
            let map: HashMap<String, Value> = map.iter().map(|(key, value)| (key.clone(), to_cel(value))).collect();
            map.into()
        }
    }
}

/// What went wrong, without values.
fn describe(err: &ExecutionError) -> String {
    match err {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::UndeclaredReference(name) => format!("undeclared reference to '{name}'"),
        ExecutionError::NoSuchOverload(overload) => format!("no such overload: {overload}"),
        ExecutionError::FunctionError { function, message } if message == TOO_MANY_STEPS => {
            format!("{function}: {TOO_MANY_STEPS}")
        }
        ExecutionError::FunctionError { function, .. } => format!("function {function} failed"),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("expected {expected} arguments, got {actual}")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".to_owned(),
        ExecutionError::Overflow(..) => "integer overflow".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "index out of bounds".to_owned(),
        ExecutionError::ValuesNotComparable(..) => "values cannot be compared".to_owned(),
        _ => "a value has the wrong type".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.first().copied().unwrap_or("not CEL").to_owned()
}

/// Goes through an expression: bounds its comprehensions and finds the variables that it reads.
struct Walk {
    bound: Vec<String>,
    undeclared: Option<Vec<String>>,
}

struct TooDeep;

impl Walk {
    fn visit(&mut self, node: &mut IdedExpr, depth: usize) -> Result<(), TooDeep> {
        match &mut node.expr {
            Expr::Comprehension(comprehension) => self.visit_comprehension(comprehension, depth),
            Expr::Call(call) => {
                // A receiver that is only a name may be a namespace, for example `base64` in `base64.decode(x)`.
                let namespace = matches!(call.target.as_deref(), Some(IdedExpr { expr: Expr::Ident(name), .. })
                    if ["base64", "sets", "strings", "optional", "math"].contains(&name.as_str()));
                if let Some(target) = call.target.as_deref_mut().filter(|_| !namespace) {
                    self.visit(target, depth)?;
                }
                self.visit_all(&mut call.args, depth)
            }
            Expr::Ident(name) => {
                if !self.bound.contains(name) {
                    self.undeclared.get_or_insert_default().push(name.clone());
                }
                Ok(())
            }
            Expr::List(list) => self.visit_all(&mut list.elements, depth),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| self.visit_entry(&mut entry.expr, depth)),
            Expr::Struct(made) => {
                made.entries.iter_mut().try_for_each(|entry| self.visit_entry(&mut entry.expr, depth))
            }
            Expr::Select(select) => self.visit(&mut select.operand, depth),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn visit_all(&mut self, nodes: &mut [IdedExpr], depth: usize) -> Result<(), TooDeep> {
        nodes.iter_mut().try_for_each(|node| self.visit(node, depth))
    }

    fn visit_entry(&mut self, entry: &mut EntryExpr, depth: usize) -> Result<(), TooDeep> {
        match entry {
            EntryExpr::StructField(field) => self.visit(&mut field.value, depth),
            EntryExpr::MapEntry(entry) => {
                self.visit(&mut entry.key, depth)?;
                self.visit(&mut entry.value, depth)
            }
        }
    }

    /// Bounds the nesting, and makes the comprehension count its items before it visits them.
    fn visit_comprehension(&mut self, comprehension: &mut ComprehensionExpr, depth: usize) -> Result<(), TooDeep> {
        if depth >= DEEPEST {
            return Err(TooDeep);
        }
        self.visit(&mut comprehension.iter_range, depth)?;
        self.visit(&mut comprehension.accu_init, depth)?;
        let known = self.bound.len();
        self.bound.push(comprehension.iter_var.clone());
        self.bound.push(comprehension.accu_var.clone());
        self.bound.extend(comprehension.iter_var2.clone());
        for node in [&mut comprehension.loop_cond, &mut comprehension.loop_step, &mut comprehension.result] {
            self.visit(node, depth + 1)?;
        }
        self.bound.truncate(known);

        let range = std::mem::take(&mut comprehension.iter_range);
        let id = range.id;
        let call = CallExpr { func_name: COUNT.to_owned(), target: None, args: vec![range] };
        comprehension.iter_range = IdedExpr { id, expr: Expr::Call(call) };
        Ok(())
    }

    /// The first variable that is neither given nor a name of a type.
    fn undeclared_among(&self, variables: &[&str]) -> Option<String> {
        const TYPES: [&str; 11] =
            ["bool", "bytes", "double", "duration", "int", "list", "map", "null_type", "string", "type", "uint"];
        let known = |name: &&String| variables.contains(&name.as_str()) || TYPES.contains(&name.as_str());
        self.undeclared.iter().flatten().find(|name| !known(name)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Map<String, Json> {
        let object = json!({
            "metadata": {"generation": 3, "name": "web", "labels": {"a": "b"}},
            "status": {"replicas": 2, "ratio": 0.5, "phase": "Running", "big": u64::MAX,
                "conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]},
            "data": {"token": "aHVudGVyMjI="},
        });
        object.as_object().unwrap().clone()
    }

    fn check(expression: &str, expected: bool) {
        let parsed = Expression::parse(expression).unwrap_or_else(|err| panic!("{expression}: {err}"));
        assert_eq!(parsed.evaluate_object(&object()), Ok(expected), "{expression}");
    }

    fn fails(expression: &str, reason: &str) {
        let err = Expression::parse(expression).unwrap().evaluate_object(&object()).unwrap_err();
        assert_eq!((err.expression.as_str(), err.reason.as_str()), (expression, reason));
    }

    #[test]
    fn integers_of_json_are_integers_of_cel() {
        check("metadata.generation + 1 == 4", true);
        check("metadata.generation / 2 == 1", true);
        check("status.replicas < 2.5", true);
        check("status.ratio == 0.5 && status.ratio < 1", true);
        check("type(status.replicas) == int", true);
        check("status.big > 9223372036854775807", true);
    }

    #[test]
    fn conditions_are_found_by_comprehensions() {
        check("status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')", true);
        check("status.conditions.exists(e, e.type == 'Synced' && e.status == 'True')", false);
        check("status.conditions.map(e, e.type) == ['Ready', 'Synced']", true);
        check("status.conditions.exists_one(e, e.status == 'True')", true);
        check("has(status.phase) && !has(status.missing)", true);
        check("metadata.labels.all(k, metadata.labels[k] == 'b')", true);
    }

    #[test]
    fn upstreams_extensions_are_there() {
        check("metadata.name.upperAscii() == 'WEB' && 'a-b'.split('-')[1] == 'b'", true);
        check("base64.decode(data.token) == b'hunter22'", true);
        check("sets.contains([1, 2, 3], [3, 1]) && !sets.contains([1], [2])", true);
        check("sets.equivalent([1, 2, 2], [2, 1]) && !sets.equivalent([1], [1, 2])", true);
        check("sets.intersects(status.conditions.map(e, e.type), ['Ready']) && !sets.intersects([1], [])", true);
        check("status.?missing.orValue('none') == 'none'", true);
        check("status[?'phase'].hasValue() && !status.?a.?b.hasValue()", true);
        check("timestamp('2026-01-01T00:00:00Z') + duration('1h') == timestamp('2026-01-01T01:00:00Z')", true);
        check("metadata.name.matches('^w.b$')", true);
    }

    #[test]
    fn evaluation_failures_say_why_and_show_no_value() {
        fails("status.missing == 1", "no such key: missing");
        fails("nothing == 1", "undeclared reference to 'nothing'");
        fails("status.phase", "it is of type string, not bool");
        fails("data.token > 1", "no such overload: found no matching overload for '_>_' applied to '(string, int)'");
        fails("status.conditions[7].type == 'a'", "index out of bounds");
        fails("status.replicas / 0 == 1", "division by zero");
    }

    #[test]
    fn what_cannot_be_an_expression_is_refused() {
        let refused = |expression: &str| Expression::parse(expression).unwrap_err().to_string();
        assert!(refused("status.phase == ").starts_with("failed to parse the CEL expression 'status.phase == ': "));
        assert_eq!(refused(&"a".repeat(LONGEST + 1)), "CEL expression is longer than 16384 bytes");
        let nested = |levels: usize| {
            let open: Vec<String> = (0..levels).map(|level| format!("[1].all(v{level}, ")).collect();
            format!("{}true{}", open.concat(), ")".repeat(levels))
        };
        assert!(Expression::parse(&nested(DEEPEST)).is_ok());
        assert!(refused(&nested(DEEPEST + 1)).ends_with("nests comprehensions deeper than 4"));
    }

    #[test]
    fn an_expression_may_be_held_to_its_variables() {
        let refused =
            |expression: &str| Expression::with_variables(expression, &["self", "dep"]).unwrap_err().to_string();
        assert!(
            Expression::with_variables("dep.a.all(x, x == int(self.b)) && sets.contains(dep.c, [1])", &["self", "dep"])
                .is_ok()
        );
        assert_eq!(
            refused("dep.ready && other.ready"),
            "failed to parse the CEL expression 'dep.ready && other.ready': undeclared reference to 'other'"
        );
    }

    #[test]
    fn an_evaluation_that_takes_too_many_steps_is_cut() {
        let items: Vec<u32> = (0..200).collect();
        let variables = json!(items);
        let expression = Expression::parse("l.all(a, l.all(b, l.all(c, a + b + c >= 0)))").unwrap();
        let err = expression.evaluate([("l", &variables)]).unwrap_err();
        assert_eq!(err.reason, "comprehension: the expression takes too many steps");
    }
}
