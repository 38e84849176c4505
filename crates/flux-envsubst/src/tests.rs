use super::*;

fn check(text: &str, expected: Result<&str, Error>) {
    let lookup = |name: &str| match name {
        "a" => Some("hello"),
        "path" => Some("/usr/local/bin"),
        "empty" => Some(""),
        "u" => Some("äöü"),
        _ => None,
    };
    let got = evaluate(text, lookup, Limits::default());
    assert_eq!(got, expected.map(str::to_owned), "{text}");
}

#[test]
fn only_braces_make_a_variable() {
    check("$a ${a} $${a}", Ok("$a hello ${a}"));
}

#[test]
fn defaults_stand_in_for_empty_and_missing_values() {
    check("${x:-d} ${empty:=d} ${x:?m} ${a:+alt}", Ok("d d m hello"));
    check("${x:-${y:-${a}}}", Ok("hello"));
}

#[test]
fn missing_variables_are_named() {
    check("${x}", Err(Error::NotSet("x".into())));
    check("${x^^}", Err(Error::NotSet("x".into())));
}

#[test]
fn values_are_trimmed_replaced_and_cut() {
    check(
        "${path##*/} ${path%/*} ${path//\\//-} ${a:1:3} ${#a} ${a^}",
        Ok("bin /usr/local -usr-local-bin ell 5 Hello"),
    );
}

#[test]
fn a_substring_that_ends_before_it_begins_is_an_error() {
    check("${a:2:-1}", Err(Error::Substring("a".into())));
    check("${u:1:1}", Err(Error::NotUtf8));
}

#[test]
fn shell_scripts_are_not_mistaken_for_variables_quietly() {
    check("${arr[@]}", Err(Error::MissingClosingBrace));
}

#[test]
fn nesting_and_work_are_bounded() {
    let deep = "${x:-".repeat(100) + &"}".repeat(100);
    assert_eq!(evaluate(&deep, |_| None, Limits::default()), Err(Error::TooDeep(64)));
    let value = "a".repeat(1 << 16);
    let got = evaluate("${v##*b}", |_| Some(value.as_str()), Limits::default());
    assert!(matches!(got, Err(Error::TooMuch(_))), "{got:?}");
}
