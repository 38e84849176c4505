//! What kustomizations name by address instead of by path.

use flux_files::Files;

/// Fetches what lies elsewhere. The engine itself never opens a connection.
pub trait Remote: std::fmt::Debug + Send + Sync {
    /// The content of the file at an HTTP or HTTPS address.
    fn file(&self, url: &str) -> Result<Vec<u8>, RemoteError>;
    /// The files of a Git repository.
    fn repository(&self, repository: &Repository) -> Result<Box<dyn Files>, RemoteError>;
}

/// Why something cannot be fetched, in one line without credentials.
pub type RemoteError = Box<dyn std::error::Error + Send + Sync>;

/// A Git repository and the directory in it that holds a kustomization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Where to clone from, as Git takes it.
    pub url: String,
    /// The directory with the kustomization, from the repository's root; empty for the root.
    pub path: String,
    /// The branch, tag or commit; none for the default branch.
    pub reference: Option<String>,
    /// Whether submodules are wanted.
    pub submodules: bool,
}

impl Repository {
    /// Reads an address as kustomize does; none where the text is a path.
    pub fn parse(address: &str) -> Option<Self> {
        if address.starts_with('/') {
            return None;
        }
        let (address, query) = address.split_once('?').unwrap_or((address, ""));
        let (host, rest) = split_host(address)?;
        let (repository, path) = split_path(rest, host.starts_with("file://"))?;
        let path = path.trim_start_matches('/');
        let leaves = flux_files::clean(camino::Utf8Path::new(path)).is_err();
        if repository.is_empty() || leaves {
            return None;
        }
        let value = |wanted: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value.to_owned())
        };
        let submodules = value("submodules").and_then(|text| flux_yaml::parse_bool(&text)).unwrap_or(true);
        let reference = value("ref").or_else(|| value("version"));
        Some(Self { url: format!("{host}{repository}"), path: path.to_owned(), reference, submodules })
    }
}

/// Whether a path is the address of a file to be read over HTTP.
pub(crate) fn is_file_address(path: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| starts_with(path, scheme))
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Scheme, user and host as Git takes them, and the rest.
fn split_host(address: &str) -> Option<(String, &str)> {
    let address = if starts_with(address, "git::") { &address[5..] } else { address };
    let scheme = ["ssh://", "https://", "http://", "file://"].into_iter().find(|scheme| starts_with(address, scheme));
    let after_scheme = &address[scheme.map_or(0, str::len)..];
    let scheme = scheme.unwrap_or_default();
    if scheme == "file://" {
        return Some((scheme.to_owned(), after_scheme));
    }
    let user = after_scheme.split_once('@').map(|(user, _)| user).filter(|user| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    let rest = &after_scheme[user.map_or(0, |user| user.len() + 1)..];
    let github = ["github.com/", "github.com:"].iter().any(|host| starts_with(rest, host));
    let short = scheme.is_empty() && (user.is_some() || github);
    if scheme.is_empty() && !short {
        return None;
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|at| short && (slash.is_none() || (*at > 0 && Some(*at) < slash)));
    let end = colon.or(slash).map_or(rest.len(), |at| at + 1);
    let (host, rest) = if colon.or(slash).is_some() { rest.split_at(end) } else { (rest, "") };
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    match (github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => Some((format!("{user}github.com:"), rest)),
        (true, false) => Some(("https://github.com/".to_owned(), rest)),
        (false, _) => (!host.is_empty()).then(|| (format!("{scheme}{user}{host}"), rest)),
    }
}

/// The repository's path and the path inside of it.
fn split_path(path: &str, whole: bool) -> Option<(&str, &str)> {
    if let Some(at) = path.find("_git/") {
        let start = at + "_git/".len();
        let end = path[start..].find('/').map_or(path.len(), |at| start + at);
        return Some((&path[..end], path[end..].trim_start_matches('/')));
    }
    if let Some((repository, inner)) = path.split_once("//") {
        return Some((repository, inner));
    }
    if let Some(at) = path.find(".git") {
        return Some(path.split_at(at + ".git".len()));
    }
    if whole {
        return Some((path, ""));
    }
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.next()?;
    Some(slashes.next().map_or((path, ""), |at| path.split_at(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parted_into_repository_and_path() {
        for (address, url, path, reference) in [
            ("https://example.com/org/repo//deploy?ref=v1", "https://example.com/org/repo", "deploy", Some("v1")),
            ("https://example.com/org/repo.git/a/b", "https://example.com/org/repo.git", "a/b", None),
            ("github.com/org/repo/a?version=x", "https://github.com/org/repo", "a", Some("x")),
            ("git@github.com:org/repo", "git@github.com:org/repo", "", None),
            ("git@example.com:org/repo//x", "git@example.com:org/repo", "x", None),
            ("ssh://git@example.com/org/repo", "ssh://git@example.com/org/repo", "", None),
            ("file:///srv/repo.git//x", "file:///srv/repo.git", "x", None),
            ("https://dev.example.com/o/p/_git/repo/x", "https://dev.example.com/o/p/_git/repo", "x", None),
        ] {
            let expected = Repository {
                url: url.to_owned(),
                path: path.to_owned(),
                reference: reference.map(str::to_owned),
                submodules: true,
            };
            assert_eq!(Repository::parse(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn paths_are_no_addresses() {
        for path in ["../base", "a/b/c", "/abs", "x.yaml", "pkg@v1/base", "https://example.com/org/repo//../../x"] {
            assert_eq!(Repository::parse(path), None, "{path}");
        }
    }
}
