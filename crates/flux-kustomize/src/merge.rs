//! Strategic merge: a patch laid over an object.

use flux_yaml::{Content, Node};

use crate::Error;
use crate::associative::{self, Elements};
use crate::schema::{Schema, Schemas};

/// The field of a patch that says what to do instead of merging.
pub(crate) const DIRECTIVE: &str = "$patch";
/// The only merge key that is inferred.
const INFERRED: &str = "name";

/// How lists merge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'s> {
    pub(crate) schemas: &'s Schemas,
    /// Whether lists without a schema merge by `name` where all elements have one.
    pub(crate) infer: bool,
    /// Whether the patch's elements come before the target's.
    pub(crate) patch_first: bool,
}

impl<'s> Rules<'s> {
    /// Those of kustomize.
    pub(crate) fn new(schemas: &'s Schemas) -> Self {
        Self { schemas, infer: false, patch_first: true }
    }
}

/// `target` with `patch` laid over it; none when the patch deletes it. What is not built in merges as the kind that
/// the patch names.
pub(crate) fn merge(target: Node, patch: &Node, rules: Rules<'_>) -> Result<Option<Node>, Error> {
    walk(Some(target), Some(patch.clone()), rules, None)
}

/// The schema of an object by its own or the patch's kind.
fn by_kind<'s>(sides: [Option<&Node>; 2], schemas: &'s Schemas) -> Option<Schema<'s>> {
    sides.into_iter().flatten().filter(|node| !node.is_null()).find_map(|node| {
        let text = |field: &str| node.get(field).and_then(Node::text).filter(|text| !text.is_empty());
        schemas.of(text("apiVersion")?, text("kind")?)
    })
}

/// What to do with what a patch is laid over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "merge" => Ok(Self::Merge),
            "replace" => Ok(Self::Replace),
            "delete" => Ok(Self::Delete),
            other => Err(Error::invalid(format!("unknown patch strategy '{other}'"))),
        }
    }

    /// The directive of a mapping, which is taken out.
    fn take(patch: &mut Node) -> Result<Self, Error> {
        match patch.get(DIRECTIVE).and_then(Node::text).map(Self::parse) {
            None => Ok(Self::Merge),
            Some(directive) => {
                patch.remove(DIRECTIVE);
                directive
            }
        }
    }

    /// The directive of a list: an element that holds nothing else, which is taken out.
    fn take_from_list(items: &mut Vec<Node>) -> Result<Self, Error> {
        let at = items.iter().position(|item| item.get(DIRECTIVE).is_some());
        let Some(at) = at.filter(|at| items[*at].entries().is_some_and(|entries| entries.len() == 1)) else {
            return Ok(Self::Merge);
        };
        let text = items[at].get(DIRECTIVE).and_then(Node::text).unwrap_or_default().to_owned();
        let directive = Self::parse(&text)?;
        items.retain(|item| item.get(DIRECTIVE).and_then(Node::text) != Some(&text));
        Ok(directive)
    }
}

fn is_missing(node: Option<&Node>) -> bool {
    node.is_none_or(Node::is_null)
}

/// What stays of `target` under `patch`. A null that is kept is the target's own.
pub(crate) fn walk(
    target: Option<Node>,
    patch: Option<Node>,
    rules: Rules<'_>,
    schema: Option<Schema<'_>>,
) -> Result<Option<Node>, Error> {
    let known = [target.as_ref(), patch.as_ref()].into_iter().flatten().find(|node| !node.is_null());
    let Some(known) = known else {
        // A null that is written as a word stays; one that is left out goes.
        return Ok(target.filter(|node| patch.is_none() && node.text() != Some("")));
    };
    let same_kind =
        |node: &Node| node.is_null() || std::mem::discriminant(&node.content) == std::mem::discriminant(&known.content);
    if let Some(odd) = [target.as_ref(), patch.as_ref()].into_iter().flatten().find(|node| !same_kind(node)) {
        return Err(Error::invalid(format!(
            "wrong node kind: expected {} but was {} at line {}",
            kind(known),
            kind(odd),
            odd.line
        )));
    }
    match &known.content {
        Content::Mapping(_) => {
            let schema = schema.or_else(|| by_kind([target.as_ref(), patch.as_ref()], rules.schemas));
            mappings(target, patch, rules, schema)
        }
        Content::Sequence(_) => lists(target, patch, rules, schema),
        Content::Scalar(_) => Ok(patch.or(target).filter(|node| !node.is_null())),
    }
}

