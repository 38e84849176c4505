//! Indexes that are JSON.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::entry::{Language, read_list};
use super::{Fault, Header, IndexError, Limits, Versions, Wanted};
use crate::chart::document::Json;

/// Reads a JSON index, chart by chart; the answer is what it says beside its entries.
///
/// Nothing is given to the caller before the document is known to be JSON to its end: else it is YAML, which is read by
/// other rules.
pub(super) fn read(source: impl Read, limits: Limits, wanted: &mut Wanted<'_>) -> Result<Header, Fault> {
    let bounded = source.take(limits.size.saturating_add(1));
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::with_capacity(256 << 10, bounded));
    let mut index = Index { wanted, limits, found: Vec::new(), beside: Vec::new(), fault: None };
    let read = deserializer.deserialize_map(&mut index).and_then(|()| deserializer.end());
    let Index { wanted, found, beside, fault, .. } = index;
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    read.map_err(|err| if err.is_io() { IndexError::Read(err.into()).into() } else { Fault::Unusual })?;
    let header = Header::read(Language::Json, Json::Map(beside))?;
    for (name, list) in found {
        let (mut versions, mut skipped) = (Vec::new(), Vec::new());
        read_list(Language::Json, list, &mut versions, &mut skipped)?;
        wanted.give(Versions::sorted(name, versions, skipped));
    }
    Ok(header)
}

struct Index<'i, 'w> {
    wanted: &'i mut Wanted<'w>,
    limits: Limits,
    /// The wanted charts; of equal names the last counts.
    found: Vec<(String, Json)>,
    beside: Vec<(String, Json)>,
    fault: Option<IndexError>,
}

impl<'de> Visitor<'de> for &mut Index<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        while let Some(key) = parts.next_key::<String>()? {
            if key.eq_ignore_ascii_case("entries") {
                parts.next_value_seed(Entries(&mut *self))?;
            } else {
                let value = parts.next_value()?;
                self.beside.push((key, value));
            }
        }
        Ok(())
    }
}

struct Entries<'e, 'i, 'w>(&'e mut Index<'i, 'w>);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of charts")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut charts: A) -> Result<(), A::Error> {
        let Index { wanted, limits, found, fault, .. } = self.0;
        let mut count = 0;
        while let Some(name) = charts.next_key::<String>()? {
            count += 1;
            if count > limits.charts {
                *fault = Some(IndexError::Charts(limits.charts));
                return Err(A::Error::custom("too many charts"));
            }
            if !wanted.wants(&name) {
                charts.next_value::<IgnoredAny>()?;
                continue;
            }
            let list = charts.next_value()?;
            match found.iter_mut().find(|(other, _)| *other == name) {
                Some((_, before)) => *before = list,
                None => found.push((name, list)),
            }
        }
        Ok(())
    }
}
