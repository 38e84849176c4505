//! What hostile charts cannot do: each is refused soon, with little memory, and with words that name the bound.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use flux_gotemplate::funcs::sprig::World;
use flux_gotemplate::{Limits, Time};
use flux_helm::chart::{Chart, File, LoadLimits, load_archive, load_files};
use flux_helm::render::{Assembly, Capabilities, Context, Engine, Identity, Mode, Notes, Request, template};
use flux_helm::values;

/// What a controller may allow on a small machine. Tests are not optimised, so that steps are fewer than by default.
const LIMITS: Limits = Limits { output: 8 << 20, steps: 2_000_000, memory: 64 << 20, depth: 500 };

/// The longest that any of the charts may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(60);

struct Still;

impl World for Still {
    fn now(&self) -> Time {
        Time::zero()
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn file(name: &str, text: impl AsRef<[u8]>) -> File {
    File { name: name.to_owned(), data: text.as_ref().into(), modified: flux_helm::Time::zero() }
}

fn chart(template: &str, values: &str) -> Chart {
    let files = vec![
        file("Chart.yaml", "apiVersion: v2\nname: hostile\nversion: 1.0.0\n"),
        file("templates/t.yaml", template),
        file("values.yaml", values),
    ];
    load_files(files, &LoadLimits::default()).unwrap()
}

/// The manifest, or the error with its causes.
fn rendered(chart: Chart, context: Context<'_>) -> Result<String, String> {
    let world: Arc<dyn World> = Arc::new(Still);
    let request = Request {
        chart,
        values: &flux_gotemplate::Map::new(),
        release: Identity { name: "r", namespace: "n", revision: 1, is_upgrade: false },
        capabilities: &Capabilities::default(),
        notes: Notes::Own,
        context,
    };
    let templated = template(&Engine::new(&world, Mode::Lenient), request).map_err(|err| chain(&err))?;
    templated.assemble(Assembly::default()).map(|assembled| assembled.manifest).map_err(|err| chain(&err))
}

fn chain(err: &dyn std::error::Error) -> String {
    match err.source() {
        Some(cause) => format!("{err}: {}", chain(cause)),
        None => err.to_string(),
    }
}

#[track_caller]
fn check(template: &str, values: &str, expected: &str) {
    let begin = Instant::now();
    let context = Context { limits: LIMITS, ..Context::default() };
    let refused = rendered(chart(template, values), context).unwrap_err();
    assert!(refused.contains(expected), "{refused}");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

const MEMORY: &str = "cannot render hostile/templates/t.yaml: template makes values of more than 67108864 bytes";
const STEPS: &str = "cannot render hostile/templates/t.yaml: template takes more than 2000000 steps";
const OUTPUT: &str = "cannot render hostile/templates/t.yaml: template output is larger than 8388608 bytes";

#[test]
fn templates_that_double_are_stopped() {
    let mut doubling = "{{define \"d0\"}}0123456789{{end}}".to_owned();
    for at in 1..60 {
        let below = format!("{{{{include \"d{}\" .}}}}", at - 1);
        let _ = write!(doubling, "{{{{define \"d{at}\"}}}}{below}{below}{{{{end}}}}");
    }
    check(&format!("{doubling}{{{{include \"d59\" .}}}}"), "", "template");
    check("{{$x := \"ab\"}}{{range until 60}}{{$x = print $x $x}}{{end}}", "", MEMORY);
    check("{{$x := list 1}}{{range until 60}}{{$x = concat $x $x}}{{end}}", "", STEPS);
    check("{{$x := dict}}{{range $i := until 60}}{{$x = dict \"a\" $x \"b\" $x}}{{end}}{{toYaml $x}}", "", "template");
}

#[test]
fn huge_counts_are_refused_before_anything_is_made() {
    check("{{repeat 2000000000 \"x\"}}", "", MEMORY);
    check("{{until 2000000000}}", "", MEMORY);
    check("{{untilStep 0 2000000000 1}}", "", MEMORY);
    check("{{nindent 2000000000 \"x\"}}", "", MEMORY);
    check("{{randAlphaNum 2000000000}}", "", "a random text of 2000000000 bytes is longer than 1048576");
    check("{{range $i := 2000000000}}{{end}}", "", STEPS);
    check("{{range 2000000000}}0123456789{{end}}", "", OUTPUT);
}

#[test]
fn templates_without_an_end_are_told_apart_from_deep_ones() {
    check("{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}", "", "more than 500 deep");
    check("{{tpl .Values.t .}}", "t: '{{tpl .Values.t .}}'\n", "more than 500 deep");
    check("{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}", "", "exceeded maximum template depth");
    let deep = Limits { depth: 100_000, ..LIMITS };
    let context = Context { limits: deep, ..Context::default() };
    let own = chart("{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}", "");
    let refused = rendered(own, context).unwrap_err();
    assert!(refused.contains("rendering template has a nested reference name: a"), "{refused}");
}

#[test]
fn a_cancelled_rendering_ends() {
    let cancelled = AtomicBool::new(true);
    let context = Context { cancelled: Some(&cancelled), ..Context::default() };
    let refused = rendered(chart("{{range 2000000000}}{{end}}", ""), context).unwrap_err();
    assert_eq!(refused, "cannot render hostile/templates/t.yaml: template execution was cancelled");
}

#[test]
fn values_that_repeat_without_end_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let repeated = format!("*a{}, ", at - 1).repeat(10);
        let _ = writeln!(bomb, "a{at}: &a{at} [{repeated}]");
    }
    let begin = Instant::now();
    let refused = chain(&values::read(bomb.as_bytes()).map(|_| ()).unwrap_err());
    assert!(refused.contains("document has more than 2000000 nodes"), "{refused}");
    let deep = format!("a: {}1{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(values::read(deep.as_bytes()).is_err());
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn a_values_file_of_a_hundred_megabytes_is_refused_by_its_size() {
    let text = "key: value of some length\n".repeat(4_000_000);
    let begin = Instant::now();
    let refused = values::read_within(text.as_bytes(), 16 << 20).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "values larger than 16777216 bytes");
    let files = vec![file("Chart.yaml", "apiVersion: v2\nname: hostile\nversion: 1.0.0\n"), file("values.yaml", &text)];
    let refused = load_archive(&*archive(&files), &LoadLimits::default()).map(|_| ()).unwrap_err();
    let expected = "decompressed chart file \"hostile/values.yaml\" is larger than the maximum file size 5242880";
    assert_eq!(refused.to_string(), expected);
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

/// A packed chart.
fn archive(files: &[File]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.data.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("hostile/{}", file.name), &*file.data).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A reader that counts what is taken from it.
struct Counted<'r> {
    bytes: &'r [u8],
    taken: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(into)?;
        self.taken += count;
        Ok(count)
    }
}

#[test]
fn archives_that_unpack_to_more_than_they_may_are_not_unpacked() {
    // An entry that says to have eight gigabytes, and a quarter of one behind it.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_path("hostile/values.yaml").unwrap();
    header.set_size(8 << 30);
    header.set_mode(0o644);
    header.set_cksum();
    bomb.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let begin = Instant::now();
    let mut reader = Counted { bytes: &bomb, taken: 0 };
    let refused = load_archive(&mut reader, &LoadLimits::default()).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "decompressed chart is larger than the maximum size 104857600");
    assert!(reader.taken < bomb.len() / 2, "{} of {} bytes were read", reader.taken, bomb.len());
    let many: Vec<File> = (0..40).map(|at| file(&format!("f{at}"), vec![b'x'; 4 << 20])).collect();
    let refused = load_archive(&*archive(&many), &LoadLimits::default()).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "decompressed chart is larger than the maximum size 104857600");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn archives_within_archives_share_one_bound() {
    let metadata = file("Chart.yaml", "apiVersion: v2\nname: hostile\nversion: 1.0.0\n");
    let mut inner = archive(std::slice::from_ref(&metadata));
    for _ in 0..100 {
        inner = archive(&[metadata.clone(), file("charts/hostile-1.0.0.tgz", &inner)]);
    }
    let refused = chain(&load_archive(&*inner, &LoadLimits::default()).map(|_| ()).unwrap_err());
    assert!(refused.ends_with("subcharts are nested deeper than 64 levels"), "{refused}");
}

