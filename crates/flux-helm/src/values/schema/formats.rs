//! Formats that only one of the two sibling libraries knows.

use std::error::Error;

use boon::{Compiler, Format};
use flux_semver::Version;
use serde_json::Value;

/// Formats of international names, which Helm's library does not know and so takes any text for.
const UNKNOWN: [&str; 2] = ["idn-hostname", "idn-email"];

/// Makes the compiler know the formats that Helm's library knows, and no others.
pub(super) fn register(compiler: &mut Compiler) {
    compiler.register_format(Format { name: "semver", func: semver });
    for name in UNKNOWN {
        compiler.register_format(Format { name, func: |_| Ok(()) });
    }
}

fn semver(value: &Value) -> Result<(), Box<dyn Error>> {
    match value.as_str().map(Version::parse_strict) {
        // What is wrong with it would show parts of the value.
        Some(Err(_)) => Err("not a semantic version".into()),
        Some(Ok(_)) | None => Ok(()),
    }
}
