//! CEL's extension for sets: lists compared without order and repetition.

use cel::common::types::{CelBool, LIST_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError, Value};

/// How many comparisons one call may make.
const COMPARISONS: usize = 1_000_000;

/// Declares `sets.contains`, `sets.equivalent` and `sets.intersects`.
pub(crate) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_overload("sets.contains", "list_sets_contains_list", lists(), contains)?;
    env.add_overload("sets.equivalent", "list_sets_equivalent_list", lists(), equivalent)?;
    env.add_overload("sets.intersects", "list_sets_intersects_list", lists(), intersects)
}

fn contains<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    answer(args, includes)
}

fn equivalent<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    answer(args, |left, right| includes(left, right) && includes(right, left))
}

fn intersects<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    answer(args, |left, right| left.iter().any(|item| right.contains(item)))
}

fn includes(left: &[Value], right: &[Value]) -> bool {
    right.iter().all(|item| left.contains(item))
}

fn answer<'b, 'v>(
    args: Vec<CowVal<'b, 'v>>,
    compare: impl Fn(&[Value], &[Value]) -> bool,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let wrong_count = |args: Vec<CowVal<'_, '_>>| ExecutionError::invalid_argument_count(2, args.len());
    let [left, right] = <[CowVal<'b, 'v>; 2]>::try_from(args).map_err(wrong_count)?;
    match (Value::try_from(left.as_ref())?, Value::try_from(right.as_ref())?) {
        (Value::List(left), Value::List(right)) => {
            if left.len().saturating_mul(right.len()) > COMPARISONS {
                return Err(ExecutionError::function_error("sets", "the lists are too long"));
            }
            Ok(CowVal::owned(CelBool::from(compare(&left, &right))))
        }
        _ => Err(ExecutionError::function_error("sets", "the arguments are not lists")),
    }
}