/// A packed chart of empty files with these names.
fn archive_of_names(names: &[String]) -> Vec<u8> {
    archive(&names.iter().map(|name| file(name, "")).collect::<Vec<_>>())
}

#[test]
fn names_count_as_files_do() {
    let refused = |archive: &[u8], total| {
        let limits = LoadLimits { total, ..LoadLimits::default() };
        chain(&load_archive(archive, &limits).map(|_| ()).unwrap_err())
    };
    let long = "n".repeat(2 << 20);
    assert_eq!(refused(&archive_of_names(&[long]), 400 << 20), "archive/tar: header field too long");
    let names: Vec<String> = (0..40).map(|at| format!("{at}{}", "n".repeat(4000))).collect();
    let many = archive_of_names(&names);
    assert_eq!(refused(&many, 100_000), "decompressed chart is larger than the maximum size 100000");
    // What nested archives have comes out of the same total.
    let mut files = vec![file("Chart.yaml", "apiVersion: v2\nname: hostile\nversion: 1.0.0\n")];
    let inner = [files[0].clone(), file(&names[0], "")];
    files.extend((0..20).map(|at| file(&format!("charts/{at}.tgz"), archive(&inner))));
    let words = refused(&archive(&files), 100_000);
    assert!(words.ends_with("decompressed chart is larger than the maximum size 100000"), "{words}");
}

