//! Go's strconv: how numbers and strings are written and read.

mod float;
mod number;
mod quote;
mod unicode;
mod unicode_tables;

pub use float::{append_float, format_float};
pub use number::{NumError, NumErrorKind, parse_float, parse_int, parse_uint};
pub use quote::{append_quote, append_quote_rune, can_backquote, quote, unquote, unquote_char};
pub use unicode::{is_digit, is_letter, is_print};
