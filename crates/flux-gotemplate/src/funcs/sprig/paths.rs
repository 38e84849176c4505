//! Paths with slashes, which are those of the file system too.

use super::Table;
use crate::function::Signature;
use crate::value::Type;

const STRING: Signature = Signature::fixed(&[Type::Str], Type::Str);
const TEST: Signature = Signature::fixed(&[Type::Str], Type::Bool);

pub(super) const TABLE: Table = &[
    ("base", STRING, |_, args| Ok(base(args.bytes(0)).into())),
    ("dir", STRING, |_, args| Ok(directory(args.bytes(0)).into())),
    ("clean", STRING, |_, args| Ok(clean(args.bytes(0)).into())),
    ("ext", STRING, |_, args| Ok(extension(args.bytes(0)).into())),
    ("isAbs", TEST, |_, args| Ok(args.bytes(0).starts_with(b"/").into())),
    ("osBase", STRING, |_, args| Ok(base(args.bytes(0)).into())),
    ("osDir", STRING, |_, args| Ok(directory(args.bytes(0)).into())),
    ("osClean", STRING, |_, args| Ok(clean(args.bytes(0)).into())),
    ("osExt", STRING, |_, args| Ok(extension(args.bytes(0)).into())),
    ("osIsAbs", TEST, |_, args| Ok(args.bytes(0).starts_with(b"/").into())),
];

/// The last element; `.` of nothing and `/` of slashes alone.
fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let trimmed = &path[..end];
    let start = trimmed.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    if trimmed.is_empty() { b"/" } else { &trimmed[start..] }
}

/// All but the last element, cleaned.
fn directory(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    clean(&path[..end])
}

/// The shortest path of the same meaning, by its text alone.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            _ => kept.push(element),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", &*joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// What follows the last dot of the last element, with the dot.
fn extension(path: &[u8]) -> &[u8] {
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    path[name..].iter().rposition(|byte| *byte == b'.').map_or(&[], |dot| &path[name + dot..])
}
