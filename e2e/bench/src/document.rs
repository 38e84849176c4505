//! The document that keeps the last figures of each benchmark between a pair of marks.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Replaces what stands between the marks of benchmark `name`.
pub(crate) fn replace(path: &Path, name: &str, table: &str) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let replaced =
        replaced(&text, name, table).with_context(|| format!("{} has no marks for {name}", path.display()))?;
    fs::write(path, replaced).with_context(|| format!("write {}", path.display()))
}

fn replaced(text: &str, name: &str, table: &str) -> Option<String> {
    let begin = format!("<!-- figures of {name} -->\n");
    let end = format!("<!-- end of {name} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_the_named_figures_are_replaced() {
        let text = "a\n<!-- figures of x -->\nold\n<!-- end of x -->\nb\n";
        assert_eq!(replaced(text, "x", "new\n").unwrap(), "a\n<!-- figures of x -->\nnew\n<!-- end of x -->\nb\n");
        assert_eq!(replaced(text, "y", "new\n"), None);
    }
}
