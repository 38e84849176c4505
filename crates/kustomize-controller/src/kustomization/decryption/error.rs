//! Why what is encrypted could not be decrypted. No text holds a key or a decrypted value.

use camino::Utf8PathBuf;
use flux_runtime::{ObjectKey, ReadError};
use flux_sops::Format;

use super::super::error::Cause;

/// Why an object's keys could not be had.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum KeysError {
    /// The Secret could not be read.
    #[error("cannot get sops decryption Secret '{secret}'")]
    Read {
        /// The Secret.
        secret: ObjectKey,
        /// The cause.
        #[source]
        cause: Box<ReadError>,
    },
    /// A key of the Secret's data is none.
    #[error("failed to import '{name}' data from sops decryption Secret '{secret}'")]
    Import {
        /// The Secret.
        secret: ObjectKey,
        /// The name in its data.
        name: String,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// The list of Vault servers cannot be had.
    #[error("failed to read the Vault servers of ConfigMap '{config_map}'")]
    Vault {
        /// The ConfigMap.
        config_map: ObjectKey,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// Credentials of a key service in the Secret are none.
    #[error("failed to read sops decryption Secret '{secret}'")]
    Credentials {
        /// The Secret.
        secret: ObjectKey,
        /// The cause, which names the entry.
        #[source]
        cause: flux_kms::SecretKeysError,
    },
}

/// What could not be decrypted.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum DecryptionError {
    /// A file that the build reads.
    #[error("error decrypting sources: {path}")]
    File {
        /// The file, from the root of the artifact.
        path: Utf8PathBuf,
        /// The cause.
        #[source]
        cause: Box<OpenError>,
    },
    /// A file whose content cannot be read.
    #[error("error decrypting sources")]
    Files(#[source] flux_files::FilesError),
    /// A built object.
    #[error("decryption failed for '{object}': failed to decrypt and format its data")]
    Object {
        /// The object.
        object: String,
        /// The cause.
        #[source]
        cause: Box<OpenError>,
    },
    /// One key of a built Secret.
    #[error("decryption failed for '{object}': failed to decrypt and format Secret field '{key}'")]
    Value {
        /// The Secret.
        object: String,
        /// The key of its data.
        key: String,
        /// The cause.
        #[source]
        cause: Box<OpenError>,
    },
    /// A built object that is another one when it is decrypted.
    #[error("decryption failed for '{object}': failed to unmarshal what was decrypted")]
    Shape {
        /// The object.
        object: String,
        /// The cause.
        #[source]
        cause: Cause,
    },
}

/// Why one document stayed closed.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum OpenError {
    /// It is larger than what is decrypted.
    #[error("cannot decrypt file with size ({size} bytes) exceeding limit ({limit})")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// It is no encrypted document of its format.
    #[error("failed to load encrypted {} data", name(*format))]
    Load {
        /// The format.
        format: Format,
        /// The cause.
        #[source]
        cause: flux_sops::Error,
    },
    /// No key opened it.
    #[error("cannot get sops data key")]
    DataKey(#[source] flux_sops::Error),
    /// Neither the object's own keys nor the key services opened it.
    #[error(transparent)]
    Services(flux_kms::DataKeyError),
    /// The key services did not answer.
    #[error("cannot get sops data key: key services did not answer in time")]
    Unanswered,
    /// Its values are not what was encrypted.
    #[error("error decrypting sops tree")]
    Values(#[source] flux_sops::Error),
    /// What was decrypted cannot be written in the format that is wanted.
    #[error("failed to emit encrypted {} file as decrypted {}", name(*input), name(*output))]
    Print {
        /// The format of the encrypted document.
        input: Format,
        /// The format that is wanted.
        output: Format,
        /// The cause.
        #[source]
        cause: flux_sops::Error,
    },
}

/// A format as upstream's texts spell it.
fn name(format: Format) -> &'static str {
    match format {
        Format::Yaml => "YAML",
        Format::Json => "JSON",
        Format::Ini => "INI",
        Format::Dotenv | Format::Binary => format.name(),
    }
}
