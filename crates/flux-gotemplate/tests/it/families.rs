//! The families of functions in small cases, with the answers that sprig 3.3 and Helm's libraries gave on Go 1.26.

use std::sync::Arc;

use flux_gotemplate::funcs::{helm_data, sprig};
use flux_gotemplate::value::to_text;
use flux_gotemplate::{Budget, Functions, Limits, MissingKey, Templates, Value};

/// Renders each template; an error is told behind what was written before it.
fn check(cases: &[(&str, &str)]) {
    let world: Arc<dyn sprig::World> = Arc::new(super::vectors::World::default());
    let mut functions = Functions::new();
    sprig::add_to(&mut functions, &world);
    helm_data::add_to(&mut functions);
    let functions = Arc::new(functions);
    for (tpl, expected) in cases {
        let mut templates = Templates::new(Arc::clone(&functions), MissingKey::Zero);
        let mut out = Vec::new();
        let data = Value::map([]);
        let rendered = templates
            .parse("t", *tpl)
            .and_then(|()| templates.execute(b"t", &data, &mut Budget::new(Limits::default()), &mut out));
        let fault = rendered.err().map(|fault| fault.to_string()).unwrap_or_default();
        let fault = fault.rsplit_once("error calling ").map_or(&*fault, |(_, fault)| fault);
        assert_eq!(format!("{}{fault}", to_text(&out)), *expected, "{tpl}");
    }
}

