//! What holding values against a schema takes, counted before it is done: schemas that combine others over and over can
//! ask for more steps than there is time.
//!
//! Each pair of a schema and a value is looked at once, so counting is fast where the work itself would not end. Names that
//! may mean several schemas count for all of them.

use std::collections::HashMap;

use serde_json::Value;

use super::Documents;

/// The most steps, some seconds of work.
const MAX_STEPS: u64 = 5_000_000;
/// The most schemas within each other, down to the innermost value: the stack is made for that.
const MAX_HEIGHT: usize = 10_000;
/// The most schemas that are applied to one value in a row: the library looks for cycles among them at each step.
const MAX_CHAIN: usize = 1_000;
/// The most different pairs that are looked at.
const MAX_PAIRS: usize = 2_000_000;
/// The most schemas that lead back to themselves without going on to another value: each way around is tried.
const MAX_CYCLES: usize = 16;

/// Why values are not held against a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    #[error("schema takes more than {MAX_STEPS} steps for these values")]
    Steps,
    #[error("schema is nested deeper than {MAX_HEIGHT} levels for these values")]
    Height,
    #[error("schema has more than {MAX_CHAIN} references and combinations in a row")]
    Chain,
    #[error("schema refers to itself in more than {MAX_CYCLES} ways")]
    Cycles,
}

/// Fails where holding the values against the schema would take too much.
pub(super) fn check(schema: &Value, documents: &Documents, values: &Value) -> Result<(), TooMuch> {
    let mut counting = Counting { index: Index::of(schema, documents), known: HashMap::new(), cycles: 0, visits: 0 };
    let at = At { schema, resource: schema, document: schema };
    let work = counting.work(at, values, 0)?;
    if work.steps > MAX_STEPS { Err(TooMuch::Steps) } else { Ok(()) }
}

/// A schema, with what references in it start from.
#[derive(Clone, Copy)]
struct At<'s> {
    schema: &'s Value,
    /// The innermost schema around with an address.
    resource: &'s Value,
    document: &'s Value,
}

impl<'s> At<'s> {
    fn to(self, schema: &'s Value) -> Self {
        let has_address = id(schema).is_some_and(|id| !id.starts_with('#'));
        Self { schema, resource: if has_address { schema } else { self.resource }, ..self }
    }
}

/// What a schema takes for a value.
#[derive(Clone, Copy)]
struct Work {
    steps: u64,
    height: usize,
    chain: usize,
}

impl Work {
    const ONE: Self = Self { steps: 1, height: 1, chain: 1 };

    /// Adds what another schema takes, for the same value or for one within it.
    fn add(&mut self, other: Self, in_place: bool) {
        self.steps = self.steps.saturating_add(other.steps);
        self.height = self.height.max(1 + other.height);
        if in_place {
            self.chain = self.chain.max(1 + other.chain);
        }
    }
}

struct Counting<'s> {
    index: Index<'s>,
    /// What is known, nothing for what is being looked at.
    known: HashMap<(usize, usize), Option<Work>>,
    cycles: usize,
    /// How often a pair was looked at, which takes a step each time.
    visits: u64,
}

impl<'s> Counting<'s> {
    fn work(&mut self, at: At<'s>, value: &'s Value, depth: usize) -> Result<Work, TooMuch> {
        self.visits += 1;
        if self.visits > MAX_STEPS {
            return Err(TooMuch::Steps);
        }
        let Value::Object(keywords) = at.schema else { return Ok(Work::ONE) };
        let pair = (std::ptr::from_ref(at.schema).addr(), std::ptr::from_ref(value).addr());
        match self.known.get(&pair) {
            Some(Some(work)) if depth + work.height > MAX_HEIGHT => return Err(TooMuch::Height),
            Some(Some(work)) => return Ok(*work),
            Some(None) => {
                self.cycles += 1;
                return if self.cycles > MAX_CYCLES { Err(TooMuch::Cycles) } else { Ok(Work::ONE) };
            }
            None if self.known.len() >= MAX_PAIRS => return Err(TooMuch::Steps),
            None if depth >= MAX_HEIGHT => return Err(TooMuch::Height),
            None => {}
        }
        self.known.insert(pair, None);
        let mut work = Work::ONE;
        for (keyword, schema) in keywords {
            for target in self.in_place(at, keyword, schema) {
                work.add(self.work(target, value, depth + 1)?, true);
            }
            for (schema, value) in within(keyword, schema, value) {
                work.add(self.work(at.to(schema), value, depth + 1)?, false);
            }
        }
        if work.chain > MAX_CHAIN {
            return Err(TooMuch::Chain);
        }
        self.known.insert(pair, Some(work));
        Ok(work)
    }

