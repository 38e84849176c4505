//! Versions and ranges of them.

use flux_semver::{Constraint, Version};

use crate::text;

pub(crate) const WORDS: [&str; 16] =
    [">=", "<", "!=", "~", "^", "||", " - ", ",", "*", "x", "v", "-rc.1", "+build", ".", "0", "18446744073709551615"];

/// Every line is a version or a range, or none; a version that is printed is the same version.
pub(crate) fn printed_versions_are_the_same(bytes: &[u8]) {
    let known = Version::parse("1.2.3-rc.1");
    for line in text(bytes).lines() {
        if let (Ok(range), Ok(known)) = (Constraint::parse(line), &known) {
            let _ = range.matches(known);
        }
        if let Ok(version) = Version::parse(line) {
            let printed = version.to_string();
            assert_eq!(Version::parse(&printed).as_ref(), Ok(&version), "{printed}");
        }
    }
}
