//! Regular expressions.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::too_long;
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Function, Functions, Signature};
use crate::regex::{GoRegex, SyntaxError, quote_meta};
use crate::strconv::{can_backquote, quote};
use crate::value::{List, Type, Value};

const TEST: Signature = Signature::fixed(&[Type::Str, Type::Str], Type::Bool);
const FIND: Signature = Signature::fixed(&[Type::Str, Type::Str], Type::Str);
const FIND_ALL: Signature = Signature::fixed(&[Type::Str, Type::Str, Type::Int], Type::STRINGS);
const REPLACE: Signature = Signature::fixed(&[Type::Str, Type::Str, Type::Str], Type::Str);

/// The most patterns that are kept compiled.
const MAX_KEPT: usize = 500;

/// The most memory that they take together, in bytes.
const MAX_KEPT_SIZE: usize = 32 << 20;

/// Patterns that were compiled before, by the functions of one table.
#[derive(Default)]
struct Compiled(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_pattern: HashMap<Box<[u8]>, Arc<GoRegex>>,
    size: usize,
}

impl Compiled {
    fn get(&self, pattern: &[u8]) -> Result<Arc<GoRegex>, SyntaxError> {
        if let Some(regex) = self.0.lock().by_pattern.get(pattern) {
            return Ok(Arc::clone(regex));
        }
        let text = crate::value::to_text(pattern);
        let regex = Arc::new(GoRegex::compile(&text)?);
        let mut kept = self.0.lock();
        if kept.by_pattern.len() >= MAX_KEPT || kept.size >= MAX_KEPT_SIZE {
            *kept = Kept::default();
        }
        kept.size += regex.size();
        kept.by_pattern.insert(pattern.into(), Arc::clone(&regex));
        Ok(regex)
    }
}

/// What a function does with its compiled pattern.
type Body = fn(&mut Call<'_, '_>, &GoRegex, Args<'_>) -> Result<Value, FuncError>;

const TABLE: &[(&str, &str, Signature, Body)] = &[
    ("regexFind", "mustRegexFind", FIND, |_, regex, args| Ok(find(regex, args))),
    ("regexFindAll", "mustRegexFindAll", FIND_ALL, |_, regex, args| Ok(find_all(regex, args))),
    ("regexSplit", "mustRegexSplit", FIND_ALL, |_, regex, args| Ok(split(regex, args))),
    ("regexReplaceAll", "mustRegexReplaceAll", REPLACE, |call, regex, args| {
        let limit = call.memory_left();
        let replaced = regex.replace_all(args.bytes(1), args.bytes(2), limit);
        replaced.map(Value::from).ok_or_else(|| too_long(call, limit))
    }),
    ("regexReplaceAllLiteral", "mustRegexReplaceAllLiteral", REPLACE, |call, regex, args| {
        let limit = call.memory_left();
        let replaced = regex.replace_all_literal(args.bytes(1), args.bytes(2), limit);
        replaced.map(Value::from).ok_or_else(|| too_long(call, limit))
    }),
];

/// Adds the family; its functions share what they have compiled.
pub(super) fn add_to(functions: &mut Functions) {
    let compiled = Arc::new(Compiled::default());
    let shared = Arc::clone(&compiled);
    functions.add(
        "regexMatch",
        // What is no pattern matches nothing.
        Function::closure(TEST, move |_, args| {
            Ok(shared.get(args.bytes(0)).is_ok_and(|regex| regex.is_match(args.bytes(1))).into())
        }),
    );
    let shared = Arc::clone(&compiled);
    functions.add(
        "mustRegexMatch",
        Function::closure(TEST, move |_, args| {
            Ok(pattern(&shared, args)
                .map_err(|fault| FuncError::new(fault.to_string()))?
                .is_match(args.bytes(1))
                .into())
        }),
    );
    for (name, must_name, signature, body) in TABLE {
        let shared = Arc::clone(&compiled);
        functions.add(
            name,
            Function::closure(*signature, move |call, args| {
                let regex = pattern(&shared, args).map_err(|fault| panicked(args.bytes(0), &fault))?;
                body(call, &regex, args)
            }),
        );
        let shared = Arc::clone(&compiled);
        functions.add(
            must_name,
            Function::closure(*signature, move |call, args| {
                let regex = pattern(&shared, args).map_err(|fault| FuncError::new(fault.to_string()))?;
                body(call, &regex, args)
            }),
        );
    }
    functions.add(
        "regexQuoteMeta",
        Function::plain(Signature::fixed(&[Type::Str], Type::Str), |_, args| Ok(quote_meta(args.bytes(0)).into())),
    );
}

fn pattern(compiled: &Compiled, args: Args<'_>) -> Result<Arc<GoRegex>, SyntaxError> {
    compiled.get(args.bytes(0))
}

/// The text of Go's panic on a pattern that must compile.
fn panicked(pattern: &[u8], fault: &SyntaxError) -> FuncError {
    let quoted = if can_backquote(pattern) { [b"`", pattern, b"`"].concat() } else { quote(pattern) };
    FuncError::new(format!("regexp: Compile({}): {fault}", crate::value::to_text(&quoted)))
}

/// A count of matches; a negative one is no limit.
fn limit(args: Args<'_>) -> usize {
    usize::try_from(args.int(2)).unwrap_or(usize::MAX)
}

fn find(regex: &GoRegex, args: Args<'_>) -> Value {
    let text = args.bytes(1);
    regex.find(text).map_or(&[][..], |range| &text[range]).into()
}

fn find_all(regex: &GoRegex, args: Args<'_>) -> Value {
    let text = args.bytes(1);
    strings(regex.find_all(text, limit(args)).into_iter().map(|range| &text[range]).collect())
}

fn split(regex: &GoRegex, args: Args<'_>) -> Value {
    match limit(args) {
        0 => strings(Vec::new()),
        limit => strings(regex.split(args.bytes(1), limit)),
    }
}

/// The texts; no texts are the nil list.
fn strings(texts: Vec<&[u8]>) -> Value {
    if texts.is_empty() { List::nil(&Type::Str).into() } else { List::strings(texts).into() }
}
