//! The functions that Helm adds to those of sprig: `include`, `tpl`, `required`, `fail`, `lookup`, `getHostByName`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use flux_gotemplate::funcs::{helm_data, sprig};
use flux_gotemplate::strconv::quote;
use flux_gotemplate::{Args, Call, Error, FuncError, Function, Functions, GoStr, Signature, Templates, Type, Value};

use super::faults::{MESSAGE_END, MESSAGE_START};
use super::lookup::{self, Cluster};
use super::{Mode, without_no_value};

/// The name that a text has which `tpl` renders.
const TPL_NAME: &str = "gotpl";

/// How often one name may be included within itself.
const MOST_INCLUDES: usize = 1000;

const RENDER: Signature = Signature::fixed(&[Type::Str, Type::Any], Type::Str);
const REQUIRED: Signature = Signature::fixed(&[Type::Str, Type::Any], Type::Any);
const TEXT: Signature = Signature::fixed(&[Type::Str], Type::Str);
const LOOKUP: Signature = Signature::fixed(&[Type::Str, Type::Str, Type::Str, Type::Str], Type::MAP);

/// What the functions know of the rendering that they run in.
pub(super) struct State {
    /// How many includes of a name are running.
    included: RefCell<HashMap<GoStr, usize>>,
    cluster: Option<Arc<dyn Cluster>>,
}

impl State {
    pub(super) fn new(cluster: Option<Arc<dyn Cluster>>) -> Self {
        Self { included: RefCell::default(), cluster }
    }

    fn enter(&self, name: &GoStr) -> Result<(), FuncError> {
        let mut included = self.included.borrow_mut();
        let running = match included.get_mut(name.as_bytes()) {
            Some(running) => running,
            None => included.entry(name.clone()).or_default(),
        };
        if *running > MOST_INCLUDES {
            return Err(FuncError::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        *running += 1;
        Ok(())
    }

    fn leave(&self, name: &GoStr) {
        if let Some(running) = self.included.borrow_mut().get_mut(name.as_bytes()) {
            *running -= 1;
        }
    }
}

/// All functions that templates of charts may call.
pub(super) fn all(world: &Arc<dyn sprig::World>, mode: Mode) -> Functions {
    let mut functions = Functions::new();
    sprig::add_to(&mut functions, world);
    helm_data::add_to(&mut functions);
    functions.extend(&[("include", RENDER, include), ("tpl", RENDER, tpl)]);
    match mode {
        Mode::Lenient | Mode::Strict => functions.extend(&[
            ("required", REQUIRED, required),
            ("fail", TEXT, |_, args| Err(refusal(&args.text(0)))),
            ("lookup", LOOKUP, lookup),
        ]),
        Mode::Lint => functions.extend(&[
            ("required", REQUIRED, |_, args| Ok(if is_missing(args.get(1)) { "".into() } else { args.get(1).clone() })),
            ("fail", TEXT, |_, _| Ok("".into())),
            ("lookup", LOOKUP, |_, _| Ok(flux_gotemplate::Map::new().into())),
        ]),
    }
    let asker = Arc::clone(world);
    let resolve = move |call: &mut Call<'_, '_>, args: Args<'_>| host_address(&*asker, call, &args.text(0));
    functions.add("getHostByName", Function::closure(TEXT, resolve));
    functions
}

fn include(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let name = args.string(0);
    let templates = templates(call)?;
    let state = state(call)?;
    state.enter(&name)?;
    let text = call.render(templates, name.as_bytes(), args.get(1));
    state.leave(&name);
    Ok(text?.into())
}

fn tpl(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let text = args.string(0);
    if memchr::memmem::find(text.as_bytes(), b"{{").is_none() {
        // Nothing to parse and nothing that could fail.
        return Ok(cleaned(text).into());
    }
    let mut templates = templates(call)?.fork();
    let parsed = call.parse(&templates, TPL_NAME, text.clone());
    let parsed = parsed.map_err(|err| within(&err, "cannot parse template", &text))?;
    templates.add(&parsed);
    let out = call.render_parsed(&templates, &parsed, args.get(1));
    let out = out.map_err(|err| within(&err, "error during tpl function execution for", &text))?;
    Ok(cleaned(out).into())
}

fn cleaned(text: GoStr) -> GoStr {
    without_no_value(text.as_bytes()).map_or(text, GoStr::from)
}

/// The error behind what was done with the text; bounds stay as they are.
fn within(err: &Error, done: &str, text: &GoStr) -> FuncError {
    match err {
        Error::Bound(bound) => (*bound).into(),
        Error::Parse(_) | Error::Exec { .. } => {
            FuncError::new(format!("{done} {}: {err}", String::from_utf8_lossy(&quote(text.as_bytes()))))
        }
    }
}

fn required(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let value = args.get(1);
    if is_missing(value) { Err(refusal(&args.text(0))) } else { Ok(value.clone()) }
}

fn is_missing(value: &Value) -> bool {
    matches!(value, Value::Nil) || value.as_string().is_some_and(GoStr::is_empty)
}

/// The error of a chart that refuses its values, marked so that only its message is shown.
fn refusal(message: &str) -> FuncError {
    FuncError::new(format!("{MESSAGE_START}{message}{MESSAGE_END}"))
}

fn lookup(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let Some(cluster) = state(call)?.cluster.as_deref() else {
        return Ok(flux_gotemplate::Map::new().into());
    };
    let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|index| args.text(index));
    let query = lookup::Query { api_version: &api_version, kind: &kind, namespace: &namespace, name: &name };
    let found = cluster.lookup(query).map_err(|err| FuncError::new(err.to_string()))?;
    let (value, bytes) = lookup::value(found);
    call.charge(bytes)?;
    Ok(value)
}

/// One of the host's addresses; nothing where the world knows none.
fn host_address(world: &dyn sprig::World, call: &mut Call<'_, '_>, host: &str) -> Result<Value, FuncError> {
    call.steps(1)?;
    let addresses = world.addresses(host);
    let mut random = [0; 8];
    world.random(&mut random);
    let chosen = u64::from_le_bytes(random).checked_rem(addresses.len() as u64).unwrap_or_default();
    let address = usize::try_from(chosen).ok().and_then(|at| addresses.get(at));
    Ok(address.map_or_else(|| "".into(), |address| address.as_str().into()))
}

fn templates<'c>(call: &Call<'c, '_>) -> Result<&'c Templates, FuncError> {
    call.templates().ok_or_else(|| FuncError::new("no template is executing"))
}

fn state<'a>(call: &Call<'_, 'a>) -> Result<&'a State, FuncError> {
    call.state().ok_or_else(|| FuncError::new("no chart is rendered"))
}
