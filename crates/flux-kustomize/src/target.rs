//! One kustomization that is being built: its files, and what it may read.

use std::borrow::Cow;
use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, FilesError, Kind};

use crate::config::Config;
use crate::kustomization::Kustomization;
use crate::origin::Base;
use crate::remote::is_file_address;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::{Error, LoadRestrictions, Options};

/// One kustomization that is being built.
pub(crate) struct Target<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) options: &'a Options,
    /// Its directory, from the root of the files.
    pub(crate) directory: Utf8PathBuf,
    pub(crate) kustomization: Kustomization,
    pub(crate) config: Config,
    pub(crate) schemas: Schemas,
    /// The path to the directory as `buildMetadata` writes it; none when nothing is recorded.
    pub(crate) origin: Option<Base>,
    /// The kustomization file's name.
    pub(crate) file: String,
    /// The kustomizations that led here.
    pub(crate) chain: Vec<Utf8PathBuf>,
}

impl Target<'_> {
    /// The place of a path that the kustomization names, from the root of the files.
    pub(crate) fn place(&self, path: &str) -> Result<Utf8PathBuf, Error> {
        if path.starts_with('/') {
            return Err(Error::invalid(format!("path {path:?} must be relative")));
        }
        flux_files::clean(&self.directory.join(path)).map_err(|_| {
            let place = self.directory.join(path);
            Error::invalid(format!("fs-security-constraint read {place}: path '{place}' is not in or below the root"))
        })
    }

    /// The content of a file that the kustomization names.
    pub(crate) fn read_bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        if is_file_address(path) {
            let remote = self.options.remote.as_deref();
            let remote = remote.ok_or_else(|| refused("get", path))?;
            return remote.file(path).map_err(|err| Error::invalid(format!("Get {path:?}: {err}")));
        }
        let place = self.place(path)?;
        self.permit(&place)?;
        self.files.read(&place).map_err(|err| unreadable(&err, &place, self.files, self.options))
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> Result<String, Error> {
        let bytes = self.read_bytes(path)?;
        String::from_utf8(bytes).map_err(|_| Error::invalid(format!("file {path:?} is not UTF-8")))
    }

    /// Refuses files outside of the directory where the options say so.
    fn permit(&self, place: &Utf8Path) -> Result<(), Error> {
        if self.options.load_restrictions == LoadRestrictions::None || place.starts_with(&self.directory) {
            return Ok(());
        }
        match self.files.kind(place) {
            Ok(Kind::File) => Err(Error::invalid(format!(
                "security; file '{}' is not in or below '{}'",
                shown(place),
                shown(&self.directory)
            ))),
            Ok(Kind::Directory) | Err(_) => Ok(()),
        }
    }

    /// The directory that a base or a component names.
    pub(crate) fn directory_of(&self, path: &str) -> Result<Utf8PathBuf, Error> {
        if path.is_empty() {
            return Err(Error::invalid("new root cannot be empty"));
        }
        if path.starts_with('/') {
            return Err(Error::invalid(format!("new root '{path}' cannot be absolute")));
        }
        let place = self.place(path).map_err(|err| err.during(NO_DIRECTORY))?;
        match self.files.kind(&place) {
            Ok(Kind::Directory) => {}
            Ok(Kind::File) => {
                return Err(Error::invalid(format!("'{}': file is not directory", shown(&place))).during(NO_DIRECTORY));
            }
            Err(err) => {
                let missing = unresolved(&err, &place, self.files).during("not a valid directory");
                return Err(missing.during(NO_DIRECTORY));
            }
        }
        match self.chain.iter().rev().find(|visited| visited.starts_with(&place)) {
            None => Ok(place),
            Some(visited) => Err(Error::invalid(format!(
                "cycle detected: candidate root '{}' contains visited root '{}'",
                shown(&place),
                shown(visited)
            ))),
        }
    }

    /// Tells objects of kinds that the kustomization's own schemas know where they live.
    pub(crate) fn mark(&self, resources: &mut [Resource]) {
        if self.schemas.are_own() {
            for resource in resources {
                resource.namespaced = self.schemas.is_namespaced(resource.gvk());
            }
        }
    }

    /// The kustomization file as `buildMetadata` names it.
    pub(crate) fn origin_file(&self) -> Base {
        self.origin.clone().unwrap_or_default().join(&self.file)
    }
}

const NO_DIRECTORY: &str = "must build at directory";

/// A path as messages name it: the root itself is a dot.
pub(crate) fn shown(path: &Utf8Path) -> &str {
    if path.as_str().is_empty() { "." } else { path.as_str() }
}

/// What is said where nothing may be fetched.
pub(crate) fn refused(operation: &str, address: &str) -> Error {
    Error::invalid(format!("fs-security-constraint {operation} {address}: remote bases are not allowed"))
}

/// Why a file cannot be read, in the words that its user knows from kustomize.
pub(crate) fn unreadable(err: &FilesError, place: &Utf8Path, files: &dyn Files, options: &Options) -> Error {
    let path = shown(place);
    match (err, options.load_restrictions) {
        (FilesError::NotFound(_) | FilesError::NotADirectory(_), LoadRestrictions::RootOnly) => {
            unresolved(err, place, files)
        }
        (FilesError::IsDirectory(_), LoadRestrictions::RootOnly) => {
            Error::invalid(format!("'{path}' must resolve to a file"))
        }
        (FilesError::NotFound(_), LoadRestrictions::None) => {
            Error::invalid(format!("open {path}: no such file or directory"))
        }
        (FilesError::IsDirectory(_), LoadRestrictions::None) => Error::invalid(format!("read {path}: is a directory")),
        (FilesError::Escapes(_), _) => {
            Error::invalid(format!("fs-security-constraint read {path}: path '{path}' is not in or below the root"))
        }
        (err, _) => Error::invalid(chained(err)),
    }
}

/// Why a path leads nowhere; it says which part of it is missing.
fn unresolved(err: &FilesError, place: &Utf8Path, files: &dyn Files) -> Error {
    if !matches!(err, FilesError::NotFound(_)) {
        return Error::invalid(chained(err));
    }
    let missing = place.ancestors().filter(|part| !part.as_str().is_empty() && files.kind(part).is_err()).last();
    Error::invalid(format!(
        "evalsymlink failure on '{}' : lstat {}: no such file or directory",
        shown(place),
        shown(missing.unwrap_or(place))
    ))
}

fn chained(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}

/// A text in quotes as Go writes it with `%q`.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        let escaped: Cow<'_, str> = match c {
            '"' => "\\\"".into(),
            '\\' => "\\\\".into(),
            '\n' => "\\n".into(),
            '\r' => "\\r".into(),
            '\t' => "\\t".into(),
            c if c.is_control() => {
                let mut code = String::new();
                let _ = match u32::from(c) {
                    low @ 0..=0x7f => write!(code, "\\x{low:02x}"),
                    high => write!(code, "\\u{high:04x}"),
                };
                code.into()
            }
            c => {
                out.push(c);
                continue;
            }
        };
        out.push_str(&escaped);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_those_of_go() {
        assert_eq!(quoted("a \"b\"\n\u{1}'ä"), r#""a \"b\"\n\x01'ä""#);
    }
}
