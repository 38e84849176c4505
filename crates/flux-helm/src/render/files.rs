//! `.Files`: the files of a chart that are neither templates nor values.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_gotemplate::value::{Entries, MapType};
use flux_gotemplate::{Call, FuncError, Function, GoStr, List, Map, Signature, Type, Value, data};

use super::glob::Glob;
use crate::chart::File;

/// The type of `.Files`.
static FILES: MapType = MapType { name: Some("engine.files"), elem: &Type::BYTES, methods: method };

const OF_NAME: Signature = Signature::fixed(&[Type::Str], Type::Str);
const BYTES_OF_NAME: Signature = Signature::fixed(&[Type::Str], Type::BYTES);
const GLOB: Signature = Signature::fixed(&[Type::Str], Type::NamedMap("engine.files"));
const TEXT: Signature = Signature::fixed(&[], Type::Str);
const LINES: Signature = Signature::fixed(&[Type::Str], Type::STRINGS);

/// What templates see as `.Files`; of two with one name the later one. The contents are not copied.
pub fn object(files: &[File]) -> Value {
    let entries = files.iter().map(|file| (GoStr::from(file.name.as_str()), content(file)));
    Map::typed(&FILES, entries.collect()).into()
}

fn content(file: &File) -> Value {
    Value::Bytes(GoStr::from(Arc::clone(&file.data)))
}

fn method(files: &Map, name: &str) -> Option<Function> {
    let files = match name {
        "Get" | "GetBytes" | "Glob" | "AsConfig" | "AsSecrets" | "Lines" => files.clone(),
        _ => return None,
    };
    Some(match name {
        "Get" => Function::closure(OF_NAME, move |_, args| Ok(Value::Str(bytes(&files, args.bytes(0))))),
        "GetBytes" => Function::closure(BYTES_OF_NAME, move |_, args| Ok(Value::Bytes(bytes(&files, args.bytes(0))))),
        "Glob" => Function::closure(GLOB, move |call, args| matching(call, &files, &args.text(0))),
        "AsConfig" => Function::closure(TEXT, move |call, _| written(call, &files, |content| content.clone().into())),
        "AsSecrets" => Function::closure(TEXT, move |call, _| {
            written(call, &files, |content| STANDARD.encode(content.as_bytes()).into())
        }),
        _ => Function::closure(LINES, move |_, args| lines(&files, args.bytes(0))),
    })
}

/// The content of the file, nothing of one that is not there.
fn bytes(files: &Map, name: &[u8]) -> GoStr {
    match files.get(name) {
        Some(Value::Bytes(content)) => content,
        _ => GoStr::default(),
    }
}

/// The files whose names fit the pattern; all of them where it is none.
fn matching(call: &mut Call<'_, '_>, files: &Map, pattern: &str) -> Result<Value, FuncError> {
    let entries = files.entries();
    call.steps((entries.len() + pattern.len()) as u64)?;
    let glob = Glob::parse(pattern).ok();
    let fits = |name: &GoStr| glob.as_ref().is_none_or(|glob| glob.matches(&name.to_text()));
    let mut fitting = Entries::new();
    for (name, content) in entries.iter().filter(|(name, _)| fits(name)) {
        call.charge(size_of::<(GoStr, Value)>())?;
        fitting.insert(name.clone(), content.clone());
    }
    Ok(Map::typed(&FILES, fitting).into())
}

/// A YAML map of the last parts of the names to the contents; of two with one such part the later one.
fn written(call: &mut Call<'_, '_>, files: &Map, show: fn(&GoStr) -> Value) -> Result<Value, FuncError> {
    let mut shown = Entries::new();
    for (name, content) in files.entries().iter() {
        if let Value::Bytes(content) = content {
            call.charge(content.len())?;
            shown.insert(base(name), show(content));
        }
    }
    // As in Go, what cannot be written is an empty text.
    let mut text = data::write_yaml(&Map::of_strings(shown).into(), call.memory_left()).unwrap_or_default();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text.into())
}

/// What follows the last slash of a name.
fn base(name: &GoStr) -> GoStr {
    name.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default().into()
}

/// The lines of the file without their line feeds.
fn lines(files: &Map, name: &[u8]) -> Result<Value, FuncError> {
    if !files.contains(name) {
        return Ok(List::strings::<GoStr>([]).into());
    }
    let content = bytes(files, name);
    if content.is_empty() {
        // Helm looks at the last byte without asking whether there is one.
        return Err(FuncError::new("runtime error: index out of range [-1]"));
    }
    let content = content.as_bytes();
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    Ok(List::strings(content.split(|byte| *byte == b'\n').map(GoStr::from)).into())
}
