//! Dates and durations.

use std::sync::Arc;

use super::{Table, World, with_world};
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Functions, Signature};
use crate::strconv::parse_int;
use crate::time::{SECOND, Time, Zone, format_duration, parse_duration, round};
use crate::value::{Type, Value};

const TIME: Type = Type::Object("time.Time");
const MODIFY: Signature = Signature::fixed(&[Type::Str, TIME], TIME);
const READ: Signature = Signature::fixed(&[Type::Str, Type::Str], TIME);
const IN_ZONE: Signature = Signature::fixed(&[Type::Str, Type::Any, Type::Str], Type::Str);
const TEXT: Signature = Signature::fixed(&[Type::Any], Type::Str);

pub(super) const TABLE: Table = &[
    ("duration", TEXT, |_, args| Ok(duration(args))),
    ("unixEpoch", Signature::fixed(&[TIME], Type::Str), |_, args| Ok(time(args, 0).unix().to_string().into())),
    ("toDate", READ, |_, args| {
        Ok(Value::object(Time::parse(&args.text(0), &args.text(1)).unwrap_or_else(|_| Time::zero())))
    }),
    ("mustToDate", READ, |_, args| {
        let read = Time::parse(&args.text(0), &args.text(1));
        read.map(Value::object).map_err(|fault| FuncError::new(fault.to_string()))
    }),
    ("dateModify", MODIFY, |_, args| Ok(modify(args))),
    ("date_modify", MODIFY, |_, args| Ok(modify(args))),
    ("mustDateModify", MODIFY, must_modify),
    ("must_date_modify", MODIFY, must_modify),
];

/// Adds the functions that ask for the time.
pub(super) fn add_to(functions: &mut Functions, world: &Arc<dyn World>) {
    let mut add = |name, signature, body| functions.add(name, with_world(world, signature, body));
    add("now", Signature::fixed(&[], TIME), |world, _| Ok(Value::object(world.now())));
    add("date", Signature::fixed(&[Type::Str, Type::Any], Type::Str), |world, args| {
        Ok(date(world, args.bytes(0), args.get(1), ""))
    });
    add("dateInZone", IN_ZONE, |world, args| Ok(date_in_zone(world, args)));
    add("date_in_zone", IN_ZONE, |world, args| Ok(date_in_zone(world, args)));
    add("htmlDate", TEXT, |world, args| Ok(date(world, b"2006-01-02", args.get(0), "")));
    add("htmlDateInZone", Signature::fixed(&[Type::Any, Type::Str], Type::Str), |world, args| {
        Ok(date(world, b"2006-01-02", args.get(0), &args.text(1)))
    });
    add("ago", TEXT, |world, args| {
        let date = instant(args.get(0)).unwrap_or_else(|| world.now());
        Ok(format_duration(round(world.now().since(&date), SECOND)).into())
    });
    add("durationRound", TEXT, |world, args| Ok(duration_round(world, args.get(0)).into()));
}

fn time(args: Args<'_>, index: usize) -> Time {
    Time::of(args.get(index)).cloned().unwrap_or_else(Time::zero)
}

/// The instant of a time or of seconds since 1970.
fn instant(value: &Value) -> Option<Time> {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Some(Time::from_unix(*seconds, 0)),
        Value::Int32(seconds) => Some(Time::from_unix((*seconds).into(), 0)),
        other => Time::of(other).cloned(),
    }
}

/// A date written after a layout; anything but a date is now, and an unknown zone UTC.
fn date(world: &dyn World, layout: &[u8], value: &Value, zone: &str) -> Value {
    let time = instant(value).unwrap_or_else(|| world.now());
    time.in_zone(Zone::load(zone).unwrap_or(Zone::Utc)).format(layout).into()
}

fn date_in_zone(world: &dyn World, args: Args<'_>) -> Value {
    date(world, args.bytes(0), args.get(1), &args.text(2))
}

fn modify(args: Args<'_>) -> Value {
    let date = time(args, 1);
    Value::object(parse_duration(&args.text(0)).map_or_else(|_| date.clone(), |by| date.add(by)))
}

fn must_modify(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let by = parse_duration(&args.text(0)).map_err(|fault| FuncError::new(fault.to_string()))?;
    Ok(Value::object(time(args, 1).add(by)))
}

/// The duration of as many seconds as a text or an `int64` says; of anything else none.
fn duration(args: Args<'_>) -> Value {
    let seconds = match args.get(0) {
        Value::Int64(seconds) => *seconds,
        Value::Str(text) => parse_int(&text.to_text(), 10, 64).unwrap_or_default(),
        _ => 0,
    };
    format_duration(seconds.wrapping_mul(SECOND)).into()
}

/// A duration by its greatest unit alone.
fn duration_round(world: &dyn World, value: &Value) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (HOUR / 3600, "s"),
    ];
    let nanoseconds = match value {
        Value::Str(text) => parse_duration(&text.to_text()).unwrap_or_default(),
        Value::Int64(nanoseconds) => *nanoseconds,
        other => Time::of(other).map_or(0, |time| world.now().since(time)),
    };
    let amount = nanoseconds.unsigned_abs();
    let unit = UNITS.iter().find(|(unit, _)| amount > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", amount / unit))
}
