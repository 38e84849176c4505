//! Charts from files, archives and folders.

use std::error::Error;
use std::io::Write;

use camino::Utf8Path;
use flate2::write::GzEncoder;
use flux_files::{Directory, Memory};
use flux_gotemplate::Map;
use flux_gotemplate::data::{JsonStyle, write_json};
use flux_helm::Time;
use flux_helm::chart::{Chart, File, LoadError, LoadLimits, load_archive, load_files, load_folder};

const YAML: &str = "apiVersion: v2\nname: app\nversion: 1.2.3\n";

fn file(name: &str, data: impl AsRef<[u8]>) -> File {
    File { name: name.to_owned(), data: data.as_ref().into(), modified: Time::zero() }
}

fn load(files: &[(&str, &str)]) -> Result<Chart, LoadError> {
    load_files(files.iter().map(|(name, data)| file(name, data)).collect(), &LoadLimits::default())
}

/// The error and its causes in one line, each once.
fn words(err: &dyn Error) -> String {
    let mut words = err.to_string();
    let mut next = err.source();
    while let Some(err) = next {
        let cause = err.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
        next = err.source();
    }
    words
}

fn json(values: Map) -> String {
    String::from_utf8(write_json(&values.into(), JsonStyle::Raw, 1 << 20).unwrap()).unwrap()
}

fn refused(files: &[(&str, &str)], expected: &str) {
    let err = load(files).err().map(|err| words(&err));
    assert_eq!(err.as_deref(), Some(expected));
}

fn refused_yaml(yaml: &str, expected: &str) {
    refused(&[("Chart.yaml", yaml)], expected);
}

