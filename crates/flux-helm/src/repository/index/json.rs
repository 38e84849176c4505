//! Indexes that are JSON.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufReader, Read, Seek, SeekFrom};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::entry::{Language, read_list};
use super::{Choice, Fault, HEADER, HEADER_SIZE, Header, IndexError, Limits, Versions, Wanted, limits_of_yaml};
use crate::chart::document::{Allowance, Json, Spent, Within};
use crate::gate::{Gate, Gated};

const CHUNK: usize = 256 << 10;

/// Reads a JSON index, chart by chart; the answer is what it says beside its entries.
///
/// Nothing is given to the caller before the document is known to be JSON to its end: else it is YAML, which is read by
/// other rules. Where all charts are wanted the document is therefore read twice, so that only one is held at a time.
pub(super) fn read(mut source: impl Read + Seek, limits: Limits, wanted: &mut Wanted<'_>) -> Result<Header, Fault> {
    let gate = Gate::default();
    let mut index = Index::new(limits, &gate, wanted);
    index.read(&mut source)?;
    let header = Header::read(Language::Json, Json::Map(std::mem::take(&mut index.beside)))?;
    if let Some((name, list)) = index.one.take() {
        index.give(name, list)?;
    }
    if !index.last.is_empty() {
        source.seek(SeekFrom::Start(0))?;
        (index.again, index.charts) = (true, 0);
        index.read(&mut source)?;
    }
    Ok(header)
}

struct Index<'i, 'w> {
    limits: Limits,
    gate: &'i Gate,
    wanted: &'i mut Wanted<'w>,
    /// How many charts were seen.
    charts: usize,
    /// The chart that is wanted, where it is one; of equal names the last counts.
    one: Option<(String, Json)>,
    /// Which of the charts of a name is the last, where all are wanted.
    last: HashMap<String, usize>,
    /// The document is read for the second time.
    again: bool,
    beside: Vec<(String, Json)>,
    room_beside: Allowance,
    fault: Option<Fault>,
}

impl<'i, 'w> Index<'i, 'w> {
    fn new(limits: Limits, gate: &'i Gate, wanted: &'i mut Wanted<'w>) -> Self {
        let room_beside = Allowance::new(limits_of_yaml().nodes, HEADER_SIZE);
        let (last, beside) = (HashMap::new(), Vec::new());
        Self { limits, gate, wanted, charts: 0, one: None, last, again: false, beside, room_beside, fault: None }
    }

    fn read(&mut self, source: impl Read) -> Result<(), Fault> {
        let gate = self.gate;
        self.open();
        let bounded = Gated::new(source.take(self.limits.size.saturating_add(1)), gate);
        let mut deserializer = serde_json::Deserializer::from_reader(BufReader::with_capacity(CHUNK, bounded));
        let read = deserializer.deserialize_map(&mut *self).and_then(|()| {
            gate.open(u64::MAX);
            deserializer.end()
        });
        match (read, self.fault.take()) {
            (_, Some(fault)) => Err(fault),
            (Err(_), None) if gate.was_closed() => Err(IndexError::Line(self.limits.chart).into()),
            (Err(err), None) if err.is_io() => Err(IndexError::Read(err.into()).into()),
            (Err(_), None) => Err(Fault::Unusual),
            (Ok(()), None) => Ok(()),
        }
    }

    /// Lets as much through as may be held about a chart, or of a key.
    fn open(&self) {
        self.gate.open((self.limits.chart + CHUNK) as u64);
    }

    fn key<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<Option<String>, A::Error> {
        self.open();
        map.next_key()
    }

    fn pass_over<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<(), A::Error> {
        self.gate.open(u64::MAX);
        map.next_value::<IgnoredAny>().map(drop)
    }

    /// A part of the index itself.
    fn part<'de, A: MapAccess<'de>>(&mut self, key: String, parts: &mut A) -> Result<(), A::Error> {
        if key.eq_ignore_ascii_case("entries") {
            return parts.next_value_seed(Entries(self));
        }
        if self.again || !HEADER.has(&key) {
            return self.pass_over(parts);
        }
        let value = parts.next_value_seed(Within(&mut self.room_beside));
        let value = value.inspect_err(|_| {
            let spent = self.room_beside.spent();
            self.refuse(spent, || IndexError::Header(HEADER_SIZE));
        })?;
        self.beside.push((key, value));
        Ok(())
    }

    /// A chart.
    fn chart<'de, A: MapAccess<'de>>(&mut self, name: String, charts: &mut A) -> Result<(), A::Error> {
        let place = self.charts;
        self.charts += 1;
        if self.charts > self.limits.charts {
            self.fault = Some(IndexError::Charts(self.limits.charts).into());
            return Err(A::Error::custom("too many charts"));
        }
        let is_wanted = if self.again { self.last.get(&name) == Some(&place) } else { self.wanted.wants(&name) };
        if !is_wanted {
            return self.pass_over(charts);
        }
        if !self.again && matches!(self.wanted.choice, Choice::All) {
            self.last.insert(name, place);
            return self.pass_over(charts);
        }
        let limit = self.limits.chart;
        let mut room = Allowance::new(limits_of_yaml().nodes, limit);
        let list = charts.next_value_seed(Within(&mut room));
        let list =
            list.inspect_err(|_| self.refuse(room.spent(), || IndexError::Chart { name: name.clone(), limit }))?;
        if self.again {
            return self.give(name, list).map_err(|fault| {
                self.fault = Some(fault);
                A::Error::custom("no chart")
            });
        }
        self.one = Some((name, list));
        Ok(())
    }

    /// Notes the limit that the reading ended for, if it did.
    fn refuse(&mut self, spent: Option<Spent>, too_large: impl FnOnce() -> IndexError) {
        match spent {
            Some(Spent::Values) => self.fault = Some(IndexError::Values(limits_of_yaml().nodes).into()),
            Some(Spent::Bytes) => self.fault = Some(too_large().into()),
            None if self.gate.was_closed() => self.fault = Some(too_large().into()),
            None => {}
        }
    }

    fn give(&mut self, name: String, list: Json) -> Result<(), Fault> {
        let (mut versions, mut skipped) = (Vec::new(), Vec::new());
        read_list(Language::Json, list, &mut versions, &mut skipped)?;
        self.wanted.give(Versions::sorted(name, versions, skipped));
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Index<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        while let Some(key) = self.key(&mut parts)? {
            self.part(key, &mut parts)?;
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
        while let Some(name) = self.0.key(&mut charts)? {
            self.0.chart(name, &mut charts)?;
        }
        Ok(())
    }
}