#[test]
fn texts_are_cut_padded_and_joined() {
    check(&[
        (r#"{{ trim " a b\n" }}"#, "a b"),
        (r#"{{ trimAll "$." "$.5.00$" }}"#, "5.00"),
        (r#"{{ trimSuffix "-" "a--" }}{{ trimPrefix "v" "vv1" }}"#, "a-v1"),
        (r#"{{ repeat 3 "ab" }}"#, "ababab"),
        (r#"{{ substr 1 3 "hello" }}|{{ substr -1 3 "hello" }}|{{ substr 2 -1 "hello" }}"#, "el|hel|llo"),
        (r#"{{ substr 4 2 "hello" }}"#, "substr: runtime error: slice bounds out of range [4:2]"),
        (r#"{{ trunc 3 "hello" }}{{ trunc -3 "hello" }}{{ trunc 9 "hi" }}"#, "helllohi"),
        (r#"{{ abbrev 5 "hello world" }}|{{ abbrevboth 5 10 "1234 5678 9123" }}"#, "he...|...5678..."),
        (r#"{{ wrap 5 "ab cd efghijk lm" }}"#, "ab cd\nefghijk\nlm"),
        (r#"{{ wrapWith 3 "|" "abcdefgh" }}"#, "abc|def|gh"),
        (r#"{{ indent 2 "a\nb" }}{{ nindent 1 "c" }}"#, "  a\n  b\n c"),
        (r#"{{ indent -1 "a" }}"#, "indent: strings: negative Repeat count"),
        (r#"{{ quote 1 "a\"b" nil 2.5 }}|{{ squote "a" nil 1 }}"#, r#""1" "a\"b" "2.5"|'a' '1'"#),
        (r#"{{ cat "a" nil 1 (list 1 2) }}"#, "a 1 [1 2]"),
        (r#"{{ join "-" (list 1 nil "b") }}|{{ join "," "x" }}"#, "1-b|x"),
        (r#"{{ (split "$" "a$b$c")._1 }}{{ splitn "," 2 "a,b,c" }}"#, "bmap[_0:a _1:b,c]"),
        (r#"{{ splitList "" "añb" | toJson }}{{ splitList "," "" | len }}"#, r#"["a","ñ","b"]1"#),
        (r#"{{ replace "a" "<>" "banana" }}|{{ replace "" "-" "ab" }}"#, "b<>n<>n<>|-a-b-"),
        (r#"{{ plural "one" "many" 1 }}{{ plural "one" "many" 0 }}"#, "onemany"),
        (r#"{{ toString (list 1 "b") }}{{ toStrings (list 1 nil "b") }}"#, "[1 b][1 b]"),
        (r#"{{ contains "na" "banana" }}{{ hasPrefix "b" "banana" }}{{ hasSuffix "b" "banana" }}"#, "truetruefalse"),
    ]);
}

#[test]
fn words_change_their_case() {
    check(&[
        (r#"{{ title "hello wORLD o'neil 3d" }}|{{ untitle "Hello World" }}"#, "Hello WORLD O'Neil 3d|hello world"),
        (
            r#"{{ upper "straße ŉ ﬁ" }}|{{ lower "İSTANBUL ΣΑΣ" }}|{{ swapcase "aB cD" }}"#,
            "STRAßE ŉ ﬁ|istanbul σασ|Ab Cd",
        ),
        (
            r#"{{ snakecase "HTTPServerID3x FirstName" }}|{{ kebabcase "FooBarV2_x" }}|{{ camelcase "http_server-id HTTPServer" }}"#,
            "http_server_id_3x_first_name|foo-bar-v2-x|HttpServerIdHttpserver",
        ),
        (r#"{{ camelcase "--" }}|{{ snakecase "__a__B1" }}"#, "---|__a__b1"),
        (r#"{{ initials "First Second" }}|{{ nospace " a b é " }}"#, "FS|abÃ©"),
    ]);
}

#[test]
fn numbers_are_made_of_anything() {
    check(&[
        (
            r#"{{ int "010" }} {{ int "0x1f" }} {{ int "3.7" }} {{ int "12.00" }} {{ int true }} {{ int nil }} {{ int 3.99 }} {{ int "x" }}"#,
            "8 31 0 12 1 0 3 0",
        ),
        (
            r#"{{ float64 "1e3" }} {{ float64 "abc" }} {{ int64 1e19 }} {{ atoi "12" }} {{ atoi "99999999999999999999" }} {{ toDecimal "777" }}"#,
            "1000 0 -9223372036854775808 12 9223372036854775807 511",
        ),
        (
            r#"{{ add 1 "2" 3.9 }} {{ sub 5 7 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod -7 3 }} {{ add1 9 }} {{ max 1 5 3 }} {{ min 4 2 }}"#,
            "6 -2 24 3 -1 10 5 2",
        ),
        ("{{ div 1 0 }}", "div: runtime error: integer divide by zero"),
        (
            "{{ addf 0.1 0.2 }} {{ subf 1 0.9 }} {{ mulf 1.1 1.1 }} {{ divf 1 3 }} {{ divf -2 3 }} {{ maxf 1 2.5 }} {{ minf 1 -2.5 }}",
            "0.3 0.1 1.21 0.3333333333333333 -0.6666666666666667 2.5 -2.5",
        ),
        ("{{ divf 1 0 }}", "divf: decimal division by 0"),
        (
            "{{ ceil 1.1 }} {{ floor -1.1 }} {{ round 2.675 2 }} {{ round 123.5555 3 }} {{ round -2.5 0 }} {{ round 10.5 0 0.6 }}",
            "2 -2 2.68 123.556 -3 10",
        ),
        ("{{ until 3 }} {{ until -2 }} {{ untilStep 0 10 4 }} {{ untilStep 3 0 1 }}", "[0 1 2] [0 -1] [0 4 8] []"),
        (
            "{{ seq 3 }}|{{ seq -2 }}|{{ seq 2 5 }}|{{ seq 1 2 6 }}|{{ seq 5 2 1 }}|{{ seq 5 -2 0 }}",
            "1 2 3|1 0 -1 -2|2 3 4 5|1 3 5||5 3 1",
        ),
    ]);
}

#[test]
fn lists_are_taken_apart_and_put_together() {
    check(&[
        (
            r#"{{ $l := list 1 "b" nil }}{{ first $l }}{{ last $l }}{{ rest $l }}{{ initial $l }}{{ reverse $l }}"#,
            "1<no value>[b <nil>][1 b][<nil> b 1]",
        ),
        (
            r#"{{ append (list 1) 2 }}{{ prepend (list 1) 0 }}{{ concat (list 1) (list) (list "x" nil) }}"#,
            "[1 2][0 1][1 x <nil>]",
        ),
        (r#"{{ append "x" 1 }}"#, "append: Cannot push on type string"),
        ("{{ first nil }}", "first: runtime error: invalid memory address or nil pointer dereference"),
        ("{{ slice (list 1 2 3) 1 }}{{ slice (list 1 2 3) 1 2 }}{{ slice (list) }}", "[2 3][2]<no value>"),
        ("{{ slice (list 1 2) 0 9 }}", "slice: reflect.Value.Slice: slice index out of bounds"),
        (
            r#"{{ uniq (list 1 1.0 "1" 1 (list 1) (list 1)) }}{{ without (list 1 2 1) 1 }}{{ has "a" (list "a") }}{{ has 1 nil }}"#,
            "[1 1 1 [1]][2]truefalse",
        ),
        (
            r#"{{ compact (list 0 1 "" "a" nil (list) (dict)) }}{{ sortAlpha (list "b" 3 "a" nil) }}{{ sortAlpha "x" }}"#,
            "[1 a][3 a b][x]",
        ),
        ("{{ chunk 2 (list 1 2 3) }}{{ chunk 5 (list) }}", "[[1 2] [3]][]"),
        (r#"{{ has 1 "x" }}"#, "has: Cannot find has on type string"),
        ("{{ concat (list 1) (dict) }}", "concat: Cannot concat type map as list"),
        (
            r#"{{ typeOf (until 2) }} {{ typeOf (splitList "," "a") }} {{ typeOf (list) }} {{ rest (list) | toJson }} {{ list | toJson }}"#,
            "[]int []string []interface {} null []",
        ),
    ]);
}

#[test]
fn maps_are_shared_and_merged_in_place() {
    check(&[
        (
            r#"{{ $d := dict "a" 1 "b" }}{{ $_ := set $d "c" (dict "x" 1) }}{{ $e := $d }}{{ $_ := unset $e "a" }}{{ $d }}"#,
            "map[b: c:map[x:1]]",
        ),
        (
            r#"{{ get (dict "a" nil) "a" }}|{{ get (dict) "x" }}|{{ hasKey (dict "a" nil) "a" }}|{{ pluck "a" (dict "a" 1) (dict "b" 2) (dict "a" 3) }}"#,
            "<no value>||true|[1 3]",
        ),
        (r#"{{ pick (dict "a" 1 "b" 2) "a" "z" }}{{ omit (dict "a" 1 "b" 2) "a" }}"#, "map[a:1]map[b:2]"),
        (
            r#"{{ $d := dict "a" "" "b" 0 "c" (dict "x" 1) "l" (list 1) "s" "keep" }}{{ $s := dict "a" "A" "b" 2 "c" (dict "x" 9 "y" 2) "l" (list 2 3) "s" "new" "n" nil }}{{ merge $d $s | toJson }}|{{ $d.c.y }}"#,
            r#"{"a":"A","b":2,"c":{"x":1,"y":2},"l":[1],"s":"keep"}|2"#,
        ),
        (
            r#"{{ $d := dict "a" 1 "c" (dict "x" 1) "l" (list 1) "m" (dict) }}{{ $s := dict "a" "" "c" (dict "x" nil) "l" (list) "m" "t" "n" nil }}{{ mergeOverwrite $d $s | toJson }}"#,
            r#"{"a":"","c":{"x":null},"l":[],"m":"t","n":null}"#,
        ),
        (
            r#"{{ $i := dict "k" 1 }}{{ $m := merge (dict) (dict "i" $i) }}{{ $_ := set $i "k" 2 }}{{ $m.i.k }}{{ $c := deepCopy $m }}{{ $_ := set $i "k" 3 }}{{ $c.i.k }}"#,
            "22",
        ),
        (
            r#"{{ dig "a" "b" "def" (dict "a" (dict "b" 1)) }}{{ dig "a" "x" "def" (dict "a" (dict "b" 1)) }}{{ dig "x" "y" "def" (dict) }}"#,
            "1defdef",
        ),
        (
            r#"{{ dig "a" "b" 1 (dict "a" "s") }}"#,
            "dig: interface conversion: interface {} is string, not map[string]interface {}",
        ),
        (r#"{{ dig "a" (dict) }}"#, "dig: dig needs at least three arguments"),
        (r#"{{ dict 1 2 "x" | toJson }}{{ keys (dict "a" 1) }}{{ values (dict "a" 1) }}"#, r#"{"1":2,"x":""}[a][1]"#),
    ]);
}

#[test]
fn defaults_stand_in_for_what_is_empty() {
    check(&[
        (
            r#"{{ default "d" "" }}{{ default "d" 0 }}{{ default "d" false }}{{ default "d" (list) }}{{ default "d" nil }}{{ default "d" "x" }}{{ default "d" }}"#,
            "dddddxd",
        ),
        (
            r#"{{ empty 0.0 }}{{ empty "0" }}{{ empty (dict) }}{{ coalesce "" nil 0 "z" 1 }}|{{ coalesce "" }}|{{ all 1 "" }}{{ any 0 "x" }}{{ ternary "y" "n" true }}"#,
            "truefalsetruez|<no value>|falsetruey",
        ),
        (r#"{{ fail "no" }}"#, "fail: no"),
    ]);
}

#[test]
fn types_and_kinds_have_gos_names() {
    check(&[
        (
            r#"{{ range (list 1 1.5 "s" true nil (list) (dict) (until 1) (int64 1) (semver "1") ) }}{{ typeOf . }} {{ kindOf . }};{{ end }}"#,
            "int int;float64 float64;string string;bool bool;<nil> invalid;[]interface {} slice;map[string]interface {} map;[]int slice;int64 int64;*semver.Version ptr;",
        ),
        (
            r#"{{ typeIs "int" 1 }}{{ kindIs "map" (dict) }}{{ typeIsLike "semver.Version" (semver "1") }}{{ deepEqual (list 1 (dict "a" 2)) (list 1 (dict "a" 2)) }}{{ deepEqual 1 1.0 }}"#,
            "truetruetruetruefalse",
        ),
    ]);
}

#[test]
fn dates_follow_layouts() {
    check(&[
        (
            r#"{{ $t := toDate "2006-01-02 15:04:05" "2021-03-04 05:06:07" }}{{ $t }}|{{ dateInZone "Mon Jan _2 3:04PM MST" $t "Europe/Berlin" }}|{{ htmlDateInZone $t "UTC" }}|{{ unixEpoch $t }}"#,
            "2021-03-04 05:06:07 +0000 UTC|Thu Mar  4 6:06AM CET|2021-03-04|1614834367",
        ),
        (
            r#"{{ date "06.1.2 002 .000" 1614834367 }}|{{ dateInZone "15:04 -07:00" (int64 0) "Asia/Kolkata" }}|{{ dateInZone "Z07:00" 0 "Nowhere" }}"#,
            "21.3.4 063 .000|05:30 +05:30|Z",
        ),
        (
            r#"{{ $t := toDate "2006-01-02" "2021-12-31" }}{{ dateModify "36h" $t }}|{{ dateModify "x" $t }}|{{ $t.Year }} {{ $t.Month }} {{ $t.Weekday }} {{ $t.YearDay }} {{ $t.AddDate 0 2 0 }}"#,
            "2022-01-01 12:00:00 +0000 UTC|2021-12-31 00:00:00 +0000 UTC|2021 December Friday 365 2022-03-03 00:00:00 +0000 UTC",
        ),
        (
            r#"{{ mustToDate "2006-01-02" "x" }}"#,
            r#"mustToDate: parsing time "x" as "2006-01-02": cannot parse "x" as "2006""#,
        ),
        (
            r#"{{ mustDateModify "1d" (toDate "2006" "2020") }}"#,
            r#"mustDateModify: time: unknown unit "d" in duration "1d""#,
        ),
        (
            r#"{{ duration "3661" }} {{ duration 5 }} {{ durationRound "2400h10m5s" }} {{ durationRound "-61s" }} {{ toDate "2006" "x" }}"#,
            "1h1m1s 0s 3mo 1m 0001-01-01 00:00:00 +0000 UTC",
        ),
    ]);
}

#[test]
fn encodings_and_digests_are_standard() {
    check(&[
        (
            r#"{{ b64enc "añ" }} {{ b64dec "YcOx" }} {{ b64dec "a" }} {{ b32enc "fooba" }} {{ b32dec "MY======" }} {{ b32dec "!" }}"#,
            "YcOx añ illegal base64 data at input byte 0 MZXW6YTB f illegal base32 data at input byte 0",
        ),
        (
            r#"{{ sha1sum "a" }} {{ adler32sum "hello" }} {{ sha256sum "" | trunc 8 }} {{ sha512sum "" | trunc 8 }}"#,
            "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8 103547413 e3b0c442 cf83e135",
        ),
        (
            r#"{{ toJson (dict "a" "<&>\u2028" "b" 1.5 "c" 1e21 "d" 1e-7 "e" (list nil true)) }}{{ toRawJson "<" }}{{ toPrettyJson (dict "a" (list 1) "b" (list)) }}"#,
            "{\"a\":\"\\u003c\\u0026\\u003e\\u2028\",\"b\":1.5,\"c\":1e+21,\"d\":1e-7,\"e\":[null,true]}\"<\"{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}",
        ),
        (r#"{{ fromJson "{\"a\": [1, 2.5, null]}" }}"#, "map[a:[1 2.5 <nil>]]"),
        (r#"{{ mustFromJson "[1,]" }}"#, "mustFromJson: invalid character ']' looking for beginning of value"),
        (r#"{{ mustFromJson "{\"a\" 1}" }}"#, "mustFromJson: invalid character '1' after object key"),
        (r#"{{ mustFromJson "\"\\x\"" }}"#, "mustFromJson: invalid character 'x' in string escape code"),
        (
            r#"{{ toJson (dict "f" 1000000.0 "i" 5) }}{{ derivePassword 1 "pin" "password" "user" "example.com" }}{{ derivePassword 1 "x" "" "" "" }}"#,
            r#"{"f":1000000,"i":5}6685cannot find password template x"#,
        ),
    ]);
}

#[test]
fn expressions_are_those_of_re2() {
    check(&[
        (
            r#"{{ regexFindAll "a*" "baaac" -1 | toJson }}{{ regexFindAll "x" "a" -1 | toJson }}{{ regexSplit "z+" "pizza" -1 }}{{ regexSplit "" "ab" 2 }}"#,
            r#"["","aaa",""]null[pi a][a b]"#,
        ),
        (
            r#"{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W$1x$$" }}{{ regexReplaceAllLiteral "a" "bab" "$1" }}"#,
            "-W$-xxW$-b$1b",
        ),
        (
            r#"{{ regexMatch "^[a-z]+\\[\\d\\]$" "adam[7]" }}{{ regexMatch "(" "a" }}{{ regexFind "[a-zA-Z][1-9]" "abcd1234" }}{{ regexQuoteMeta "1.2(3)" }}"#,
            r"truefalsed11\.2\(3\)",
        ),
        (
            r#"{{ regexFind "(?=a)" "a" }}"#,
            "regexFind: regexp: Compile(`(?=a)`): error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
        ),
        (
            r#"{{ mustRegexFindAll "a**" "a" 1 }}"#,
            "mustRegexFindAll: error parsing regexp: invalid nested repetition operator: `**`",
        ),
        (r#"{{ regexReplaceAll "\\pZ" "" "" }}"#, ""),
        (
            r#"{{ regexFind "[z-a]" "" }}"#,
            "regexFind: regexp: Compile(`[z-a]`): error parsing regexp: invalid character class range: `z-a`",
        ),
    ]);
}

#[test]
fn yaml_and_toml_are_written_and_read() {
    check(&[
        (
            r#"{{ toYaml (dict "b" (list 1 "1" "yes" nil 1.5 "a: b") "a" (dict) "n" "x\ny\n" "t" "2021-01-01" "y" true) }}"#,
            "a: {}\nb:\n- 1\n- \"1\"\n- \"yes\"\n- null\n- 1.5\n- 'a: b'\n\"n\": |\n  x\n  y\nt: \"2021-01-01\"\n\"y\": true",
        ),
        (
            r#"{{ toYaml (list (dict "a" (list 1 (dict "b" 2)))) }}|{{ toYaml nil }}|{{ toYaml "x\ny" }}"#,
            "- a:\n  - 1\n  - b: 2|null||-\n  x\n  y",
        ),
        (
            r#"{{ toYamlPretty (dict "a" (list 1 (dict "b" "on" "c" (list))) "k" "x\n") }}"#,
            "a:\n  - 1\n  - b: \"on\"\n    c: []\nk: |\n  x",
        ),
        (
            r#"{{ fromYaml "a: 010\nb: 1e3\nc: on\nd: 1_000\ne: 0x10\nf: ~\ng: 2021-01-01\nyes: 1\n7: x" | toYaml }}"#,
            "\"7\": x\na: 8\nb: 1000\nc: true\nd: 1000\ne: 16\nf: null\ng: \"2021-01-01\"\n\"true\": 1",
        ),
        (
            r#"{{ fromYaml "a: [" }}{{ fromYaml "a:\n b: 1\n\tc: 2" }}{{ fromYaml "[1]" }}{{ fromYaml "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2" | toYaml }}"#,
            "map[Error:error converting YAML to JSON: yaml: line 1: did not find expected node content]map[Error:error converting YAML to JSON: yaml: line 3: found a tab character that violates indentation]map[Error:error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}]a:\n  b: 1\nc:\n  b: 1\n  d: 2",
        ),
        (
            r#"{{ fromYaml "" }}{{ fromYaml "a: *b" }}{{ fromYaml "a: .inf" }}{{ fromYaml "? [a]\n: b" }}{{ fromYaml "a: b: c" }}{{ fromYaml "@x" }}"#,
            r#"map[]map[Error:error converting YAML to JSON: yaml: unknown anchor 'b' referenced]map[Error:error converting YAML to JSON: json: unsupported value: +Inf]map[Error:error converting YAML to JSON: yaml: invalid map key: []interface {}{"a"}]map[Error:error converting YAML to JSON: yaml: mapping values are not allowed in this context]map[Error:error converting YAML to JSON: yaml: found character that cannot start any token]"#,
        ),
        (
            r#"{{ toToml (dict "s" "a\"b" "n" 1 "f" 2.0 "l" (list 1 "x") "t" (dict "a" (dict "b c" true)) "ts" (list (dict "x" 1) (dict "y" nil))) }}"#,
            "f = 2.0\nl = [1, \"x\"]\nn = 1\ns = \"a\\\"b\"\n\n[t]\n  [t.a]\n    \"b c\" = true\n\n[[ts]]\n  x = 1\n\n[[ts]]\n",
        ),
        (
            r#"{{ fromToml "a = 1\nb = [1.5, \"x\"]\n[t.u]\nd = true\n" | toJson }}"#,
            r#"{"a":1,"b":[1.5,"x"],"t":{"u":{"d":true}}}"#,
        ),
    ]);
}

#[test]
fn paths_and_urls_are_read_as_go_reads_them() {
    check(&[
        (
            r#"{{ base "a/b/" }} {{ base "" }} {{ dir "/a/b/../c" }} {{ clean "./a//../../b" }} {{ ext "a.b/c.tar.gz" }} {{ isAbs "/a" }} {{ osBase "x/y" }}"#,
            "b . /a ../b .gz true y",
        ),
        (
            r#"{{ urlParse "https://u:p%40@h.example:8080/a%20b?q=1#f%21" | toJson }}"#,
            r#"{"fragment":"f!","host":"h.example:8080","hostname":"h.example","opaque":"","path":"/a b","query":"q=1","scheme":"https","userinfo":"u:p%40"}"#,
        ),
        (
            r#"{{ urlJoin (dict "scheme" "https" "host" "h:1" "path" "a b" "query" "q=1" "fragment" "x y" "userinfo" "u:p") }}"#,
            "https://u:p@h:1/a%20b?q=1#x%20y",
        ),
        (
            r#"{{ urlParse "http://[::1" }}"#,
            r#"urlParse: unable to parse url: parse "http://[::1": missing ']' in host"#,
        ),
        (
            r#"{{ urlParse "http://h:x/" }}"#,
            r#"urlParse: unable to parse url: parse "http://h:x/": invalid port ":x" after host"#,
        ),
        (
            r#"{{ urlJoin (dict "host" 1) }}"#,
            "urlJoin: unable to parse host key, must be of type string, but int found",
        ),
    ]);
}

#[test]
fn versions_are_compared() {
    check(&[
        (
            r#"{{ semverCompare ">=1.2 <2 || ~3.1" "3.1.5" }}{{ semverCompare ">1.0.0" "1.1.0-rc.1" }}{{ $v := semver "v1.2.3-rc.1+b" }} {{ $v }} {{ $v.Major }} {{ $v.Prerelease }} {{ $v.Original }} {{ $v.IncMinor }} {{ $v.Compare (semver "1.2.3") }}"#,
            "truefalse 1.2.3-rc.1+b 1 rc.1 v1.2.3-rc.1+b 1.3.0 -1",
        ),
        (r#"{{ semver "1.x" }}"#, "semver: invalid semantic version"),
        (r#"{{ semverCompare "a" "1" }}"#, r#"semverCompare: improper constraint: "a""#),
    ]);
}
