//! Submodules: what `.gitmodules` declares and the tree pins.

use camino::Utf8PathBuf;
use gix_hash::ObjectId;
use gix_object::Kind;
use gix_object::tree::EntryKind;
use url::Url;

use crate::checkout::sparse::{Relation, Sparse};
use crate::checkout::tree::find;
use crate::error::{Error, Failure};
use crate::remote::{Credentials, Remote};
use crate::store::objects::Objects;

/// Bytes of `.gitmodules` that are read.
const MAX_FILE: u64 = 1 << 20;
/// Submodules of one repository.
const MAX_SUBMODULES: usize = 1_000;

/// A submodule that the tree pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Where it is mounted in its repository.
    pub(crate) path: Utf8PathBuf,
    url: String,
    /// The pinned commit.
    pub(crate) commit: ObjectId,
}

/// The wanted submodules of the commit with this tree. Declared ones that the tree does not pin are passed over.
pub(crate) fn submodules(objects: &Objects, tree: ObjectId, sparse: &Sparse) -> Result<Vec<Declared>, Failure> {
    let mut reader = objects.reader();
    let file = match find(&mut reader, &tree, ".gitmodules".into())? {
        Some(line) if matches!(line.kind, EntryKind::Blob | EntryKind::BlobExecutable) => line.id,
        Some(_) | None => return Ok(Vec::new()),
    };
    if reader.size(&file)? > MAX_FILE {
        return Err(Failure::LimitExceeded { what: ".gitmodules".to_owned(), limit: MAX_FILE });
    }
    let text = String::from_utf8_lossy(reader.read(&file, Kind::Blob)?).into_owned();
    let declarations = parse(&text);
    if declarations.len() > MAX_SUBMODULES {
        let what = "the number of submodules".to_owned();
        return Err(Failure::LimitExceeded { what, limit: MAX_SUBMODULES as u64 });
    }
    let mut declared = Vec::new();
    for (path, url) in declarations {
        let path = Utf8PathBuf::from(path);
        if sparse.relation(&path) == Relation::Outside {
            continue;
        }
        if let Some(line) = find(&mut reader, &tree, &path)?.filter(|line| line.kind == EntryKind::Commit) {
            declared.push(Declared { path, url, commit: line.id });
        }
    }
    Ok(declared)
}

impl Declared {
    /// Where it is fetched from. The parent's credentials go to its own host, and an SSH identity to every SSH host,
    /// since `known_hosts` says which of them are trusted.
    pub(crate) fn remote(&self, parent: &Remote) -> Result<Remote, Error> {
        let url = absolute_url(&self.url, parent.url());
        let mut remote = Remote::new(&url)?;
        let same_host = origin(remote.url()) == origin(parent.url());
        let both_ssh = remote.is_ssh() && parent.is_ssh();
        remote = parent.with_url(remote.url().clone());
        if !same_host && !both_ssh {
            remote.credentials = Credentials::None;
            remote.account = None;
            remote.tls.identity = None;
        } else if same_host && remote.credentials == Credentials::None {
            remote = with_user_of(remote, parent.url());
        }
        Ok(remote)
    }
}

fn origin(url: &Url) -> (&str, Option<&str>, Option<u16>) {
    let port = url.port_or_known_default().or_else(|| (url.scheme() == "ssh").then_some(22));
    (url.scheme(), url.host_str(), port)
}

/// Carries the parent's credentials over where they stand in its URL.
fn with_user_of(remote: Remote, parent: &Url) -> Remote {
    let mut url = remote.url().clone();
    if !url.username().is_empty() || url.password().is_some() {
        return remote;
    }
    // The setters refuse only URLs without a host.
    let _ = url.set_username(parent.username());
    let _ = url.set_password(parent.password());
    remote.with_url(url)
}

/// A declared URL as a whole one: relative ones start at the parent's, and `user@host:path` means SSH.
fn absolute_url(declared: &str, parent: &Url) -> String {
    if declared.starts_with("./") || declared.starts_with("../") {
        let mut url = parent.clone();
        let mut segments: Vec<&str> = parent.path().split('/').filter(|segment| !segment.is_empty()).collect();
        for segment in declared.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop();
                }
                name => segments.push(name),
            }
        }
        url.set_path(&segments.join("/"));
        return url.to_string();
    }
    if declared.contains("://") {
        return declared.to_owned();
    }
    match declared.split_once(':') {
        Some((host, path)) if !host.contains('/') => format!("ssh://{host}/{}", path.trim_start_matches('/')),
        Some(_) | None => declared.to_owned(),
    }
}

/// Path and URL of each `[submodule]` section that has both.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut declared = Vec::new();
    let (mut inside, mut path, mut url) = (false, None, None);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim().to_owned();
        while line.ends_with('\\') {
            line.pop();
            line.push_str(lines.next().unwrap_or_default().trim());
        }
        if line.starts_with('[') {
            declared.extend(path.take().zip(url.take()));
            inside = line.to_lowercase().starts_with("[submodule");
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| inside) else { continue };
        match name.trim().to_lowercase().as_str() {
            "path" => path = Some(unquote(value)),
            "url" => url = Some(unquote(value)),
            _ => {}
        }
    }
    declared.extend(path.zip(url));
    declared
}

/// A value without quotes, escapes and comment.
fn unquote(value: &str) -> String {
    let mut plain = String::new();
    let mut quoted = false;
    let mut chars = value.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => plain.extend(chars.next()),
            '#' | ';' if !quoted => break,
            c => plain.push(c),
        }
    }
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_with_path_and_url_are_read() {
        let text = "# comment\n[submodule \"a\"]\n\tpath = a\n\turl = ../a.git ; why\n[core]\n\tpath = x\n[submodule \"b\"]\n\tpath = \"dir/b #1\"\n\tbranch = main\n\turl=https://example.com/b\n[submodule \"c\"]\n\tpath = c\n";
        let expected = [("a", "../a.git"), ("dir/b #1", "https://example.com/b")];
        assert_eq!(parse(text), expected.map(|(path, url)| (path.to_owned(), url.to_owned())));
    }

    #[test]
    fn declared_urls_become_whole_ones() {
        let parent = Url::parse("https://example.com/org/app.git").unwrap();
        for (declared, expected) in [
            ("../lib.git", "https://example.com/org/lib.git"),
            ("./sub", "https://example.com/org/app.git/sub"),
            ("../../../x", "https://example.com/x"),
            ("git@example.org:org/lib.git", "ssh://git@example.org/org/lib.git"),
            ("https://other.example/x", "https://other.example/x"),
        ] {
            assert_eq!(absolute_url(declared, &parent), expected);
        }
    }

    #[test]
    fn credentials_stay_with_the_host_they_are_for() {
        let mut parent = Remote::new("https://example.com/org/app.git").unwrap();
        parent.credentials = Credentials::Bearer("token".into());
        let remote = |url: &str| {
            let commit = ObjectId::null(gix_hash::Kind::Sha1);
            Declared { path: "a".into(), url: url.to_owned(), commit }.remote(&parent).unwrap()
        };
        assert_eq!(remote("../lib.git").credentials, parent.credentials);
        assert_eq!(remote("https://example.com:8443/lib.git").credentials, Credentials::None);
        assert_eq!(remote("https://example.org/lib.git").credentials, Credentials::None);
        assert_eq!(remote("http://example.com/lib.git").credentials, Credentials::None);
    }
}
