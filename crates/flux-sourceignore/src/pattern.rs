//! One line of a pattern file, and what it matches.

use camino::Utf8Path;

use crate::glob;

/// A pattern with the directory that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// The parts of the directory's path.
    domain: Vec<String>,
    /// The parts between slashes; a single one when the pattern names no directory.
    parts: Vec<String>,
    negated: bool,
    directories_only: bool,
}

impl Pattern {
    pub(crate) fn parse(line: &str, domain: &Utf8Path) -> Self {
        let domain =
            domain.as_str().split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        let (line, negated) = line.strip_prefix('!').map_or((line, false), |rest| (rest, true));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (line, directories_only) = line.strip_suffix('/').map_or((line, false), |rest| (rest, true));
        Self { domain, parts: line.split('/').map(str::to_owned).collect(), negated, directories_only }
    }

    /// Whether a match keeps the path in rather than out.
    pub(crate) fn negated(&self) -> bool {
        self.negated
    }

    pub(crate) fn matches(&self, path: &[&str], is_directory: bool) -> bool {
        let Some(path) = below(path, &self.domain) else { return false };
        match self.parts.as_slice() {
            [name] => self.matches_name(name, path, is_directory),
            _ => self.matches_path(path, is_directory),
        }
    }

    /// A pattern without a slash matches any part of the path; below a matching directory everything matches.
    fn matches_name(&self, name: &str, path: &[&str], is_directory: bool) -> bool {
        match path.iter().position(|part| glob::matches(name, part)) {
            Some(at) => at + 1 < path.len() || is_directory || !self.directories_only,
            None => false,
        }
    }

    /// A pattern with a slash is anchored at its directory and may end before the path does.
    fn matches_path(&self, path: &[&str], is_directory: bool) -> bool {
        let mut rest = path;
        let mut matched = false;
        let mut crossing = false;
        for (at, part) in self.parts.iter().enumerate() {
            let last = at + 1 == self.parts.len();
            match part.as_str() {
                "" => crossing = false,
                "**" if last => break,
                "**" => crossing = true,
                part if part.contains("**") => return false,
                part if crossing => {
                    crossing = false;
                    let Some(found) = rest.iter().position(|name| glob::matches(part, name)) else { return false };
                    rest = &rest[found + 1..];
                    matched = true;
                }
                part => {
                    let Some((name, after)) = rest.split_first() else { return false };
                    if !glob::matches(part, name) {
                        return false;
                    }
                    rest = after;
                    // A path that ends before the pattern is a parent of what the pattern means.
                    matched = !rest.is_empty() || last;
                }
            }
        }
        matched && !(self.directories_only && !is_directory && rest.is_empty())
    }
}

/// What follows `domain` on `path`; `None` where nothing does.
fn below<'p, 'n>(path: &'p [&'n str], domain: &[String]) -> Option<&'p [&'n str]> {
    let inside = path.len() > domain.len() && domain.iter().zip(path).all(|(directory, part)| directory == part);
    inside.then(|| &path[domain.len()..])
}
