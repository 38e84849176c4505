//! Which fields the transformers change.

use std::borrow::Cow;

use crate::Error;
use crate::id::or;
use crate::record::{Field, Mode, Problem, record};
use crate::tables::specs;

type Text = Cow<'static, str>;

/// A field of the objects of a kind; empty parts of the kind match all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spec {
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
    pub(crate) path: Text,
    pub(crate) create: bool,
}

impl Spec {
    /// One that is known beforehand.
    pub(crate) const fn fixed(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        path: &'static str,
        create: bool,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            path: Cow::Borrowed(path),
            create,
        }
    }

    /// Whether `self` is at least as special as `other` and about the same field.
    fn covers(&self, other: &Self) -> bool {
        let selected = |own: &str, other: &str| other.is_empty() || own == other;
        selected(&self.group, &other.group)
            && selected(&self.version, &other.version)
            && selected(&self.kind, &other.kind)
            && self.path == other.path
    }
}

record! {
    #[doc = "A field as a configuration file writes it."]
    struct SpecFields {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        path: String = "path",
        create: bool = "create",
    }
    #[doc = "The fields that refer to objects of a kind, as a configuration file writes them."]
    struct ReferenceFields {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        field_specs: Vec<Spec> = "fieldSpecs",
    }
    #[doc = "A configuration file."]
    struct ConfigFields {
        name_prefix: Vec<Spec> = "namePrefix",
        name_suffix: Vec<Spec> = "nameSuffix",
        namespace: Vec<Spec> = "namespace",
        common_labels: Vec<Spec> = "commonLabels",
        labels: Vec<Spec> = "labels",
        template_labels: Vec<Spec> = "templateLabels",
        common_annotations: Vec<Spec> = "commonAnnotations",
        name_reference: Vec<ReferenceFields> = "nameReference",
        var_reference: Vec<Spec> = "varReference",
        images: Vec<Spec> = "images",
        replicas: Vec<Spec> = "replicas",
    }
}

impl Field for Spec {
    fn read(node: &flux_yaml::Node, mode: Mode) -> Result<Self, Problem> {
        let fields = SpecFields::read(node, mode)?;
        Ok(Self {
            group: fields.group.into(),
            version: fields.version.into(),
            kind: fields.kind.into(),
            path: fields.path.into(),
            create: fields.create,
        })
    }

    fn write(&self) -> serde_json::Value {
        SpecFields {
            group: self.group.to_string(),
            version: self.version.to_string(),
            kind: self.kind.to_string(),
            path: self.path.to_string(),
            create: self.create,
        }
        .write()
    }

    fn is_absent(&self) -> bool {
        false
    }
}

/// The fields that refer to objects of a kind.
#[derive(Clone, Debug)]
pub(crate) struct References {
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
    pub(crate) specs: Cow<'static, [Spec]>,
}

impl References {
    /// Those that are known beforehand.
    pub(crate) const fn fixed(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        specs: &'static [Spec],
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            specs: Cow::Borrowed(specs),
        }
    }
}

type Specs = Cow<'static, [Spec]>;

/// All tables of one kustomization.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) name_prefix: Specs,
    pub(crate) name_suffix: Specs,
    pub(crate) namespace: Specs,
    pub(crate) common_labels: Specs,
    pub(crate) labels: Specs,
    pub(crate) template_labels: Specs,
    pub(crate) common_annotations: Specs,
    pub(crate) name_reference: Cow<'static, [References]>,
    pub(crate) var_reference: Specs,
    pub(crate) images: Specs,
    pub(crate) replicas: Specs,
    tables: Tables,
}

/// What the tables of a [`Config`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    Empty,
    /// The built-in ones, which merge into themselves without a change.
    BuiltIn,
    Extended,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name_prefix: Cow::Borrowed(specs::NAME_PREFIX),
            name_suffix: Cow::Borrowed(specs::NAME_SUFFIX),
            namespace: Cow::Borrowed(specs::NAMESPACE),
            common_labels: Cow::Borrowed(specs::COMMON_LABELS),
            labels: Cow::Borrowed(specs::LABELS),
            template_labels: Cow::Borrowed(specs::TEMPLATE_LABELS),
            common_annotations: Cow::Borrowed(specs::COMMON_ANNOTATIONS),
            name_reference: Cow::Borrowed(specs::NAME_REFERENCE),
            var_reference: Cow::Borrowed(specs::VAR_REFERENCE),
            images: Cow::Borrowed(specs::IMAGES),
            replicas: Cow::Borrowed(specs::REPLICAS),
            tables: Tables::BuiltIn,
        }
    }
}

