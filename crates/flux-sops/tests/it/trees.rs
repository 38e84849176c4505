//! Trees that are made up.

use flux_sops::{Branch, Entry, Format, Value};

use crate::numbers::Numbers;

const TEXTS: [&str; 22] = [
    "",
    "a",
    "two words",
    " edge ",
    "line\nline\n",
    "\n",
    "trailing \nspace",
    "yes",
    "null",
    "1:30",
    "0x1f",
    "- x",
    "a: b",
    "#x",
    "x #y",
    "'q'",
    "\"d\"",
    "\\n",
    "é漢😀",
    "\t",
    "2001-01-01",
    "{}",
];

/// A document that the format can hold and that reads as it was printed.
pub(crate) fn document(format: Format, numbers: &mut Numbers) -> Vec<Branch> {
    match format {
        Format::Yaml => (0..=numbers.below(2)).map(|_| branch(numbers, 3, true)).collect(),
        Format::Json => vec![branch(numbers, 3, false)],
        Format::Dotenv => vec![flat(numbers, &["line\nline\n", "\n", "trailing \nspace", "\\n"])],
        Format::Ini => {
            let section = |index: usize, numbers: &mut Numbers| {
                let odd = ["line\nline\n", "\n", "trailing \nspace", "\\n", "\t", "'q'", "\"d\""];
                Entry::new(format!("section {index}"), Value::Branch(flat(numbers, &odd)))
            };
            vec![(0..=numbers.below(3)).map(|index| section(index, numbers)).collect()]
        }
        Format::Binary => {
            let mut bytes = vec![0; numbers.below(40)];
            numbers.fill(&mut bytes);
            vec![vec![Entry::new("data", Value::Text(bytes))]]
        }
    }
}

fn branch(numbers: &mut Numbers, depth: usize, comments: bool) -> Branch {
    let mut branch = Branch::new();
    for index in 0..=numbers.below(4) {
        if comments && numbers.below(4) == 0 {
            branch.push(Entry::comment(format!(" {}", numbers.pick(&["one", "two words", "x: y"])), false));
        }
        let name = format!("{}{index}", numbers.pick(&["key", "a b ", "y", "-", "é", "#"]));
        branch.push(Entry::new(name, value(numbers, depth, comments)));
    }
    branch
}

fn value(numbers: &mut Numbers, depth: usize, comments: bool) -> Value {
    match numbers.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(numbers.below(2) == 0),
        2 => Value::Int(i64::try_from(numbers.next() % 2_000_000).unwrap() - 1_000_000),
        3 => Value::Float(f64::from(u32::try_from(numbers.next() % 1000).unwrap()) + 0.25),
        4 | 5 => Value::text(*numbers.pick(&TEXTS)),
        6 => Value::List((0..numbers.below(4)).map(|_| value(numbers, depth - 1, false)).collect()),
        _ => Value::Branch(branch(numbers, depth - 1, comments)),
    }
}

fn flat(numbers: &mut Numbers, odd: &[&str]) -> Branch {
    let mut branch = Branch::new();
    for index in 0..=numbers.below(4) {
        let text = *numbers.pick(&TEXTS);
        let text = if odd.contains(&text) { "plain" } else { text };
        branch.push(Entry::new(format!("KEY{index}"), Value::text(text)));
    }
    branch
}
