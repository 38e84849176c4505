//! The whole of `helm template`: a chart and the user's values to texts, and texts to sorted manifests.

use flux_gotemplate::Map;

use super::{Capabilities, Context, Engine, Identity, RenderError, Rendered};
use crate::chart::Chart;
use crate::manifest::{self, Manifest, ManifestError, Order, Secrets};
use crate::release::Hook;
use crate::values::schema::{self, Check, SchemaError};
use crate::values::{self, CoalesceError};

/// What the names of templates end with that make the notes of a release.
const NOTES: &str = "NOTES.txt";

/// A chart and what it is rendered with.
pub struct Request<'a> {
    /// The chart, with its subcharts.
    pub chart: Chart,
    /// The user's values, which are not changed.
    pub values: &'a Map,
    /// The release that the chart is rendered for.
    pub release: Identity<'a>,
    /// What templates are told of the cluster.
    pub capabilities: &'a Capabilities,
    /// Whose notes are kept.
    pub notes: Notes,
    /// What the rendering may use.
    pub context: Context<'a>,
}

/// Whose notes are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notes {
    /// Those of the chart itself.
    #[default]
    Own,
    /// Those of its subcharts too.
    All,
}

/// What a chart was rendered to.
pub struct Templated {
    /// The chart without the subcharts that the values disable, and with the names and values that these have here.
    pub chart: Chart,
    /// The text of each template but notes and partials, sorted by name.
    pub texts: Vec<Rendered>,
    /// The notes.
    pub notes: String,
    /// What was passed over in the values, one line each.
    pub warnings: Vec<String>,
}

/// Why a chart could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The dependencies do not fit the values.
    #[error("chart dependencies processing failed")]
    Dependencies(#[source] CoalesceError),
    /// The values cannot be put together.
    #[error(transparent)]
    Values(CoalesceError),
    /// The values are not as the charts want them.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Schema(SchemaError),
    /// The chart is not for this version of Kubernetes.
    #[error("chart requires kubeVersion: {range} which is incompatible with Kubernetes {version}")]
    KubeVersion {
        /// The versions that the chart is for.
        range: String,
        /// The version that is there.
        version: String,
    },
    /// A template failed.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Renders a chart with the user's values.
pub fn template(engine: &Engine, request: Request<'_>) -> Result<Templated, TemplateError> {
    let Request { mut chart, values, release, capabilities, notes, context } = request;
    let skipped = values::dependencies::process_until(&mut chart, values, context.cancelled);
    let skipped = skipped.map_err(TemplateError::Dependencies)?;
    let mut warnings: Vec<String> = skipped.iter().map(ToString::to_string).collect();
    let coalesced = values::coalesce(&chart, values).map_err(TemplateError::Values)?;
    warnings.extend(coalesced.warnings.iter().map(ToString::to_string));
    if let Check::With(documents) = context.schemas {
        let found = schema::validate(&chart, &coalesced.values, documents).map_err(TemplateError::Schema)?;
        warnings.extend(found.iter().map(ToString::to_string));
    }
    check_kube_version(&chart, capabilities)?;
    let mut texts = engine.prepare(&chart)?.render(&coalesced.values, &release, capabilities, &context)?;
    let notes = take_notes(&mut texts, &chart, notes);
    Ok(Templated { chart, texts, notes, warnings })
}

fn check_kube_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), TemplateError> {
    let range = &chart.metadata.kube_version;
    let version = &capabilities.kube_version;
    if range.is_empty() || values::dependencies::is_compatible_range(range, version.comparable()) {
        return Ok(());
    }
    Err(TemplateError::KubeVersion { range: range.clone(), version: version.version.clone() })
}

/// Takes the notes out of the texts; those of several charts have a line feed between them.
fn take_notes(texts: &mut Vec<Rendered>, chart: &Chart, kept: Notes) -> String {
    let own = format!("{}/templates/{NOTES}", chart.name());
    let mut notes = String::new();
    for text in texts.extract_if(.., |text| text.name.ends_with(NOTES)) {
        if kept == Notes::All || text.name == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&text.content);
        }
    }
    notes
}

/// How texts are put together to manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// Whether the definitions of the charts' `crds` folders open the manifest.
    pub include_crds: bool,
    /// What becomes of secrets.
    pub secrets: Secrets,
}

/// The manifests of a release.
pub struct Assembled {
    /// The hooks, by kind.
    pub hooks: Vec<Hook>,
    /// The other objects, in the order in which they are installed.
    pub manifests: Vec<Manifest>,
    /// These as one stream of documents.
    pub manifest: String,
    /// What was left out, one line each.
    pub warnings: Vec<String>,
}

impl Templated {
    /// Sorts the documents of the texts, and writes those that are no hooks as one stream.
    pub fn assemble(&self, assembly: Assembly) -> Result<Assembled, ManifestError> {
        let sorted = manifest::sort(&self.texts, Order::Install)?;
        let crds = if assembly.include_crds { self.chart.crds() } else { Vec::new() };
        Ok(Assembled {
            manifest: manifest::stream(&crds, &sorted.manifests, assembly.secrets),
            hooks: sorted.hooks,
            manifests: sorted.manifests,
            warnings: sorted.unknown.iter().map(ToString::to_string).collect(),
        })
    }

    /// The texts as they are, one after the other, for looking at what is no manifest.
    pub fn raw_stream(&self) -> String {
        let mut stream = String::new();
        for text in self.texts.iter().filter(|text| !text.content.trim().is_empty()) {
            manifest::append(&mut stream, &text.name, &text.content);
        }
        stream
    }
}
