//! Reads a line and sets what it says.

use flux_gotemplate::data::{JsonError, read_json_first};
use flux_gotemplate::strconv::{NumError, parse_int};
use flux_gotemplate::{List, Map, Type, Value};

use super::error::{ReaderError, StrvalsError};
use super::scan::Scanner;
use super::{MAX_INDEX, MAX_NAME_LEVELS};
use crate::values::as_table;
use crate::values::copy::{MAX_DEPTH, deeper};

/// By how many items a line may make lists longer: each index may ask for 65,536 of them.
const MAX_ITEMS: usize = 2_000_000;

/// What values are.
pub(super) enum Values<'r> {
    Typed,
    Text,
    Json,
    Literal,
    Read(&'r mut dyn FnMut(&str) -> Result<Value, ReaderError>),
}

/// Why reading stops.
enum Stop {
    /// The line is over. Helm takes that for no fault wherever a name or an index could begin.
    End,
    Fault(StrvalsError),
}

impl<E: Into<StrvalsError>> From<E> for Stop {
    fn from(fault: E) -> Self {
        Self::Fault(fault.into())
    }
}

type Step<T> = Result<T, Stop>;

pub(super) struct Parser<'t, 'r> {
    scanner: Scanner<'t>,
    values: Values<'r>,
    items_left: usize,
}

/// How deep a name is.
#[derive(Clone, Copy)]
struct Level {
    /// Dots behind names, which Helm counts; it does not count those behind indexes.
    names: usize,
    /// Names and indexes in all.
    depth: usize,
}

impl Level {
    fn down(self) -> Result<Self, StrvalsError> {
        if self.depth >= MAX_DEPTH {
            return Err(StrvalsError::Depth(MAX_DEPTH));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'t, 'r> Parser<'t, 'r> {
    pub(super) fn new(line: &'t str, values: Values<'r>) -> Self {
        let escapes = !matches!(values, Values::Literal);
        Self { scanner: Scanner::new(line, escapes), values, items_left: MAX_ITEMS }
    }

    pub(super) fn parse(mut self, into: &Map) -> Result<(), StrvalsError> {
        loop {
            match self.name(into, Level { names: 0, depth: 0 }) {
                Ok(()) => {}
                Err(Stop::End) => return Ok(()),
                Err(Stop::Fault(fault)) => return Err(fault),
            }
        }
    }

    /// One name and its value.
    fn name(&mut self, table: &Map, level: Level) -> Step<()> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (name, stop) = self.scanner.until(stops);
        match stop {
            None if name.is_empty() => Err(Stop::End),
            None => Err(StrvalsError::NoValue(name).into()),
            Some('[') => {
                let index = self.index()?;
                let mut items = list_in(table, &name)?;
                let result = self.item(&mut items, index, level.down()?);
                set(table, &name, Value::list(items))?;
                result
            }
            Some('=') => {
                let value = self.value()?;
                let is_over = value.is_none();
                set(table, &name, value.unwrap_or_else(|| "".into()))?;
                if is_over { Err(Stop::End) } else { Ok(()) }
            }
            Some(',') => {
                set(table, &name, "".into())?;
                Err(StrvalsError::NoValueBeforeComma(name).into())
            }
            Some(_) => self.below(table, name, level),
        }
    }

    /// What follows the dot behind a name.
    fn below(&mut self, table: &Map, name: String, level: Level) -> Step<()> {
        let level = Level { names: level.names + 1, ..level.down()? };
        if level.names > MAX_NAME_LEVELS {
            return Err(StrvalsError::Levels.into());
        }
        let inner = match table.get(name.as_bytes()) {
            None => Map::new(),
            Some(value) => as_table(&value).cloned().ok_or_else(|| wrong_type(&value, "map[string]interface {}"))?,
        };
        let result = deeper(|| self.name(&inner, level));
        if !inner.is_empty() {
            set(table, &name, inner.into())?;
        } else if result.is_ok() {
            return Err(StrvalsError::EmptyTable(name).into());
        }
        result
    }

    /// The number in brackets.
    fn index(&mut self) -> Step<i64> {
        let (text, stop) = self.scanner.until(&[']']);
        if stop.is_none() {
            return Err(Stop::End);
        }
        let index = parse_int(&text, 10, 64).map_err(|err| NumError { function: "Atoi", ..err });
        Ok(index.map_err(StrvalsError::Index)?)
    }

    /// What follows an index.
    fn item(&mut self, items: &mut Vec<Value>, index: i64, level: Level) -> Step<()> {
        let at = usize::try_from(index).map_err(|_| StrvalsError::NegativeIndex(index))?;
        let (text, stop) = self.scanner.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(StrvalsError::BehindIndex(text).into());
        }
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let value = self.value()?.unwrap_or_else(|| "".into());
                self.set_item(items, at, value)
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = items.get_mut(at).map_or_else(
                    || Ok(Vec::new()),
                    |item| match item {
                        Value::Nil => Ok(Vec::new()),
                        item => take_items(item),
                    },
                )?;
                let level = level.down()?;
                let result = deeper(|| self.item(&mut inner, next, level));
                if result.is_ok() || at < items.len() {
                    self.set_item(items, at, Value::list(inner))?;
                }
                result
            }
            Some(_) => {
                let inner = match items.get_mut(at) {
                    None => Map::new(),
                    Some(item) => as_table(item).cloned().unwrap_or_else(|| {
                        let inner = Map::new();
                        *item = inner.clone().into();
                        inner
                    }),
                };
                let level = level.down()?;
                deeper(|| self.name(&inner, level))?;
                self.set_item(items, at, inner.into())
            }
        }
    }

    fn set_item(&mut self, items: &mut Vec<Value>, at: usize, value: Value) -> Step<()> {
        if at > MAX_INDEX {
            return Err(StrvalsError::LargeIndex(at).into());
        }
        if let Some(item) = items.get_mut(at) {
            *item = value;
            return Ok(());
        }
        let more = at - items.len() + 1;
        self.items_left = self.items_left.checked_sub(more).ok_or(StrvalsError::Items(MAX_ITEMS))?;
        items.resize(at, Value::Nil);
        items.push(value);
        Ok(())
    }

    /// What stands behind an equals sign; nothing where the line ends there.
    fn value(&mut self) -> Step<Option<Value>> {
        match self.values {
            Values::Json => self.json().map(Some),
            Values::Literal => Ok(Some(self.scanner.until(&[]).0.into())),
            Values::Typed | Values::Text | Values::Read(_) if self.scanner.is_at_end() => Ok(None),
            Values::Typed | Values::Text | Values::Read(_) if self.scanner.take('{') => self.braces().map(Some),
            Values::Typed | Values::Text | Values::Read(_) => {
                let (text, _) = self.scanner.until(&[',']);
                self.plain(text).map(Some)
            }
        }
    }

    /// A list whose brace was taken.
    fn braces(&mut self) -> Step<Value> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.scanner.until(&[',', '}']);
            let stop = stop.ok_or(StrvalsError::OpenList)?;
            if stop == '}' {
                self.scanner.take(',');
            }
            items.push(self.plain(text)?);
            if stop == '}' {
                return Ok(Value::list(items));
            }
        }
    }

    fn json(&mut self) -> Step<Value> {
        if self.scanner.ends_here() {
            return Ok(Value::Nil);
        }
        let (value, behind) = read_json_first(self.scanner.rest().as_bytes()).map_err(|err| match err {
            JsonError::End => StrvalsError::OpenJson,
            other => other.into(),
        })?;
        self.scanner.skip(behind);
        self.scanner.ends_here();
        Ok(value)
    }

    fn plain(&mut self, text: String) -> Step<Value> {
        match &mut self.values {
            Values::Typed => Ok(typed(text)),
            Values::Read(read) => Ok(read(&text).map_err(StrvalsError::Reader)?),
            Values::Text | Values::Json | Values::Literal => Ok(text.into()),
        }
    }

    fn is_literal(&self) -> bool {
        matches!(self.values, Values::Literal)
    }
}

