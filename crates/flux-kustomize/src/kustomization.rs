//! The kustomization file.

use std::collections::BTreeMap;

use flux_yaml::{Limits, Node};
use serde_json::Value;

use crate::config::Spec;
use crate::record::{Field, Mode, Problem, record};

type Strings = BTreeMap<String, String>;

/// The names that a kustomization file may have.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

record! {
    #[doc = "A kustomization or a component."]
    struct Kustomization {
        api_version: String = "apiVersion",
        kind: String = "kind",
        metadata: Option<Value> = "metadata",
        openapi: Strings = "openapi",
        name_prefix: String = "namePrefix",
        name_suffix: String = "nameSuffix",
        namespace: String = "namespace",
        common_labels: Strings = "commonLabels",
        labels: Vec<Label> = "labels",
        common_annotations: Strings = "commonAnnotations",
        patches_strategic_merge: Vec<String> = "patchesStrategicMerge",
        patches_json6902: Vec<Patch> = "patchesJson6902",
        patches: Vec<Patch> = "patches",
        images: Vec<Image> = "images",
        image_tags: Vec<Image> = "imageTags",
        replacements: Vec<ReplacementField> = "replacements",
        replicas: Vec<Replica> = "replicas",
        vars: Vec<Var> = "vars",
        sort_options: Option<SortOptions> = "sortOptions",
        resources: Vec<String> = "resources",
        components: Vec<String> = "components",
        crds: Vec<String> = "crds",
        bases: Vec<String> = "bases",
        config_map_generator: Vec<Generator> = "configMapGenerator",
        secret_generator: Vec<Generator> = "secretGenerator",
        helm_globals: Option<Value> = "helmGlobals",
        helm_charts: Vec<Value> = "helmCharts",
        helm_chart_inflation_generator: Vec<Value> = "helmChartInflationGenerator",
        generator_options: Option<GeneratorOptions> = "generatorOptions",
        configurations: Vec<String> = "configurations",
        generators: Vec<String> = "generators",
        transformers: Vec<String> = "transformers",
        validators: Vec<String> = "validators",
        build_metadata: Vec<String> = "buildMetadata",
    }
    #[doc = "Labels and where to put them."]
    struct Label {
        pairs: Strings = "pairs",
        include_selectors: bool = "includeSelectors",
        include_templates: bool = "includeTemplates",
        fields: Vec<Spec> = "fields",
    }
    #[doc = "A patch in a file or in place."]
    struct Patch {
        path: String = "path",
        text: String = "patch",
        target: Option<Selector> = "target",
        options: Option<PatchOptions> = "options",
    }
    #[doc = "What a patch may change beyond the rest."]
    struct PatchOptions {
        allow_name_change: bool = "allowNameChange",
        allow_kind_change: bool = "allowKindChange",
    }
    #[doc = "Which objects are meant; empty fields match all."]
    struct Selector {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        name: String = "name",
        namespace: String = "namespace",
        annotations: String = "annotationSelector",
        labels: String = "labelSelector",
    }
    #[doc = "A change of an image."]
    struct Image {
        name: String = "name",
        new_name: String = "newName",
        tag_suffix: String = "tagSuffix",
        new_tag: String = "newTag",
        digest: String = "digest",
    }
    #[doc = "A replacement in place or in a file."]
    struct ReplacementField {
        path: String = "path",
        source: Option<Source> = "source",
        targets: Option<Vec<ReplacementTarget>> = "targets",
        source_value: Option<String> = "sourceValue",
    }
    #[doc = "Where a replacement's value comes from."]
    struct Source {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        name: String = "name",
        namespace: String = "namespace",
        field_path: String = "fieldPath",
        options: Option<FieldOptions> = "options",
    }
    #[doc = "Where a replacement's value goes."]
    struct ReplacementTarget {
        select: Option<Selector> = "select" ! true,
        reject: Vec<Selector> = "reject",
        field_paths: Vec<String> = "fieldPaths",
        options: Option<FieldOptions> = "options",
    }
    #[doc = "Which part of a field."]
    struct FieldOptions {
        delimiter: String = "delimiter",
        index: i64 = "index",
        encoding: String = "encoding",
        create: bool = "create",
    }
    #[doc = "How many replicas a workload has."]
    struct Replica {
        name: String = "name",
        count: i64 = "count" ! true,
    }
    #[doc = "A variable of the older kind."]
    struct Var {
        name: String = "name" ! true,
        objref: ObjectReference = "objref" ! true,
        fieldref: FieldReference = "fieldref" ! true,
    }
    #[doc = "The object that a variable reads."]
    struct ObjectReference {
        api_version: String = "apiVersion",
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        name: String = "name" ! true,
        namespace: String = "namespace",
    }
    #[doc = "The field that a variable reads."]
    struct FieldReference {
        field_path: String = "fieldPath",
    }
    #[doc = "The order of the output."]
    struct SortOptions {
        order: String = "order",
        legacy: Option<LegacySortOptions> = "legacySortOptions",
    }
    #[doc = "Which kinds come first and last."]
    struct LegacySortOptions {
        order_first: Vec<String> = "orderFirst" ! true,
        order_last: Vec<String> = "orderLast" ! true,
    }
    #[doc = "A ConfigMap or Secret to generate."]
    struct Generator {
        namespace: String = "namespace",
        name: String = "name",
        behavior: String = "behavior",
        literals: Vec<String> = "literals",
        files: Vec<String> = "files",
        envs: Vec<String> = "envs",
        env: String = "env",
        options: Option<GeneratorOptions> = "options",
        secret_type: String = "type",
    }
    #[doc = "What generated objects have in common."]
    struct GeneratorOptions {
        labels: Strings = "labels",
        annotations: Strings = "annotations",
        disable_name_suffix_hash: bool = "disableNameSuffixHash",
        immutable: bool = "immutable",
    }
}

