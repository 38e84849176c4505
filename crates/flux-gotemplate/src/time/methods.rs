//! `time.Time` and `time.Month` as templates see them.

use std::cmp::Ordering;

use super::civil::seconds_of;
use super::format::{MONTHS, WEEKDAYS, default_text, format};
use super::{Civil, SECOND, TimeError, Zone, parse};
use crate::error::FuncError;
use crate::function::{Args, Function, Signature};
use crate::value::{GoStr, Object, Shape, Type, Value, downcast};

/// Seconds from 1970 back to the start of year 1, where Go's zero time is.
const YEAR_ONE: i64 = -62_135_596_800;
/// The name of the type.
const NAME: &str = "time.Time";
/// Go's layout for JSON.
const RFC3339: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

/// Go's `time.Time`: an instant and the zone that it is shown in.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970.
    pub(super) seconds: i64,
    /// 0 to 999,999,999.
    pub(super) nanoseconds: u32,
    pub(super) zone: Zone,
}

impl Time {
    /// The instant, shown in UTC; whole seconds in `nanoseconds` carry over.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Self {
        let (carried, nanoseconds) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        Self { seconds: seconds.saturating_add(carried.into()), nanoseconds, zone: Zone::Utc }
    }

    /// Go's zero time, the start of year 1.
    pub fn zero() -> Self {
        Self::from_unix(YEAR_ONE, 0)
    }

    /// The time of a template value that holds one.
    pub fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(object) => downcast(object),
            _ => None,
        }
    }

    /// The time that `value` gives when read after `layout`.
    pub(crate) fn parse(layout: &str, value: &str) -> Result<Self, TimeError> {
        parse::parse(layout, value)
    }

    /// Seconds since 1970.
    pub fn unix(&self) -> i64 {
        self.seconds
    }

    /// The time in the form that JSON and YAML show.
    pub(crate) fn rfc3339(&self) -> Vec<u8> {
        format(self, RFC3339)
    }

    pub(crate) fn format(&self, layout: &[u8]) -> Vec<u8> {
        format(self, layout)
    }

    pub(crate) fn in_zone(&self, zone: Zone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// The time `nanoseconds` later.
    pub(crate) fn add(&self, nanoseconds: i64) -> Self {
        let sum = i64::from(self.nanoseconds) + nanoseconds % SECOND;
        let seconds = self.seconds.saturating_add(nanoseconds / SECOND + sum.div_euclid(SECOND));
        let nanoseconds = u32::try_from(sum.rem_euclid(SECOND)).unwrap_or_default();
        Self { seconds, nanoseconds, zone: self.zone.clone() }
    }

    /// The nanoseconds from `earlier` to this time, at most as many as a duration holds.
    pub(crate) fn since(&self, earlier: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let total = seconds * i128::from(SECOND) + i128::from(self.nanoseconds) - i128::from(earlier.nanoseconds);
        i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
    }

    pub(super) fn zone_name_and_offset(&self) -> (std::sync::Arc<str>, i32) {
        self.zone.at(self.seconds)
    }

    fn civil(&self) -> Civil {
        let (_, offset) = self.zone_name_and_offset();
        Civil::of_seconds(self.seconds.saturating_add(offset.into()))
    }

    fn order(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds))
    }

    /// The time with years, months and days added by the calendar.
    fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let (_, offset) = self.zone_name_and_offset();
        let time_of_day = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
        let year = civil.year.saturating_add(years).clamp(-1_000_000_000, 1_000_000_000);
        let month = i64::from(civil.month).saturating_add(months).clamp(-1_000_000_000, 1_000_000_000);
        let day = i64::from(civil.day).saturating_add(days).clamp(-1_000_000_000_000, 1_000_000_000_000);
        let clock = seconds_of(year, month, day, time_of_day);
        let moved = Self { seconds: clock - i64::from(offset), ..self.clone() };
        let (_, new_offset) = moved.zone_name_and_offset();
        Self { seconds: clock - i64::from(new_offset), ..moved }
    }

    /// The time rounded down or to the nearest multiple of `unit` since year 1.
    fn to_multiple(&self, unit: i64, nearest: bool) -> Self {
        if unit <= 0 {
            return self.clone();
        }
        let since_year_one =
            (i128::from(self.seconds) - i128::from(YEAR_ONE)) * i128::from(SECOND) + i128::from(self.nanoseconds);
        let rest = i64::try_from(since_year_one.rem_euclid(i128::from(unit))).unwrap_or_default();
        let up = nearest && rest.saturating_add(rest) >= unit;
        self.add(if up { unit - rest } else { -rest })
    }

    /// What a method without parameters gives.
    fn property(&self, name: &str) -> Option<(Type, Value)> {
        let int = |value: i64| (Type::Int, Value::Int(value));
        let int64 = |value: i128| {
            #[expect(clippy::cast_possible_truncation, reason = "Go's result wraps too")]
            let value = value as i64;
            (Type::Int64, Value::Int64(value))
        };
        let time = |time: Self| (Type::Object(NAME), Value::object(time));
        let since_epoch = i128::from(self.seconds) * i128::from(SECOND) + i128::from(self.nanoseconds);
        Some(match name {
            "Year" => int(self.civil().year),
            "Month" => (Type::Object(Month::NAME), Value::object(Month(self.civil().month.into()))),
            "Weekday" => (Type::Object(Weekday::NAME), Value::object(Weekday(self.civil().weekday.into()))),
            "Day" => int(self.civil().day.into()),
            "YearDay" => int(self.civil().year_day.into()),
            "Hour" => int(self.civil().hour.into()),
            "Minute" => int(self.civil().minute.into()),
            "Second" => int(self.civil().second.into()),
            "Nanosecond" => int(self.nanoseconds.into()),
            "Unix" => int64(self.seconds.into()),
            "UnixMilli" => int64(since_epoch.div_euclid(1_000_000)),
            "UnixMicro" => int64(since_epoch.div_euclid(1_000)),
            "UnixNano" => int64(since_epoch),
            "IsZero" => (Type::Bool, Value::Bool(self.seconds == YEAR_ONE && self.nanoseconds == 0)),
            "IsDST" => (Type::Bool, Value::Bool(self.is_summer_time())),
            "UTC" | "Local" => time(self.in_zone(Zone::Utc)),
            "String" | "GoString" => (Type::Str, Value::Str(default_text(self).into())),
            _ => return None,
        })
    }

    fn is_summer_time(&self) -> bool {
        let Zone::Named(zone) = &self.zone else { return false };
        jiff::Timestamp::from_second(self.seconds).is_ok_and(|at| zone.to_offset_info(at).dst().is_dst())
    }

    /// A method with parameters, and what it gives.
    fn operation(name: &str) -> Option<(Signature, Operation)> {
        const DURATION: &[Type] = &[Type::Duration];
        const TIME: &[Type] = &[Type::Object(NAME)];
        const DATE: &[Type] = &[Type::Int, Type::Int, Type::Int];
        Some(match name {
            "Format" => {
                (Signature::fixed(&[Type::Str], Type::Str), |time, args| Value::Str(time.format(args.bytes(0)).into()))
            }
            "Add" => {
                (Signature::fixed(DURATION, Type::Object(NAME)), |time, args| Value::object(time.add(args.int(0))))
            }
            "AddDate" => (Signature::fixed(DATE, Type::Object(NAME)), |time, args| {
                Value::object(time.add_date(args.int(0), args.int(1), args.int(2)))
            }),
            "Truncate" => (Signature::fixed(DURATION, Type::Object(NAME)), |time, args| {
                Value::object(time.to_multiple(args.int(0), false))
            }),
            "Round" => (Signature::fixed(DURATION, Type::Object(NAME)), |time, args| {
                Value::object(time.to_multiple(args.int(0), true))
            }),
            "Sub" => (Signature::fixed(TIME, Type::Duration), |time, args| Value::Duration(time.since(&other(args)))),
            "Before" => {
                (Signature::fixed(TIME, Type::Bool), |time, args| Value::Bool(time.order(&other(args)).is_lt()))
            }
            "After" => (Signature::fixed(TIME, Type::Bool), |time, args| Value::Bool(time.order(&other(args)).is_gt())),
            "Equal" => (Signature::fixed(TIME, Type::Bool), |time, args| Value::Bool(time.order(&other(args)).is_eq())),
            "Compare" => (Signature::fixed(TIME, Type::Int), |time, args| Value::Int(time.order(&other(args)) as i64)),
            _ => return None,
        })
    }
}

