//! Repository indexes.

use std::io::Cursor;

use flux_helm::repository::index::{Index, Limits, Versions};

use crate::{same, text};

pub(crate) const WORDS: [&str; 16] = [
    "apiVersion: v1\n",
    "entries:\n",
    "  a:\n",
    "  - name: a\n",
    "    version: 1.0.0\n",
    "    description: ",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "[",
    "}",
    "---\n",
    "# ",
    "&a ",
    "\r\n",
];

/// What can be read as a whole says the same when it is read in parts.
pub(crate) fn parts_say_what_the_whole_says(bytes: &[u8]) {
    let text = text(bytes);
    let limits = Limits { whole: 1 << 20, ..Limits::default() };
    let in_parts = versions(Index::with_limits(Cursor::new(text.as_bytes()), limits));
    if let Some(whole) = versions(Index::as_whole(Cursor::new(text.as_bytes()), limits)) {
        same("the index", &format!("{in_parts:?}"), &format!("{:?}", Some(whole)));
    }
}

fn versions(mut index: Index<Cursor<&[u8]>>) -> Option<Vec<Versions>> {
    let mut charts = Vec::new();
    index.each(|versions| charts.push(versions)).ok()?;
    charts.sort_by(|left, right| left.name.cmp(&right.name));
    Some(charts)
}
