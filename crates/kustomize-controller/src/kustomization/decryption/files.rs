//! Encrypted files, which are decrypted before the build reads them.

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, Overlay};
use flux_kustomize::flux::{SecretFile, SecretRole, secret_files};
use flux_runtime::Masker;
use flux_sops::{Format, Keyring};
use zeroize::Zeroizing;

use super::document::{Opened, Refused, Sealed, bounded};
use super::error::DecryptionError;

/// Where an encrypted file is, and what its values are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct FilePlace {
    /// From the root of the artifact.
    path: Utf8PathBuf,
    /// Whether its values are nothing but secrets.
    secret: bool,
}

/// The encrypted files that a build of `directory` reads into Secrets and patches.
pub(in super::super) fn sealed_files(
    files: &dyn Files,
    directory: &Utf8Path,
    ring: &Keyring,
) -> Result<Vec<Sealed<FilePlace>>, DecryptionError> {
    let mut sealed = Vec::new();
    for SecretFile { path, role } in secret_files(files, directory) {
        let data = Zeroizing::new(files.read(&path).map_err(DecryptionError::Files)?);
        bounded(&data).map_err(|cause| DecryptionError::File { path: path.clone(), cause })?;
        let format = format(&role);
        if !format.is_encrypted(&data) {
            continue;
        }
        let place = FilePlace { path, secret: !matches!(role, SecretRole::Patch { .. }) };
        let read = Sealed::read(place, &data, (format, format), ring);
        sealed.push(read.map_err(refused)?);
    }
    Ok(sealed)
}

/// Puts what the files hold in their place, in memory. From here on the secrets among it are masked.
pub(in super::super) fn open_files(
    sealed: Vec<Sealed<FilePlace>>,
    overlay: &mut Overlay<'_>,
    masker: &Masker,
) -> Result<(), DecryptionError> {
    for document in sealed {
        let Opened { place, plain, secrets } = document.open().map_err(refused)?;
        for secret in &secrets {
            masker.add(secret);
        }
        if place.secret {
            for value in values(&plain) {
                masker.add(value);
            }
        }
        overlay.write(&place.path, plain.as_slice()).map_err(DecryptionError::Files)?;
    }
    Ok(())
}

fn refused(refused: Refused<FilePlace>) -> DecryptionError {
    DecryptionError::File { path: refused.place.path, cause: refused.cause }
}

/// The format of a file, by the name that the kustomization gives it.
fn format(role: &SecretRole) -> Format {
    match role {
        SecretRole::Value { name } | SecretRole::Patch { name } => Format::of_path(name),
        SecretRole::Variables { name } => match Format::of_path(name) {
            Format::Binary => Format::Dotenv,
            format @ (Format::Yaml | Format::Json | Format::Dotenv | Format::Ini) => format,
        },
    }
}

/// What is secret in a file: its only line, or the values of its `name=value` lines. The lines of other texts are as often
/// ordinary words, which must not be masked.
fn values(plain: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<&[u8]> = plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let value = |line: &[u8]| line.iter().position(|byte| *byte == b'=').map(|at| at + 1);
    match lines[..] {
        [line] => value(line).map(|at| &line[at..]).into_iter().chain([line]).collect(),
        _ => lines.into_iter().filter_map(|line| value(line).map(|at| &line[at..])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kustomization_says_what_format_a_file_has() {
        let check = |role: SecretRole, expected| assert_eq!(format(&role), expected, "{role:?}");
        let name = |name: &str| name.to_owned();
        check(SecretRole::Value { name: name("a.yaml") }, Format::Yaml);
        check(SecretRole::Value { name: name(".dockerconfigjson") }, Format::Json);
        check(SecretRole::Value { name: name("token") }, Format::Binary);
        check(SecretRole::Variables { name: name("secrets") }, Format::Dotenv);
        check(SecretRole::Variables { name: name("secrets.json") }, Format::Json);
        check(SecretRole::Patch { name: name("patch.txt") }, Format::Binary);
    }

    #[test]
    fn words_of_a_longer_text_are_no_secrets() {
        let check = |text: &str, expected: &[&str]| {
            let found = values(text.as_bytes());
            assert_eq!(found, expected.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{text}");
        };
        check("hunter2\n", &["hunter2"]);
        check("USER=admin\nPASS=a=b\n", &["admin", "a=b"]);
        check("TOKEN=hunter2", &["hunter2", "TOKEN=hunter2"]);
        check("metadata:\n  name: web\n", &[]);
    }
}
