//! kustomize build and the rewriting that Flux does around it.
//!
//! [`build`] answers what `kustomize build` answers for a directory of [`flux_files::Files`]; [`flux`] holds what
//! kustomize-controller does before and after it. No network, no plugins, no Helm.

mod accumulate;
mod associative;
mod config;
mod error;
mod fields;
pub mod flux;
mod generators;
mod id;
mod json_patch;
mod json_text;
mod kustomization;
mod load;
mod merge;
mod origin;
mod plugins;
mod record;
mod references;
mod resource;
mod schema;
mod select;
mod sort;
mod tables;
mod transformers;
mod vars;

#[cfg(test)]
mod tests;

use camino::Utf8Path;
use flux_files::Files;

use accumulate::{Build, Gathered, Role};

pub use error::Error;
pub use resource::Resource;

/// Builds the overlay at `root` as `kustomize build` would.
pub fn build(files: &dyn Files, root: &Utf8Path, options: &Options) -> Result<Built, Error> {
    let mut build = Build::new(files, options);
    let (gathered, kustomization) = build.gather(&flux_files::clean(root)?, Role::Root)?;
    let Gathered { mut resources, config, vars } = gathered;
    generators::add_hashes(&mut resources)?;
    references::update(&mut resources, &config)?;
    vars::resolve(&mut resources, &vars, &config)?;
    resources.retain(|resource| resource.annotation(LOCAL_CONFIG).is_none_or(|value| value == "false"));
    match (&kustomization.sort_options, options.reorder) {
        (Some(sort_options), _) => sort::by_options(&mut resources, sort_options)?,
        (None, Reorder::Legacy) => sort::legacy(&mut resources),
        (None, Reorder::None) => {}
    }
    origin::annotate(&mut resources, &kustomization.build_metadata);
    Ok(Built { resources, warnings: build.warnings })
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