#[test]
fn texts_that_are_no_manifests_are_refused_whatever_their_size() {
    let nested = "x: {{repeat 100000 \"[\"}}{{repeat 100000 \"]\"}}\n";
    check(nested, "", "YAML parse error on hostile/templates/t.yaml");
    let alias = "a: &a [x, x, x, x, x, x, x, x, x, x]\n{{range $i := until 9}}b{{$i}}: &b{{$i}} [{{repeat 9 (printf \"*%s, \" (ternary \"a\" (printf \"b%d\" (sub $i 1)) (eq $i 0)))}}]\n{{end}}";
    check(alias, "", "YAML parse error on hostile/templates/t.yaml");
}

#[test]
fn values_of_many_documents_take_no_longer_than_those_of_one() {
    let mut text = String::new();
    for at in 0..60_000 {
        let _ = writeln!(text, "k{at}: 1\n---");
    }
    let begin = Instant::now();
    assert_eq!(values::read(text.as_bytes()).unwrap().len(), 60_000);
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn files_that_are_chosen_over_and_over_take_memory() {
    let limits = Limits { memory: 1 << 20, ..LIMITS };
    for pattern in ["**", "["] {
        let template = format!(
            "{{{{$d := dict}}}}{{{{range $i := until 300}}}}{{{{$_ := set $d (print $i) ($.Files.Glob {pattern:?})}}}}{{{{end}}}}"
        );
        let mut chart = chart(&template, "");
        chart.files = (0..1_000).map(|at| file(&format!("f{at}"), "")).collect();
        let refused = rendered(chart, Context { limits, ..Context::default() }).unwrap_err();
        assert!(refused.contains("template makes values of more than 1048576 bytes"), "{refused}");
    }
    let template = "{{$p := repeat 40000 \"[\"}}{{range until 100}}{{$_ := $.Files.Glob $p}}{{end}}";
    check(template, "", STEPS);
}
