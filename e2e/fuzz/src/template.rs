//! Templates, parsed and executed with all functions.

use std::sync::{Arc, LazyLock};

use flux_gotemplate::data::{Target, read_yaml};
use flux_gotemplate::funcs::helm_data;
use flux_gotemplate::funcs::sprig::{self, World};
use flux_gotemplate::value::Scope;
use flux_gotemplate::{
    Bound, Budget, Error, FuncError, Function, Functions, Limits, MissingKey, Signature, Templates, Time, Type, Value,
};

use crate::{shown, text};

/// Marks of templates, functions whose results grow, and values of all kinds.
pub(crate) const WORDS: [&str; 60] = [
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "(",
    ")",
    " | ",
    ".",
    ".a.b",
    "$",
    "$x",
    " := ",
    " = ",
    ", ",
    "`",
    "\"",
    "'c'",
    "/*",
    "*/",
    "{{if ",
    "{{range ",
    "{{with ",
    "{{else}}",
    "{{else if ",
    "{{end}}",
    "{{define \"t\"}}",
    "{{block \"t\" .}}",
    "{{template \"t\" .}}",
    "{{break}}",
    "{{continue}}",
    "include \"t\" .",
    "tpl `{{.}}` .",
    "dict ",
    "list ",
    "set ",
    "merge ",
    "until ",
    "untilStep ",
    "repeat ",
    "printf \"%9999d|%v\" ",
    "toYaml ",
    "fromYaml ",
    "toJson ",
    "toToml ",
    "regexReplaceAll ",
    "splitList ",
    "default ",
    "index ",
    "slice ",
    "nindent 4",
    "quote",
    "trunc ",
    "wrap ",
    "dig ",
    "-1",
    "99999999999",
    "1e9",
    "0x7f",
    "nil",
    "é\u{0}",
];

const DATA: &str =
    "a: {b: [1, 2, {c: text}], d: null, e: 1.5, f: true}\nl: [x, y, 3]\ns: some text, with words\nn: -7\nempty: {}\n";

const LIMITS: Limits = Limits { output: 1 << 18, steps: 30_000, memory: 8 << 20, depth: 60 };
const MORE: Limits = Limits { output: 1 << 20, steps: 120_000, memory: 32 << 20, depth: 240 };

/// A world in which nothing is random, so that templates give the same each time.
struct Still;

impl World for Still {
    fn now(&self) -> Time {
        Time::from_unix(1_700_000_000, 0)
    }

    fn random(&self, bytes: &mut [u8]) {
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(at % 251).unwrap_or_default();
        }
    }
}

static FUNCTIONS: LazyLock<Arc<Functions>> = LazyLock::new(|| {
    let mut functions = Functions::new();
    let world: Arc<dyn World> = Arc::new(Still);
    sprig::add_to(&mut functions, &world);
    helm_data::add_to(&mut functions);
    functions.add(
        "include",
        Function::plain(Signature::fixed(&[Type::Str, Type::Any], Type::Str), |call, args| {
            let templates = call.templates().ok_or_else(|| FuncError::new("no templates"))?;
            Ok(call.render(templates, args.bytes(0), args.get(1))?.into())
        }),
    );
    functions.add(
        "tpl",
        Function::plain(Signature::fixed(&[Type::Str, Type::Any], Type::Str), |call, args| {
            let mut templates = call.templates().ok_or_else(|| FuncError::new("no templates"))?.fork();
            templates.add(&call.parse(&templates, "tpl", args.string(0))?);
            Ok(call.render(&templates, b"tpl", args.get(1))?.into())
        }),
    );
    Arc::new(functions)
});

/// A template is executed within its bounds or refused; twice gives the same, and so do wider bounds to what kept narrow ones.
pub(crate) fn templates_end_within_their_bounds(bytes: &[u8]) {
    let text = text(bytes);
    let mut templates = Templates::new(Arc::clone(&FUNCTIONS), MissingKey::Zero);
    if templates.parse("fuzz", text).is_err() {
        return;
    }
    let (result, out) = execute(&templates, LIMITS);
    assert!(out.len() <= LIMITS.output + LIMITS.memory, "{} bytes of output", out.len());
    if !text.contains("{{") {
        assert!(out == text.as_bytes(), "text without an action changed");
    }
    let bounded = matches!(result, Err(Error::Bound(_)));
    let (again, same) = execute(&templates, if bounded { LIMITS } else { MORE });
    let alike = again == result && same == out;
    assert!(alike, "{result:?} and {again:?}, {} and {}", shown(&lossy(&out)), shown(&lossy(&same)));
}

fn execute(templates: &Templates, limits: Limits) -> (Result<(), Error>, Vec<u8>) {
    let _scope = Scope::enter();
    let data = read_yaml(DATA.as_bytes(), Target::Map).unwrap_or(Value::Nil);
    let mut out = Vec::new();
    let result = templates.execute(b"fuzz", &data, &mut Budget::new(limits), &mut out);
    // What is nested without end is told by the depth at which it was given up.
    (result.map_err(|err| if matches!(err, Error::Bound(_)) { Error::Bound(Bound::Cancelled) } else { err }), out)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
