//! Charts and values to text: what Helm's engine does.
//!
//! An [`Engine`] has the functions that templates may call. It parses the templates of a chart and of all its subcharts
//! into one [`Set`], deepest folders first, so that definitions of parents win; a [`Prepared`] chart renders them in the
//! same order on one shared tree of values: what a template sets is seen by the later ones. [`template`] puts the whole
//! of `helm template` together, from the user's values to sorted manifests.
//!
//! Bounds and the flag that cancels come with each rendering, as does the cluster that `lookup` asks. Not there: template
//! functions of the caller's own.

mod capabilities;
mod faults;
mod files;
mod functions;
mod glob;
mod installable;
mod lookup;
mod objects;
mod scope;
mod set;
mod template;

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flux_gotemplate::funcs::sprig::World;
use flux_gotemplate::{Bound, Functions, Limits, Map, MissingKey};

pub use capabilities::{Capabilities, HelmVersion, KubeVersion, KubeVersionError};
pub use files::object as files_object;
pub use installable::{NotInstallable, check_installable};
pub use lookup::{Cluster, Query};
pub use objects::capabilities as capabilities_object;
pub use set::{Rendered, Set, Source};
pub use template::{Assembled, Assembly, Notes, Request, TemplateError, Templated, template};

use crate::chart::{Chart, Located};
use crate::values::schema::Check;

/// How templates are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Keys that values do not have are nothing.
    #[default]
    Lenient,
    /// Keys that values do not have are errors.
    Strict,
    /// Charts cannot refuse values: `required` and `fail` give nothing.
    Lint,
}

/// The functions that templates call, for any number of renderings.
#[derive(Clone)]
pub struct Engine {
    functions: Arc<Functions>,
    missing_key: MissingKey,
}

/// The release that a chart is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its revision, from 1 on.
    pub revision: i64,
    /// Whether an earlier revision is there.
    pub is_upgrade: bool,
}

/// What one rendering may use, and what its values are held against.
#[derive(Clone, Default)]
pub struct Context<'a> {
    /// The bounds of all templates together.
    pub limits: Limits,
    /// Ends the rendering soon after it is set.
    pub cancelled: Option<&'a AtomicBool>,
    /// What `lookup` asks; without one, nothing is found.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Whether values have to meet the charts' schemas.
    pub schemas: Check<'a>,
}

/// Why templates gave no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template cannot be parsed, failed, or refused the values. The text is Helm's.
    #[error("{text}")]
    Template {
        /// All that is to be said, in one or more lines.
        text: String,
    },
    /// A bound of the caller's was reached.
    #[error("cannot render {template}")]
    Bound {
        /// The template that was rendered.
        template: String,
        /// The bound.
        #[source]
        source: Bound,
    },
}

impl Engine {
    /// An engine whose templates see this world: its clock, its random numbers, and where it gives addresses, its hosts.
    pub fn new(world: &Arc<dyn World>, mode: Mode) -> Self {
        let missing_key = match mode {
            Mode::Strict => MissingKey::Error,
            Mode::Lenient | Mode::Lint => MissingKey::Zero,
        };
        Self { functions: Arc::new(functions::all(world, mode)), missing_key }
    }

    /// Parses the templates of the chart and of its subcharts.
    pub fn prepare<'c>(&self, chart: &'c Chart) -> Result<Prepared<'c>, RenderError> {
        let mut sources = Vec::new();
        let mut charts: Vec<_> = chart.located().into_iter().enumerate().collect();
        // Where two templates have the same name, that of the outer chart counts.
        charts.sort_by_key(|(_, located)| Reverse(located.depth));
        for (data, Located { chart, full_path, .. }) in charts {
            let folder: Arc<str> = format!("{full_path}/templates").into();
            for file in &chart.templates {
                // Of a library, only what it defines is of use.
                if !chart.is_library() || set::is_partial(&file.name) {
                    sources.push(Source {
                        name: format!("{full_path}/{}", file.name),
                        text: Arc::clone(&file.data).into(),
                        folder: Arc::clone(&folder),
                        data,
                    });
                }
            }
        }
        Ok(Prepared { chart, set: Set::parse(self, sources)? })
    }
}

/// A chart whose templates are parsed.
pub struct Prepared<'c> {
    chart: &'c Chart,
    set: Set,
}

impl Prepared<'_> {
    /// The text of each template that is not a partial, sorted by name.
    ///
    /// The values are those of the chart with those of its subcharts in them. They are given up: templates may change
    /// them, and those that were changed may be empty afterwards.
    pub fn render(
        &self,
        values: &Map,
        release: &Identity<'_>,
        capabilities: &Capabilities,
        context: &Context<'_>,
    ) -> Result<Vec<Rendered>, RenderError> {
        let data = scope::data(self.chart, values, release, &objects::capabilities(capabilities));
        self.set.render(&data, context)
    }
}

/// What is left when what Go prints for nothing is taken out; `None` where that is nowhere.
fn without_no_value(text: &[u8]) -> Option<Vec<u8>> {
    const NO_VALUE: &[u8] = b"<no value>";
    let mut kept: Option<Vec<u8>> = None;
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, NO_VALUE) {
        kept.get_or_insert_default().extend_from_slice(text.get(from..at).unwrap_or_default());
        from = at + NO_VALUE.len();
    }
    if let Some(kept) = &mut kept {
        kept.extend_from_slice(text.get(from..).unwrap_or_default());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_prints_for_nothing_is_taken_out() {
        let check = |text: &str| without_no_value(text.as_bytes()).map(|kept| String::from_utf8(kept).unwrap());
        assert_eq!(check("a < b <no valu"), None);
        assert_eq!(check("a<no value>b<<no value>").as_deref(), Some("ab<"));
        assert_eq!(check("<no <no value>value>").as_deref(), Some("<no value>"));
    }
}
