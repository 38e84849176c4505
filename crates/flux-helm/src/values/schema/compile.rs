//! From a schema's text to something that values can be held against.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use boon::{CompileError, Compiler, SchemaIndex, Schemas, UrlLoader};
use flux_gotemplate::Map;
use flux_gotemplate::data::{JsonError, read_json_first};

use super::fault::{Fault, Shown};
use super::patterns::{Originals, translate};
use super::words::reason;
use super::{Documents, formats, json, work};
use crate::values::quoted;

/// The address that a chart's own schema goes by.
const OWN: &str = "file:///values.schema.json";

/// The stack for schemas that refer to each other in long chains, and for values that are nested deep. Only what is used
/// of it costs memory.
const STACK: usize = 256 << 20;

/// The most objects and booleans in schemas, any of which may be one: the library looks for each among all others.
const MAX_SUBSCHEMAS: usize = 50_000;

/// The most different numbers in a schema that are too large for a floating point number.
const MAX_LARGE_NUMBERS: usize = 16;

/// Runs it with a large stack, and turns a panic of the library into an error, as Helm does.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let caught = stacker::grow(STACK, || catch_unwind(AssertUnwindSafe(run)));
    caught.unwrap_or_else(|_| Err("unable to validate schema".to_owned()))
}

/// A schema that can be used.
pub(super) struct Compiled<'d> {
    schemas: Schemas,
    index: SchemaIndex,
    own: serde_json::Value,
    documents: &'d Documents,
    patterns: Originals,
}

/// The schema, and the `urn:` references in it that nothing is known about.
pub(super) fn compile<'d>(text: &[u8], documents: &'d Documents) -> Result<(Compiled<'d>, BTreeSet<String>), String> {
    let loader = Loader::new(Missing::Refuse);
    let missing = Rc::clone(&loader.missing);
    let own = read(text)?;
    if documents.values().chain([&own]).map(subschemas).sum::<usize>() > MAX_SUBSCHEMAS {
        return Err(format!("schema has more than {MAX_SUBSCHEMAS} objects and booleans"));
    }
    let mut schemas = Schemas::new();
    let mut patterns = Originals::new();
    let index = compile_into(own.clone(), documents, loader, &mut schemas, &mut patterns);
    let index = index.map_err(|err| words(&err))?;
    let missing = missing.take();
    Ok((Compiled { schemas, index, own, documents, patterns }, missing))
}

/// The addresses that a schema refers to and that are not among the documents.
pub(super) fn wanted(text: &[u8], documents: &Documents) -> BTreeSet<String> {
    let loader = Loader::new(Missing::Allow);
    let missing = Rc::clone(&loader.missing);
    if let Some(own) = read(text).ok().filter(|own| subschemas(own) <= MAX_SUBSCHEMAS) {
        // What is wrong with the schema is told when it is used.
        let _ = compile_into(own, documents, loader, &mut Schemas::new(), &mut Originals::new());
    }
    missing.take()
}

impl Compiled<'_> {
    pub(super) fn validate(&self, values: &Map) -> Result<(), String> {
        let instance = json::instance(values)?;
        work::check(&self.own, self.documents, &instance).map_err(|err| err.to_string())?;
        let Err(error) = self.schemas.validate(&instance, self.index) else { return Ok(()) };
        Err(Fault::of(&error, Shown::Masked(&self.patterns)).list())
    }
}

fn read(text: &[u8]) -> Result<serde_json::Value, String> {
    let text = within_range(text)?;
    let behind = match read_json_first(&text) {
        Ok((_, behind)) => behind,
        Err(JsonError::End) if text.trim_ascii().is_empty() => return Err("EOF".to_owned()),
        Err(JsonError::End) => return Err("unexpected EOF".to_owned()),
        Err(err) => return Err(err.to_string()),
    };
    if !text.get(behind..).unwrap_or_default().trim_ascii().is_empty() {
        return Err("invalid character after top-level value".to_owned());
    }
    serde_json::from_slice(&text).map_err(|err| format!("schema cannot be read: {err}"))
}

/// The text with the largest numbers there are in place of larger ones, which Helm's library can hold.
fn within_range(text: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_LARGE_NUMBERS {
        let Err(JsonError::Number(number)) = read_json_first(&text) else { return Ok(text) };
        let largest = if number.starts_with('-') { f64::MIN } else { f64::MAX };
        let replaced = String::from_utf8_lossy(&text).replace(&number, &format!("{largest:e}"));
        text = Cow::Owned(replaced.into_bytes());
    }
    Err(format!("schema has more than {MAX_LARGE_NUMBERS} numbers beyond {:e}", f64::MAX))
}