impl Config {
    /// No tables at all.
    pub(crate) fn empty() -> Self {
        let none = || Cow::Borrowed::<'static, [Spec]>(&[]);
        Self {
            name_prefix: none(),
            name_suffix: none(),
            namespace: none(),
            common_labels: none(),
            labels: none(),
            template_labels: none(),
            common_annotations: none(),
            name_reference: Cow::Borrowed(&[]),
            var_reference: none(),
            images: none(),
            replicas: none(),
            tables: Tables::Empty,
        }
    }

    /// Adds other tables. A field that is named for all kinds is dropped where one of its kinds is named already.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Error> {
        match (self.tables, other.tables) {
            (_, Tables::Empty) | (Tables::BuiltIn, Tables::BuiltIn) => return Ok(()),
            (Tables::Empty, Tables::BuiltIn) => {
                *self = other.clone();
                return Ok(());
            }
            (Tables::Empty | Tables::Extended | Tables::BuiltIn, _) => {}
        }
        self.tables = Tables::Extended;
        self.merge_each(other)
    }

    fn merge_each(&mut self, other: &Self) -> Result<(), Error> {
        for (own, more, name) in [
            (&mut self.name_prefix, &other.name_prefix, "NamePrefix"),
            (&mut self.name_suffix, &other.name_suffix, "NameSuffix"),
            (&mut self.namespace, &other.namespace, "NameSpace"),
            (&mut self.common_annotations, &other.common_annotations, "CommonAnnotations"),
            (&mut self.common_labels, &other.common_labels, "CommonLabels"),
            (&mut self.labels, &other.labels, "Labels"),
            (&mut self.template_labels, &other.template_labels, "TemplateLabels"),
            (&mut self.var_reference, &other.var_reference, "VarReference"),
            (&mut self.images, &other.images, "Images"),
            (&mut self.replicas, &other.replicas, "Replicas"),
        ] {
            merge(own, more).map_err(|err| err.during(format!("failed to merge {name} fieldSpec")))?;
            sort(own);
        }
        for references in other.name_reference.iter() {
            self.merge_references(references).map_err(|err| err.during("failed to merge NameReference fieldSpec"))?;
        }
        if !self.name_reference.is_sorted_by_key(references_key) {
            self.name_reference.to_mut().sort_by_cached_key(references_key);
        }
        Ok(())
    }

    fn merge_references(&mut self, new: &References) -> Result<(), Error> {
        let known = self
            .name_reference
            .iter()
            .position(|old| old.group == new.group && old.version == new.version && old.kind == new.kind);
        if let Some(index) = known {
            return merge(&mut self.name_reference.to_mut()[index].specs, &new.specs);
        }
        self.name_reference.to_mut().push(new.clone());
        Ok(())
    }

    /// The tables of a configuration file.
    pub(crate) fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let node = flux_yaml::parse(text, flux_yaml::Limits::default())
            .map_err(|err| Error::invalid(format!("error converting YAML to JSON: {err}: {path}")))?
            .unwrap_or_else(|| flux_yaml::Node::mapping(Vec::new()));
        let fields = ConfigFields::read(&node, Mode::Strict).map_err(|problem| {
            Error::invalid(format!("error unmarshaling JSON: {}: {path}:{}", problem.message, problem.line))
        })?;
        let references = |fields: ReferenceFields| References {
            group: fields.group.into(),
            version: fields.version.into(),
            kind: fields.kind.into(),
            specs: fields.field_specs.into(),
        };
        let mut name_reference: Vec<References> = fields.name_reference.into_iter().map(references).collect();
        name_reference.sort_by_cached_key(references_key);
        let sorted = |mut specs: Vec<Spec>| {
            specs.sort_by_cached_key(sort_key);
            Cow::Owned(specs)
        };
        Ok(Self {
            name_prefix: sorted(fields.name_prefix),
            name_suffix: sorted(fields.name_suffix),
            namespace: sorted(fields.namespace),
            common_labels: sorted(fields.common_labels),
            labels: sorted(fields.labels),
            template_labels: sorted(fields.template_labels),
            common_annotations: sorted(fields.common_annotations),
            name_reference: name_reference.into(),
            var_reference: sorted(fields.var_reference),
            images: sorted(fields.images),
            replicas: sorted(fields.replicas),
            tables: Tables::Extended,
        })
    }

    /// Adds a field for common annotations.
    pub(crate) fn add_annotation(&mut self, spec: Spec) -> Result<(), Error> {
        self.tables = Tables::Extended;
        merge(&mut self.common_annotations, &[spec])
    }

    /// Adds a field for common labels.
    pub(crate) fn add_label(&mut self, spec: Spec) -> Result<(), Error> {
        self.tables = Tables::Extended;
        merge(&mut self.common_labels, &[spec])
    }

    /// Adds a field that name prefixes change.
    pub(crate) fn add_prefix(&mut self, spec: Spec) -> Result<(), Error> {
        self.tables = Tables::Extended;
        merge(&mut self.name_prefix, &[spec])
    }

    /// Adds fields that refer to objects of a kind.
    pub(crate) fn add_references(&mut self, references: &References) -> Result<(), Error> {
        self.tables = Tables::Extended;
        self.merge_references(references)
    }
}

