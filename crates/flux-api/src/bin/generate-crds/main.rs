//! Writes one CRD a file into a folder, or with `--check` says which files differ from what would be written.
//!
//! ```text
//! generate-crds [--check] [FOLDER]      FOLDER is charts/flux/crds when it is left out
//! ```
//!
//! Ends with status 1 when a file could not be written, or with `--check` when one differs, is missing or is of no kind.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool talks to its caller")]

mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

/// Files by name, with their content.
type Files = BTreeMap<String, String>;

fn main() -> ExitCode {
    let (flags, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let check = flags.iter().any(|flag| flag == "--check");
    if flags.iter().any(|flag| flag != "--check") || paths.len() > 1 {
        eprintln!("usage: generate-crds [--check] [FOLDER]");
        return ExitCode::from(2);
    }
    let folder = paths.first().map_or_else(|| PathBuf::from("charts/flux/crds"), PathBuf::from);
    let outcome = if check { different(&folder) } else { write(&folder).map(|()| Vec::new()) };
    match outcome {
        Ok(names) if names.is_empty() => ExitCode::SUCCESS,
        Ok(names) => {
            for name in names {
                println!("{}", folder.join(name).display());
            }
            ExitCode::FAILURE
        }
        Err(err) => {
            eprintln!("failed to generate CRDs in {}: {err}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// What belongs into the folder: one file a kind, named `<group>_<plural>.yaml`.
fn generate() -> io::Result<Files> {
    let mut files = Files::new();
    for crd in flux_api::crd::all()? {
        let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
        files.insert(name, yaml::document(&serde_json::to_value(&crd)?));
    }
    Ok(files)
}

/// Brings the folder in line: writes what differs and removes YAML files of kinds that are gone.
fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let files = generate()?;
    for name in compare(folder, &files)? {
        match files.get(&name) {
            Some(content) => fs::write(folder.join(&name), content)?,
            None => fs::remove_file(folder.join(&name))?,
        }
    }
    Ok(())
}

fn different(folder: &Path) -> io::Result<Vec<String>> {
    compare(folder, &generate()?)
}

/// The names of files that are missing, differ, or belong to no kind.
fn compare(folder: &Path, files: &Files) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, content) in files {
        match fs::read_to_string(folder.join(name)) {
            Ok(found) if found == *content => {}
            Ok(_) => names.push(name.clone()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => names.push(name.clone()),
            Err(err) => return Err(err),
        }
    }
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if path.extension().is_some_and(|extension| extension == "yaml") && !files.contains_key(&name) {
                    names.push(name);
                }
            }
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        Err(err) => return Err(err),
    }
    names.sort();
    Ok(names)
}