fn names(files: &[File]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

fn tgz(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, data) in entries {
        let mut header = tar::Header::new_ustar();
        // Set by hand: the library refuses names that leave the root.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn files_go_where_helm_puts_them() {
    let chart = load(&[
        ("values.yaml", "a: 1\n"),
        ("templates/a.yaml", "a"),
        ("Chart.yaml", YAML),
        ("values.schema.json", "{}"),
        ("README.md", "read"),
        ("charts/sub.tgz.prov", "signed"),
        ("charts/_off/Chart.yaml", "not: a chart"),
        ("charts/.hidden", ""),
        ("charts/sub/Chart.yaml", "apiVersion: v1\nname: sub\nversion: 0.1.0\n"),
        ("charts/sub/crds/a.yaml", ""),
        ("requirements.yaml", "dependencies: [{name: sub, version: 1}]"),
        ("Chart.lock", "digest: d\ngenerated: \"2024-01-02T03:04:05.6+01:00\"\ndependencies: [{name: sub}]"),
    ])
    .unwrap();
    assert_eq!(names(&chart.templates), ["templates/a.yaml"]);
    assert_eq!(names(&chart.files), ["README.md", "charts/sub.tgz.prov"]);
    assert_eq!(chart.raw.len(), 12);
    assert_eq!(chart.schema.unwrap().data[..], *b"{}");
    assert_eq!(chart.metadata.dependencies[0].version, "1");
    let lock = chart.lock.unwrap();
    assert_eq!((lock.generated.to_string().as_str(), lock.digest.as_str()), ("2024-01-02T03:04:05.6+01:00", "d"));
    let subcharts: Vec<&str> = chart.dependencies.iter().map(Chart::name).collect();
    assert_eq!(subcharts, ["sub"]);
}

#[test]
fn requirements_of_a_v1_chart_stay_among_its_files() {
    let chart = load(&[
        ("Chart.yaml", "name: old\nversion: 1.0.0\n"),
        ("requirements.yaml", "dependencies: [{name: a, version: 1.x.x, repository: r}]"),
        ("requirements.lock", ""),
    ])
    .unwrap();
    assert_eq!(chart.metadata.api_version, "v1");
    assert_eq!(names(&chart.files), ["requirements.yaml", "requirements.lock"]);
    assert_eq!(chart.metadata.dependencies[0].name, "a");
    assert!(chart.lock.is_none());
}

#[test]
fn metadata_are_read_by_gos_rules() {
    let yaml = "APIVERSION: v2\nname: \"a\\tb\\u0007\"\nVersion: 1.10\nversion: 2.50\nappVersion: 20240101\n\
                unknown: [1]\nannotations: {a: 1.50, b: null}\ndeprecated: yes\ntype: null\nkubeVersion: \u{a0}1\n";
    let metadata = load(&[("Chart.yaml", yaml)]).unwrap().metadata;
    assert_eq!(metadata.name, "a b");
    assert_eq!((metadata.version.as_str(), metadata.app_version.as_str()), ("2.5", "20240101"));
    assert_eq!(
        metadata.annotations.into_iter().collect::<Vec<_>>(),
        [("a".to_owned(), "1.5".to_owned()), ("b".to_owned(), String::new())]
    );
    assert!(metadata.deprecated);
    assert_eq!(metadata.kube_version, " 1");
}

#[test]
fn values_of_the_wrong_kind_are_told_as_go_tells_them() {
    let decoding = "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
    refused_yaml("- a\n", &format!("{decoding} array into Go value of type v2.Metadata"));
    refused_yaml("name: [a]\n", &format!("{decoding} array into Go struct field Metadata.name of type string"));
    refused_yaml(
        "deprecated: 'x'\n",
        &format!("{decoding} string into Go struct field Metadata.deprecated of type bool"),
    );
    refused_yaml(
        "keywords: a\n",
        &format!("{decoding} string into Go struct field Metadata.keywords of type []string"),
    );
    refused_yaml(
        "maintainers: [me]\n",
        &format!("{decoding} string into Go struct field Metadata.maintainers of type v2.Maintainer"),
    );
    refused_yaml(
        "dependencies: [{tags: {}}]\n",
        &format!("{decoding} object into Go struct field Dependency.dependencies.tags of type []string"),
    );
    refused_yaml(
        "name: a: b\n",
        "cannot load Chart.yaml: error converting YAML to JSON: yaml: mapping values are not allowed in this context",
    );
    refused(
        &[("Chart.yaml", YAML), ("Chart.lock", "generated: 5\n")],
        "cannot load Chart.lock: error unmarshaling JSON: while decoding JSON: Time.UnmarshalJSON: input is not a JSON string",
    );
}

#[test]
fn metadata_that_helm_does_not_take_are_refused_in_its_words() {
    refused(&[("values.yaml", "")], "Chart.yaml file is missing");
    refused(&[("requirements.yaml", "")], "validation: chart.metadata.apiVersion is required");
    refused_yaml("", "validation: chart.metadata.name is required");
    refused_yaml("name: ..\n", "validation: chart.metadata.name \"..\" is not allowed");
    refused_yaml("name: ../a\n", "validation: chart.metadata.name \"../a\" is invalid");
    refused_yaml("name: a\n", "validation: chart.metadata.version is required");
    refused_yaml("name: a\nversion: one\n", "validation: chart.metadata.version \"one\" is invalid");
    let with = |more: &str| format!("{YAML}{more}\n");
    refused_yaml(&with("type: none"), "validation: chart.metadata.type must be application or library");
    refused_yaml(&with("maintainers: [null]"), "validation: maintainers must not contain empty or null nodes");
    refused_yaml(&with("dependencies:\n-"), "validation: dependencies must not contain empty or null nodes");
    refused_yaml(
        &with("dependencies: [{name: a, alias: b.c}]"),
        "validation: dependency \"a\" has disallowed characters in the alias",
    );
    refused_yaml(
        &with("dependencies: [{name: a}, {name: b, alias: a}]"),
        "validation: more than one dependency with name or alias \"a\"",
    );
}

#[test]
fn documents_of_values_are_merged() {
    let values = |text: &str| load(&[("Chart.yaml", YAML), ("values.yaml", text)]).map(|chart| json(chart.values));
    let merged = values("---\na: {x: 1, y: 1}\nb: 1\r\n--- # more\na: {x: 2}\nb: {z: 1}\n---\n").unwrap();
    assert_eq!(merged, values("a: {x: 2, y: 1}\nb: {z: 1}").unwrap());
    assert_eq!(values("a: |\n  b").unwrap(), values("a: \"b\\n\"").unwrap());
    assert_eq!(values("").unwrap(), values("---\n").unwrap());
    let err = words(&values("a: 1\n---more\n").unwrap_err());
    assert_eq!(err, "cannot load values.yaml: error reading yaml document: invalid Yaml document separator: more");
    let err = words(&values("- a\n").unwrap_err());
    assert_eq!(
        err,
        "cannot load values.yaml: cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: \
         json: cannot unmarshal array into Go value of type map[string]interface {}"
    );
}

#[test]
fn subcharts_are_folders_and_archives_and_name_their_parents_in_errors() {
    let inner = tgz(&[("sub/Chart.yaml", b"apiVersion: v2\nname: inner\nversion: 1.0.0\n")]);
    let files = |inner: &[u8]| {
        vec![
            file("Chart.yaml", YAML),
            file("crds/b.yaml", ""),
            file("charts/mid/Chart.yaml", "name: mid\nversion: 1.0.0\n"),
            file("charts/mid/crds/c.JSON", ""),
            file("charts/mid/crds/c.txt", ""),
            file("charts/mid/charts/inner-1.0.0.tgz", inner),
        ]
    };
    let chart = load_files(files(&inner), &LoadLimits::default()).unwrap();
    let paths: Vec<String> =
        chart.located().into_iter().map(|at| format!("{} {}", at.full_path, at.chart_path)).collect();
    assert_eq!(paths, ["app app", "app/charts/mid app.mid", "app/charts/mid/charts/inner app.mid.inner"]);
    let crds: Vec<String> = chart.crds().into_iter().map(|crd| crd.full_name).collect();
    assert_eq!(crds, ["app/crds/b.yaml", "app/charts/mid/crds/c.JSON"]);
    let err = load_files(files(b"not gzip at all"), &LoadLimits::default()).err().unwrap();
    assert_eq!(
        words(&err),
        "error unpacking subchart mid in app: error unpacking subchart inner-1.0.0.tgz in mid: gzip: invalid header"
    );
    refused(
        &[("Chart.yaml", YAML), ("charts/README.md", "")],
        "error unpacking subchart README.md in app: Chart.yaml file is missing",
    );
    refused(
        &[("Chart.yaml", YAML), ("charts/a.tgz/Chart.yaml", "")],
        "error unpacking subchart tar in app: expected a.tgz, got a.tgz/Chart.yaml",
    );
}

fn refused_archive(archive: &[u8], expected: &str) {
    let limits = LoadLimits { archive: 4096, file: 2048, entries: 10, ..LoadLimits::default() };
    let err = load_archive(archive, &limits).err().map(|err| words(&err));
    assert_eq!(err.as_deref(), Some(expected));
}

#[test]
fn archives_are_read_with_times_and_without_byte_order_marks() {
    let archive = tgz(&[("app/Chart.yaml", format!("\u{feff}{YAML}").as_bytes()), ("app\\templates\\a.yaml", b"a")]);
    let chart = load_archive(&*archive, &LoadLimits::default()).unwrap();
    assert_eq!(chart.modified.to_string(), "2023-11-14T22:13:20Z");
    assert_eq!(names(&chart.templates), ["templates/a.yaml"]);
    assert!(!chart.raw[0].data.starts_with("\u{feff}".as_bytes()));
}

#[test]
fn hostile_archives_are_refused_in_helms_words() {
    let named = |name| tgz(&[(name, b"x")]);
    refused_archive(b"", "EOF");
    refused_archive(b"apiVersion: v1\n", "gzip: invalid header");
    refused_archive(&tgz(&[]), "no files in chart archive");
    let zipped = |bytes: &[u8]| {
        let mut zipper = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zipper.write_all(bytes).unwrap();
        zipper.finish().unwrap()
    };
    refused_archive(&zipped(b"no archive"), "unexpected EOF");
    refused_archive(&zipped(&b"no archive".repeat(100)), "archive/tar: invalid tar header");
    refused_archive(&named("app//etc/passwd"), "chart illegally contains absolute paths");
    refused_archive(
        &named("Chart.yaml"),
        "chart illegally contains content outside the base directory: \"Chart.yaml\"",
    );
    refused_archive(&named("app/../../x"), "chart illegally references parent directory");
    refused_archive(&named("app/c:/x"), "chart contains illegally named files");
    refused_archive(&named("Chart.yaml/x"), "chart yaml not in base directory");
    refused_archive(
        &tgz(&[("app/large", &[0; 2049])]),
        "decompressed chart file \"app/large\" is larger than the maximum file size 2048",
    );
    let large = [0; 2000];
    refused_archive(
        &tgz(&[("app/a", &large), ("app/b", &large), ("app/c", &large)]),
        "decompressed chart is larger than the maximum size 4096",
    );
    refused_archive(&tgz(&[("app/a", &[][..]); 11]), "the chart's archives have more than 10 entries");
    let whole = tgz(&[("app/a", &[7; 2000])]);
    refused_archive(&whole[..whole.len() / 2], "unexpected EOF");
}

#[test]
fn an_archive_within_itself_ends_at_the_limit_of_depth() {
    let mut archive = tgz(&[("app/Chart.yaml", YAML.as_bytes())]);
    for _ in 0..5 {
        archive = tgz(&[("app/Chart.yaml", YAML.as_bytes()), ("app/charts/a.tgz", &archive)]);
    }
    let limits = |depth| LoadLimits { depth, ..LoadLimits::default() };
    assert!(load_archive(&*archive, &limits(5)).is_ok());
    let err = words(&load_archive(&*archive, &limits(4)).err().unwrap());
    assert!(err.ends_with("subcharts are nested deeper than 4 levels"), "{err}");
}

#[test]
fn links_in_archives_are_not_followed() {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(YAML.len() as u64);
    builder.append_data(&mut header, "app/Chart.yaml", YAML.as_bytes()).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "app/secret", "/etc/passwd").unwrap();
    let archive = builder.into_inner().unwrap().finish().unwrap();
    let chart = load_archive(&*archive, &LoadLimits::default()).unwrap();
    assert_eq!((chart.files[0].name.as_str(), chart.files[0].data.len()), ("secret", 0));
}