fn sort(specs: &mut Specs) {
    if !specs.is_sorted_by_key(sort_key) {
        specs.to_mut().sort_by_cached_key(sort_key);
    }
}

fn references_key(references: &References) -> (i64, String) {
    gvk_key(&references.group, &references.version, &references.kind)
}

/// The order in which upstream keeps fields.
fn sort_key(spec: &Spec) -> (i64, String) {
    gvk_key(&spec.group, &spec.version, &spec.kind)
}

fn gvk_key(group: &str, version: &str, kind: &str) -> (i64, String) {
    let text = [or(group, "~G"), or(version, "~V"), or(kind, "~K")].join("_");
    (crate::sort::rank(kind), text)
}

/// `base` with what `more` adds to it.
pub(crate) fn merged(base: &[Spec], more: &[Spec]) -> Result<Vec<Spec>, Error> {
    let mut specs: Specs = Cow::Owned(base.to_vec());
    merge(&mut specs, more)?;
    Ok(specs.into_owned())
}

fn merge(base: &mut Specs, more: &[Spec]) -> Result<(), Error> {
    for spec in more {
        match base.iter().find(|old| old.covers(spec)) {
            Some(old) if old.create != spec.create => return Err(Error::invalid("conflicting fieldspecs")),
            Some(_) => {}
            None => base.to_mut().push(spec.clone()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_tables_merge_into_nothing_without_a_change() {
        let mut config = Config::empty();
        config.merge_each(&Config::default()).unwrap();
        let built_in = Config::default();
        assert_eq!(config.common_labels, built_in.common_labels);
        assert_eq!(config.common_annotations, built_in.common_annotations);
        assert_eq!(config.namespace, built_in.namespace);
        assert_eq!(config.var_reference, built_in.var_reference);
        assert_eq!((config.images, config.replicas), (built_in.images, built_in.replicas));
        assert_eq!(config.name_reference.len(), built_in.name_reference.len());
        for (own, known) in config.name_reference.iter().zip(built_in.name_reference.iter()) {
            assert_eq!((&own.kind, &own.specs), (&known.kind, &known.specs));
        }
    }

    #[test]
    fn a_kind_of_its_own_takes_the_place_of_all_kinds() {
        let file = "namePrefix: [{path: metadata/name, kind: W}]";
        let mut config = Config::default();
        config.merge(&Config::parse(file, "c.yaml").unwrap()).unwrap();
        assert_eq!(config.name_prefix.len(), 2);
        let mut gathered = Config::empty();
        gathered.merge(&config).unwrap();
        assert_eq!(gathered.name_prefix.iter().map(|spec| spec.kind.as_ref()).collect::<Vec<_>>(), ["W"]);
    }
}
