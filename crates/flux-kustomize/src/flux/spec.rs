//! What a Flux Kustomization says about its build, as plain values.

/// The build part of a Flux Kustomization's spec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// `spec.targetNamespace`: replaces the file's namespace.
    pub target_namespace: Option<String>,
    /// `spec.namePrefix`: replaces the file's.
    pub name_prefix: Option<String>,
    /// `spec.nameSuffix`: replaces the file's.
    pub name_suffix: Option<String>,
    /// `spec.patches`: added after the file's.
    pub patches: Vec<Patch>,
    /// `spec.components`: added after the file's; relative to the directory that is built.
    pub components: Vec<String>,
    /// `spec.ignoreMissingComponents`: leaves out components whose directory does not exist.
    pub ignore_missing_components: bool,
    /// `spec.images`: merged into the file's by name.
    pub images: Vec<Image>,
    /// `spec.buildMetadata`: replaces the file's when not empty.
    pub build_metadata: Vec<String>,
}

/// What only the command line and older versions of the API ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'e> {
    /// Patterns of what is left out, as the command line takes them: beside those of `.sourceignore` files they hold
    /// for the files found and for what the kustomization names. None leaves out nothing.
    pub ignore: Option<&'e str>,
    /// `spec.patchesStrategicMerge`: objects that are added to the file's patches.
    pub patches_strategic_merge: &'e [serde_json::Value],
    /// `spec.patchesJson6902`: lists of operations with what they are for.
    pub patches_json6902: &'e [(Selector, serde_json::Value)],
}

/// An inline patch, strategic merge or JSON6902.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The patch's text.
    pub patch: String,
    /// The objects to patch.
    pub target: Option<Selector>,
}

/// Which objects a patch is for; an empty field matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Regular expression for the API group.
    pub group: String,
    /// Regular expression for the API version.
    pub version: String,
    /// Regular expression for the kind.
    pub kind: String,
    /// Regular expression for the name.
    pub name: String,
    /// Regular expression for the namespace.
    pub namespace: String,
    /// Label selector as kubectl writes it.
    pub label_selector: String,
    /// The same over annotations.
    pub annotation_selector: String,
}

/// A change of an image's name, tag or digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The name to look for.
    pub name: String,
    /// The name to put there; empty keeps it.
    pub new_name: String,
    /// The tag to put there; empty keeps it.
    pub new_tag: String,
    /// The digest to put there.
    pub digest: String,
}

/// `spec.postBuild` with its variables already read.
#[derive(Clone, Default)]
pub struct Substitution {
    /// All variables, those of `substitute` laid over those of `substituteFrom`.
    pub variables: std::collections::BTreeMap<String, String>,
    /// Whether a variable without value and default is an error.
    pub strict: bool,
    /// Whether substitution runs when there are no variables.
    pub strategy: Strategy,
}

/// `spec.postBuild.substituteStrategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Only where there are variables.
    #[default]
    WithVariables,
    /// Always, so that defaults and escapes are evaluated too.
    Always,
}

// Values may come from Secrets.
impl std::fmt::Debug for Substitution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Substitution")
            .field("variables", &self.variables.len())
            .field("strict", &self.strict)
            .field("strategy", &self.strategy)
            .finish()
    }
}
