//! What is wrong with a line of values, in Helm's words.

use flux_gotemplate::data::JsonError;
use flux_gotemplate::strconv::{NumError, append_quote_rune};

use super::{MAX_INDEX, MAX_NAME_LEVELS};
use crate::values::quoted;

/// What a reader of files fails with.
pub type ReaderError = Box<dyn std::error::Error + Send + Sync>;

/// Why a line of values cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum StrvalsError {
    /// A name without an equals sign.
    #[error("key {} has no value", quoted(.0))]
    NoValue(String),
    /// A name without an equals sign before a comma.
    #[error("key {} has no value (cannot end with ,)", quoted(.0))]
    NoValueBeforeComma(String),
    /// Nothing was set below a name.
    #[error("key map {} has no value", quoted(.0))]
    EmptyTable(String),
    /// A name with too many dots.
    #[error("value name nested level is greater than maximum supported nested level of {MAX_NAME_LEVELS}")]
    Levels,
    /// An index that is no number.
    #[error("error parsing index")]
    Index(#[source] NumError),
    /// An index below zero.
    #[error("negative {0} index not allowed")]
    NegativeIndex(i64),
    /// An index above the limit.
    #[error("index of {0} is greater than maximum supported index of {MAX_INDEX}")]
    LargeIndex(usize),
    /// Something other than `=`, `.` or `[` follows an index.
    #[error("unexpected data at end of array index: {}", runes(.0))]
    BehindIndex(String),
    /// A list in braces that does not end.
    #[error("list must terminate with '}}'")]
    OpenList,
    /// The line goes on below a value of another type.
    #[error("unable to parse key: interface conversion: {found}, not {wanted}")]
    Type {
        /// The type of what is there, as Go says it.
        found: String,
        /// The type that has to be there.
        wanted: &'static str,
    },
    /// A nil map to set something in.
    #[error("unable to parse key: assignment to entry in nil map")]
    NilMap,
    /// A value is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A value ends within JSON.
    #[error("unexpected EOF")]
    OpenJson,
    /// A file cannot be read.
    #[error(transparent)]
    Reader(ReaderError),
    /// Lists and names stand in one another too deep.
    #[error("value nested deeper than {0} levels")]
    Depth(usize),
    /// Lists would get too long in all.
    #[error("lists grow by more than {0} items")]
    Items(usize),
}

impl StrvalsError {
    /// What is wrong, with its causes, but without any part of the line: for lines that may be secret.
    ///
    /// A comma or a dot within a value makes names of what follows, so that names are no safer than values.
    #[must_use]
    pub fn without_values(&self) -> String {
        match self {
            Self::NoValue(_) => "key has no value".to_owned(),
            Self::NoValueBeforeComma(_) => "key has no value (cannot end with ,)".to_owned(),
            Self::EmptyTable(_) => "key map has no value".to_owned(),
            Self::Index(err) => format!("error parsing index: {}", err.kind),
            Self::NegativeIndex(_) => "negative index not allowed".to_owned(),
            Self::LargeIndex(_) => format!("index is greater than maximum supported index of {MAX_INDEX}"),
            Self::BehindIndex(_) => "unexpected data at end of array index".to_owned(),
            Self::Json(err) => err.without_values(),
            Self::Reader(_) => "file cannot be read".to_owned(),
            Self::Levels
            | Self::OpenList
            | Self::Type { .. }
            | Self::NilMap
            | Self::OpenJson
            | Self::Depth(_)
            | Self::Items(_) => self.to_string(),
        }
    }
}

/// The text as Go's `%q` prints a slice of runes.
fn runes(text: &str) -> String {
    let quoted = text.chars().map(|rune| {
        let mut quoted = Vec::new();
        append_quote_rune(&mut quoted, rune, false);
        String::from_utf8_lossy(&quoted).into_owned()
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(" "))
}