#[test]
fn folders_are_walked_without_what_helmignore_names() {
    let mut files = Memory::new();
    let mut write = |path: &str, data: &str| files.write(path.into(), data).unwrap();
    write("charts/app/.helmignore", "\u{feff}*.bak\nci/\n");
    write("charts/app/Chart.yaml", &format!("\u{feff}{YAML}"));
    write("charts/app/old.bak", "");
    write("charts/app/ci/values.yaml", "");
    write("charts/app/templates/.swp", "");
    write("charts/app/templates/b.yaml", "");
    write("charts/app/templates/a/c.yaml", "");
    write("other", "");
    let chart = load_folder(&files, "charts/app".into(), &LoadLimits::default()).unwrap();
    assert_eq!(names(&chart.raw), [".helmignore", "Chart.yaml", "templates/a/c.yaml", "templates/b.yaml"]);
}

#[test]
fn files_in_folders_have_the_limits_that_are_given() {
    let mut files = Memory::new();
    let mut write = |path: &str, data: &[u8]| files.write(path.into(), data).unwrap();
    write("app/Chart.yaml", YAML.as_bytes());
    write("app/charts/sub.tgz", &tgz(&[("sub/Chart.yaml", YAML.as_bytes()), ("sub/large", &[0; 3000])]));
    write("large/Chart.yaml", YAML.as_bytes());
    write("large/values.yaml", &[b'#'; 3000]);
    let refused = |root: &str, limits: &LoadLimits| words(&load_folder(&files, root.into(), limits).err().unwrap());
    let limits = LoadLimits { file: 2999, ..LoadLimits::default() };
    assert_eq!(refused("large", &limits), "chart file \"values.yaml\" is larger than the maximum file size 2999");
    let nested = "decompressed chart file \"sub/large\" is larger than the maximum file size 2999";
    assert_eq!(refused("app", &limits), format!("error unpacking subchart sub.tgz in app: {nested}"));
    let limits = LoadLimits { file: 3000, ..limits };
    assert!(load_folder(&files, "app".into(), &limits).is_ok());
    assert!(load_folder(&files, "large".into(), &limits).is_ok());
}

