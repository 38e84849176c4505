//! Sprig 3.3's functions, as Helm offers them: all but those that read the environment.
//!
//! What they need of the world comes from a [`World`]. Each module is one family and lists its names in a table.

mod casing;
mod cast;
mod certificates;
mod ciphers;
mod codecs;
mod collate;
mod dates;
mod decimal;
mod defaults;
mod der;
mod dicts;
mod digests;
mod encodings;
mod keys;
mod lists;
mod merge;
mod numbers;
mod passwords;
mod paths;
mod random;
mod reflection;
mod regexes;
mod strings;
mod text;
mod url;
mod urls;
mod versions;
mod world;
mod wrap;

use std::sync::Arc;

pub(crate) use codecs::too_long;
pub(crate) use encodings::{decode_base64, encode_base64};
pub use url::url_scheme_and_host;
pub use world::World;

use crate::error::FuncError;
use crate::function::{Function, Functions, Plain, Signature};

/// Adds sprig's functions to the table.
pub fn add_to(functions: &mut Functions, world: &Arc<dyn World>) {
    for table in [
        strings::TABLE,
        casing::TABLE,
        wrap::TABLE,
        encodings::TABLE,
        numbers::TABLE,
        lists::TABLE,
        collate::TABLE,
        dicts::TABLE,
        defaults::TABLE,
        codecs::TABLE,
        reflection::TABLE,
        paths::TABLE,
        urls::TABLE,
        versions::TABLE,
        digests::TABLE,
        dates::TABLE,
    ] {
        functions.extend(table);
    }
    regexes::add_to(functions);
    dates::add_to(functions, world);
    random::add_to(functions, world);
    passwords::add_to(functions, world);
    ciphers::add_to(functions, world);
    certificates::add_to(functions, world);
}

/// Functions of one family that need nothing but their arguments.
type Table = &'static [(&'static str, Signature, Plain)];

/// A function that asks `world`.
fn with_world(
    world: &Arc<dyn World>,
    signature: Signature,
    body: fn(&dyn World, crate::Args<'_>) -> Result<crate::Value, FuncError>,
) -> Function {
    let world = Arc::clone(world);
    Function::closure(signature, move |_, args| body(&*world, args))
}
