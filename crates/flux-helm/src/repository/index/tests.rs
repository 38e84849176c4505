//! What is read in parts is what is read as a whole.

use std::fmt::Write as _;
use std::io::Cursor;

use super::*;

/// A chart list and its versions in one line each, or the error.
fn read(mut index: Index<Cursor<&[u8]>>) -> Result<Vec<Versions>, String> {
    let mut charts = Vec::new();
    index.each(|versions| charts.push(versions)).map_err(|err| err.to_string())?;
    charts.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(charts)
}

fn in_parts(text: &str) -> Result<Vec<Versions>, String> {
    read(Index::new(Cursor::new(text.as_bytes())))
}

fn as_whole(text: &str) -> Result<Vec<Versions>, String> {
    read(Index::as_whole(Cursor::new(text.as_bytes()), Limits::default()))
}

/// Whether the index can be read in parts at all.
fn is_usual(text: &str) -> bool {
    let limits = Limits { whole: 0, ..Limits::default() };
    !matches!(Index::with_limits(Cursor::new(text.as_bytes()), limits).each(drop), Err(IndexError::Whole(_)))
}

/// Random numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }
}

/// Values in all the ways in which they may be written behind a key in the given column.
fn text_value(dice: &mut Dice, column: usize) -> String {
    let deep = " ".repeat(column + 1 + dice.roll(3));
    match dice.roll(14) {
        0 => format!("plain text\n{deep}over lines: no\n").replace(": no", " - more"),
        1 => format!("\"quoted: text\n{deep}b: [\n\n{deep}# no comment \\\" \\\n{deep}end\"\n"),
        2 => format!("'it''s: a\n{deep}- b\n{deep}''{{'  # end\n"),
        3 => format!("|\n{deep}a: b\n{deep}  - \"\n\n{deep}[\n"),
        4 => format!(">-\n\n{deep}folded 'text\n{deep}# no comment\n"),
        5 => "|2-\n".to_owned() + &" ".repeat(column + 2) + " two: \"\n",
        6 => "\"a\\\"b\" # comment: 'x'\n".to_owned(),
        7 => "&anchor value\n".to_owned(),
        8 => "!!str 5\n".to_owned(),
        9 => "''\n".to_owned(),
        10 => "a # b: \"c\"\n".to_owned(),
        11 => "http://localhost/#a?b=[c]\n".to_owned(),
        12 => format!("\n{deep}below\n"),
        _ => "word\n".to_owned(),
    }
}

fn list_value(dice: &mut Dice, column: usize) -> String {
    let dash = " ".repeat(column + dice.roll(3));
    match dice.roll(6) {
        0 => "[a, \"b]\", 'c}', it's,\n d e,\n]\n".to_owned(),
        1 => "[] # none\n".to_owned(),
        2 => format!("\n{dash}- a: b\n").replace("a: b", "a"),
        3 => format!("\n{dash}- \"a\n{dash}  b\"\n\n{dash}# c\n{dash}- |\n{dash}  - d\n"),
        4 => "null\n".to_owned(),
        _ => format!("\n{dash}- a\n{dash}- b\n"),
    }
}

fn version(dice: &mut Dice, index: &mut String, dash: usize, number: usize) {
    let column = dash + 2;
    let indent = " ".repeat(column);
    let _ = write!(index, "{}- ", " ".repeat(dash));
    let metadata = dice.pick(&["", "", "+build", "-rc.1", ".bad"]);
    let _ = writeln!(index, "version: {}.{}.0{metadata}", dice.roll(3), number);
    let _ = writeln!(index, "{indent}name: {}", dice.pick(&["chart", "\"chart\"", "'chart'"]));
    for _ in 0..dice.roll(5) {
        let twice = |index: &str, key: &str| index[index.rfind("- version").unwrap()..].contains(key);
        let (key, value) = match dice.roll(8) {
            0 => ("description", text_value(dice, column)),
            1 => ("home", text_value(dice, column)),
            2 => ("keywords", list_value(dice, column)),
            3 => ("urls", list_value(dice, column)),
            4 => ("created", "2024-01-02T03:04:05.6Z\n".to_owned()),
            5 => ("annotations", format!("\n{indent}  a: {}", text_value(dice, column + 2))),
            6 => ("maintainers", format!("\n{indent}- name: {}", text_value(dice, column + 2))),
            _ => ("dependencies", "[{name: a, version: '1'}]\n".to_owned()),
        };
        if !twice(index, &format!("{key}:")) {
            let _ = write!(index, "{indent}{key}: {value}");
        }
        if dice.roll(6) == 0 {
            index.push_str(dice.pick(&["\n", "# comment: \"\n", "      # deep [\n", "   \n"]));
        }
    }
}

