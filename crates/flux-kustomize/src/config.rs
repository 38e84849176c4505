//! Which fields the transformers change.

use std::borrow::Cow;

use crate::Error;
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
    /// Whether anything was added to the built-in tables.
    extended: bool,
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
            extended: false,
        }
    }
}

impl Config {
    /// Adds another kustomization's tables; most add nothing.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if !other.extended {
            return Ok(());
        }
        self.extended = true;
        merge(&mut self.name_prefix, &other.name_prefix)?;
        merge(&mut self.name_suffix, &other.name_suffix)?;
        merge(&mut self.namespace, &other.namespace)?;
        merge(&mut self.common_labels, &other.common_labels)?;
        merge(&mut self.labels, &other.labels)?;
        merge(&mut self.template_labels, &other.template_labels)?;
        merge(&mut self.common_annotations, &other.common_annotations)?;
        merge(&mut self.var_reference, &other.var_reference)?;
        merge(&mut self.images, &other.images)?;
        merge(&mut self.replicas, &other.replicas)?;
        for references in other.name_reference.iter() {
            self.merge_references(references)?;
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

    /// Adds the tables of a configuration file.
    pub(crate) fn add_file(&mut self, text: &str) -> Result<(), Error> {
        let node = flux_yaml::parse(text, flux_yaml::Limits::default())
            .map_err(|err| Error::invalid(err.to_string()))?
            .unwrap_or_else(|| flux_yaml::Node::mapping(Vec::new()));
        let mut fields = ConfigFields::read(&node, Mode::Strict).map_err(|problem| Error::invalid(problem.message))?;
        for specs in [
            &mut fields.name_prefix,
            &mut fields.name_suffix,
            &mut fields.namespace,
            &mut fields.common_labels,
            &mut fields.labels,
            &mut fields.template_labels,
            &mut fields.common_annotations,
            &mut fields.var_reference,
            &mut fields.images,
            &mut fields.replicas,
        ] {
            specs.sort_by_key(sort_key);
        }
        let references = |fields: ReferenceFields| References {
            group: fields.group.into(),
            version: fields.version.into(),
            kind: fields.kind.into(),
            specs: fields.field_specs.into(),
        };
        self.merge(&Self {
            name_prefix: fields.name_prefix.into(),
            name_suffix: fields.name_suffix.into(),
            namespace: fields.namespace.into(),
            common_labels: fields.common_labels.into(),
            labels: fields.labels.into(),
            template_labels: fields.template_labels.into(),
            common_annotations: fields.common_annotations.into(),
            name_reference: fields.name_reference.into_iter().map(references).collect(),
            var_reference: fields.var_reference.into(),
            images: fields.images.into(),
            replicas: fields.replicas.into(),
            extended: true,
        })
    }
}

/// The order in which upstream keeps a file's fields.
fn sort_key(spec: &Spec) -> (i64, String) {
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let text = [or(&spec.group, "~G"), or(&spec.version, "~V"), or(&spec.kind, "~K")].join("_");
    (crate::sort::rank(&spec.kind), text)
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
