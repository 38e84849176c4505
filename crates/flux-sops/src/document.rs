//! Documents, encrypted and plain.

use zeroize::Zeroizing;

use crate::cipher::{self, NONCE};
use crate::{Branch, DataKey, Error, Format, Keyring, MAX_DOCUMENT, Metadata, Random, Recovery, Value};
use crate::{metadata, stores, tree, walk};

/// Whether a document's message authentication code must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// The code must be that of the values, as SOPS itself demands.
    Required,
    /// The code is left alone, as in Flux, whose builds add fields to encrypted objects.
    Ignored,
}

/// An encrypted document with its metadata.
#[derive(Clone, Debug)]
pub struct Document {
    branches: Vec<Branch>,
    metadata: Metadata,
}

impl Document {
    /// Reads an encrypted document.
    pub fn parse(data: &[u8], format: Format) -> Result<Self, Error> {
        bounded(data)?;
        let mut branches = stores::read_encrypted(data, format)?;
        let metadata = metadata::extract(&mut branches, stores::layout(format))?;
        Ok(Self { branches, metadata })
    }

    /// What the document says of its encryption: the keys to resolve are in its groups, see [`Recovery`].
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The documents of the stream, without the metadata.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The data key, as the keys of a ring alone give it.
    pub fn data_key(&self, keyring: &Keyring) -> Result<DataKey, Error> {
        Recovery::new(&self.metadata).with_keyring(keyring)
    }

    /// Decrypts all values.
    pub fn decrypt(self, key: &DataKey, integrity: Integrity) -> Result<PlainDocument, Error> {
        let Self { branches, metadata } = self;
        let mut plain = PlainDocument { branches };
        let code = walk::decrypt(&mut plain.branches, &metadata, key)?;
        if integrity == Integrity::Required {
            let wanted = cipher::decrypt(metadata.mac.as_bytes(), key, &metadata.last_modified).map_err(Error::Mac)?;
            if wanted != Value::text(code) {
                return Err(Error::MacMismatch);
            }
        }
        Ok(plain)
    }

    /// Prints the document with its metadata.
    pub fn print(&self, format: Format) -> Result<Vec<u8>, Error> {
        let branches = metadata::embed(&self.branches, &self.metadata, stores::layout(format))?;
        stores::print_encrypted(&branches, format)
    }
}

/// A document that is not encrypted. Its texts are overwritten when it is dropped; Debug shows no values.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainDocument {
    branches: Vec<Branch>,
}

impl PlainDocument {
    /// Reads a document that is not encrypted.
    pub fn parse(data: &[u8], format: Format) -> Result<Self, Error> {
        bounded(data)?;
        Ok(Self { branches: stores::read_plain(data, format)? })
    }

    /// A document of trees.
    pub fn new(branches: Vec<Branch>) -> Self {
        Self { branches }
    }

    /// The documents of the stream.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// Encrypts the values that the rule of `metadata` says.
    ///
    /// `metadata` has to hold the data key in its keys already (see [`crate::seal_data_key`]) and the time of the
    /// encryption; the authentication code is set here. `random` gives the nonces.
    pub fn encrypt(
        mut self,
        mut metadata: Metadata,
        key: &DataKey,
        random: &mut Random<'_>,
    ) -> Result<Document, Error> {
        let code = walk::encrypt(&mut self.branches, &metadata, key, random)?;
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        metadata.mac = cipher::encrypt(&Value::text(code), key, &metadata.last_modified, &nonce).map_err(Error::Mac)?;
        Ok(Document { branches: std::mem::take(&mut self.branches), metadata })
    }

    /// Prints the document.
    pub fn print(&self, format: Format) -> Result<Zeroizing<Vec<u8>>, Error> {
        stores::print_plain(&self.branches, format).map(Zeroizing::new)
    }
}

impl Drop for PlainDocument {
    fn drop(&mut self) {
        self.branches.iter_mut().for_each(tree::wipe);
    }
}

/// Decrypts a document with the keys of a ring alone and prints it, in one step.
pub fn decrypt(
    data: &[u8],
    input: Format,
    output: Format,
    keyring: &Keyring,
    integrity: Integrity,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let document = Document::parse(data, input)?;
    let key = document.data_key(keyring)?;
    document.decrypt(&key, integrity)?.print(output)
}

fn bounded(data: &[u8]) -> Result<(), Error> {
    if data.len() > MAX_DOCUMENT {
        return Err(Error::TooLarge { size: data.len(), limit: MAX_DOCUMENT });
    }
    Ok(())
}