fn compile_into(
    mut own: serde_json::Value,
    documents: &Documents,
    loader: Loader,
    schemas: &mut Schemas,
    patterns: &mut Originals,
) -> Result<SchemaIndex, Box<CompileError>> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(loader));
    formats::register(&mut compiler);
    translate(&mut own, patterns);
    compiler.add_resource(OWN, own)?;
    for (address, document) in documents {
        let mut document = document.clone();
        translate(&mut document, patterns);
        compiler.add_resource(address, document)?;
    }
    Ok(compiler.compile(OWN, schemas)?)
}

/// How many subschemas there are at most.
fn subschemas(schema: &serde_json::Value) -> usize {
    match schema {
        serde_json::Value::Object(entries) => 1 + entries.values().map(subschemas).sum::<usize>(),
        serde_json::Value::Array(items) => items.iter().map(subschemas).sum(),
        serde_json::Value::Bool(_) => 1,
        _ => 0,
    }
}

/// What to do about a document that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refuse,
    Allow,
}

/// Never loads anything, but remembers what was asked for.
struct Loader {
    missing: Rc<RefCell<BTreeSet<String>>>,
    policy: Missing,
}

impl Loader {
    fn new(policy: Missing) -> Self {
        Self { missing: Rc::default(), policy }
    }
}

/// Why a document is not there.
#[derive(Debug, thiserror::Error)]
enum NotThere {
    #[error("schemas are not fetched from elsewhere")]
    Remote,
    #[error("files are not read")]
    File,
}

impl UrlLoader for Loader {
    fn load(&self, url: &str) -> Result<serde_json::Value, Box<dyn Error>> {
        let scheme = url.split(':').next().unwrap_or_default();
        let is_urn = scheme == "urn";
        if is_urn || (self.policy == Missing::Allow && matches!(scheme, "http" | "https")) {
            self.missing.borrow_mut().insert(url.to_owned());
            return Ok(serde_json::Value::Bool(true));
        }
        Err(if matches!(scheme, "http" | "https") { NotThere::Remote } else { NotThere::File }.into())
    }
}

/// The library's error in the words of its sibling that Helm uses.
fn words(error: &CompileError) -> String {
    match error {
        CompileError::ValidationError { url, src } => {
            format!("{} is not valid against metaschema: {}", quoted(url), Fault::of(src, Shown::Plain).tree())
        }
        CompileError::LoadUrlError { url, src } => format!("failing loading {}: {src}", quoted(url)),
        CompileError::ParseUrlError { url, src } => format!("error in parsing {}: {src}", quoted(url)),
        CompileError::UnsupportedUrlScheme { url } => format!("no URLLoader registered for {}", quoted(url)),
        CompileError::InvalidMetaSchemaUrl { url, src } => format!("invalid $schema in {}: {src}", quoted(url)),
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", quoted(url)),
        CompileError::MetaSchemaCycle { url } => format!("cycle in resolving $schema in {}", quoted(url)),
        CompileError::ParseIdError { loc } => format!("error in parsing id at {}", quoted(loc)),
        CompileError::ParseAnchorError { loc } => format!("error in parsing anchor at {}", quoted(loc)),
        CompileError::DuplicateId { url, id, ptr1, ptr2 } => {
            format!("duplicate id {} in {} at {} and {}", quoted(id), quoted(url), quoted(ptr1), quoted(ptr2))
        }
        CompileError::DuplicateAnchor { anchor, url, ptr1, ptr2 } => {
            format!("duplicate anchor {} in {} at {} and {}", quoted(anchor), quoted(url), quoted(ptr1), quoted(ptr2))
        }
        CompileError::InvalidJsonPointer(place) => format!("invalid json-pointer {}", quoted(place)),
        CompileError::JsonPointerNotFound(place) => format!("json-pointer in {} not found", quoted(place)),
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {} not found in schema {}", quoted(reference), quoted(url))
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!("unsupported vocabulary {} in {}", quoted(vocabulary), quoted(url))
        }
        CompileError::InvalidRegex { url, regex, src } => {
            format!("invalid regex {} at {}: {}", quoted(regex), quoted(url), reason(src.as_ref()))
        }
        CompileError::Bug(_) => "unable to validate schema".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_that_are_true_or_false_count_too() {
        let schema = serde_json::json!({ "properties": { "a": true, "b": {} }, "allOf": [false], "type": "object" });
        assert_eq!(subschemas(&schema), 5);
    }
}