fn index(dice: &mut Dice) -> String {
    let mut text = dice.pick(&["", "---\n", "# index\n\n", "--- # index\n"]).to_owned();
    text.push_str(dice.pick(&[
        "apiVersion: v1\n",
        "apiVersion: \"v1\" # one\n",
        "apiVersion: v1\nserverInfo: {a: [b]}\n",
    ]));
    text.push_str(dice.pick(&["entries:\n", "entries: # all\n", "\"entries\" :\n"]));
    let column = 1 + dice.roll(4);
    for chart in 0..dice.roll(5) {
        let name = ["alpha", "\"beta\"", "gamma-1.x", "on", "'17'"][chart % 5];
        let form = dice.pick(&["\n", "\n", "\n", " # none\n", " []\n", " null\n"]);
        let _ = write!(text, "{}{name}:{form}", " ".repeat(column));
        let dash = column + dice.roll(3);
        if form.trim().is_empty() || form.contains('#') {
            for number in 0..dice.roll(4) {
                version(dice, &mut text, dash, number);
            }
        }
    }
    text.push_str(dice.pick(&[
        "",
        "generated: 2024-01-02T03:04:05Z\n",
        "annotations:\n  a: |\n    b:\n",
        "publicKeys:\n- a\n",
    ]));
    text.push_str(dice.pick(&["", "...\nrest: [\n", "---\nentries: x\n"]));
    if dice.roll(8) == 0 { text.replace('\n', "\r\n") } else { text }
}

#[test]
fn indexes_read_in_parts_say_the_same_as_read_as_a_whole() {
    let mut dice = Dice(7);
    let (mut readable, mut usual) = (0, 0);
    for _ in 0..600 {
        let text = index(&mut dice);
        let whole = as_whole(&text);
        assert_eq!(in_parts(&text), whole, "{text}");
        let Ok(charts) = whole else { continue };
        readable += 1;
        usual += usize::from(is_usual(&text));
        let mut index = Index::new(Cursor::new(text.as_bytes()));
        assert_eq!(index.names().unwrap(), charts.iter().map(|chart| chart.name.clone()).collect(), "{text}");
        for chart in charts {
            assert_eq!(index.chart(&chart.name).unwrap(), chart, "{text}");
        }
    }
    assert!(readable > 570 && usual > readable * 9 / 10, "{readable} {usual}");
}

#[test]
fn damaged_indexes_that_are_readable_say_the_same_in_parts() {
    let mut dice = Dice(11);
    let mut readable = 0;
    for _ in 0..1000 {
        let mut text: Vec<char> = index(&mut dice).chars().collect();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(text.len());
            let new = dice.pick(&[
                "\"", "'", "\n", " ", "  ", ":", "- ", "#", "[", "]", "{", "}", "|", "\t", "&a ", "*a", "?", "\r", "a",
            ]);
            match dice.roll(3) {
                0 => drop(text.remove(at)),
                1 => drop(text.splice(at..at, new.chars())),
                _ => drop(text.splice(at..=at, new.chars())),
            }
        }
        let text: String = text.into_iter().collect();
        // What is wrong in one place is noticed by both or by the whole alone.
        if let Ok(whole) = as_whole(&text) {
            readable += 1;
            assert_eq!(in_parts(&text), Ok(whole), "{text}");
        }
    }
    assert!(readable > 100, "{readable}");
}
