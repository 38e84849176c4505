//! Templates of sprig's own tests, without Helm around its functions.
//!
//! Those whose variables JSON does not keep (times, pointers) are left out.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use flux_gotemplate::funcs::sprig;
use flux_gotemplate::{Budget, Functions, GoStr, Limits, List, Map, MissingKey, Templates, Value as Tree};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};
use crate::helm_world::world;

pub(crate) fn cases(path: &Path) -> Result<Vec<Case>> {
    let lines = read_json_lines(path)?.into_iter().filter(|(_, case)| keeps_variables(case));
    let case = |(line, case): (usize, Value)| {
        let name = text(&case["test"]).rsplit(['.', ' ']).next().unwrap_or_default().to_owned();
        Case::new(format!("{name}-{line}"), move || Ok(run(&case)))
    };
    Ok(lines.map(case).collect())
}

fn keeps_variables(case: &Value) -> bool {
    !text(&case["varsType"]).starts_with('*') && !text(&case["tpl"]).contains(".Time")
}

fn run(case: &Value) -> Compared {
    let template = text(&case["tpl"]);
    let is_random = ["gen", "uuidv4"].iter().any(|name| template.contains(name));
    let mask = |text: String| if is_random { shape(&text) } else { text };
    let recorded = match case["error"].as_str() {
        Some(error) => Recorded::failed(error.to_owned()),
        None => Recorded::Output(mask(text(&case["output"]))),
    };
    let data = variable(&case["vars"], &text(&case["varsType"]));
    Compared { answer: render(&template, &data).map(mask), recorded }
}

fn render(template: &str, data: &Tree) -> Answer {
    let mut functions = Functions::new();
    sprig::add_to(&mut functions, &world());
    let mut templates = Templates::new(Arc::new(functions), MissingKey::Invalid);
    let mut out = Vec::new();
    let parsed = templates.parse("test", template);
    let done = parsed.and_then(|()| templates.execute(b"test", data, &mut Budget::new(Limits::default()), &mut out));
    done.map(|()| String::from_utf8_lossy(&out).into_owned()).map_err(|err| err.to_string())
}

/// The longest line that has anything in it which is the same each time.
const LONGEST_LINE: usize = 200;

/// What is the same of random texts: the number of lines, and what is no letter or digit in the first of them.
fn shape(text: &str) -> String {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let masked = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { 'x' } else { c };
    let first: String = first.chars().take_while(|_| first.len() <= LONGEST_LINE).map(masked).collect();
    format!("{} lines: {first}", text.lines().count())
}

/// A variable by its Go type.
fn variable(value: &Value, go_type: &str) -> Tree {
    match value {
        Value::Null => Tree::Nil,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Tree::Int(number),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) if go_type.ends_with("[]string") => {
            List::strings(items.iter().map(|item| item.as_str().unwrap_or_default())).into()
        }
        Value::Array(items) => Tree::list(items.iter().map(|item| variable(item, "")).collect()),
        Value::Object(fields) => {
            let element = go_type.strip_prefix("map[string]").unwrap_or_default();
            let entries = fields.iter().map(|(key, item)| (GoStr::from(key.as_str()), variable(item, element)));
            if element == "string" {
                Map::of_strings(entries.collect()).into()
            } else {
                entries.collect::<Map>().into()
            }
        }
    }
}