/// The body of a method with parameters.
type Operation = fn(&Time, Args<'_>) -> Value;

fn other(args: Args<'_>) -> Time {
    Time::of(args.get(0)).cloned().unwrap_or_else(Time::zero)
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn shape(&self) -> Shape {
        Shape::Struct(Vec::new())
    }

    fn method(&self, name: &str) -> Option<Function> {
        let time = self.clone();
        if let Some((signature, operation)) = Self::operation(name) {
            return Some(Function::closure(signature, move |_, args| Ok(operation(&time, args))));
        }
        let (result, _) = self.property(name)?;
        let name = name.to_owned();
        let property = move |_: &mut crate::Call<'_, '_>, _: Args<'_>| {
            time.property(&name).map(|(_, value)| value).ok_or_else(|| FuncError::new("no such method"))
        };
        Some(Function::closure(Signature::fixed(&[], result), property))
    }

    fn text(&self) -> Option<GoStr> {
        Some(default_text(self).into())
    }

    fn serialized(&self) -> Option<Value> {
        Some(Value::Str(self.rfc3339().into()))
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other: &dyn std::any::Any = other;
        Some(other.downcast_ref::<Self>().is_some_and(|other| self.order(other).is_eq()))
    }
}

/// Go's `time.Month`.
struct Month(i64);

/// Go's `time.Weekday`.
struct Weekday(i64);

impl Month {
    const NAME: &'static str = "time.Month";
}

impl Weekday {
    const NAME: &'static str = "time.Weekday";
}

/// The name at `at`, or the number itself where there is none.
fn named(names: &[&str], at: i64) -> GoStr {
    usize::try_from(at).ok().and_then(|at| names.get(at)).map_or_else(|| at.to_string().into(), |name| (*name).into())
}

impl Object for Month {
    fn type_name(&self) -> &'static str {
        Self::NAME
    }

    fn shape(&self) -> Shape {
        Shape::Value(Value::Int(self.0))
    }

    fn method(&self, name: &str) -> Option<Function> {
        let text = named(&MONTHS, self.0 - 1);
        (name == "String")
            .then(|| Function::closure(Signature::fixed(&[], Type::Str), move |_, _| Ok(text.clone().into())))
    }

    fn text(&self) -> Option<GoStr> {
        Some(named(&MONTHS, self.0 - 1))
    }
}

impl Object for Weekday {
    fn type_name(&self) -> &'static str {
        Self::NAME
    }

    fn shape(&self) -> Shape {
        Shape::Value(Value::Int(self.0))
    }

    fn method(&self, name: &str) -> Option<Function> {
        let text = named(&WEEKDAYS, self.0);
        (name == "String")
            .then(|| Function::closure(Signature::fixed(&[], Type::Str), move |_, _| Ok(text.clone().into())))
    }

    fn text(&self) -> Option<GoStr> {
        Some(named(&WEEKDAYS, self.0))
    }
}