#[test]
fn links_in_folders_stay_below_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(dir.path()).unwrap();
    std::fs::create_dir_all(root.join("source/app/templates")).unwrap();
    std::fs::File::create(root.join("source/app/Chart.yaml")).unwrap().write_all(YAML.as_bytes()).unwrap();
    std::fs::write(root.join("source/LICENSE"), "free").unwrap();
    std::fs::write(root.join("secret"), "secret").unwrap();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join("source/app").join(at)).unwrap();
    link("../LICENSE", "LICENSE");
    let files = Directory::open(&root.join("source")).unwrap();
    let chart = load_folder(&files, "app".into(), &LoadLimits::default()).unwrap();
    assert_eq!(chart.files[0].data[..], *b"free");
    link("../../../secret", "templates/secret");
    let err = words(&load_folder(&files, "app".into(), &LoadLimits::default()).err().unwrap());
    assert_eq!(err, "error reading templates/secret: app/templates/secret: leaves the root");
    std::fs::remove_file(root.join("source/app/templates/secret")).unwrap();
    link(".", "templates/again");
    let err = words(&load_folder(&files, "app".into(), &LoadLimits::default()).err().unwrap());
    assert!(err.starts_with("folders are nested deeper than 100 levels") || err.contains("symbolic links"), "{err}");
}
