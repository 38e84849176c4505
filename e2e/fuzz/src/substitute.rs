//! Substitution of variables.

use flux_envsubst::{Limits, evaluate_bytes};

use crate::text;

pub(crate) const WORDS: [&str; 26] = [
    "${", "}", "$", "$$", "${a}", "${b", ":-", ":=", "-", "=", "?", "+", "#", "##", "%", "%%", "/", "//", "/#", "/%",
    "^^", ",,", ":1:2", "*", "[a-z]", "\\",
];

/// Every text is evaluated or refused within the limits; one without a variable or an escape stays as it is.
pub(crate) fn text_without_variables_stays(bytes: &[u8]) {
    let text = text(bytes);
    let values = |name: &str| match name {
        "a" => Some("some value, a/b/c"),
        "b" => Some(""),
        "é" => Some("größer"),
        _ => None,
    };
    let limits = Limits::default();
    let strict = evaluate_bytes(text, values, limits);
    let lenient = evaluate_bytes(text, |name| values(name).or(Some("")), limits);
    if let (Ok(strict), Ok(lenient)) = (&strict, &lenient) {
        assert!(strict == lenient, "strictness changed what is not refused");
    }
    // A zero byte ends a text upstream.
    if !text.contains('\0') && !text.contains("${") && !text.contains("$$") {
        assert!(lenient.as_deref() == Ok(text.as_bytes()), "text without a variable and an escape changed");
    }
}
