//! Character classes: escapes, groups with names, Unicode tables.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// The ranges between two characters, without the surrogates, which no text has.
pub(super) fn range(low: u32, high: u32) -> ClassUnicode {
    let part = |low: u32, high: u32| {
        let (low, high) = (char::from_u32(low)?, char::from_u32(high)?);
        (low <= high).then(|| ClassUnicodeRange::new(low, high))
    };
    let below = part(low, high.min(0xd7ff));
    let above = part(low.max(0xe000), high.min(0x0010_ffff));
    ClassUnicode::new(below.into_iter().chain(above))
}

/// Every character.
pub(super) fn any() -> ClassUnicode {
    range(0, 0x0010_ffff)
}

/// Every character but the line feed.
pub(super) fn any_but_line_feed() -> ClassUnicode {
    let mut class = range(0x0a, 0x0a);
    class.negate();
    class
}

/// `class` with the other cases of its characters where case does not matter.
pub(super) fn fold(mut class: ClassUnicode, ignore_case: bool) -> ClassUnicode {
    if ignore_case {
        // The tables for folding are compiled in.
        _ = class.try_case_fold_simple();
    }
    class
}

/// The members of `\d`, `\s` and `\w`; capital letters are their opposites.
pub(super) fn perl(letter: char, ignore_case: bool) -> Option<ClassUnicode> {
    let ranges: &[(u8, u8)] = match letter.to_ascii_lowercase() {
        'd' => &[(b'0', b'9')],
        's' => &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')],
        'w' => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        _ => return None,
    };
    Some(signed(fold(ascii(ranges), ignore_case), letter.is_ascii_lowercase()))
}

/// The members of `[:alpha:]` and the like; `name` is what stands between the colons, a `^` before it negates.
pub(super) fn posix(name: &str, ignore_case: bool) -> Option<ClassUnicode> {
    let (name, positive) = name.strip_prefix('^').map_or((name, true), |name| (name, false));
    let ranges: &[(u8, u8)] = match name {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => &[(b'0', b'9')],
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    };
    Some(signed(fold(ascii(ranges), ignore_case), positive))
}

/// The members of a general category or a script.
pub(super) fn unicode(name: &str, ignore_case: bool) -> Option<ClassUnicode> {
    let class = match canonical(name).as_str() {
        "Any" => any(),
        "Ascii" => ascii(&[(0, 0x7f)]),
        "Assigned" => signed(table("Cn")?, false),
        // Properties that are neither a category nor a script are none in Go, nor are the scripts' short names.
        name if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            table(name).filter(|_| is_category(name) || name.len() > 4 || SHORT_SCRIPTS.contains(&name))?
        }
        _ => return None,
    };
    Some(fold(class, ignore_case))
}

/// The scripts whose own names are as short as other scripts' abbreviations.
const SHORT_SCRIPTS: [&str; 15] = [
    "Ahom", "Chakma", "Cham", "Elbasan", "Han", "Kawi", "Lao", "Lisu", "Mro", "Nko", "Thai", "Toto", "Vai", "Yi",
    "Garay",
];

fn is_category(name: &str) -> bool {
    let mut letters = name.chars();
    let group = letters.next().is_some_and(|letter| "CLMNPSZ".contains(letter));
    group && name.len() <= 2
}

/// `name` with one capital at the start and without separators, as Go compares names.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        out.push(if out.is_empty() { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() });
    }
    out
}

/// The members that the compiled-in tables have under `name` as a general category or a script.
fn table(name: &str) -> Option<ClassUnicode> {
    [format!(r"\p{{gc={name}}}"), format!(r"\p{{sc={name}}}")].iter().find_map(|pattern| {
        match regex_syntax::parse(pattern).map(Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => Some(class),
            _ => None,
        }
    })
}

fn ascii(ranges: &[(u8, u8)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(low, high)| ClassUnicodeRange::new((*low).into(), (*high).into())))
}

/// The class itself or its opposite.
pub(super) fn signed(mut class: ClassUnicode, positive: bool) -> ClassUnicode {
    if !positive {
        class.negate();
    }
    class
}
