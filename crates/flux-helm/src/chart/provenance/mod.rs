//! Who packaged a chart: the file beside an archive that says its digest, signed with PGP.
//!
//! A key counts because it is in the keyring; there is no web of trust. The error texts are Helm's and those of the
//! library that it uses, as far as they are known.

mod clearsign;
mod keyring;

use std::collections::BTreeMap;
use std::io::{self, Read};

use flux_tar::{Algorithm, Digest};
use jiff::Timestamp;

pub use keyring::{Keyring, KeyringError, Refusal, Signer};

use super::decode::{DecodeError, Decoder, Field, Struct};
use super::document::Json;
use super::validate::quoted;
use clearsign::Message;

/// Bytes of a provenance file that are read.
const MAX_PROVENANCE: usize = 16 << 20;

/// A chart whose provenance is what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Who signed.
    pub signed_by: Signer,
    /// The digest of the archive, `sha256:…`.
    pub file_hash: String,
    /// The name of the archive.
    pub file_name: String,
}

/// Why a chart's provenance is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// The provenance file has more bytes than are read.
    #[error("the provenance file has more than {MAX_PROVENANCE} bytes")]
    TooLarge,
    /// It is no signed message.
    #[error("signature block not found")]
    NoSignature,
    /// No key of the keyring signed it, or may.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The archive cannot be read.
    #[error("failed to read the chart archive")]
    Archive(#[source] io::Error),
    /// The message has metadata only.
    #[error("message block must have at least two parts")]
    Parts,
    /// The digests in the message cannot be read.
    #[error(transparent)]
    Sums(#[from] DecodeError),
    /// The message is about other files.
    #[error("provenance does not contain a SHA for a file named {}", quoted(.0))]
    NoSum(String),
    /// The archive is another.
    #[error("sha256 sum does not match for {name}: {} != {}", quoted(.expected), quoted(.found))]
    Sum {
        /// The name of the archive.
        name: String,
        /// The digest in the message.
        expected: String,
        /// The digest of the archive.
        found: String,
    },
}

/// Checks that a key of the ring signed the provenance file, and that this has the digest of the archive.
///
/// Keys and signatures must not be expired at `now`. A fault of the signature is told before one of the digest.
pub fn verify(
    keyring: &Keyring,
    archive: impl Read,
    provenance: &[u8],
    file_name: &str,
    now: Timestamp,
) -> Result<Verification, ProvenanceError> {
    if provenance.len() > MAX_PROVENANCE {
        return Err(ProvenanceError::TooLarge);
    }
    let message = Message::parse(provenance).ok_or(ProvenanceError::NoSignature)?;
    let signed_by = keyring.signer(&message, now)?;
    let found = Digest::of_reader(Algorithm::Sha256, archive).map_err(ProvenanceError::Archive)?;
    let found = format!("sha256:{}", found.hex());
    let mut sums = read_sums(&message.text)?;
    match sums.remove(file_name) {
        None => Err(ProvenanceError::NoSum(file_name.to_owned())),
        Some(expected) if expected != found => {
            Err(ProvenanceError::Sum { name: file_name.to_owned(), expected, found })
        }
        Some(_) => Ok(Verification { signed_by, file_hash: found, file_name: file_name.to_owned() }),
    }
}

/// The second part of a message.
#[derive(Debug, Default)]
struct Sums {
    files: BTreeMap<String, String>,
    images: BTreeMap<String, String>,
}

static SUMS: Struct<Sums> = Struct {
    go_type: "provenance.SumCollection",
    fields: &[
        Field::new("files", |decoder, sums: &mut Sums, value| {
            decoder.text_map(value, &mut sums.files);
            Ok(())
        }),
        Field::new("images", |decoder, sums: &mut Sums, value| {
            decoder.text_map(value, &mut sums.images);
            Ok(())
        }),
    ],
    embedded: None,
};

/// The digests of files in a message, by the files' names.
fn read_sums(message: &[u8]) -> Result<BTreeMap<String, String>, ProvenanceError> {
    const BETWEEN: &[u8] = b"\n...\n";
    let start = memchr::memmem::find(message, BETWEEN).ok_or(ProvenanceError::Parts)?;
    let behind = &message[start + BETWEEN.len()..];
    let part = &behind[..memchr::memmem::find(behind, BETWEEN).unwrap_or(behind.len())];
    let mut sums = Sums::default();
    let mut decoder = Decoder::yaml();
    let end = decoder.object(Json::from_yaml(part).map_err(DecodeError::from)?, &SUMS, &mut sums);
    decoder.finish(end).map_err(DecodeError::Field)?;
    Ok(sums.files)
}
