//! Values as a command line gives them.

use flux_gotemplate::Map;
use flux_gotemplate::data::{JsonError, Target, read_json};

use super::read::{ReadError, merge_maps, read};
use super::strvals::{Grammar, ReaderError, StrvalsError, parse_files_into, parse_into};

/// The values of a command line, each kind in the order in which it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-f`, `--values`: names of files.
    pub files: Vec<String>,
    /// `--set-json`: an object, or names with JSON values.
    pub json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub text: Vec<String>,
    /// `--set-file`: names with names of files.
    pub from_files: Vec<String>,
    /// `--set-literal`.
    pub literal: Vec<String>,
}

/// Why the values of a command line cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// A file cannot be read.
    #[error(transparent)]
    Reader(ReaderError),
    /// A file holds no values.
    #[error("failed to parse {file}")]
    File {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: ReadError,
    },
    /// An object of `--set-json`.
    #[error("failed parsing --set-json data JSON")]
    Object(#[source] JsonError),
    /// A line of another option.
    #[error("failed parsing {option} data")]
    Line {
        /// The option.
        option: &'static str,
        /// The cause.
        #[source]
        source: StrvalsError,
    },
}

impl Options {
    /// All values in one tree: those of files first, then the other kinds in the order of the fields, the later over the
    /// earlier. `open` gives the content of a file by its name.
    pub fn merged(&self, open: &mut dyn FnMut(&str) -> Result<Vec<u8>, ReaderError>) -> Result<Map, OptionsError> {
        let mut values = Map::new();
        for file in &self.files {
            let text = open(file).map_err(OptionsError::Reader)?;
            let read = read(&text).map_err(|source| OptionsError::File { file: file.clone(), source })?;
            values = merge_maps(&values, &read);
        }
        for line in &self.json {
            values = with_json(values, line)?;
        }
        for (option, lines, grammar) in
            [("--set", &self.set, Grammar::Typed), ("--set-string", &self.text, Grammar::Text)]
        {
            set(&values, option, lines, grammar)?;
        }
        for line in &self.from_files {
            parse_files_into(line, &values, &mut |file| Ok(open(file)?.into()))
                .map_err(|source| OptionsError::Line { option: "--set-file", source })?;
        }
        set(&values, "--set-literal", &self.literal, Grammar::Literal)?;
        Ok(values)
    }
}

/// One `--set-json` over the values.
fn with_json(values: Map, line: &str) -> Result<Map, OptionsError> {
    let object = line.trim();
    if !object.starts_with('{') {
        set(&values, "--set-json", std::slice::from_ref(&line), Grammar::Json)?;
        return Ok(values);
    }
    let object = read_json(object.as_bytes(), Target::Map).map_err(OptionsError::Object)?;
    Ok(object.as_map().map_or_else(|| values.clone(), |object| merge_maps(&values, object)))
}

fn set(values: &Map, option: &'static str, lines: &[impl AsRef<str>], grammar: Grammar) -> Result<(), OptionsError> {
    lines.iter().try_for_each(|line| {
        parse_into(line.as_ref(), grammar, values).map_err(|source| OptionsError::Line { option, source })
    })
}
