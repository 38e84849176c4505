//! What yaml.v3 3.0.4 makes of documents, as recorded from SOPS' own store for YAML.

use super::{print, read};

fn check(source: &str, expected: &str) {
    let branches = read(source.as_bytes()).unwrap();
    let printed = String::from_utf8(print(&branches).unwrap()).unwrap();
    assert_eq!(printed, expected);
}

#[test]
fn comments_stand_above_beside_and_below() {
    check(
        concat!(
            "# top\n",
            "\n",
            "# head\n",
            "a: 1 # beside\n",
            "# foot of a\n",
            "\n",
            "# head of b\n",
            "b:\n",
            "  # in b\n",
            "  c: 2\n",
            "  # below c\n",
            "# of d\n",
            "d: 3\n",
            "# end\n",
        ),
        concat!(
            "# top\n",
            "# head\n",
            "a: 1 # beside\n",
            "# foot of a\n",
            "# head of b\n",
            "b:\n",
            "    # in b\n",
            "    c: 2\n",
            "    # below c\n",
            "# of d\n",
            "d: 3\n",
            "# end\n",
        ),
    );
}

#[test]
fn a_comment_behind_a_key_moves_above_it() {
    check(
        concat!("a: # of a\n", "  b: 1\n", "l: # of l\n", "- x # of x\n", "e: # of e\n", "  plain\n",),
        concat!("# of a\n", "a:\n", "    b: 1\n", "# of l\n", "l:\n", "    - x # of x\n", "# of e\n", "e: plain\n",),
    );
}

#[test]
fn a_comment_behind_a_dash_belongs_to_the_item() {
    check(
        concat!(
            "l:\n",
            "  - # one\n",
            "    a: 1\n",
            "  -\n",
            "    # two\n",
            "    b: 2\n",
            "  - # three\n",
            "    - x\n",
            "m:\n",
            "  - # last\n",
        ),
        concat!(
            "l:\n",
            "    # one\n",
            "    - a: 1\n",
            "    # two\n",
            "    - b: 2\n",
            "    # three\n",
            "    - - x\n",
            "m:\n",
            "    - null\n",
            "# last\n",
        ),
    );
}

#[test]
fn dedented_comments_belong_to_the_outer_block() {
    check(
        concat!("a:\n", "    b:\n", "        c: 1\n", "    # of b\n", "# of a\n", "\n", "    # odd\n", "d: 1\n",),
        concat!("a:\n", "    b:\n", "        c: 1\n", "        # of b\n", "# of a\n", "# odd\n", "d: 1\n",),
    );
}

#[test]
fn empty_lines_part_feet_from_heads() {
    check(
        concat!("a: 1\n", "# foot\n", "\n", "# head\n", "b: 2\n", "\n", "\n", "# foot of nothing\n", "\n", "c: 3\n",),
        concat!("a: 1\n", "# foot\n", "# head\n", "b: 2\n", "# foot of nothing\n", "c: 3\n",),
    );
}

#[test]
fn comments_in_brackets_stay_in_them() {
    check(
        concat!(
            "a: [ # open\n",
            "  x, # of x\n",
            "  y # of y\n",
            "  # end\n",
            "]\n",
            "b: {\n",
            "  # first\n",
            "  k: v, # of k\n",
            "  # last\n",
            "}\n",
        ),
        concat!(
            "a:\n",
            "    - x # of x\n",
            "    - \"y\" # of y\n",
            "    # end\n",
            "b:\n",
            "    # first\n",
            "    k: v # of k\n",
            "    # last\n",
        ),
    );
}

#[test]
fn blocks_of_text_keep_their_headers_comment() {
    check(
        concat!(
            "a: | # beside\n",
            "  text\n",
            "\n",
            "  # text too\n",
            "b: >-\n",
            "  folded\n",
            "  text\n",
            "c: |+\n",
            "  kept\n",
            "\n",
            "# after\n",
            "d: \"\\n x\"\n",
        ),
        concat!(
            "a: | # beside\n",
            "    text\n",
            "\n",
            "    # text too\n",
            "b: folded text\n",
            "c: |+\n",
            "    kept\n",
            "\n",
            "# after\n",
            "d: |4-\n",
            "\n",
            "     x\n",
        ),
    );
}

#[test]
fn anchors_are_written_out_with_their_comments() {
    check(
        concat!(
            "a: &a # of the anchor\n",
            "  # inside\n",
            "  k: v # of k\n",
            "b: *a # of the alias\n",
            "l:\n",
            "  - &s text # one\n",
            "  - *s # two\n",
            "<<: *a\n",
        ),
        concat!(
            "a:\n",
            "    # inside\n",
            "    # of the anchor\n",
            "    k: v # of k\n",
            "b:\n",
            "    # inside\n",
            "    # of the anchor\n",
            "    k: v # of k\n",
            "l: # of the alias\n",
            "    - text # one\n",
            "    - text # two\n",
            "!!merge <<:\n",
            "    # inside\n",
            "    # of the anchor\n",
            "    k: v # of k\n",
        ),
    );
}

