//! Capitals, and words written together.

use super::Table;
use crate::function::{Args, Signature};
use crate::strconv::{is_digit, is_letter};
use crate::value::{REPLACEMENT, Type, Value, decode_rune, runes};

const STRING: Signature = Signature::fixed(&[Type::Str], Type::Str);

pub(super) const TABLE: Table = &[
    ("upper", STRING, |_, args| Ok(mapped(args, upper))),
    ("lower", STRING, |_, args| Ok(mapped(args, lower))),
    ("title", STRING, |_, args| Ok(title(args))),
    ("untitle", STRING, |_, args| Ok(untitle(args))),
    ("swapcase", STRING, |_, args| Ok(swap_case(args))),
    ("initials", STRING, |_, args| Ok(initials(args))),
    ("nospace", STRING, |_, args| Ok(no_space(args))),
    ("snakecase", STRING, |_, args| Ok(separated(args.bytes(0), '_').into())),
    ("kebabcase", STRING, |_, args| Ok(separated(args.bytes(0), '-').into())),
    ("camelcase", STRING, |_, args| Ok(camel_case(args.bytes(0)).into())),
];

/// The capital of a letter; one character for one, as Go maps them.
fn upper(rune: char) -> char {
    match rune {
        // The iota below the letter keeps with it.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => shifted(rune, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => shifted(rune, 9),
        _ => only(rune.to_uppercase(), rune),
    }
}

/// The capital at the start of a word.
fn title_letter(rune: char) -> char {
    match rune {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10ff}' => rune,
        _ => upper(rune),
    }
}

fn lower(rune: char) -> char {
    if rune == '\u{130}' { 'i' } else { only(rune.to_lowercase(), rune) }
}

fn shifted(rune: char, by: u32) -> char {
    char::from_u32(u32::from(rune) + by).unwrap_or(rune)
}

fn only(mut mapped: impl Iterator<Item = char>, rune: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => rune,
    }
}

/// Capital letters alone: numerals and circled letters have capitals too, but are no letters.
fn is_upper(rune: char) -> bool {
    rune.is_uppercase() && is_letter(rune)
}

fn is_lower(rune: char) -> bool {
    rune.is_lowercase() && is_letter(rune)
}

fn is_title(rune: char) -> bool {
    matches!(
        rune,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
            | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}'
    )
}

fn mapped(args: Args<'_>, map: fn(char) -> char) -> Value {
    let text = args.bytes(0);
    runes(text).map(|(_, rune, _)| map(rune)).collect::<String>().into()
}

/// Letters that follow none become capitals.
fn title(args: Args<'_>) -> Value {
    let mut previous = ' ';
    let titled = runes(args.bytes(0)).map(|(_, rune, _)| {
        let start = is_separator(previous);
        previous = rune;
        if start { title_letter(rune) } else { rune }
    });
    titled.collect::<String>().into()
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    !is_letter(rune) && !is_digit(rune) && rune.is_whitespace()
}

/// The first letter of each word becomes small.
fn untitle(args: Args<'_>) -> Value {
    let mut start = true;
    let untitled = runes(args.bytes(0)).map(|(_, rune, _)| {
        let space = rune.is_whitespace();
        let mapped = if start && !space { lower(rune) } else { rune };
        start = space;
        mapped
    });
    untitled.collect::<String>().into()
}

fn swap_case(args: Args<'_>) -> Value {
    let mut start = true;
    let swapped = runes(args.bytes(0)).map(|(_, rune, _)| {
        if is_upper(rune) || is_title(rune) {
            start = false;
            lower(rune)
        } else if is_lower(rune) {
            let mapped = if start { title_letter(rune) } else { upper(rune) };
            start = false;
            mapped
        } else {
            start = rune.is_whitespace();
            rune
        }
    });
    swapped.collect::<String>().into()
}

/// The first character of each word; bytes are taken for characters, as goutils does.
fn initials(args: Args<'_>) -> Value {
    let mut gap = true;
    let firsts = args.bytes(0).iter().map(|byte| char::from(*byte)).filter(|character| {
        let space = character.is_whitespace();
        let first = gap && !space;
        gap = space;
        first
    });
    firsts.collect::<String>().into()
}

/// The text without white space; bytes are taken for characters where there is any, as goutils does.
fn no_space(args: Args<'_>) -> Value {
    let characters = || args.bytes(0).iter().map(|byte| char::from(*byte));
    if !characters().any(char::is_whitespace) {
        return args.string(0).into();
    }
    characters().filter(|character| !character.is_whitespace()).collect::<String>().into()
}

fn is_connector(rune: char) -> bool {
    matches!(rune, '-' | '_') || rune.is_whitespace()
}

