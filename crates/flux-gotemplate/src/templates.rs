//! Sets of templates that know each other by name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::budget::Budget;
use crate::error::Error;
use crate::exec;
use crate::function::Functions;
use crate::parse::{TextTrees, Tree, parse};
use crate::strconv::quote;
use crate::value::{GoStr, Value};

/// What an execution makes of a key that a map does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value: printed as `<no value>`, and asked for a field it gives no value again.
    #[default]
    Invalid,
    /// The zero value of the map's elements, as Helm wants it.
    Zero,
    /// The execution fails.
    Error,
}

type Trees = HashMap<GoStr, Arc<Tree>>;

/// The templates of one text, parsed.
#[derive(Clone)]
pub struct Parsed {
    name: GoStr,
    trees: Arc<[Arc<Tree>]>,
    defines_itself: bool,
}

impl Parsed {
    /// What parsing the same text for the same functions under another name gives, without doing it again.
    ///
    /// Nothing where the text defines a template of one of the names: what comes of that, parsing it anew tells.
    #[must_use]
    pub fn renamed(&self, name: impl Into<GoStr>) -> Option<Self> {
        let name = name.into();
        if self.defines_itself || self.trees.iter().any(|tree| tree.name == name) {
            return None;
        }
        let renamed = |tree: &Arc<Tree>| {
            let own = if tree.name == self.name { &name } else { &tree.name };
            Arc::new(Tree { name: own.clone(), parse_name: name.clone(), body: Arc::clone(&tree.body) })
        };
        Some(Self { trees: self.trees.iter().map(renamed).collect(), name: name.clone(), defines_itself: false })
    }
}

/// Templates that know each other by name, with the functions they call.
#[derive(Clone)]
pub struct Templates {
    name: GoStr,
    functions: Arc<Functions>,
    missing_key: MissingKey,
    /// Those of the sets that this one was forked from; later ones hide earlier ones.
    below: Vec<Arc<Trees>>,
    own: Arc<Trees>,
}

impl Templates {
    /// An empty set, with the name that Helm gives its own; errors about unknown templates say it.
    pub fn new(functions: Arc<Functions>, missing_key: MissingKey) -> Self {
        Self::named("gotpl", functions, missing_key)
    }

    /// An empty set of that name.
    pub fn named(name: impl Into<GoStr>, functions: Arc<Functions>, missing_key: MissingKey) -> Self {
        Self { name: name.into(), functions, missing_key, below: Vec::new(), own: Arc::default() }
    }

    /// A set with the same templates, whose changes this one does not see. Costs next to nothing.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut below = self.below.clone();
        if !self.own.is_empty() {
            below.push(Arc::clone(&self.own));
        }
        Self { name: self.name.clone(), below, own: Arc::default(), functions: Arc::clone(&self.functions), ..*self }
    }

    /// The functions that the templates call.
    pub fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    /// What is made of missing keys.
    pub fn missing_key(&self) -> MissingKey {
        self.missing_key
    }

    /// Changes what is made of missing keys.
    pub fn set_missing_key(&mut self, missing_key: MissingKey) {
        self.missing_key = missing_key;
    }

    /// Parses the text as the template `name`, and adds it with all that it defines.
    pub fn parse(&mut self, name: impl Into<GoStr>, text: impl Into<GoStr>) -> Result<(), Error> {
        let parsed = self.parse_only(name, text)?;
        self.add(&parsed);
        Ok(())
    }

    /// Parses the text as the template `name`, without adding anything.
    pub fn parse_only(&self, name: impl Into<GoStr>, text: impl Into<GoStr>) -> Result<Parsed, Error> {
        let name = name.into();
        let TextTrees { trees, defines_itself } = parse(&name, &text.into(), &self.functions).map_err(Error::Parse)?;
        Ok(Parsed { name, trees: trees.into_iter().map(Arc::new).collect(), defines_itself })
    }

    /// Adds what was parsed; an empty template does not replace one of its name.
    pub fn add(&mut self, parsed: &Parsed) {
        for tree in parsed.trees.iter() {
            if !tree.is_empty() || self.tree(tree.name.as_bytes()).is_none() {
                Arc::make_mut(&mut self.own).insert(tree.name.clone(), Arc::clone(tree));
            }
        }
    }

    /// Whether there is a template of that name.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.tree(name).is_some()
    }

    /// The names of all templates, sorted.
    pub fn names(&self) -> Vec<GoStr> {
        let layers = self.below.iter().chain([&self.own]);
        let mut names: Vec<GoStr> = layers.flat_map(|trees| trees.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(crate) fn tree(&self, name: &[u8]) -> Option<&Arc<Tree>> {
        self.own.get(name).or_else(|| self.below.iter().rev().find_map(|trees| trees.get(name)))
    }

    /// Executes the template `name` on the data and appends what it writes to `out`, also when it fails midway.
    pub fn execute(&self, name: &[u8], data: &Value, budget: &mut Budget<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let Some(tree) = self.tree(name) else {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(Error::Exec {
                text: format!(
                    "template: no template {} associated with template {}",
                    String::from_utf8_lossy(&quote(name.as_bytes())),
                    String::from_utf8_lossy(&quote(self.name.as_bytes())),
                ),
                template: name,
            });
        };
        exec::run(self, tree, data, budget, out)
    }

    /// Executes the parsed text itself, not a template of its name that the set may have.
    pub(crate) fn execute_parsed(
        &self,
        parsed: &Parsed,
        data: &Value,
        budget: &mut Budget<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match parsed.trees.iter().find(|tree| tree.name == parsed.name) {
            Some(tree) => exec::run(self, tree, data, budget, out),
            None => self.execute(parsed.name.as_bytes(), data, budget, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;

    fn empty() -> Templates {
        Templates::new(Arc::default(), MissingKey::default())
    }

    /// What the template `name` writes for nil, or says when it fails.
    fn executed(parsed: &Parsed, name: &str) -> String {
        let mut templates = empty();
        templates.add(parsed);
        let mut out = Vec::new();
        match templates.execute(name.as_bytes(), &Value::Nil, &mut Budget::new(Limits::default()), &mut out) {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(err) => err.to_string(),
        }
    }

    #[test]
    fn a_text_under_another_name_is_what_it_would_be_when_parsed_anew() {
        for text in ["a{{ 1 }}", "{{ define \"x\" }}\n{{ index 1 2 }}{{ end }}{{ template \"x\" }}", " "] {
            let renamed = empty().parse_only("one", text).unwrap().renamed("two").unwrap();
            let anew = empty().parse_only("two", text).unwrap();
            for name in ["one", "two", "x"] {
                assert_eq!(executed(&renamed, name), executed(&anew, name), "{text:?}");
            }
        }
    }

    #[test]
    fn a_text_that_defines_one_of_its_names_is_not_renamed() {
        for text in
            ["{{ define \"one\" }}x{{ end }}", "{{ define \"one\" }} {{ end }}x", "{{ define \"two\" }}{{ end }}x"]
        {
            assert!(empty().parse_only("one", text).unwrap().renamed("two").is_none(), "{text:?}");
        }
    }
}
