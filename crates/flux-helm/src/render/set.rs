//! A set of templates that are parsed together and rendered one after the other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flux_gotemplate::value::Scope;
use flux_gotemplate::{Budget, Error, GoStr, Map, Parsed, Templates, Value};

use super::functions::State;
use super::objects::VALUES;
use super::{Context, Engine, RenderError, faults, without_no_value};

/// A template, not yet parsed.
#[derive(Clone)]
pub struct Source {
    /// Its path, with the chart's name in front.
    pub name: String,
    /// Its text.
    pub text: GoStr,
    /// The folder of its chart's templates, `.Template.BasePath`.
    pub folder: Arc<str>,
    /// Which of the data that a rendering gets is the template's.
    pub data: usize,
}

/// What one template gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The template's path, with the chart's name in front.
    pub name: String,
    /// The text.
    pub content: String,
}

/// Templates that were parsed together.
pub struct Set {
    templates: Templates,
    /// Those that give a text, in the order in which they are rendered.
    pages: Vec<Page>,
}

struct Page {
    name: GoStr,
    folder: GoStr,
    data: usize,
}

/// Whether the template only defines others.
pub(super) fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().unwrap_or_default().starts_with('_')
}

impl Set {
    /// Parses the templates, those in the deepest folders first and among them the last names first. A later one
    /// replaces what an earlier one defined under the same name.
    pub fn parse(engine: &Engine, sources: Vec<Source>) -> Result<Self, RenderError> {
        let order = |source: &Source| {
            let name = cleaned(&source.name);
            (Reverse(name.bytes().filter(|byte| *byte == b'/').count()), Reverse(name))
        };
        let sources: BTreeMap<_, _> = sources.into_iter().map(|source| (order(&source), source)).collect();
        let mut templates = Templates::new(Arc::clone(&engine.functions), engine.missing_key);
        let mut pages = Vec::new();
        // Subcharts are often copies of one another.
        let mut known: HashMap<GoStr, Parsed> = HashMap::new();
        for ((_, Reverse(name)), source) in sources {
            let shared = GoStr::from(name.as_str());
            let parsed = match known.get(&source.text).and_then(|same| same.renamed(shared.clone())) {
                Some(parsed) => parsed,
                None => templates.parse_only(shared.clone(), source.text.clone()).map_err(|err| failed(&name, err))?,
            };
            templates.add(&parsed);
            known.entry(source.text).or_insert(parsed);
            if !is_partial(&name) {
                pages.push(Page { name: shared, folder: (&*source.folder).into(), data: source.data });
            }
        }
        Ok(Self { templates, pages })
    }

    /// The text of each template that is not a partial, sorted by name.
    ///
    /// Each template gets the data that its source named, with itself at `Template`. Data may be shared, and is given up.
    pub fn render(&self, data: &[Map], context: &Context<'_>) -> Result<Vec<Rendered>, RenderError> {
        let _scope = Scope::enter();
        let state = State::new(context.cluster.clone());
        let mut budget = Budget::new(context.limits).with_state(&state);
        if let Some(flag) = context.cancelled {
            budget = budget.cancelled_by(flag);
        }
        let nothing = Map::new();
        let mut rendered = Vec::with_capacity(self.pages.len());
        for page in &self.pages {
            let data = data.get(page.data).unwrap_or(&nothing);
            rendered.push(self.page(page, data, &mut budget)?);
        }
        rendered.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(rendered)
    }

    fn page(&self, page: &Page, data: &Map, budget: &mut Budget<'_>) -> Result<Rendered, RenderError> {
        let own = [("Name", &page.name), ("BasePath", &page.folder)];
        let own = own.map(|(key, value)| (GoStr::from(key), Value::Str(value.clone())));
        data.insert("Template".into(), Map::typed(&VALUES, own.into()).into());
        let name = page.name.to_text().into_owned();
        let mut out = Vec::with_capacity(4096);
        let dot = Value::Map(data.retyped(&VALUES));
        self.templates.execute(page.name.as_bytes(), &dot, budget, &mut out).map_err(|err| failed(&name, err))?;
        let out = without_no_value(&out).unwrap_or(out);
        let content = String::from_utf8(out);
        let content = content.unwrap_or_else(|bad| flux_gotemplate::value::to_text(bad.as_bytes()).into_owned());
        Ok(Rendered { name, content })
    }
}

/// The path without empty parts and dots.
fn cleaned(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn failed(template: &str, err: Error) -> RenderError {
    match err {
        Error::Parse(text) => RenderError::Template { text: faults::of_parse(template, &text) },
        Error::Exec { text, .. } => RenderError::Template { text: faults::of_execution(template, &text) },
        Error::Bound(source) => RenderError::Bound { template: template.to_owned(), source },
    }
}
