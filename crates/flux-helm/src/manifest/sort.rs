//! Documents sorted into hooks and objects.

use std::fmt;

use super::head::{HeadError, read_head};
use super::{Head, Manifest, Order, split};
use crate::release::{
    HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION, HOOK_OUTPUT_LOG_ANNOTATION, HOOK_WEIGHT_ANNOTATION, Hook, HookEvent,
    HookExecution,
};
use crate::render::Rendered;

/// The documents of a release.
#[derive(Clone, Default)]
pub struct Sorted {
    /// The hooks, by kind.
    pub hooks: Vec<Hook>,
    /// The other objects, by kind.
    pub manifests: Vec<Manifest>,
    /// What was left out: nobody could say when to apply it.
    pub unknown: Vec<UnknownHook>,
}

/// An object that names an event which hooks do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownHook {
    /// The template that it comes from.
    pub template: String,
    /// The object's kind.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The events that it names.
    pub events: String,
}

impl fmt::Display for UnknownHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { template, kind, name, events } = self;
        write!(f, "{template}: {kind}/{name} is left out: {events:?} names an event that hooks do not have")
    }
}

/// Why the texts of templates are no manifests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A document's head could not be read.
    #[error("YAML parse error on {template}")]
    Head {
        /// The template that the document comes from.
        template: String,
        /// What is wrong.
        #[source]
        source: HeadError,
    },
}

/// Sorts the documents of the texts into hooks and objects, both by kind in the given order and otherwise as they come:
/// by the names of their templates, and as they stand in them. Partials and empty texts are left out.
pub fn sort(texts: &[Rendered], order: Order) -> Result<Sorted, ManifestError> {
    let mut texts: Vec<&Rendered> = texts.iter().collect();
    texts.sort_by(|left, right| left.name.cmp(&right.name));
    let mut sorted = Sorted::default();
    for text in texts {
        if text.name.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        for document in split(&text.content) {
            let head =
                read_head(document).map_err(|source| ManifestError::Head { template: text.name.clone(), source })?;
            sorted.add(&text.name, document, head);
        }
    }
    order.sort(&mut sorted.hooks, |hook| &hook.kind);
    order.sort(&mut sorted.manifests, |manifest| &manifest.head.kind);
    Ok(sorted)
}

/// The hooks of an event in the order in which they run: by weight, then by name.
pub fn hooks_of<'h>(hooks: &'h [Hook], event: &HookEvent) -> Vec<&'h Hook> {
    let mut hooks: Vec<&Hook> = hooks.iter().filter(|hook| hook.events.contains(event)).collect();
    hooks.sort_by(|left, right| left.weight.cmp(&right.weight).then_with(|| left.name.cmp(&right.name)));
    hooks
}

impl Sorted {
    fn add(&mut self, template: &str, document: &str, head: Head) {
        let Some(events) = head.annotations.get(HOOK_ANNOTATION) else {
            return self.manifests.push(Manifest { name: template.to_owned(), content: document.to_owned(), head });
        };
        match words(events).map(|word| event(&word)).collect::<Option<Vec<_>>>() {
            Some(events) => self.hooks.push(hook(template, document, &head, events)),
            None => self.unknown.push(UnknownHook {
                template: template.to_owned(),
                kind: head.kind.clone(),
                name: head.name.clone(),
                events: events.clone(),
            }),
        }
    }
}

fn hook(template: &str, document: &str, head: &Head, events: Vec<HookEvent>) -> Hook {
    let annotation = |name: &str| head.annotations.get(name).map(String::as_str);
    let weight = annotation(HOOK_WEIGHT_ANNOTATION).and_then(|weight| weight.parse().ok()).unwrap_or_default();
    let policies = annotation(HOOK_DELETE_ANNOTATION);
    let log_policies = annotation(HOOK_OUTPUT_LOG_ANNOTATION);
    Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: template.to_owned(),
        manifest: document.to_owned(),
        events,
        last_run: HookExecution::default(),
        weight,
        delete_policies: policies.into_iter().flat_map(words).map(|word| word.as_str().into()).collect(),
        output_log_policies: log_policies.into_iter().flat_map(words).map(|word| word.as_str().into()).collect(),
    }
}

/// The words of a list with commas, in small letters.
fn words(list: &str) -> impl Iterator<Item = String> {
    list.split(',').map(|word| word.trim().to_lowercase())
}

/// The event of that name; nothing for those that Helm does not know.
fn event(word: &str) -> Option<HookEvent> {
    match HookEvent::from(word) {
        HookEvent::Other(word) if &*word == "test-success" => Some(HookEvent::Test),
        HookEvent::Other(_) => None,
        event => Some(event),
    }
}
