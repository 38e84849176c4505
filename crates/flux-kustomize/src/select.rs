//! Selectors: patterns for group, version, kind, name and namespace, and label selectors.

use regex::Regex;

use crate::Error;
use crate::id::GvkRef;
use crate::kustomization::Selector;
use crate::resource::Resource;

/// A selector made ready.
pub(crate) struct Select {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

/// A whole text's pattern.
enum Pattern {
    All,
    /// A text without signs that mean something else.
    Text(String),
    Regex(Regex),
}

impl Pattern {
    fn new(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self::All);
        }
        if text.chars().all(|c| c.is_alphanumeric() || "-_/:".contains(c)) {
            return Ok(Self::Text(text.to_owned()));
        }
        let pattern = Regex::new(&format!("^(?:{text})$"));
        pattern.map(Self::Regex).map_err(|err| Error::invalid(format!("selector {text:?}: {err}")))
    }

    fn takes(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Text(own) => own == text,
            Self::Regex(pattern) => pattern.is_match(text),
        }
    }
}

/// One comparison of a label selector.
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Select {
    pub(crate) fn new(selector: &Selector) -> Result<Self, Error> {
        let Selector { group, version, kind, name, namespace, annotations, labels } = selector;
        Ok(Self {
            group: Pattern::new(group)?,
            version: Pattern::new(version)?,
            kind: Pattern::new(kind)?,
            name: Pattern::new(name)?,
            namespace: Pattern::new(namespace)?,
            labels: requirements(labels)?,
            annotations: requirements(annotations)?,
        })
    }

    /// Whether the object's first or present id, and its labels and annotations, match.
    pub(crate) fn takes(&self, resource: &Resource) -> bool {
        let original = resource.earlier.first();
        self.takes_kind(resource.gvk())
            && (self.name.takes(resource.name()) || original.is_some_and(|id| self.name.takes(&id.name)))
            && (self.namespace.takes(resource.effective_namespace())
                || original.is_some_and(|id| self.namespace.takes(id.effective_namespace())))
            && self.takes_marks(resource)
    }

    /// Whether one of all ids that the object had matches as a whole.
    pub(crate) fn takes_any_id(&self, resource: &Resource) -> bool {
        let takes = |gvk: GvkRef<'_>, name: &str, namespace: &str| {
            self.name.takes(name) && self.takes_kind(gvk) && self.namespace.takes(namespace)
        };
        takes(resource.gvk(), resource.name(), resource.namespace().unwrap_or_default())
            || resource.earlier.iter().any(|id| takes(id.gvk.as_ref(), &id.name, id.effective_namespace()))
    }

    fn takes_kind(&self, gvk: GvkRef<'_>) -> bool {
        self.kind.takes(gvk.kind) && self.group.takes(gvk.group) && self.version.takes(gvk.version)
    }

    /// Whether anything is asked of ids.
    pub(crate) fn has_id(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace]
            .iter()
            .any(|pattern| !matches!(pattern, Pattern::All))
    }

    /// Whether anything is asked of labels or annotations.
    pub(crate) fn has_marks(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty()
    }

    /// Whether labels and annotations match.
    pub(crate) fn takes_marks(&self, resource: &Resource) -> bool {
        self.labels.iter().all(|requirement| requirement.holds(|key| resource.label(key)))
            && self.annotations.iter().all(|requirement| requirement.holds(|key| resource.annotation(key)))
    }
}

impl Requirement {
    fn holds<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> bool {
        let within = |values: &[String], found: &str| values.iter().any(|value| value == found);
        match self {
            Self::In(key, values) => value(key).is_some_and(|found| within(values, found)),
            Self::NotIn(key, values) => value(key).is_none_or(|found| !within(values, found)),
            Self::Exists(key) => value(key).is_some(),
            Self::Missing(key) => value(key).is_none(),
        }
    }
}

/// The comparisons of `a=b,c!=d,e in (f,g),h,!i`.
fn requirements(text: &str) -> Result<Vec<Requirement>, Error> {
    let mut depth = 0;
    let parts = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).map(requirement).collect()
}

fn requirement(text: &str) -> Result<Requirement, Error> {
    let own = |text: &str| text.trim().to_owned();
    let list = |text: &str| {
        let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        let inner = inner.ok_or_else(|| Error::invalid(format!("unable to parse requirement: {text:?} is no list")))?;
        Ok::<_, Error>(inner.split(',').map(own).collect::<Vec<_>>())
    };
    if let Some((key, values)) = text.split_once(" notin ") {
        return Ok(Requirement::NotIn(own(key), list(values)?));
    }
    if let Some((key, values)) = text.split_once(" in ") {
        return Ok(Requirement::In(own(key), list(values)?));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(own(key), vec![own(value)]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(own(key), vec![own(value)]));
    }
    match text.strip_prefix('!') {
        Some(key) => Ok(Requirement::Missing(own(key))),
        None if text.contains(char::is_whitespace) => {
            Err(Error::invalid(format!("unable to parse requirement: {text:?}")))
        }
        None => Ok(Requirement::Exists(own(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_are_read_as_kubectl_writes_them() {
        let takes = |selector: &str, labels: &[(&str, &str)]| {
            let requirements = requirements(selector).unwrap();
            requirements
                .iter()
                .all(|one| one.holds(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)))
        };
        assert!(takes("a=b,c!=d", &[("a", "b")]));
        assert!(!takes("a=b,c!=d", &[("a", "b"), ("c", "d")]));
        assert!(takes("a in (x, y),!z", &[("a", "y")]));
        assert!(!takes("a notin (x, y)", &[("a", "y")]));
        assert!(takes("a", &[("a", "")]) && !takes("!a", &[("a", "")]));
        assert!(requirements("a in x").is_err() && requirements("a b").is_err());
    }
}
