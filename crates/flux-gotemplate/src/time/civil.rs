//! Days and calendar dates, in Go's proleptic Gregorian calendar.

/// A calendar date and time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    /// 1 to 366.
    pub(crate) year_day: u16,
    /// From 0 for Sunday.
    pub(crate) weekday: u8,
}

const DAY: i64 = 86_400;
/// Days of 400 years.
const ERA: i64 = 146_097;
/// Days from the first of March of year 0 to 1970.
const EPOCH: i64 = 719_468;

impl Civil {
    /// What a clock shows `seconds` after 1970 began.
    pub(crate) fn of_seconds(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let shifted = days + EPOCH;
        let (era, day_of_era) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month: narrow(month),
            day: narrow(day),
            hour: narrow(rest / 3600),
            minute: narrow(rest / 60 % 60),
            second: narrow(rest % 60),
            year_day: narrow(days - days_before(year, 1, 1) + 1),
            weekday: narrow((days + 4).rem_euclid(7)),
        }
    }
}

/// A part of a date in its own width; what the calendar gives always fits.
fn narrow<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

/// The days from 1970 to a date; months and days out of range carry over.
pub(crate) fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let shifted_year = year - i64::from(month <= 2);
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5;
    era * ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH + day - 1
}

/// The seconds from 1970 to a date and time of day, by a clock that shows no offset.
pub(crate) fn seconds_of(year: i64, month: i64, day: i64, time_of_day: i64) -> i64 {
    days_before(year, month, day) * DAY + time_of_day
}

/// The number of days of a month.
pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    days_before(year, month + 1, 1) - days_before(year, month, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_inverse() {
        for seconds in [0, -1, 951_782_400, 1_614_834_367, -62_135_596_800, 253_402_300_799, -99_999_999_999] {
            let civil = Civil::of_seconds(seconds);
            let time_of_day = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
            assert_eq!(seconds_of(civil.year, civil.month.into(), civil.day.into(), time_of_day), seconds);
        }
        let leap_day = Civil::of_seconds(951_782_400);
        assert_eq!((leap_day.year, leap_day.month, leap_day.day), (2000, 2, 29));
        assert_eq!((leap_day.year_day, leap_day.weekday), (60, 2));
        assert_eq!(days_in(1900, 2), 28);
        assert_eq!(days_in(2021, 12), 31);
    }
}
