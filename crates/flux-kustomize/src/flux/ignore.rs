//! What the command line leaves out of a build.

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Entry, Files, Kind};
use flux_sourceignore::{FILE_NAME, Matcher};

use crate::Error;
use crate::kustomization::Kustomization;
use crate::target::shown;

/// Directories are entered no deeper than this.
const DEPTH: usize = 64;

/// The patterns of a directory's `.sourceignore` files and those given beside them.
pub(super) struct Ignored {
    matcher: Matcher,
    /// Whether there is any pattern but the default ones.
    has_own: bool,
}

impl Ignored {
    pub(super) fn read(files: &dyn Files, directory: &Utf8Path, patterns: &str) -> Result<Self, Error> {
        let mut found = Vec::new();
        collect(files, directory, Utf8Path::new(""), DEPTH, &mut found)?;
        let pattern = |text: &str| text.lines().any(|line| !line.starts_with('#') && !line.trim().is_empty());
        let has_own = pattern(patterns) || found.iter().any(|(_, text)| pattern(text));
        let matcher = Matcher::new(found.iter().map(|(path, text)| (path.as_path(), text.as_str())), Some(patterns));
        Ok(Self { matcher, has_own })
    }

    /// Whether a file that was found is left out; without patterns none is.
    pub(super) fn hides(&self, path: &Utf8Path) -> bool {
        self.has_own && self.matcher.excludes_file(path)
    }

    /// Takes what is left out from what the kustomization names.
    pub(super) fn filter(
        &self,
        files: &dyn Files,
        directory: &Utf8Path,
        kustomization: &mut Kustomization,
    ) -> Result<(), Error> {
        let Kustomization { resources, components, crds, .. } = kustomization;
        for (names, may_be_remote) in [(resources, true), (components, true), (crds, false)] {
            let mut kept = Vec::with_capacity(names.len());
            for name in names.drain(..) {
                let remote = may_be_remote && name.contains("://");
                if remote || !self.excludes(files, directory, &name)? {
                    kept.push(name);
                }
            }
            *names = kept;
        }
        Ok(())
    }

    fn excludes(&self, files: &dyn Files, directory: &Utf8Path, name: &str) -> Result<bool, Error> {
        let place = flux_files::clean(&directory.join(name))?;
        let kind = files
            .kind(&place)
            .map_err(|_| Error::invalid(format!("lstat {}: no such file or directory", shown(&place))))?;
        // What lies outside of the directory is not what the patterns are about.
        let Ok(path) = place.strip_prefix(directory) else { return Ok(false) };
        Ok(match kind {
            Kind::File => self.matcher.excludes_file(path),
            Kind::Directory => self.matcher.excludes_directory(path),
        })
    }
}

fn collect(
    files: &dyn Files,
    directory: &Utf8Path,
    below: &Utf8Path,
    depth: usize,
    found: &mut Vec<(Utf8PathBuf, String)>,
) -> Result<(), Error> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    let entries = files.list(&directory.join(below))?;
    if entries.iter().any(|entry| entry.name == FILE_NAME && entry.kind == Kind::File && !entry.link) {
        let content = files.read(&directory.join(below).join(FILE_NAME))?;
        found.push((below.to_owned(), String::from_utf8_lossy(&content).into_owned()));
    }
    for Entry { name, kind, link } in entries {
        if kind == Kind::Directory && !link {
            collect(files, directory, &below.join(name), depth, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;
    use flux_files::Memory;

    use crate::flux::{Extras, Spec, prepare_with};

    fn resources(files: &[(&str, &str)], ignore: &str) -> String {
        let mut memory = Memory::new();
        for (path, content) in files {
            memory.write(Utf8Path::new(path), *content).unwrap();
        }
        let extras = Extras { ignore: Some(ignore), ..Extras::default() };
        let content = prepare_with(&memory, "app".into(), &Spec::default(), &extras).unwrap().content;
        content.split_once("resources:\n").map(|(_, names)| names.to_owned()).unwrap_or_default()
    }

    #[test]
    fn ignored_files_are_neither_found_nor_built() {
        let object = "kind: A\nmetadata: {name: a}\n";
        let found = [("app/a.yaml", object), ("app/x/b.yaml", object), ("app/x/.sourceignore", "b.yaml\n")];
        assert_eq!(resources(&found, ""), "- ./a.yaml\n");
        assert_eq!(resources(&found[..2], "/x"), "- ./a.yaml\n");
        assert_eq!(resources(&found[..2], ""), "- ./a.yaml\n- ./x/b.yaml\n");
        let named = [found[0], found[1], ("app/kustomization.yaml", "resources: [a.yaml, x/b.yaml]")];
        assert_eq!(resources(&named, "b.yaml"), "- a.yaml\n");
    }
}
