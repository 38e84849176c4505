//! Which files a build reads secrets from: those may be encrypted in the source, and are decrypted before the build.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, Kind};

use crate::kustomization::{Generator, Kustomization};
use crate::load::find;
use crate::record::Mode;

/// A file that a build puts into objects as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// Where it is, from the root of the files, links followed.
    pub path: Utf8PathBuf,
    /// What the build makes of it.
    pub role: SecretRole,
}

/// What a build makes of a file that may be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRole {
    /// The value of one key of a generated Secret.
    Value {
        /// The name by which the file's format is known: the key that the generator gives it, or else the file's path.
        name: String,
    },
    /// Several keys of a generated Secret.
    Variables {
        /// The name by which the file's format is known: its path.
        name: String,
    },
    /// A patch.
    Patch {
        /// The name by which the file's format is known: its path.
        name: String,
    },
}

/// The files of secret generators (`files`, `envs`) and of `patches`, of the kustomization at `directory` and of all local
/// directories that it names as resources or components. A file that is named twice has the role that comes first.
///
/// What cannot be read is left out: the build tells about it.
pub fn secret_files(files: &dyn Files, directory: &Utf8Path) -> Vec<SecretFile> {
    let mut found = Found { files, paths: BTreeSet::new(), secrets: Vec::new() };
    let mut visited = BTreeSet::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        let Some(place) = place(files, &directory, Kind::Directory) else { continue };
        if !visited.insert(place) {
            continue;
        }
        let Ok(Some((_, text))) = find(files, &directory) else { continue };
        let Ok(kustomization) = Kustomization::parse(&text, Mode::Lenient) else { continue };
        found.visit(&directory, &kustomization);
        // The last one in is the first one out.
        let named = kustomization.resources.iter().chain(&kustomization.components).rev();
        waiting.extend(named.map(|name| directory.join(name)));
    }
    found.secrets
}

struct Found<'f> {
    files: &'f dyn Files,
    paths: BTreeSet<Utf8PathBuf>,
    secrets: Vec<SecretFile>,
}

impl Found<'_> {
    fn visit(&mut self, directory: &Utf8Path, kustomization: &Kustomization) {
        for Generator { files, envs, .. } in &kustomization.secret_generator {
            for source in files {
                let (name, path) = source.split_once('=').unwrap_or((source, source));
                self.add(&directory.join(path), SecretRole::Value { name: name.to_owned() });
            }
            for path in envs {
                self.add(&directory.join(path), SecretRole::Variables { name: path.clone() });
            }
        }
        for patch in kustomization.patches.iter().filter(|patch| !patch.path.is_empty()) {
            self.add(&directory.join(&patch.path), SecretRole::Patch { name: patch.path.clone() });
        }
    }

    fn add(&mut self, path: &Utf8Path, role: SecretRole) {
        let Some(path) = place(self.files, path, Kind::File) else { return };
        if self.paths.insert(path.clone()) {
            self.secrets.push(SecretFile { path, role });
        }
    }
}

/// Where `path` leads, if what is there is of that kind.
fn place(files: &dyn Files, path: &Utf8Path, kind: Kind) -> Option<Utf8PathBuf> {
    let path = flux_files::clean(path).ok()?;
    let place = files.resolve(&path).ok()?;
    (files.kind(&place).ok()? == kind).then_some(place)
}

#[cfg(test)]
mod tests {
    use flux_files::Memory;

    use super::*;

    fn check(content: &[(&str, &str)], expected: &[(&str, SecretRole)]) {
        let mut files = Memory::new();
        for (path, text) in content {
            files.write(Utf8Path::new(path), *text).unwrap();
        }
        let found = secret_files(&files, Utf8Path::new("app"));
        let found: Vec<_> = found.iter().map(|file| (file.path.as_str(), file.role.clone())).collect();
        assert_eq!(found, expected);
    }

    fn value(name: &str) -> SecretRole {
        SecretRole::Value { name: name.to_owned() }
    }

    #[test]
    fn generators_and_patches_name_secret_files() {
        let kustomization = "resources: [plain.yaml]\nconfigMapGenerator: [{name: a, files: [plain.yaml]}]\nsecretGenerator:\n\
                             - {name: b, files: [token, cert.pem=tls.yaml, nothing], envs: [prod.env], literals: [a=b]}\n\
                             patches: [{path: patch.yaml}, {patch: 'a: b'}, {path: 'https://example.com/a.yaml'}]\n";
        let names = ["token", "tls.yaml", "prod.env", "patch.yaml", "plain.yaml"];
        let mut content: Vec<(String, &str)> = names.iter().map(|name| (format!("app/{name}"), "")).collect();
        content.push(("app/kustomization.yaml".to_owned(), kustomization));
        let content: Vec<_> = content.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        check(
            &content,
            &[
                ("app/token", value("token")),
                ("app/tls.yaml", value("cert.pem")),
                ("app/prod.env", SecretRole::Variables { name: "prod.env".to_owned() }),
                ("app/patch.yaml", SecretRole::Patch { name: "patch.yaml".to_owned() }),
            ],
        );
    }

    #[test]
    fn local_resources_and_components_are_looked_through_once() {
        check(
            &[
                ("app/kustomization.yaml", "resources: [../base, ../base, a.yaml]\ncomponents: [more]\n"),
                ("app/more/kustomization.yaml", "secretGenerator: [{name: b, files: [one]}]\nresources: [..]\n"),
                ("app/more/one", ""),
                ("base/kustomization.yml", "secretGenerator: [{name: a, files: [one, k=../app/more/one]}]\n"),
                ("base/one", ""),
            ],
            &[("base/one", value("one")), ("app/more/one", value("k"))],
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_build() {
        check(&[("app/kustomization.yaml", "secretGenerator: text\n")], &[]);
        check(&[("app/kustomization.yaml", "resources: [../../out, https://example.com/a, none, .]\n")], &[]);
        check(&[("other", "")], &[]);
    }
}
