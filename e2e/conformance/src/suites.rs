//! The suites of a folder, named by folder and file.

use std::path::Path;

use anyhow::{Result, bail};

use crate::case::{Case, names};
use crate::{
    envsubst, flux_build, helm_charts, helm_charts_flux, helm_cmd, helm_engine, helm_manifests, helm_sprig,
    helm_values, helm_vectors, kustomize, release_records, sops, unit,
};

/// One suite with the cases that can be run.
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
    /// Whether the folder holds cases of it that no engine here can run.
    pub(crate) lacks_engine: bool,
}

/// Which suites and cases are wanted.
pub(crate) struct Selection<'a> {
    pub(crate) suite: Option<&'a str>,
    pub(crate) case: Option<&'a str>,
}

/// How the cases of a suite are read; none where no engine is there for them.
type Reader = fn(&Path) -> Result<Vec<Case>>;

/// Suites with fixed names, in the order in which they are told.
const SUITES: [(&str, &str, Option<Reader>); 12] = [
    ("kustomize/krusty", "kustomize/krusty", Some(kustomize::folders)),
    ("kustomize/builtin", "kustomize/builtin", Some(kustomize::folders)),
    ("kustomize/replacement", "kustomize/replacement", Some(kustomize::folders)),
    ("kustomize/generated", "kustomize/generated", Some(kustomize::folders)),
    ("kustomize/real", "kustomize/real", Some(kustomize::repositories)),
    ("kustomize/unit", "kustomize/unit-merge2.jsonl", Some(unit::cases)),
    ("flux-build", "flux-build", Some(flux_build::cases)),
    ("envsubst", "envsubst/vectors.jsonl", Some(envsubst::cases)),
    ("sops", "sops", Some(sops::cases)),
    ("helm/release-records", "helm/release-records", Some(release_records::cases)),
    ("helm/charts", "helm/charts", Some(helm_charts::cases)),
    ("helm/charts-flux", "helm/charts", Some(helm_charts_flux::cases)),
];

/// Readers for files among Helm's cases, all of whose cases can be run.
const HELM: &[(&str, Reader)] = &[
    ("helm/upstream/cmd", helm_cmd::cases),
    ("helm/upstream/compatible-range", helm_values::ranges),
    ("helm/upstream/dependencies", helm_values::dependencies),
    ("helm/upstream/engine", helm_engine::cases),
    ("helm/upstream/schema", helm_values::schemas),
    ("helm/upstream/sort-manifests", helm_manifests::sort_cases),
    ("helm/upstream/split-manifests", helm_manifests::split_cases),
    ("helm/upstream/sprig", helm_sprig::cases),
    ("helm/upstream/strvals", helm_values::lines),
    ("helm/upstream/values", helm_values::coalesced),
];

/// The suites that `folder` holds and `selection` wants.
pub(crate) fn find(folder: &Path, selection: &Selection) -> Result<Vec<Suite>> {
    if !folder.is_dir() {
        bail!("{} is not a folder", folder.display());
    }
    let mut suites = Vec::new();
    for (name, place, reader) in SUITES {
        let place = folder.join(place);
        if selection.wants(name) && place.exists() {
            let cases = reader.map_or_else(|| Ok(Vec::new()), |read| read(&place))?;
            suites.push(Suite { name: name.to_owned(), cases, lacks_engine: reader.is_none() });
        }
    }
    for group in ["helm/vectors", "helm/upstream"] {
        if folder.join(group).is_dir() {
            for file in names(&folder.join(group))? {
                let Some(name) = file.strip_suffix(".jsonl").map(|stem| format!("{group}/{stem}")) else { continue };
                if selection.wants(&name) {
                    let path = folder.join(group).join(&file);
                    let known = HELM.iter().find(|(suite, _)| *suite == name).map(|(_, reader)| *reader);
                    let reader = known.or((group == "helm/vectors").then_some(helm_vectors::cases));
                    let cases = reader.map_or_else(|| Ok(Vec::new()), |read| read(&path))?;
                    suites.push(Suite { name, cases, lacks_engine: reader.is_none() });
                }
            }
        }
    }
    if let Some(id) = selection.case {
        for suite in &mut suites {
            suite.cases.retain(|case| case.id == id || format!("{}/{}", suite.name, case.id) == id);
        }
        suites.retain(|suite| !suite.cases.is_empty());
    }
    Ok(suites)
}

impl Selection<'_> {
    /// Whether the name is the wanted one, or below it.
    fn wants(&self, name: &str) -> bool {
        self.suite.is_none_or(|wanted| {
            let wanted = wanted.trim_end_matches('/');
            name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_wanted_by_its_name_or_a_folder_above_it() {
        let wants = |suite, name| Selection { suite, case: None }.wants(name);
        assert!(wants(None, "sops"));
        assert!(wants(Some("kustomize"), "kustomize/real"));
        assert!(wants(Some("kustomize/"), "kustomize/real"));
        assert!(wants(Some("kustomize/real"), "kustomize/real"));
        assert!(!wants(Some("helm/charts"), "helm/charts-flux"));
    }

    #[test]
    fn suites_are_found_by_what_the_folder_holds() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("helm/upstream")).unwrap();
        std::fs::create_dir_all(folder.path().join("envsubst")).unwrap();
        std::fs::write(folder.path().join("helm/upstream/other.jsonl"), "{}\n").unwrap();
        std::fs::write(
            folder.path().join("envsubst/vectors.jsonl"),
            "{\"id\":\"a\",\"input\":\"x\",\"output\":\"x\"}\n",
        )
        .unwrap();
        let found = |suite, case| {
            let suites = find(folder.path(), &Selection { suite, case }).unwrap();
            suites.into_iter().map(|suite| (suite.name, suite.cases.len(), suite.lacks_engine)).collect::<Vec<_>>()
        };
        let envsubst = || ("envsubst".to_owned(), 1, false);
        assert_eq!(found(None, None), [envsubst(), ("helm/upstream/other".to_owned(), 0, true)]);
        assert_eq!(found(None, Some("a")), [envsubst()]);
        assert_eq!(found(None, Some("envsubst/a")), [envsubst()]);
        assert_eq!(found(Some("sops"), None), []);
    }
}
