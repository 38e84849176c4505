//! kustomize build and the rewriting that Flux does around it.
//!
//! [`build`] answers what `kustomize build` answers for a directory of [`flux_files::Files`]; [`flux`] holds what
//! kustomize-controller does before and after it; [`metadata`] labels objects that no kustomization gathers. No network
//! but through a [`Remote`] of the caller's, no plugins, no Helm.

mod accumulate;
mod associative;
mod config;
mod crds;
mod error;
mod fields;
pub mod filters;
pub mod flux;
mod generators;
mod id;
mod json_patch;
mod json_text;
mod kustomization;
mod load;
mod merge;
pub mod metadata;
mod origin;
mod plugins;
mod record;
mod references;
mod remote;
mod resource;
mod schema;
mod select;
mod sort;
mod tables;
mod target;
mod transformers;
mod vars;

#[cfg(test)]
mod remote_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use camino::Utf8Path;
use flux_files::Files;

use accumulate::{Build, Gathered, Role};
use schema::BuiltIn;

pub use error::Error;
pub use remote::{Remote, RemoteError, Repository};
pub use resource::Resource;

/// Builds the overlay at `root` as `kustomize build` would.
pub fn build(files: &dyn Files, root: &Utf8Path, options: &Options) -> Result<Built, Error> {
    run(files, root, options, BuiltIn::Absent)
}

/// The same; `built_in` says what becomes of the built-in schemas where a kustomization brings its own.
fn run(files: &dyn Files, root: &Utf8Path, options: &Options, built_in: BuiltIn) -> Result<Built, Error> {
    let mut build = Build::new(files, options, built_in);
    let (gathered, kustomization) = build.gather(&flux_files::clean(root)?, Role::Root)?;
    let Gathered { mut resources, config, vars } = gathered;
    generators::add_hashes(&mut resources)?;
    references::update(&mut resources, &config)?;
    vars::resolve(&mut resources, &vars, &config)?;
    for resource in &resources {
        load::check(&resource.node).map_err(Error::invalid)?;
    }
    resources.retain(|resource| resource.annotation(LOCAL_CONFIG).is_none_or(|value| value == "false"));
    accumulate::check_unique(&resources)?;
    match (&kustomization.sort_options, options.reorder) {
        (Some(sort_options), _) => sort::by_options(&mut resources, sort_options)?,
        (None, Reorder::Legacy) => sort::legacy(&mut resources),
        (None, Reorder::None) => {}
    }
    origin::annotate(&mut resources, &kustomization.build_metadata);
    Ok(Built { resources, warnings: build.into_warnings() })
}

/// Marks objects that are only for the build.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// How a build behaves where kustomize has flags.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether files outside of a kustomization's own directory may be read.
    pub load_restrictions: LoadRestrictions,
    /// The order of the objects where the kustomization itself does not say.
    pub reorder: Reorder,
    /// Fetches what kustomizations name by address; none refuses it.
    pub remote: Option<Arc<dyn Remote>>,
}

/// Which files a kustomization may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictions {
    /// Any file below the root of the [`Files`]. This is what Flux uses.
    #[default]
    None,
    /// Files below the kustomization's own directory.
    RootOnly,
}

/// The order of the built objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// As they were added. This is what Flux uses.
    #[default]
    None,
    /// Namespaces and definitions first, webhooks last, the rest by kind and name.
    Legacy,
}

/// What a build gives.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The objects, in order.
    pub resources: Vec<Resource>,
    /// What the author of the kustomizations should know.
    pub warnings: Vec<String>,
}

impl Built {
    /// All objects as one stream of YAML documents, as `kustomize build` prints them.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let mut text = String::new();
        for (at, resource) in self.resources.iter().enumerate() {
            if at > 0 {
                text.push_str("---\n");
            }
            text.push_str(&resource.to_yaml()?);
        }
        Ok(text)
    }
}