fn kind(node: &Node) -> &'static str {
    match node.content {
        Content::Scalar(_) => "a scalar",
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    }
}

fn mappings(
    target: Option<Node>,
    patch: Option<Node>,
    rules: Rules<'_>,
    schema: Option<Schema<'_>>,
) -> Result<Option<Node>, Error> {
    let (mut merged, patch) = match (target.filter(|node| !node.is_null()), patch) {
        (target, None) => (target, None),
        (Some(_), Some(patch)) if patch.is_null() => return Ok(None),
        (target, Some(mut patch)) => match (Directive::take(&mut patch), target) {
            (Ok(Directive::Delete), _) => return Ok(None),
            (Ok(Directive::Replace), Some(_)) | (_, None) => (Some(patch.clone()), Some(patch)),
            (Ok(Directive::Merge), Some(mut target)) => {
                if target.is_empty() {
                    target.style = patch.style;
                }
                target.remove(DIRECTIVE);
                (Some(target), Some(patch))
            }
            (Err(err), Some(_)) => return Err(err),
        },
    };
    let Some(merged) = merged.as_mut() else { return Ok(None) };
    let mut patch_entries = match patch.map(|patch| patch.content) {
        Some(Content::Mapping(entries)) => entries,
        _ => Vec::new(),
    };
    let own = match &mut merged.content {
        Content::Mapping(entries) => std::mem::take(entries),
        Content::Scalar(_) | Content::Sequence(_) => Vec::new(),
    };
    let mut entries = Vec::with_capacity(own.len() + patch_entries.len());
    for (key, old) in own {
        let at = patch_entries.iter().position(|(name, _)| name.text() == key.text());
        let new = at.map(|at| patch_entries.remove(at).1);
        let style = old.style;
        let field = key.text().and_then(|name| schema?.field(name));
        if let Some(value) = walk(Some(old), new, rules, field)? {
            // A changed field keeps the quotes that it had.
            let style = if value.is_scalar() { style } else { value.style };
            entries.push((key, Node { style, ..value }));
        }
    }
    patch_entries.sort_by(|(left, _), (right, _)| left.text().cmp(&right.text()));
    for (key, new) in patch_entries {
        let field = key.text().and_then(|name| schema?.field(name));
        if let Some(value) = walk(None, Some(new), rules, field)? {
            entries.push((key, value));
        }
    }
    Ok(Some(Node { content: Content::Mapping(entries), ..merged.clone() }))
}

fn lists(
    target: Option<Node>,
    patch: Option<Node>,
    rules: Rules<'_>,
    schema: Option<Schema<'_>>,
) -> Result<Option<Node>, Error> {
    let Some(keys) = keys([target.as_ref(), patch.as_ref()], rules, schema)? else {
        return Ok(patch.or(target).filter(|node| !node.is_null()));
    };
    let elements = Elements { keys: &keys, schema: schema.and_then(Schema::element), rules };
    let items = |node: Node| match node.content {
        Content::Sequence(items) => items,
        Content::Scalar(_) | Content::Mapping(_) => Vec::new(),
    };
    let missing = is_missing(target.as_ref());
    let frame = target.as_ref().filter(|list| !list.is_empty()).or(patch.as_ref()).or(target.as_ref());
    let frame = frame.map(|frame| Node { style: frame.style, line: frame.line, ..Node::sequence(Vec::new()) });
    let (target, patch) = match (target, patch) {
        (target, None) => (target.map(items).unwrap_or_default(), None),
        (_, Some(patch)) if patch.is_null() => return Ok(None),
        (_, Some(patch)) if missing => {
            let patch = items(patch);
            (patch.clone(), Some(patch))
        }
        (target, Some(patch)) => {
            let mut patch = items(patch);
            match Directive::take_from_list(&mut patch)? {
                Directive::Delete => return Ok(None),
                Directive::Replace => (patch.clone(), Some(patch)),
                Directive::Merge => (target.map(items).unwrap_or_default(), Some(patch)),
            }
        }
    };
    let merged = associative::merge(target, patch.as_deref(), elements)?;
    let frame = frame.unwrap_or_else(|| Node::sequence(Vec::new()));
    Ok(Some(Node { content: Content::Sequence(merged), ..frame }))
}