/// Words written together, each with a capital.
fn camel_case(text: &[u8]) -> String {
    let mut rest = runes(text).map(|(_, rune, _)| rune).peekable();
    let mut out = String::with_capacity(text.len());
    let mut current = None;
    let mut after_capital = false;
    for rune in rest.by_ref() {
        if !is_connector(rune) {
            after_capital = is_upper(rune);
            current = Some(upper(rune));
            break;
        }
        out.push(rune);
    }
    let Some(mut current) = current else {
        // The last connector of a text of nothing else is written twice.
        out.extend(out.chars().next_back());
        return out;
    };
    for rune in rest {
        let previous = current;
        current = rune;
        if is_connector(rune) && is_connector(previous) {
            out.push(previous);
        } else if is_connector(previous) {
            after_capital = is_upper(rune);
            current = upper(rune);
        } else {
            if after_capital {
                if is_upper(rune) {
                    current = lower(rune);
                } else {
                    after_capital = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out
}

/// What a run of characters is to the splitting into words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Capitals,
    Letters,
    Connectors,
    Punctuation,
    Other,
}

/// Words in small letters with `connector` between them.
fn separated(text: &[u8], connector: char) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut out = String::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    let write = |kind: Word, word: &[u8], out: &mut String| write_lower(out, kind, word, connector);
    let ends = |kind: Word| matches!(kind, Word::Connectors | Word::Punctuation);
    while !rest.is_empty() {
        if kind != Word::Connectors {
            write(kind, word, &mut out);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Letters | Word::Number) {
                    write(kind, word, &mut out);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::Invalid && !ends(kind) {
                    out.push(connector);
                }
            }
            Word::Connectors => write(previous, last, &mut out),
            Word::Punctuation => {}
            Word::Invalid | Word::Capitals | Word::Letters | Word::Other if kind != Word::Number => {
                if !ends(kind) {
                    out.push(connector);
                }
            }
            Word::Invalid | Word::Capitals | Word::Letters | Word::Other if rest.is_empty() => {}
            Word::Invalid | Word::Capitals | Word::Letters | Word::Other => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    write(Word::Number, number, &mut out);
                    if !ends(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                write(Word::Number, number, &mut out);
                while matches!(kind, Word::Letters | Word::Number) {
                    write(kind, word, &mut out);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::Invalid && !ends(kind) {
                    out.push(connector);
                }
            }
        }
    }
    write(kind, word, &mut out);
    out
}

fn write_lower(out: &mut String, kind: Word, word: &[u8], connector: char) {
    for (_, rune, _) in runes(word) {
        out.push(match rune {
            rune if !matches!(kind, Word::Capitals | Word::Connectors) => rune,
            rune if is_connector(rune) => connector,
            rune if is_upper(rune) => lower(rune),
            rune => rune,
        });
    }
}

/// The first word of `text`, what it is, and what follows.
fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    let Some((first, size)) = valid_rune(text, REPLACEMENT) else { return (Word::Invalid, text, &[]) };
    if first == REPLACEMENT {
        return (Word::Invalid, &text[..size], &text[size..]);
    }
    let run = |accepts: fn(char) -> bool| run_length(text, size, first, accepts);
    let (kind, length) = if is_connector(first) {
        (Word::Connectors, run(is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, run(is_punctuation))
    } else if is_upper(first) {
        (Word::Capitals, capitals_length(text, first, size))
    } else if is_alphabet(first) {
        (Word::Letters, run(|rune| is_alphabet(rune) && !is_upper(rune)))
    } else if first.is_numeric() {
        (Word::Number, run(char::is_numeric))
    } else {
        let other = |rune| !(is_connector(rune) || is_alphabet(rune) || rune.is_numeric() || is_punctuation(rune));
        (Word::Other, run(other))
    };
    let (word, rest) = text.split_at(length);
    (kind, word, rest)
}

/// The length of the word that starts with a capital: an abbreviation, or one capital with small letters.
fn capitals_length(text: &[u8], first: char, size: usize) -> usize {
    let Some((second, second_size)) = valid_rune(&text[size..], first) else { return size };
    if !is_upper(second) {
        return if is_alphabet(second) {
            run_length(text, size, first, |rune| is_alphabet(rune) && !is_upper(rune))
        } else {
            size
        };
    }
    let (mut length, mut last_size, mut last) = (size + second_size, second_size, second);
    while let Some((rune, rune_size)) = valid_rune(&text[length..], last) {
        last = rune;
        if !is_upper(rune) {
            // The last capital starts the next word.
            return if is_alphabet(rune) { length - last_size } else { length };
        }
        last_size = rune_size;
        length += rune_size;
    }
    length
}

/// How far from the start of `text` the characters are accepted, the first of `size` bytes taken for granted.
fn run_length(text: &[u8], size: usize, first: char, accepts: fn(char) -> bool) -> usize {
    let (mut length, mut last) = (size, first);
    while let Some((rune, rune_size)) = valid_rune(&text[length..], last) {
        last = rune;
        if !accepts(rune) {
            break;
        }
        length += rune_size;
    }
    length
}

/// The first character that is valid, with the bytes up to its end; `fallback` where there is none in what is left.
fn valid_rune(text: &[u8], fallback: char) -> Option<(char, usize)> {
    if text.is_empty() {
        return None;
    }
    let mut size = 0;
    while let Some((rune, width)) = decode_rune(&text[size..]) {
        size += width;
        if rune != REPLACEMENT {
            return Some((rune, size));
        }
    }
    Some((fallback, size))
}

/// Letters, but those of Chinese characters.
fn is_alphabet(rune: char) -> bool {
    let chinese = matches!(rune, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}');
    is_letter(rune) && !chinese
}

fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_punctuation() && !matches!(rune, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    matches!(
        rune,
        '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' | '\u{2010}'..='\u{2027}'
            | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}'
            | '\u{ff0c}'..='\u{ff0f}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{ff20}'
    )
}
