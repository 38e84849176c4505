//! Time zones by name.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where a clock stands.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// UTC, which is the local zone too.
    Utc,
    /// A constant offset in seconds, with the name that a text gave.
    Fixed {
        /// May be empty.
        name: Arc<str>,
        /// Seconds east of UTC.
        offset: i32,
    },
    /// A zone of the compiled-in database.
    Named(TimeZone),
}

impl Zone {
    /// The zone that Go's database has under `name`; nothing and `Local` are UTC.
    pub(crate) fn load(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Self::Utc);
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        // Unlike jiff, Go tells capitals apart.
        (zone.iana_name() == Some(name)).then_some(Self::Named(zone))
    }

    /// The abbreviation and the offset in seconds at an instant.
    pub(super) fn at(&self, seconds: i64) -> (Arc<str>, i32) {
        match self {
            Self::Utc => (Arc::from("UTC"), 0),
            Self::Fixed { name, offset } => (Arc::clone(name), *offset),
            Self::Named(zone) => {
                let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let instant = Timestamp::from_second(seconds.clamp(first, last)).unwrap_or_default();
                let info = zone.to_offset_info(instant);
                (Arc::from(info.abbreviation()), info.offset().seconds())
            }
        }
    }
}
