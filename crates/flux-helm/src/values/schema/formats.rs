//! Formats that Helm's library checks otherwise than its sibling here, or that only one of the two knows.

use std::error::Error;

use boon::{Compiler, Format};
use flux_gotemplate::funcs::sprig::url_scheme_and_host;
use flux_gotemplate::translate_regex;
use flux_semver::Version;
use serde_json::Value;

/// The name that the format `regex` gets in schemas: under its own it cannot be replaced.
pub(super) const GO_REGEX: &str = "go-regex";

/// Makes the compiler know the formats that Helm's library knows, as it knows them, and no others.
pub(super) fn register(compiler: &mut Compiler) {
    for (name, func) in [
        ("semver", semver as fn(&Value) -> Result<(), Box<dyn Error>>),
        (GO_REGEX, regex),
        ("uri", absolute_url),
        ("iri", absolute_url),
        ("uri-reference", url_reference),
        ("iri-reference", url_reference),
        ("uri-template", url_template),
        ("idn-hostname", |_| Ok(())),
        ("idn-email", |_| Ok(())),
    ] {
        compiler.register_format(Format { name, func });
    }
}

fn semver(value: &Value) -> Result<(), Box<dyn Error>> {
    // What is wrong with it would show parts of the value.
    check(value, "not a semantic version", |text| Version::parse_strict(text).is_ok())
}

fn regex(value: &Value) -> Result<(), Box<dyn Error>> {
    check(value, "not a regular expression", |text| translate_regex(text).is_ok())
}

fn absolute_url(value: &Value) -> Result<(), Box<dyn Error>> {
    check(value, "not a URL", |text| scheme(text).is_some())?;
    check(value, "relative url", |text| scheme(text).is_some_and(|scheme| !scheme.is_empty()))
}

fn url_reference(value: &Value) -> Result<(), Box<dyn Error>> {
    check(value, "contains \\", |text| !text.contains('\\'))?;
    check(value, "not a URL", |text| scheme(text).is_some())
}

fn url_template(value: &Value) -> Result<(), Box<dyn Error>> {
    check(value, "not a URL", |text| scheme(text).is_some())?;
    check(value, "nested or open curly braces", |text| path(text).split('/').all(closes_braces))
}

/// Fails with the reason for a text that is not right; other values are.
fn check(value: &Value, reason: &str, is_right: impl FnOnce(&str) -> bool) -> Result<(), Box<dyn Error>> {
    if value.as_str().is_none_or(is_right) { Ok(()) } else { Err(reason.into()) }
}

/// The scheme of what Go takes for a URL, empty for a relative one.
fn scheme(text: &str) -> Option<Vec<u8>> {
    let (scheme, host) = url_scheme_and_host(text.as_bytes())?;
    // Go reads an address of IPv6 without brackets as a host with a port, and the format does not.
    let is_colon = |byte: &u8| *byte == b':';
    let has_colons = host.iter().position(is_colon) != host.iter().rposition(is_colon);
    let is_bare_address = has_colons && !host.starts_with(b"[");
    (!is_bare_address && !host.contains(&b'%')).then_some(scheme)
}

/// The path in a URL, without what is opaque.
fn path(text: &str) -> &str {
    let text = text.split(['#', '?']).next().unwrap_or_default();
    let is_scheme = |scheme: &str| !scheme.contains('/');
    let (scheme, rest) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", text));
    match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None if scheme.is_empty() || rest.starts_with('/') => rest,
        None => "",
    }
}

/// Whether each brace is closed before the next opens.
fn closes_braces(part: &str) -> bool {
    let mut is_open = false;
    for brace in part.chars().filter(|character| matches!(character, '{' | '}')) {
        if (brace == '{') == is_open {
            return false;
        }
        is_open = !is_open;
    }
    !is_open
}