/// A boolean, null or whole number by its looks, else the text.
fn typed(text: String) -> Value {
    // Go folds this letter to s.
    let folded = text.replace('\u{17f}', "s");
    if folded.eq_ignore_ascii_case("true") {
        return true.into();
    }
    if folded.eq_ignore_ascii_case("false") {
        return false.into();
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Nil;
    }
    let number = if text.starts_with('0') && text != "0" { None } else { parse_int(&text, 10, 64).ok() };
    number.map_or_else(|| text.into(), Value::Int64)
}

/// Sets the value; nothing is set without a name.
fn set(table: &Map, name: &str, value: Value) -> Result<(), StrvalsError> {
    if name.is_empty() {
        return Ok(());
    }
    if table.is_nil() {
        return Err(StrvalsError::NilMap);
    }
    table.insert(name.into(), value);
    Ok(())
}

/// The items of the list at a name, taken out of the table where that saves a copy.
fn list_in(table: &Map, name: &str) -> Result<Vec<Value>, StrvalsError> {
    match table.get(name.as_bytes()) {
        None => Ok(Vec::new()),
        Some(mut value) => {
            if as_list(&value).is_some() && !name.is_empty() {
                table.remove(name.as_bytes());
            }
            take_items(&mut value)
        }
    }
}

fn take_items(value: &mut Value) -> Result<Vec<Value>, StrvalsError> {
    if as_list(value).is_none() {
        return Err(wrong_type(value, "[]interface {}"));
    }
    match std::mem::take(value) {
        Value::List(list) => Ok(list.into_vec()),
        _ => Ok(Vec::new()),
    }
}

/// The value as what Go's type assertion to `[]any` accepts.
fn as_list(value: &Value) -> Option<&List> {
    value.as_list().filter(|list| *list.elem() == Type::Any)
}

fn wrong_type(value: &Value, wanted: &'static str) -> StrvalsError {
    let found = match value {
        Value::Nil => "interface is nil".to_owned(),
        other => format!("interface {{}} is {}", other.type_name()),
    };
    StrvalsError::Type { found, wanted }
}
