//! The kustomization file that Flux builds: found or generated, with the spec merged into it.

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Entry, Files, FilesError, Kind};

use super::ignore::Ignored;
use super::{Extras, Image, Patch, Prepared, Selector, Spec};
use crate::kustomization::{self, FILE_NAMES, Kustomization};
use crate::record::{Field, Mode};
use crate::{Error, json_text, load};

/// What an empty directory's kustomization sets, so that its build is empty and not an error.
const PLACEHOLDER: &str = "_placeholder";
/// Directories are entered no deeper than this.
const DEPTH: usize = 64;

/// The kustomization file of `directory` with `spec` merged into it.
pub(super) fn prepare(
    files: &dyn Files,
    directory: &Utf8Path,
    spec: &Spec,
    extras: &Extras<'_>,
) -> Result<Prepared, Error> {
    let ignored = extras.ignore.map(|patterns| Ignored::read(files, directory, patterns)).transpose()?;
    let (path, mut kustomization, generated) = match first(files, directory)? {
        Some((path, text)) => {
            let parsed = Kustomization::parse(&text, Mode::Lenient).map_err(|problem| problem.in_file(&path))?;
            (path, parsed, false)
        }
        None => (directory.join(FILE_NAMES[0]), generate(files, directory, ignored.as_ref())?, true),
    };
    for (field, default) in
        [(&mut kustomization.api_version, kustomization::VERSION), (&mut kustomization.kind, kustomization::KIND)]
    {
        if field.is_empty() {
            default.clone_into(field);
        }
    }
    if kustomization.resources.is_empty() && !generated {
        // Without this a file that lists no resources would count as empty.
        kustomization.build_metadata = vec!["originAnnotations".to_owned()];
    }
    if let Some(ignored) = &ignored {
        ignored.filter(files, directory, &mut kustomization)?;
    }
    merge(files, directory, &mut kustomization, spec)?;
    let Extras { ignore: _, patches_strategic_merge, patches_json6902 } = extras;
    kustomization.patches_strategic_merge.extend(patches_strategic_merge.iter().map(json_text::compact));
    kustomization.patches_json6902.extend(patches_json6902.iter().map(|(target, operations)| {
        patch(&Patch { patch: json_text::compact(operations), target: Some(target.clone()) })
    }));
    let content = flux_yaml::print_json(&kustomization.write()).map_err(|err| Error::invalid(err.to_string()))?;
    Ok(Prepared { path, content, generated })
}

/// The first kustomization file of a directory; that there is another one is the build's to tell.
fn first(files: &dyn Files, directory: &Utf8Path) -> Result<Option<(Utf8PathBuf, String)>, Error> {
    for name in FILE_NAMES {
        let path = directory.join(name);
        match files.kind(&path) {
            Ok(Kind::File) => {
                let text = String::from_utf8(files.read(&path)?);
                let text = text.map_err(|_| Error::invalid(format!("{path} is not UTF-8")))?;
                return Ok(Some((path, text)));
            }
            Ok(Kind::Directory) | Err(FilesError::NotFound(_)) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(None)
}

/// A kustomization that names every manifest below `directory`.
fn generate(files: &dyn Files, directory: &Utf8Path, ignored: Option<&Ignored>) -> Result<Kustomization, Error> {
    let mut resources = Vec::new();
    Scan { files, directory, ignored, found: &mut resources }.run(Utf8Path::new(""), DEPTH)?;
    let mut kustomization = Kustomization {
        api_version: kustomization::VERSION.to_owned(),
        kind: kustomization::KIND.to_owned(),
        resources,
        ..Kustomization::default()
    };
    if kustomization.resources.is_empty() {
        PLACEHOLDER.clone_into(&mut kustomization.namespace);
    }
    Ok(kustomization)
}

/// The walk that looks for manifests.
struct Scan<'s> {
    files: &'s dyn Files,
    directory: &'s Utf8Path,
    ignored: Option<&'s Ignored>,
    found: &'s mut Vec<String>,
}

impl Scan<'_> {
    /// Manifests in lexical order; a directory with a kustomization of its own counts as one.
    fn run(&mut self, below: &Utf8Path, depth: usize) -> Result<(), Error> {
        let depth =
            depth.checked_sub(1).ok_or_else(|| Error::invalid(format!("{below}: directories are nested too deep")))?;
        for Entry { name, kind, link } in self.files.list(&self.directory.join(below))? {
            let path = below.join(&name);
            let place = self.directory.join(&path);
            match kind {
                // Upstream does not follow links to directories here.
                Kind::Directory if link => {}
                Kind::Directory if has_kustomization(self.files, &place)? => self.found.push(format!("./{path}")),
                Kind::Directory => self.run(&path, depth)?,
                Kind::File if matches!(path.extension(), Some("yaml" | "yml")) => {
                    if !self.ignored.is_some_and(|ignored| ignored.hides(&path)) {
                        validate(self.files, &place)?;
                        self.found.push(format!("./{path}"));
                    }
                }
                Kind::File => {}
            }
        }
        Ok(())
    }
}

