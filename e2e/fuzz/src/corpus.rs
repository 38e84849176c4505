//! Where inputs begin: a folder of seeds for each target, and some that were made to hurt.

use std::path::Path;

use anyhow::{Context, Result};

/// The seeds of a target, in order of their names.
pub fn seeds(name: &str) -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))).collect()
}

/// Deep, wide, repeating and huge texts.
pub fn hostile() -> Vec<String> {
    let many = 5_000;
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, at| {
        let repeated = format!("*a{}, ", at - 1).repeat(6);
        format!("{text}a{at}: &a{at} [{repeated}]\n")
    });
    let merged = (1..40).fold("a0: &a0 {x: 1}\n".to_owned(), |text, at| {
        format!("{text}a{at}: &a{at} {{<<: [*a{before}, *a{before}], k{at}: 1}}\n", before = at - 1)
    });
    let stairs = (0..300).fold(String::new(), |text, depth| format!("{text}{}a:\n", " ".repeat(depth)));
    vec![
        "[".repeat(many),
        "{a: ".repeat(many),
        "{\"a\":".repeat(many),
        "- ".repeat(many),
        "? ".repeat(many),
        "a:\n".repeat(many),
        stairs,
        bomb,
        merged,
        "&a [*a]".to_owned(),
        "a: &a\n  b: *a\n".to_owned(),
        "\"\\u0041".repeat(many),
        "'".repeat(many),
        "#".repeat(many),
        "--- ".repeat(many),
        "---\n".repeat(many),
        format!("a: {}\n", "9".repeat(many)),
        format!("a: 1e{}\n", "9".repeat(many)),
        format!("a: 0x{}\n", "f".repeat(many)),
        format!("a: {}\n", "1:".repeat(many)),
        format!("{}: 1\n", "k".repeat(many)),
        format!("a: |{}\n  x\n", "9".repeat(many)),
        "a: !<tag:yaml.org,2002:binary> ====\n".to_owned(),
        "\u{feff}a: \u{0}\u{85}\u{2028}\n".to_owned(),
        "${a:-".repeat(many),
        "${".repeat(many),
        format!("${{a{}}}", "//x/y".repeat(many)),
        format!("${{a##{}}}", "*".repeat(many)),
        format!("${{a:{}:{}}}", "9".repeat(100), "9".repeat(100)),
        "$".repeat(many),
        format!(">={}", "9".repeat(200)),
        "||".repeat(100),
        format!("{{{{{}1{}}}}}", "(".repeat(many), ")".repeat(many)),
        "{{if 1}}".repeat(many),
        format!("{}{}", "{{range .l}}".repeat(100), "{{end}}".repeat(100)),
        format!("{{{{{}1}}}}", "not | ".repeat(many)),
        "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}".to_owned(),
        "{{$t := `{{tpl . .}}`}}{{tpl $t $t}}".to_owned(),
        format!("{{{{printf \"%{0}d%{0}s\" 1 2}}}}", "9".repeat(6)),
    ]
}
