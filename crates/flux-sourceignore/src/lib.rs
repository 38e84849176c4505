//! The `.sourceignore` rules and their defaults.
//!
//! A [`Matcher`] says which paths of a source stay out of its artifact. Patterns are gitignore's, read the way
//! go-git reads them, because that is what decides the content of upstream's artifacts: the last pattern that matches
//! wins, and a pattern that names a directory also matches everything below it. Unlike `git` itself, a later `!`
//! pattern can bring back a file below an excluded directory.

mod glob;
mod pattern;

use camino::Utf8Path;
use pattern::Pattern;

/// The name of the files that hold patterns, read from every directory of a source.
pub const FILE_NAME: &str = ".sourceignore";

/// Always out, unless a later pattern brings them back.
const VERSION_CONTROL: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// Out only where the source gives no pattern of its own.
const DEFAULTS: [&str; 20] = [
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// Decides which paths are left out.
#[derive(Clone, Debug)]
pub struct Matcher {
    patterns: Vec<Pattern>,
}

impl Matcher {
    /// Patterns of `files` (the directory of each `.sourceignore`, relative to the source's root, with its content; in
    /// the order in which a lexical walk meets them), then of `spec_ignore`, which belongs to the root. Where
    /// neither holds a pattern, the default exclusions apply. Blank lines and lines that start with `#` are no patterns.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a Utf8Path, &'a str)>, spec_ignore: Option<&str>) -> Self {
        let root = Utf8Path::new("");
        let mut own = Vec::new();
        for (directory, content) in files {
            own.extend(read(content, directory));
        }
        own.extend(spec_ignore.into_iter().flat_map(|content| read(content, root)));

        let mut patterns: Vec<_> = VERSION_CONTROL.iter().map(|line| Pattern::parse(line, root)).collect();
        if own.is_empty() {
            patterns.extend(DEFAULTS.iter().map(|line| Pattern::parse(line, root)));
        }
        patterns.append(&mut own);
        Self { patterns }
    }

    /// Whether the file `path`, relative to the root, stays out.
    pub fn excludes_file(&self, path: &Utf8Path) -> bool {
        self.excludes(path, false)
    }

    /// Whether the entry of the directory `path` itself stays out. Its children are asked about on their own.
    pub fn excludes_directory(&self, path: &Utf8Path) -> bool {
        self.excludes(path, true)
    }

    fn excludes(&self, path: &Utf8Path, is_directory: bool) -> bool {
        let parts: Vec<&str> = path.as_str().split('/').filter(|part| !part.is_empty()).collect();
        self.patterns
            .iter()
            .rev()
            .find(|pattern| pattern.matches(&parts, is_directory))
            .is_some_and(|pattern| !pattern.negated())
    }
}

/// The patterns of one file's content.
fn read<'a>(content: &'a str, directory: &'a Utf8Path) -> impl Iterator<Item = Pattern> + 'a {
    content
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(move |line| Pattern::parse(line, directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of `paths` (directories end in `/`) stay out with these pattern files and `spec.ignore`.
    fn excluded<'a>(files: &[(&str, &str)], spec_ignore: Option<&str>, paths: &[&'a str]) -> Vec<&'a str> {
        let files = files.iter().map(|(directory, content)| (Utf8Path::new(directory), *content));
        let matcher = Matcher::new(files, spec_ignore);
        let out = |path: &&str| match path.strip_suffix('/') {
            Some(directory) => matcher.excludes_directory(Utf8Path::new(directory)),
            None => matcher.excludes_file(Utf8Path::new(path)),
        };
        paths.iter().copied().filter(out).collect()
    }

    #[test]
    fn defaults_apply_where_no_pattern_is_given() {
        let paths =
            ["a.yaml", "b/c.jpg", ".github/", ".github/x.yaml", ".git/", "x/.sops.yaml", ".flux.yaml", ".gitignore"];
        let out = ["b/c.jpg", ".github/", ".github/x.yaml", ".git/", "x/.sops.yaml", ".flux.yaml", ".gitignore"];
        assert_eq!(excluded(&[], None, &paths), out);
        assert_eq!(excluded(&[("", "# nothing\n\n")], Some("# all"), &paths), out);
    }

    #[test]
    fn any_pattern_replaces_the_defaults_but_not_the_version_control_files() {
        assert_eq!(
            excluded(&[], Some("/docs"), &["a.jpg", "docs/", "docs/a.md", "x/docs", ".git/"]),
            ["docs/", "docs/a.md", ".git/"]
        );
        assert_eq!(excluded(&[], Some("!.gitignore"), &[".gitignore", ".gitmodules"]), [".gitmodules"]);
    }

    #[test]
    fn the_last_matching_pattern_wins() {
        let paths = ["deploy/", "deploy/a.yaml", "other/a.yaml", "README.md"];
        assert_eq!(excluded(&[], Some("/*\n!/deploy"), &paths), ["other/a.yaml", "README.md"]);
        assert_eq!(excluded(&[], Some("*.yaml\n!deploy/"), &paths), ["other/a.yaml"]);
        assert_eq!(excluded(&[], Some("deploy/\n!deploy/a.yaml"), &paths), ["deploy/"]);
    }

    #[test]
    fn a_file_of_patterns_rules_only_its_own_directory() {
        let paths = ["a.txt", "x/a.txt", "x/y/a.txt", "x/y/b.txt"];
        assert_eq!(excluded(&[("x", "*.txt"), ("x/y", "!b.txt")], None, &paths), ["x/a.txt", "x/y/a.txt"]);
        assert_eq!(excluded(&[("x", "/a.txt")], None, &paths), ["x/a.txt"]);
        assert_eq!(excluded(&[("x", "*.txt")], Some("!*.txt"), &paths), Vec::<&str>::new());
    }

    #[test]
    fn directory_patterns_spare_files_of_that_name() {
        assert_eq!(
            excluded(&[], Some("build/"), &["build", "build/", "a/build/", "a/build/x"]),
            ["build/", "a/build/", "a/build/x"]
        );
        assert_eq!(
            excluded(&[], Some("a/build/"), &["a/build", "a/build/", "a/build/x", "b/a/build/"]),
            ["a/build/", "a/build/x"]
        );
    }

    #[test]
    fn double_stars_cross_directories() {
        let paths = ["x.md", "a/x.md", "a/b/x.md", "a/", "b/c/d/e"];
        assert_eq!(excluded(&[], Some("**/x.md"), &paths), ["x.md", "a/x.md", "a/b/x.md"]);
        assert_eq!(excluded(&[], Some("a/**"), &paths), ["a/x.md", "a/b/x.md"]);
        assert_eq!(excluded(&[], Some("b/**/e"), &paths), ["b/c/d/e"]);
    }

    #[test]
    fn trailing_spaces_count_only_when_escaped() {
        assert_eq!(excluded(&[], Some("a   \nb\\ "), &["a", "b", "b "]), ["a", "b "]);
    }
}
