//! Dependencies point downwards: app, runtime, effects, types, engines. Tooling may use all of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::process::{cargo, root};

/// A crate's place, as `[package.metadata.flux] layer` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Engine,
    Types,
    Effects,
    Runtime,
    App,
    Tooling,
}

impl Layer {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "engine" => Self::Engine,
            "types" => Self::Types,
            "effects" => Self::Effects,
            "runtime" => Self::Runtime,
            "app" => Self::App,
            "tooling" => Self::Tooling,
            _ => return None,
        })
    }

    /// Whether a crate here may depend on one in `other`.
    fn may_use(self, other: Self) -> bool {
        match self {
            Self::Engine | Self::Types | Self::Effects => other <= self,
            Self::Runtime | Self::App => other < self,
            Self::Tooling => true,
        }
    }
}

/// What engines and types may not reach, directly or through others: they are functions of their input.
const EFFECTS: [&str; 4] = ["kube-client", "tokio", "reqwest", "hyper"];
/// What nobody may reach: one TLS stack with one crypto backend.
const FOREIGN_TLS: [&str; 4] = ["openssl", "openssl-sys", "native-tls", "ring"];
/// What one crate may not compile: each controller builds alone.
const BANS: [(&str, &[&str]); 1] = [("source-controller", &["flux-kustomize", "flux-ssa"])];

/// One workspace member as the rules see it.
struct Member {
    name: String,
    layer: Layer,
    /// Members that it depends on directly, other than for its tests.
    uses: BTreeSet<String>,
    /// Everything that it compiles, by name.
    reaches: BTreeSet<String>,
}

pub(crate) fn run() -> Result<()> {
    let members = read(&metadata()?)?;
    let faults = faults(&members);
    if faults.is_empty() {
        println!("{} crates depend downwards only", members.len());
        return Ok(());
    }
    bail!("{}", faults.join("\n"))
}

/// The names of all members.
pub(crate) fn members() -> Result<Vec<String>> {
    Ok(metadata()?.workspace_packages().iter().map(|package| package.name.to_string()).collect())
}

fn metadata() -> Result<Metadata> {
    MetadataCommand::new().current_dir(root()).no_deps().exec().context("cannot read the workspace's metadata")
}

/// Every edge and reach that the rules refuse, one line each.
fn faults(members: &[Member]) -> Vec<String> {
    let layers: BTreeMap<&str, Layer> = members.iter().map(|member| (member.name.as_str(), member.layer)).collect();
    let mut faults = Vec::new();
    for Member { name, layer, uses, reaches } in members {
        for used in uses {
            let Some(other) = layers.get(used.as_str()) else { continue };
            if !layer.may_use(*other) {
                faults.push(format!("{name} ({layer:?}) must not depend on {used} ({other:?})").to_lowercase());
            }
        }
        let own = BANS.iter().filter(|(banned, _)| banned == name).flat_map(|(_, crates)| crates.iter());
        let pure: &[&str] = if *layer <= Layer::Types { &EFFECTS } else { &[] };
        for banned in FOREIGN_TLS.iter().chain(pure).chain(own) {
            if reaches.contains(*banned) {
                faults.push(format!("{name} must not reach {banned}"));
            }
        }
    }
    faults
}

fn read(metadata: &Metadata) -> Result<Vec<Member>> {
    let packages = metadata.workspace_packages();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut members = Vec::new();
    for package in &packages {
        let text = package.metadata.pointer("/flux/layer").and_then(|layer| layer.as_str());
        let layer = text
            .and_then(Layer::parse)
            .with_context(|| format!("{} states no known layer in [package.metadata.flux]", package.name))?;
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        members.push(Member {
            name: package.name.to_string(),
            layer,
            uses: normal
                .map(|dependency| dependency.name.clone())
                .filter(|name| names.contains(name.as_str()))
                .collect(),
            reaches: reached(&package.name)?,
        });
    }
    Ok(members)
}

/// All that a crate compiles in when it is built alone: cargo's metadata would mix in what others turn on.
fn reached(name: &str) -> Result<BTreeSet<String>> {
    let tree = ["tree", "--locked", "--package", name, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let output = cargo(tree).output().context("cannot start `cargo tree`")?;
    if !output.status.success() {
        bail!("`cargo tree --package {name}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, layer: Layer, uses: &[&str], reaches: &[&str]) -> Member {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Member { name: name.to_owned(), layer, uses: set(uses), reaches: set(reaches) }
    }

    #[test]
    fn upward_and_sideways_edges_are_refused() {
        let members = [
            member("ssa", Layer::Effects, &["runtime", "git"], &[]),
            member("git", Layer::Effects, &["api"], &[]),
            member("runtime", Layer::Runtime, &["git"], &[]),
            member("api", Layer::Types, &[], &[]),
            member("a", Layer::App, &["b", "runtime"], &[]),
            member("b", Layer::App, &[], &[]),
            member("kit", Layer::Tooling, &["a", "api"], &[]),
            member("yaml", Layer::Engine, &["kit"], &[]),
        ];
        assert_eq!(
            faults(&members),
            [
                "ssa (effects) must not depend on runtime (runtime)",
                "a (app) must not depend on b (app)",
                "yaml (engine) must not depend on kit (tooling)",
            ]
        );
    }

    #[test]
    fn banned_crates_are_refused_also_through_others() {
        let members = [
            member("yaml", Layer::Engine, &[], &["tokio"]),
            member("http", Layer::Effects, &[], &["tokio", "ring"]),
            member("source-controller", Layer::App, &[], &["flux-ssa"]),
        ];
        assert_eq!(
            faults(&members),
            ["yaml must not reach tokio", "http must not reach ring", "source-controller must not reach flux-ssa"]
        );
    }

    #[test]
    fn the_workspace_itself_is_read_whole() {
        let members = read(&metadata().unwrap()).unwrap();
        let yaml = members.iter().find(|member| member.name == "flux-kustomize").unwrap();
        assert!(yaml.uses.contains("flux-yaml") && yaml.reaches.contains("serde_json"));
    }
}