#[test]
fn documents_follow_one_another() {
    check(
        concat!(
            "# first\n",
            "a: 1\n",
            "# foot\n",
            "---\n",
            "# second\n",
            "b: 2\n",
            "...\n",
            "---\n",
            "# empty\n",
            "---\n",
            "c: 3\n",
        ),
        concat!(
            "# first\n",
            "a: 1\n",
            "# foot\n",
            "---\n",
            "# second\n",
            "b: 2\n",
            "---\n",
            "# empty\n",
            "{}\n",
            "---\n",
            "c: 3\n",
        ),
    );
}

#[test]
fn long_keys_and_keys_with_line_breaks_get_a_question_mark() {
    check(
        concat!(
            "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: v\n",
            "\"a\\nb\": w\n",
        ),
        concat!(
            "? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n",
            ": v\n",
            "? |-\n",
            "    a\n",
            "    b\n",
            ": w\n",
        ),
    );
}

#[test]
fn texts_are_quoted_where_others_would_read_them_otherwise() {
    check(
        concat!(
            "a: 'yes'\n",
            "b: '1:30'\n",
            "c: '- x'\n",
            "d: 'a: b'\n",
            "e: '2001-01-01'\n",
            "f: ''\n",
            "g: \" \"\n",
            "h: \"tab\\t\"\n",
            "i: \"\\u00e9\\u6f22\\U0001F600\\u00a0\\u0085\"\n",
            "j: '#'\n",
            "k: a#b\n",
            "l: '<<'\n",
            "m: 'it''s'\n",
            "\"y\": 'n'\n",
        ),
        concat!(
            "a: \"yes\"\n",
            "b: \"1:30\"\n",
            "c: '- x'\n",
            "d: 'a: b'\n",
            "e: \"2001-01-01\"\n",
            "f: \"\"\n",
            "g: ' '\n",
            "h: \"tab\\t\"\n",
            "i: \"é漢\\U0001F600\u{a0}\\N\"\n",
            "j: '#'\n",
            "k: a#b\n",
            "l: !!merge <<\n",
            "m: it's\n",
            "\"y\": \"n\"\n",
        ),
    );
}

#[test]
fn values_are_written_as_yaml_v3_writes_them() {
    check(
        concat!(
            "a: 0o17\n",
            "b: 0x1F\n",
            "c: 1_000\n",
            "d: 1e3\n",
            "e: 1.50\n",
            "f: .inf\n",
            "g: -.INF\n",
            "h: .nan\n",
            "i: 2001-1-2 3:04:05.120\n",
            "j: ~\n",
            "k: TRUE\n",
            "l: !!str 5\n",
            "m: !!binary /w==\n",
            "n: !!float 3\n",
            "o: 12345678901234567890\n",
        ),
        concat!(
            "a: 15\n",
            "b: 31\n",
            "c: 1000\n",
            "d: 1000\n",
            "e: 1.5\n",
            "f: .inf\n",
            "g: -.inf\n",
            "h: .nan\n",
            "i: 2001-01-02T03:04:05.12Z\n",
            "j: null\n",
            "k: true\n",
            "l: \"5\"\n",
            "m: !!binary /w==\n",
            "\"n\": 3\n",
            "o: 12345678901234567890\n",
        ),
    );
}

#[test]
fn a_mapping_of_comments_alone_keeps_them() {
    check(
        concat!("a:\n", "  # one\n", "  # two\n", "b: {}\n", "c: []\n",),
        concat!("a: null\n", "# one\n", "# two\n", "b: {}\n", "c: []\n",),
    );
}

#[test]
fn lists_in_lists_align() {
    check(
        concat!("a:\n", "- - - 1\n", "    - 2\n", "  - k: v\n", "    l:\n", "    - x\n", "- |\n", "  text\n",),
        concat!(
            "a:\n",
            "    - - - 1\n",
            "        - 2\n",
            "      - k: v\n",
            "        l:\n",
            "            - x\n",
            "    - |\n",
            "      text\n",
        ),
    );
}

#[test]
fn windows_line_breaks_are_read() {
    check(
        concat!("a: 1\r\n", "# c\r\n", "\r\n", "b: |\r\n", "  x\r\n", "  y\r\n",),
        concat!("a: 1\n", "# c\n", "b: |\n", "    x\n", "    y\n",),
    );
}

#[test]
fn comments_that_stand_alone_end_the_document() {
    check(
        concat!("a:\n", "  b: 1\n", "\n", "  # inner\n", "\n", "# outer\n",),
        concat!("a:\n", "    b: 1\n", "    # inner\n", "# outer\n",),
    );
}

#[test]
fn keys_without_values_are_null() {
    check(
        concat!("a:\n", "b: # nothing\n", "? c\n", ": d\n", "? e\n",),
        concat!("a: null\n", "# nothing\n", "b: null\n", "c: d\n", "e: null\n",),
    );
}