/// What tells the elements of a list that merges apart; none where a list is replaced.
fn keys<'s>(
    sides: [Option<&Node>; 2],
    rules: Rules<'_>,
    schema: Option<Schema<'s>>,
) -> Result<Option<Vec<&'s str>>, Error> {
    if let Some(schema) = schema {
        return Ok(schema.merges().then(|| schema.keys()));
    }
    if !rules.infer {
        return Ok(None);
    }
    let lists = || sides.into_iter().flatten().filter_map(Node::items).filter(|items| !items.is_empty());
    let named = |items: &[Node]| items.iter().all(|item| item.get(INFERRED).is_some());
    match (lists().any(named), lists().all(named)) {
        (false, _) => Ok(None),
        (true, true) => Ok(Some(vec![INFERRED])),
        (true, false) => Err(Error::invalid(format!("conflicting merge keys [{INFERRED},] of a list"))),
    }
}

#[cfg(test)]
mod tests {
    use flux_yaml::{Limits, parse, print};

    use super::*;

    fn node(text: &str) -> Node {
        parse(text, Limits::default()).unwrap().unwrap()
    }

    /// Merges below `spec.template.spec` of a Deployment, where lists merge by rule.
    fn check(target: &str, patch: &str, expected: &str) {
        let schemas = Schemas::default();
        let deployment = schemas.of("apps/v1", "Deployment").unwrap();
        let schema = ["spec", "template", "spec"].iter().try_fold(deployment, |schema, name| schema.field(name));
        let merged = walk(Some(node(target)), Some(node(patch)), Rules::new(&schemas), schema).unwrap();
        assert_eq!(merged.map(|node| print(&node).unwrap()).unwrap_or_default(), expected, "{patch}");
    }

    #[test]
    fn maps_merge_and_null_deletes() {
        check("a: {b: 1, c: 2}", "a: {b: null, d: 3, e: null}", "a:\n  c: 2\n  d: 3\n");
        check("a: {b: 1}\nd: 1", "a: {$patch: delete}\nb: {$patch: delete}", "d: 1\n");
        check("a: {b: 1}\nc: 1", "a: {$patch: delete}", "c: 1\n");
        check("a: {b: 1}", "a: {$patch: replace, c: 2}", "a:\n  c: 2\n");
    }

    #[test]
    fn elements_of_the_patch_come_first() {
        check(
            "containers: [{name: a, image: x}, {name: b}]",
            "containers: [{name: n}, {name: b, image: y}]",
            "containers:\n- name: \"n\"\n- image: \"y\"\n  name: b\n- image: x\n  name: a\n",
        );
    }

    #[test]
    fn elements_are_deleted_and_lists_replaced_by_directive() {
        check(
            "containers: [{name: a}, {name: b}]",
            "containers: [{name: a, $patch: delete}]",
            "containers:\n- name: b\n",
        );
        check("containers: [{name: a}]", "containers: [{$patch: replace}, {name: b}]", "containers:\n- name: b\n");
        check(
            "containers: [{name: a, image: x}]",
            "containers: [{name: a, $patch: replace, image: z}]",
            "containers:\n- image: x\n  name: a\n",
        );
    }

    #[test]
    fn ports_merge_by_port_and_protocol() {
        let port = "containers: [{name: a, ports: [{containerPort: 80, protocol: TCP, name: x}]}]";
        let unchanged = "containers:\n- name: a\n  ports:\n  - containerPort: 80\n    name: x\n    protocol: TCP\n";
        check(port, "containers: [{name: a, ports: [{containerPort: 80, name: z}]}]", unchanged);
    }
}
