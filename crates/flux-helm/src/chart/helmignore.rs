//! `.helmignore`: which files of a folder are no part of the chart.
//!
//! The rules look like those of Git and are others: the first that matches decides, `**` is refused, and a rule with
//! `!` keeps out all that it does not match.

use flux_files::Kind;

use super::path;
use super::pattern::{BadPattern, Pattern};

/// Why a list of files to ignore could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// Two stars.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A pattern that is none.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// A line that is too long.
    #[error("bufio.Scanner: token too long")]
    Line,
}

/// The rules of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    negate: bool,
    folders_only: bool,
    /// The pattern is held against the last part of a path alone.
    by_name: bool,
}

impl Rules {
    /// The name of the file.
    pub(super) const FILE: &'static str = ".helmignore";
    /// The longest line that is read.
    const LINE: usize = 64 << 10;

    /// Reads a file, one rule a line.
    pub(super) fn parse(text: &[u8]) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut rules = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            if line.len() >= Self::LINE {
                return Err(IgnoreError::Line);
            }
            rules.add(&String::from_utf8_lossy(line))?;
        }
        Ok(rules)
    }

    /// The rules and the one that always holds: no files with a leading dot among the templates.
    pub(super) fn with_defaults(mut self) -> Self {
        let pattern = Pattern::new("templates/.?*");
        self.rules.push(Rule { pattern, negate: false, folders_only: false, by_name: false });
        self
    }

    fn add(&mut self, line: &str) -> Result<(), IgnoreError> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(());
        }
        if rule.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        Pattern::new(rule).check()?;
        let (negate, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest));
        let (folders_only, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let (by_name, rule) = match rule.strip_prefix('/') {
            Some(rooted) => (false, rooted),
            None => (!rule.contains('/'), rule),
        };
        self.rules.push(Rule { pattern: Pattern::new(rule), negate, folders_only, by_name });
        Ok(())
    }

    /// Whether what is at the path is no part of the chart.
    pub(super) fn ignores(&self, name: &str, kind: Kind) -> bool {
        for rule in &self.rules {
            let is_kind = !rule.folders_only || kind == Kind::Directory;
            let subject = if rule.by_name { path::base(name) } else { name };
            if rule.negate {
                if !is_kind || !rule.pattern.matches(subject) {
                    return true;
                }
            } else if is_kind && rule.pattern.matches(subject) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, name: &str, kind: Kind, expected: bool) {
        let rules = Rules::parse(rules.as_bytes()).unwrap().with_defaults();
        assert_eq!(rules.ignores(name, kind), expected, "{rules:?} {name}");
    }

    #[test]
    fn rules_match_names_paths_and_folders() {
        check("helm.txt", "helm.txt", Kind::File, true);
        check("helm.*", "cargo/helm.txt", Kind::File, true);
        check("/a.txt", "cargo/a.txt", Kind::File, false);
        check("/a.txt", "a.txt", Kind::File, true);
        check("cargo/*.txt", "cargo/a.txt", Kind::File, true);
        check("cargo/*.txt", "x/cargo/a.txt", Kind::File, false);
        check("cargo/", "cargo", Kind::Directory, true);
        check("cargo/", "cargo", Kind::File, false);
        check("# comment\n\n  a.txt \n", "a.txt", Kind::File, true);
        check("", "templates/.hidden", Kind::File, true);
        check("", "templates/a/.hidden", Kind::File, false);
        check("", "templates/.", Kind::File, false);
    }

    #[test]
    fn a_negated_rule_keeps_out_what_it_does_not_match() {
        check("!helm.txt", "helm.txt", Kind::File, false);
        check("!helm.txt", "tiller.txt", Kind::File, true);
        check("!cargo/", "helm.txt", Kind::File, true);
        check("!*.txt\nb.txt", "b.txt", Kind::File, true);
    }

    #[test]
    fn rules_that_are_none_are_refused() {
        let fault = |rules: &str| Rules::parse(rules.as_bytes()).unwrap_err().to_string();
        assert_eq!(fault("a/**/b"), "double-star (**) syntax is not supported");
        assert_eq!(fault("[a"), "syntax error in pattern");
    }
}