    /// The schemas that a keyword applies to the same value.
    fn in_place(&self, at: At<'s>, keyword: &str, schema: &'s Value) -> Box<dyn Iterator<Item = At<'s>> + 's> {
        match (keyword, schema) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                Box::new(self.index.targets(at, reference).into_iter())
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => Box::new(schemas.iter().map(move |to| at.to(to))),
            ("not" | "if" | "then" | "else", schema) => Box::new(std::iter::once(at.to(schema))),
            ("dependentSchemas" | "dependencies", Value::Object(schemas)) => {
                Box::new(schemas.values().map(move |to| at.to(to)))
            }
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// The schemas that a keyword applies to what is within a value, made one by one: there may be more than memory holds.
fn within<'v>(
    keyword: &str,
    schema: &'v Value,
    value: &'v Value,
) -> Box<dyn Iterator<Item = (&'v Value, &'v Value)> + 'v> {
    static NAME: Value = Value::Null;
    match (keyword, schema, value) {
        ("properties", Value::Object(schemas), Value::Object(entries)) => {
            Box::new(entries.iter().filter_map(|(key, value)| Some((schemas.get(key)?, value))))
        }
        ("patternProperties", Value::Object(schemas), Value::Object(entries)) => {
            Box::new(schemas.values().flat_map(|schema| entries.values().map(move |value| (schema, value))))
        }
        ("additionalProperties" | "unevaluatedProperties", schema, Value::Object(entries)) => {
            Box::new(entries.values().map(move |value| (schema, value)))
        }
        ("propertyNames", schema, Value::Object(entries)) => Box::new(entries.iter().map(move |_| (schema, &NAME))),
        ("items" | "prefixItems", Value::Array(schemas), Value::Array(items)) => Box::new(schemas.iter().zip(items)),
        ("items" | "additionalItems" | "contains" | "unevaluatedItems", schema, Value::Array(items)) => {
            Box::new(items.iter().map(move |item| (schema, item)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// What references can lead to, by the last part of its address and by its anchor.
struct Index<'s> {
    addresses: HashMap<&'s str, Vec<At<'s>>>,
    anchors: HashMap<&'s str, Vec<At<'s>>>,
}

impl<'s> Index<'s> {
    fn of(own: &'s Value, documents: &'s Documents) -> Self {
        let mut index = Self { addresses: HashMap::new(), anchors: HashMap::new() };
        index.collect(At { schema: own, resource: own, document: own });
        for (address, document) in documents {
            let at = At { schema: document, resource: document, document };
            index.addresses.entry(last_part(address)).or_default().push(at);
            index.collect(at);
        }
        index
    }

    fn collect(&mut self, at: At<'s>) {
        match at.schema {
            Value::Object(entries) => {
                if let Some(id) = id(at.schema) {
                    match id.strip_prefix('#') {
                        Some(anchor) => self.anchors.entry(anchor).or_default().push(at),
                        None => self.addresses.entry(last_part(id)).or_default().push(at),
                    }
                }
                for keyword in ["$anchor", "$dynamicAnchor"] {
                    if let Some(anchor) = entries.get(keyword).and_then(Value::as_str) {
                        self.anchors.entry(anchor).or_default().push(at);
                    }
                }
                entries.values().for_each(|entry| self.collect(at.to(entry)));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(at.to(item))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// All that a reference may lead to.
    fn targets(&self, at: At<'s>, reference: &str) -> Vec<At<'s>> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = decoded(fragment);
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return self.anchors.get(fragment.as_str()).cloned().unwrap_or_default();
        }
        let roots = if address.is_empty() {
            vec![At { schema: at.resource, ..at }, At { schema: at.document, resource: at.document, ..at }]
        } else {
            self.addresses.get(last_part(address)).cloned().unwrap_or_default()
        };
        let mut targets: Vec<At<'s>> = Vec::new();
        for root in roots {
            let target = root.schema.pointer(&fragment).map(|schema| root.to(schema));
            if let Some(target) = target.filter(|new| targets.iter().all(|old| !std::ptr::eq(old.schema, new.schema))) {
                targets.push(target);
            }
        }
        targets
    }
}

fn id(schema: &Value) -> Option<&str> {
    schema.get("$id").or_else(|| schema.get("id"))?.as_str()
}

/// The part of an address behind its last slash or colon.
fn last_part(address: &str) -> &str {
    let address = address.trim_end_matches('#');
    address.rsplit(['/', ':']).next().unwrap_or(address)
}

/// The fragment without percent signs.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| byte == b'%').and_then(|code| std::str::from_utf8(code).ok());
        if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(code);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_before_any_more_are_looked_at() {
        let patterns: serde_json::Map<_, _> = (0..3_000).map(|at| (format!("x{at}"), Value::Bool(true))).collect();
        let values: serde_json::Map<_, _> = (0..2_000).map(|at| (format!("k{at}"), Value::Null)).collect();
        let around = vec![serde_json::json!({ "$ref": "#" }); MAX_CYCLES + 1];
        let schema = serde_json::json!({ "patternProperties": patterns, "allOf": around });
        assert_eq!(check(&schema, &Documents::new(), &Value::Object(values)), Err(TooMuch::Steps));
        assert_eq!(check(&schema, &Documents::new(), &serde_json::json!({})), Err(TooMuch::Cycles));
    }
}
