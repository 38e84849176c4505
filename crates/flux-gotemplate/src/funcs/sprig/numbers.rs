//! Arithmetic, rounding and sequences.

use super::Table;
use super::cast::{to_float64, to_int64};
use super::decimal::Decimal;
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::strconv::parse_int;
use crate::value::{List, Type, Value};

const TO_INT: Signature = Signature::fixed(&[Type::Any], Type::Int);
const TO_INT64: Signature = Signature::fixed(&[Type::Any], Type::Int64);
const TO_FLOAT: Signature = Signature::fixed(&[Type::Any], Type::Float64);
const PAIR: Signature = Signature::fixed(&[Type::Any, Type::Any], Type::Int64);
const ANY: Signature = Signature::variadic(&[Type::Any], Type::Int64);
const SOME: Signature = Signature::variadic(&[Type::Any, Type::Any], Type::Int64);
const SOME_FLOATS: Signature = Signature::variadic(&[Type::Any, Type::Any], Type::Float64);
const INTS: Type = Type::List(&Type::Int);

pub(super) const TABLE: Table = &[
    ("atoi", Signature::fixed(&[Type::Str], Type::Int), |_, args| Ok(Value::Int(atoi(&args.text(0))))),
    ("int", TO_INT, |_, args| Ok(Value::Int(to_int64(args.get(0))))),
    ("int64", TO_INT64, |_, args| Ok(Value::Int64(to_int64(args.get(0))))),
    ("float64", TO_FLOAT, |_, args| Ok(to_float64(args.get(0)).into())),
    ("toDecimal", TO_INT64, |call, args| {
        Ok(Value::Int64(parse_int(&call.text_of(args.get(0))?.to_text(), 8, 64).unwrap_or_default()))
    }),
    ("add1", TO_INT64, |_, args| Ok(Value::Int64(to_int64(args.get(0)).wrapping_add(1)))),
    ("add", ANY, |_, args| Ok(Value::Int64(args.all().iter().map(to_int64).fold(0, i64::wrapping_add)))),
    ("sub", PAIR, |_, args| Ok(Value::Int64(to_int64(args.get(0)).wrapping_sub(to_int64(args.get(1)))))),
    ("mul", SOME, |_, args| Ok(fold(args, i64::wrapping_mul))),
    ("div", PAIR, |_, args| divided(args, i64::wrapping_div)),
    ("mod", PAIR, |_, args| divided(args, i64::wrapping_rem)),
    ("max", SOME, |_, args| Ok(fold(args, i64::max))),
    ("biggest", SOME, |_, args| Ok(fold(args, i64::max))),
    ("min", SOME, |_, args| Ok(fold(args, i64::min))),
    ("maxf", SOME_FLOATS, |_, args| Ok(fold_floats(args, maximum))),
    ("minf", SOME_FLOATS, |_, args| Ok(fold_floats(args, |a, b| -maximum(-a, -b)))),
    ("add1f", TO_FLOAT, |_, args| decimal(args.get(0), &[Value::Int(1)], |sum, next| Ok(sum.add(next)))),
    ("addf", Signature::variadic(&[Type::Any], Type::Float64), |_, args| {
        decimal(&Value::Float(0.0), args.all(), |sum, next| Ok(sum.add(next)))
    }),
    ("subf", SOME_FLOATS, |_, args| decimal(args.get(0), args.rest(1), |sum, next| Ok(sum.subtract(next)))),
    ("mulf", SOME_FLOATS, |_, args| decimal(args.get(0), args.rest(1), |sum, next| Ok(sum.multiply(next)))),
    ("divf", SOME_FLOATS, |_, args| decimal(args.get(0), args.rest(1), Decimal::divide)),
    ("ceil", TO_FLOAT, |_, args| Ok(to_float64(args.get(0)).ceil().into())),
    ("floor", TO_FLOAT, |_, args| Ok(to_float64(args.get(0)).floor().into())),
    ("round", Signature::variadic(&[Type::Any, Type::Int, Type::Float64], Type::Float64), |_, args| Ok(round(args))),
    ("until", Signature::fixed(&[Type::Int], INTS), |call, args| {
        let stop = args.int(0);
        Ok(ints(until_step(call, 0, stop, if stop < 0 { -1 } else { 1 })?))
    }),
    ("untilStep", Signature::fixed(&[Type::Int, Type::Int, Type::Int], INTS), |call, args| {
        Ok(ints(until_step(call, args.int(0), args.int(1), args.int(2))?))
    }),
    ("seq", Signature::variadic(&[Type::Int], Type::Str), seq),
];

/// Go's `Atoi`: decimal digits alone; beyond what an `int` holds the nearest that it does.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn fold(args: Args<'_>, combine: fn(i64, i64) -> i64) -> Value {
    Value::Int64(args.rest(1).iter().map(to_int64).fold(to_int64(args.get(0)), combine))
}

fn fold_floats(args: Args<'_>, combine: fn(f64, f64) -> f64) -> Value {
    Value::Float(args.rest(1).iter().map(to_float64).fold(to_float64(args.get(0)), combine))
}

/// The greater number as Go's `math.Max` tells it: infinity over NaN, NaN over all else, 0 over -0.
fn maximum(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    a.max(b)
}

fn divided(args: Args<'_>, divide: fn(i64, i64) -> i64) -> Result<Value, FuncError> {
    match to_int64(args.get(1)) {
        0 => Err(FuncError::new("runtime error: integer divide by zero")),
        divisor => Ok(Value::Int64(divide(to_int64(args.get(0)), divisor))),
    }
}

fn decimal(
    first: &Value,
    others: &[Value],
    combine: fn(&Decimal, &Decimal) -> Result<Decimal, FuncError>,
) -> Result<Value, FuncError> {
    let mut result = Decimal::from_float(to_float64(first))?;
    for other in others {
        result = combine(&result, &Decimal::from_float(to_float64(other))?)?;
    }
    Ok(result.to_float().into())
}

fn round(args: Args<'_>) -> Value {
    let round_on = if args.len() > 2 { args.float(2) } else { 0.5 };
    let power = 10_f64.powi(i32::try_from(args.int(1).clamp(-400, 400)).unwrap_or_default());
    let shifted = power * to_float64(args.get(0));
    let rounded = if shifted.fract() >= round_on { shifted.ceil() } else { shifted.floor() };
    (rounded / power).into()
}

fn ints(numbers: Vec<i64>) -> Value {
    List::of(&Type::Int, numbers.into_iter().map(Value::Int).collect()).into()
}

/// The numbers from `start` to before `stop`; none where the step leads away.
fn until_step(call: &mut Call<'_, '_>, start: i64, end: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let distance = i128::from(end) - i128::from(start);
    if step == 0 || (distance < 0) != (step < 0) {
        return Ok(Vec::new());
    }
    let count =
        usize::try_from(distance.unsigned_abs().div_ceil(i128::from(step).unsigned_abs())).unwrap_or(usize::MAX);
    call.charge(count.saturating_mul(size_of::<Value>()))?;
    call.steps(u64::try_from(count).unwrap_or(u64::MAX))?;
    Ok((0..count).scan(start, |next, _| Some(std::mem::replace(next, next.wrapping_add(step)))).collect())
}

fn seq(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let (start, step, end) = match args.len() {
        1 => (1, None, args.int(0)),
        2 => (args.int(0), None, args.int(1)),
        3 => (args.int(0), Some(args.int(1)), args.int(2)),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|step| step > 0) {
        return Ok("".into());
    }
    let numbers = until_step(call, start, end.wrapping_add(direction), step.unwrap_or(direction))?;
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(texts.join(" ").into())
}
