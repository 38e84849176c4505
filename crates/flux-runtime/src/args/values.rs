//! How single flag values are read.

use clap::ValueEnum;

/// `--log-level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the flag's values")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Error,
}

/// `--log-encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the flag's values")]
pub enum Encoding {
    Json,
    Console,
}

/// A boolean as Go reads it: `1`, `t`, `T`, `true`, `True`, `TRUE` and their opposites.
pub fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
        other => Err(format!("{other:?} is not a boolean")),
    }
}

/// One `Name=bool` of `--feature-gates`.
pub fn feature_gates(text: &str) -> Result<(String, bool), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} has no value, give it as Name=true"))?;
    Ok((name.trim().to_owned(), go_bool(value.trim())?))
}

/// A duration as Go writes it, such as `1h30m`, `10s` or `750ms`.
pub fn duration(text: &str) -> Result<std::time::Duration, flux_api::meta::ParseDurationError> {
    text.parse::<flux_api::meta::Duration>().map(Into::into)
}
