//! The value of a scalar node.

use std::borrow::Cow;

use base64::Engine as _;

use crate::{Error, Node, Resolved, Style, Tag, yaml3, yaml11};

/// A value that JSON can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'n> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above the signed range.
    Uint(u64),
    /// A finite number.
    Float(f64),
    /// A string.
    String(Cow<'n, str>),
}

impl Node {
    /// The value of a scalar as yaml.v3 decodes it once it is printed and read again; collections are null.
    pub fn value(&self) -> Result<Scalar<'_>, Error> {
        let Some(text) = self.text() else { return Ok(Scalar::Null) };
        let as_text = Ok(Scalar::String(Cow::Borrowed(text)));
        match self.tag {
            Tag::Str | Tag::Custom => as_text,
            Tag::Unset if self.style != Style::Plain || text.contains('\n') => as_text,
            Tag::Unset | Tag::Merge => self.known(text, yaml3(text)),
            Tag::Binary => self.binary(text),
            Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp | Tag::Seq | Tag::Map => {
                let resolved = yaml3(text);
                if !fits(self.tag, &resolved) {
                    return Err(self.misfit(text));
                }
                // Quotes that a changed node kept are printed without the tag, which makes the text a string.
                let whole = matches!(resolved, Resolved::Int(_) | Resolved::Uint(_));
                if self.style != Style::Plain && !(whole && self.tag == Tag::Float) {
                    return as_text;
                }
                self.known(text, resolved)
            }
        }
    }

    /// The value of a scalar as yaml.v2 decodes it from the source; collections are null.
    pub fn value_yaml11(&self) -> Result<Scalar<'_>, Error> {
        let Some(text) = self.text() else { return Ok(Scalar::Null) };
        if self.style != Style::Plain || matches!(self.tag, Tag::Custom) {
            return Ok(Scalar::String(Cow::Borrowed(text)));
        }
        match yaml11(text) {
            // The older library keeps a time's text unless it decodes into a time.
            Resolved::Timestamp(_) => Ok(Scalar::String(Cow::Borrowed(text))),
            resolved => self.known(text, resolved),
        }
    }

    fn known<'n>(&self, text: &'n str, resolved: Resolved) -> Result<Scalar<'n>, Error> {
        Ok(match resolved {
            Resolved::Null => Scalar::Null,
            Resolved::Bool(value) => Scalar::Bool(value),
            Resolved::Int(value) => Scalar::Int(value),
            Resolved::Uint(value) => Scalar::Uint(value),
            Resolved::Float(value) if value.is_finite() => Scalar::Float(value),
            Resolved::Float(_) => return Err(Error::NotFinite { line: self.line, value: text.to_owned() }),
            Resolved::Timestamp(time) => Scalar::String(Cow::Owned(time)),
            Resolved::Merge | Resolved::Str => Scalar::String(Cow::Borrowed(text)),
        })
    }

    fn binary(&self, text: &str) -> Result<Scalar<'static>, Error> {
        let compact: String = text.split_ascii_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| self.misfit(text))?;
        Ok(Scalar::String(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())))
    }

    fn misfit(&self, text: &str) -> Error {
        Error::Tag { line: self.line, value: text.to_owned() }
    }
}

fn fits(tag: Tag, resolved: &Resolved) -> bool {
    match tag {
        Tag::Null => *resolved == Resolved::Null,
        Tag::Bool => matches!(resolved, Resolved::Bool(_)),
        Tag::Int => matches!(resolved, Resolved::Int(_) | Resolved::Uint(_)),
        Tag::Float => matches!(resolved, Resolved::Float(_) | Resolved::Int(_)),
        Tag::Timestamp => matches!(resolved, Resolved::Timestamp(_)),
        Tag::Unset | Tag::Str | Tag::Binary | Tag::Merge | Tag::Seq | Tag::Map | Tag::Custom => false,
    }
}
