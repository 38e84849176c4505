//! Lines for `allOf`, `anyOf` and `oneOf` with one failing branch, which the library leaves out and its sibling prints.

use boon::{ErrorKind, ValidationError};

use super::fault::{Fault, tokens};
use super::words;

/// From where a fault was found.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The schema that was applied.
    pub(super) schema: &'a str,
    /// How deep in the values it was applied.
    pub(super) depth: usize,
}

/// One keyword on the way from a schema to one within it.
struct Step {
    /// The bytes of the path up to behind the keyword.
    end: usize,
    /// How deep in the values the schema behind it is applied.
    depth: usize,
    /// The words of the line for it.
    group: Option<&'static str>,
}

/// The fault that was found by `schema` at `at`, below a line for each group on the way to it.
pub(super) fn with_groups(
    from: Place<'_>,
    parent: &ErrorKind<'_, '_>,
    schema: &str,
    at: &[String],
    fault: Fault,
) -> Fault {
    let steps = schema.strip_prefix(from.schema).map_or_else(Vec::new, |path| steps(path, from.depth));
    let groups = steps.iter().filter_map(|step| Some((step.depth, step.group?)));
    // The first is there already where it failed in several ways.
    let shown = usize::from(matches!(parent, ErrorKind::AllOf | ErrorKind::AnyOf | ErrorKind::OneOf(None)));
    let groups: Vec<_> = groups.skip(shown).collect();
    groups.into_iter().rev().fold(fault, |fault, (depth, words)| Fault {
        at: Some(at.iter().take(depth).cloned().collect()),
        words: words.to_owned(),
        causes: vec![fault],
    })
}

/// The schema that found several faults below such a group, which are told as if they were found at `from`; with how deep
/// in the values it was applied.
pub(super) fn hidden<'e>(from: Place<'_>, causes: &'e [ValidationError<'_, '_>]) -> Option<Place<'e>> {
    let (first, others) = causes.split_first().filter(|(_, others)| !others.is_empty())?;
    let path = first.schema_url.strip_prefix(from.schema)?;
    let at = tokens(first);
    let mut common = path.len();
    let mut depth = at.len();
    for other in others {
        let other_path = other.schema_url.strip_prefix(from.schema)?;
        common = common.min(shared(path.as_bytes(), other_path.as_bytes()));
        depth = depth.min(shared(&at, &tokens(other)));
    }
    let steps = steps(path, from.depth);
    // A path that goes on where the shared part ends is another name that begins alike.
    let ends = |step: &Step| step.end == common || path.as_bytes().get(step.end) == Some(&b'/');
    let shared: Vec<_> =
        steps.iter().take_while(|step| step.end <= common && step.depth <= depth && ends(step)).collect();
    shared.iter().any(|step| step.group.is_some()).then_some(())?;
    let last = shared.last()?;
    Some(Place { schema: first.schema_url.get(..from.schema.len() + last.end)?, depth: last.depth })
}

/// How many items two lists have in common at their start.
fn shared<T: PartialEq>(left: &[T], right: &[T]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

fn steps(path: &str, from: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut depth = from;
    let mut end = 0;
    let mut tokens = path.split('/').skip(1).peekable();
    while let Some(keyword) = tokens.next() {
        end += 1 + keyword.len();
        let mut group = None;
        match keyword {
            "allOf" => group = Some(words::ALL_OF),
            "anyOf" => group = Some(words::ANY_OF),
            "oneOf" => group = Some(words::ONE_OF),
            "properties"
            | "patternProperties"
            | "prefixItems"
            | "items"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "additionalItems"
            | "contains"
            | "unevaluatedItems" => depth += 1,
            "dependentSchemas" | "dependencies" | "not" | "if" | "then" | "else" => {}
            // Not a place where a schema is applied.
            _ => break,
        }
        let name = match keyword {
            "allOf" | "anyOf" | "oneOf" | "properties" | "patternProperties" | "prefixItems" | "dependentSchemas"
            | "dependencies" => tokens.next(),
            // One schema for all items, or a list of them.
            "items" => tokens.next_if(|token| token.bytes().all(|byte| byte.is_ascii_digit())),
            _ => None,
        };
        end += name.map_or(0, |name| 1 + name.len());
        steps.push(Step { end, depth, group });
    }
    steps
}