fn has_kustomization(files: &dyn Files, directory: &Utf8Path) -> Result<bool, Error> {
    for name in FILE_NAMES {
        match files.kind(&directory.join(name)) {
            Ok(Kind::File) => return Ok(true),
            Ok(Kind::Directory) | Err(FilesError::NotFound(_)) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(false)
}

/// A file that is not made of objects fails the generation.
fn validate(files: &dyn Files, path: &Utf8PathBuf) -> Result<(), Error> {
    let text = String::from_utf8(files.read(path)?).map_err(|_| Error::invalid(format!("{path} is not UTF-8")))?;
    let name = path.file_name().unwrap_or_default();
    load::objects(&text, path, name)
        .map(drop)
        .map_err(|err| err.during(format!("failed to decode Kubernetes YAML from {path}")))
}

fn merge(files: &dyn Files, directory: &Utf8Path, into: &mut Kustomization, spec: &Spec) -> Result<(), Error> {
    for (field, value) in [
        (&mut into.namespace, &spec.target_namespace),
        (&mut into.name_prefix, &spec.name_prefix),
        (&mut into.name_suffix, &spec.name_suffix),
    ] {
        if let Some(value) = value {
            field.clone_from(value);
        }
    }
    into.patches.extend(spec.patches.iter().map(patch));
    for component in &spec.components {
        let local = !component.contains("://") && !Utf8Path::new(component).is_absolute();
        if !local {
            return Err(Error::invalid(format!("component path '{component}' must be local and relative")));
        }
        let place = flux_files::clean(&directory.join(component))?;
        let missing = matches!(files.kind(&place), Err(FilesError::NotFound(_)));
        if !(missing && spec.ignore_missing_components) {
            into.components.push(component.clone());
        }
    }
    for image in &spec.images {
        merge_image(&mut into.images, image);
    }
    if !spec.build_metadata.is_empty() {
        into.build_metadata.clone_from(&spec.build_metadata);
    }
    Ok(())
}

fn patch(patch: &Patch) -> kustomization::Patch {
    let target = patch.target.as_ref().map(|selector| {
        let Selector { group, version, kind, name, namespace, label_selector, annotation_selector } = selector.clone();
        kustomization::Selector {
            group,
            version,
            kind,
            name,
            namespace,
            annotations: annotation_selector,
            labels: label_selector,
        }
    });
    kustomization::Patch { text: patch.patch.clone(), target, ..kustomization::Patch::default() }
}

/// A new name replaces the old one where it is given; tag and digest replace both where either is given.
fn merge_image(images: &mut Vec<kustomization::Image>, image: &Image) {
    let Image { name, new_name, new_tag, digest } = image;
    let at = images.iter().position(|old| old.name == *name).unwrap_or_else(|| {
        images.push(kustomization::Image { name: name.clone(), ..kustomization::Image::default() });
        images.len() - 1
    });
    let found = &mut images[at];
    if !new_name.is_empty() {
        found.new_name.clone_from(new_name);
    }
    if !new_tag.is_empty() || !digest.is_empty() {
        found.new_tag.clone_from(new_tag);
        found.digest.clone_from(digest);
    }
}