pub(crate) const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";
pub(crate) const KIND: &str = "Kustomization";
pub(crate) const COMPONENT: &str = "Component";

impl Kustomization {
    /// The file's fields as they stand.
    pub(crate) fn parse(text: &str, mode: Mode) -> Result<Self, Problem> {
        let node = flux_yaml::parse(text, Limits::default())
            .map_err(|err| Problem { line: 0, message: err.to_string() })?
            .unwrap_or_else(|| Node::mapping(Vec::new()));
        Self::read(&node, mode)
    }

    /// Moves deprecated fields to where they belong today.
    pub(crate) fn fix(&mut self) {
        if self.kind.is_empty() {
            KIND.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.kind == COMPONENT { COMPONENT_VERSION } else { VERSION };
            version.clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for generator in self.config_map_generator.iter_mut().chain(&mut self.secret_generator) {
            if !generator.env.is_empty() {
                generator.envs.push(std::mem::take(&mut generator.env));
            }
        }
        self.helm_charts.append(&mut self.helm_chart_inflation_generator);
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        let nothing = Self { api_version: self.api_version.clone(), kind: self.kind.clone(), ..Self::default() };
        *self == nothing
    }

    /// What is wrong with the file's kind and version.
    pub(crate) fn version_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.kind != KIND && self.kind != COMPONENT {
            problems.push(format!("kind should be {KIND} or {COMPONENT}"));
        }
        let version = if self.kind == COMPONENT { COMPONENT_VERSION } else { VERSION };
        if self.api_version != version {
            problems.push(format!("apiVersion for {} should be {version}", self.kind));
        }
        problems
    }

    /// What the author should change.
    pub(crate) fn warnings(&self) -> Vec<String> {
        [
            ("bases", "resources", self.bases.is_empty()),
            ("commonLabels", "labels", self.common_labels.is_empty()),
            ("imageTags", "images", self.image_tags.is_empty()),
            ("patchesJson6902", "patches", self.patches_json6902.is_empty()),
            ("patchesStrategicMerge", "patches", self.patches_strategic_merge.is_empty()),
            ("vars", "replacements", self.vars.is_empty()),
        ]
        .into_iter()
        .filter(|(.., unused)| !unused)
        .map(|(old, new, _)| format!("'{old}' is deprecated, use '{new}' instead"))
        .collect()
    }
}
