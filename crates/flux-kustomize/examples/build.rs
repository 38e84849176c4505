//! Prints what `kustomize build` prints: `cargo run -p flux-kustomize --example build -- DIR`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example program talks to its user")]

use std::io::Write as _;
use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::Directory;
use flux_kustomize::{Built, LoadRestrictions, Options, Reorder};

const HELP: &str = "\
Builds a kustomization and prints the objects, as `kustomize build` does.

Usage: build [OPTIONS] [DIR]

Arguments:
  [DIR]  The directory that holds the kustomization file [default: .]

Options:
      --load-restrictor <MODE>  none: a kustomization may read any file; root: only files in or below its own
                                directory [default: root]
      --reorder <ORDER>         legacy: namespaces and definitions first, webhooks last; none: as they were
                                added [default: legacy]
  -h, --help                    Print this help
";

/// What the command line asks for.
struct Arguments {
    directory: Utf8PathBuf,
    options: Options,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("Error: {message}\n\nFor more, try '--help'.");
            return ExitCode::from(2);
        }
    };
    match build(&arguments) {
        // Nothing is left to do that would be worth freeing memory for.
        Ok(built) => {
            std::mem::forget(built);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments, or none where help is wanted.
fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut directory = None;
    let mut options =
        Options { load_restrictions: LoadRestrictions::RootOnly, reorder: Reorder::Legacy, ..Options::default() };
    while let Some(word) = words.next() {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (word, None),
        };
        let mut value = || given.clone().or_else(|| words.next()).ok_or_else(|| format!("'{name}' needs a value"));
        match name.as_str() {
            "-h" | "--help" => return Ok(None),
            "--load-restrictor" => {
                options.load_restrictions = match value()?.as_str() {
                    "none" | "LoadRestrictionsNone" => LoadRestrictions::None,
                    "root" | "LoadRestrictionsRootOnly" => LoadRestrictions::RootOnly,
                    other => return Err(format!("'{other}' is no load restrictor: give 'none' or 'root'")),
                };
            }
            "--reorder" => {
                options.reorder = match value()?.as_str() {
                    "legacy" => Reorder::Legacy,
                    "none" => Reorder::None,
                    other => return Err(format!("'{other}' is no order: give 'legacy' or 'none'")),
                };
            }
            _ if name.starts_with('-') => return Err(format!("unknown option '{name}'")),
            _ if directory.is_some() => return Err(format!("one directory is built at a time, not also '{name}'")),
            _ => directory = Some(Utf8PathBuf::from(name)),
        }
    }
    Ok(Some(Arguments { directory: directory.unwrap_or_else(|| ".".into()), options }))
}

/// Prints what was built. Bases may lie anywhere, so that the whole file system is what the build may see.
fn build(arguments: &Arguments) -> Result<Built, String> {
    let directory = arguments.directory.canonicalize_utf8();
    let directory = directory.map_err(|err| format!("cannot open '{}': {err}", arguments.directory))?;
    let files = Directory::open(Utf8Path::new("/")).map_err(|err| err.to_string())?;
    let inside = directory.strip_prefix("/").unwrap_or(&directory);
    let built = flux_kustomize::build(&files, inside, &arguments.options).map_err(|err| err.chain())?;
    for warning in &built.warnings {
        eprintln!("# Warning: {warning}");
    }
    let text = built.to_yaml().map_err(|err| err.chain())?;
    std::io::stdout().write_all(text.as_bytes()).map_err(|err| format!("cannot print: {err}"))?;
    Ok(built)
}
