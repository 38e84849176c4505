//! One encrypted document on its way: found, unlocked, opened.

use flux_kms::DataKeyError;
use flux_sops::{DataKey, Document, Format, Integrity, Keyring, MAX_DOCUMENT, MasterKey, Metadata};
use zeroize::Zeroizing;

use super::error::OpenError;
use super::secrets::secrets;

/// An encrypted document and where it was found.
#[derive(Debug)]
pub(in super::super) struct Sealed<P> {
    place: P,
    document: Document,
    lock: Lock,
    input: Format,
    output: Format,
}

/// What is known of a document's data key.
#[derive(Debug)]
enum Lock {
    Unlocked(DataKey),
    /// Only a key service may have it.
    Service,
    Failed(Box<OpenError>),
}

/// A document that stays closed.
pub(super) struct Refused<P> {
    /// Where it was found.
    pub(super) place: P,
    /// Why.
    pub(super) cause: Box<OpenError>,
}

/// What a document held.
pub(super) struct Opened<P> {
    /// Where it belongs.
    pub(super) place: P,
    /// The text, in the format that is wanted there.
    pub(super) plain: Zeroizing<Vec<u8>>,
    /// The values in it that were encrypted.
    pub(super) secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl<P> Sealed<P> {
    /// Reads a document, and unlocks it if keys of the ring can.
    pub(super) fn read(
        place: P,
        data: &[u8],
        (input, output): (Format, Format),
        ring: &Keyring,
    ) -> Result<Self, Refused<P>> {
        let document = match Document::parse(data, input) {
            Ok(document) => document,
            Err(cause) => return Err(Refused { place, cause: OpenError::Load { format: input, cause }.into() }),
        };
        let lock = match document.data_key(ring) {
            Ok(key) => Lock::Unlocked(key),
            Err(_) if has_service_key(&document) => Lock::Service,
            Err(cause) => Lock::Failed(OpenError::DataKey(cause).into()),
        };
        Ok(Self { place, document, lock, input, output })
    }

    /// The keys of a document that the ring alone does not unlock; none where nothing more can be done.
    pub(super) fn locked(&self) -> Option<&Metadata> {
        match self.lock {
            Lock::Service => Some(self.document.metadata()),
            Lock::Unlocked(_) | Lock::Failed(_) => None,
        }
    }

    /// Whether the document is still closed, and a key of Vault might have opened it.
    pub(super) fn wants_vault(&self) -> bool {
        match self.lock {
            Lock::Unlocked(_) => false,
            Lock::Service | Lock::Failed(_) => has_key(&self.document, |key| matches!(key, MasterKey::Vault { .. })),
        }
    }

    /// Takes what the key services gave.
    pub(super) fn unlock(&mut self, key: Result<DataKey, DataKeyError>) {
        self.lock = key.map_or_else(|cause| Lock::Failed(OpenError::Services(cause).into()), Lock::Unlocked);
    }

    /// What the document holds. One that was not unlocked stays closed.
    pub(super) fn open(self) -> Result<Opened<P>, Refused<P>> {
        let Self { place, document, lock, input, output } = self;
        let key = match lock {
            Lock::Unlocked(key) => Ok(key),
            Lock::Failed(cause) => return Err(Refused { place, cause }),
            Lock::Service => Err(OpenError::Unanswered),
        };
        let opened = key.and_then(|key| {
            let sealed = document.branches().to_vec();
            // Builds add fields to encrypted objects, so that the message authentication code no longer fits.
            let plain = document.decrypt(&key, Integrity::Ignored).map_err(OpenError::Values)?;
            let secrets = secrets(&sealed, plain.branches());
            let plain = plain.print(output).map_err(|cause| OpenError::Print { input, output, cause })?;
            Ok((plain, secrets))
        });
        match opened {
            Ok((plain, secrets)) => Ok(Opened { place, plain, secrets }),
            Err(cause) => Err(Refused { place, cause: cause.into() }),
        }
    }
}

/// No more is decrypted at once than upstream does.
pub(super) fn bounded(data: &[u8]) -> Result<(), Box<OpenError>> {
    if data.len() > MAX_DOCUMENT {
        return Err(OpenError::TooLarge { size: data.len(), limit: MAX_DOCUMENT }.into());
    }
    Ok(())
}

/// Whether one of the document's keys is held by a service.
fn has_service_key(document: &Document) -> bool {
    has_key(document, |key| match key {
        MasterKey::Age { .. } | MasterKey::Pgp { .. } => false,
        MasterKey::AwsKms { .. }
        | MasterKey::GcpKms { .. }
        | MasterKey::AzureKeyVault { .. }
        | MasterKey::Vault { .. }
        | MasterKey::HuaweiKms { .. } => true,
    })
}

fn has_key(document: &Document, is: impl Fn(&MasterKey) -> bool) -> bool {
    document.metadata().key_groups.iter().flatten().any(is)
}
