//! From a request's path to a file below the root.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use super::Found;

/// How many names a listing shows.
const LISTED_NAMES: usize = 10_000;

/// A regular file with what was known of it when it was opened.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) file: File,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    /// Quoted, strong.
    pub(super) etag: String,
}

/// Symbolic links are followed as long as they lead to a place below the root.
pub(super) fn lookup(root: &Utf8Path, request_path: &str) -> Found {
    let Some(relative) = relative_path(request_path) else { return Found::Nothing };
    match open(root, &relative, request_path.ends_with('/')) {
        Ok(found) => found,
        Err(err) => match err.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => Found::Nothing,
            _ => Found::Failed(err),
        },
    }
}

fn open(root: &Utf8Path, relative: &Utf8Path, slash: bool) -> io::Result<Found> {
    let path = root.join(relative).canonicalize_utf8()?;
    if !path.starts_with(root) {
        return Ok(Found::Nothing);
    }
    // Asked before it is opened, because opening a pipe waits for its other end.
    let kind = path.symlink_metadata()?;
    if kind.is_dir() {
        return if slash { list(&path) } else { Ok(Found::NeedsSlash(relative.to_owned())) };
    }
    if slash || !kind.is_file() {
        return Ok(Found::Nothing);
    }
    let file = File::open(&path)?;
    let metadata = file.metadata()?;
    Ok(Found::File(OpenFile {
        name: relative.file_name().unwrap_or_default().to_owned(),
        size: metadata.size(),
        modified: metadata.modified()?,
        etag: format!(
            "\"{:x}-{:x}-{:x}-{:x}\"",
            metadata.ino(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec()
        ),
        file,
    }))
}

fn list(directory: &Utf8Path) -> io::Result<Found> {
    let mut names = Vec::new();
    for entry in directory.read_dir_utf8()?.take(LISTED_NAMES) {
        // A name that is no UTF-8 cannot be asked for either.
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        if !name.starts_with('.') {
            let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
            names.push(format!("{name}{slash}"));
        }
    }
    names.sort();
    Ok(Found::Directory(names))
}

/// The path below the root; none for one that is malformed, hidden, or leads upwards.
fn relative_path(request_path: &str) -> Option<Utf8PathBuf> {
    let decoded = percent_decode(request_path)?;
    let mut relative = Utf8PathBuf::new();
    for part in decoded.split('/').filter(|part| !part.is_empty()) {
        if part.starts_with('.') || part.contains(['\0', '\\']) {
            return None;
        }
        relative.push(part);
    }
    Some(relative)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_paths_become_paths_below_the_root_or_nothing() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(relative_path(path), expected.map(Utf8PathBuf::from), "{path}");
        };
        check("/", Some(""));
        check("/a/b%20c/sha256:1.tar.gz", Some("a/b c/sha256:1.tar.gz"));
        check("//a//b", Some("a/b"));
        for path in ["/..", "/a/%2e%2e/b", "/.draft-1", "/a%00", "/a%5c..", "/%zz", "/%f", "/%ff"] {
            check(path, None);
        }
        check("/a%2fb", Some("a/b"));
    }
}
