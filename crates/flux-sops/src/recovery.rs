//! The way from a document's keys to its data key.

use zeroize::Zeroizing;

use crate::{DataKey, Error, KeyError, Keyring, MasterKey, Metadata, Random, ShamirError, shamir};

/// Walks through the keys of a document until each group gave its part or ran out of keys.
///
/// The caller asks for the next key to try, resolves it however it likes, and tells what came of it:
///
/// ```
/// # fn resolve(_: &flux_sops::MasterKey) -> Result<zeroize::Zeroizing<Vec<u8>>, String> { Err("unknown".to_owned()) }
/// # fn recover(metadata: &flux_sops::Metadata) -> Result<flux_sops::DataKey, flux_sops::Error> {
/// let mut recovery = flux_sops::Recovery::new(metadata);
/// while let Some(key) = recovery.next_key() {
///     match resolve(key) {
///         Ok(part) => recovery.resolved(part),
///         Err(reason) => recovery.failed(reason),
///     }
/// }
/// recovery.finish()
/// # }
/// ```
///
/// Within a group, keys that need no service come first: age, then PGP, then the others as they stand.
#[derive(Debug)]
pub struct Recovery<'m> {
    groups: Vec<Vec<&'m MasterKey>>,
    threshold: i64,
    group: usize,
    key: usize,
    parts: Parts,
    reasons: Vec<String>,
}

/// The groups' parts, which Debug does not show.
#[derive(Default)]
struct Parts(Vec<Zeroizing<Vec<u8>>>);

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} parts", self.0.len())
    }
}

impl<'m> Recovery<'m> {
    /// A walk that starts with the first group.
    pub fn new(metadata: &'m Metadata) -> Self {
        let order = |key: &&MasterKey| match key {
            MasterKey::Age { .. } => 0,
            MasterKey::Pgp { .. } => 1,
            _ => 2,
        };
        let sorted = |group: &'m Vec<MasterKey>| {
            let mut keys: Vec<&MasterKey> = group.iter().collect();
            keys.sort_by_key(order);
            keys
        };
        Self {
            groups: metadata.key_groups.iter().map(sorted).collect(),
            threshold: metadata.shamir_threshold,
            group: 0,
            key: 0,
            parts: Parts::default(),
            reasons: Vec::new(),
        }
    }

    /// The next key to try; none when all groups are through.
    pub fn next_key(&mut self) -> Option<&'m MasterKey> {
        loop {
            let group = self.groups.get(self.group)?;
            if let Some(key) = group.get(self.key) {
                return Some(key);
            }
            self.group += 1;
            self.key = 0;
        }
    }

    /// Takes what the last key gave, and goes on with the next group.
    pub fn resolved(&mut self, part: Zeroizing<Vec<u8>>) {
        self.parts.0.push(part);
        self.group += 1;
        self.key = 0;
    }

    /// Notes why the last key gave nothing, and goes on with the next key. The reason is shown to the user.
    pub fn failed(&mut self, reason: impl std::fmt::Display) {
        if let Some(key) = self.groups.get(self.group).and_then(|group| group.get(self.key)) {
            self.reasons.push(format!("{} {}: {reason}", key.kind(), key.name()));
        }
        self.key += 1;
    }

    /// The data key, if enough groups gave their part.
    pub fn finish(self) -> Result<DataKey, Error> {
        let Parts(mut parts) = self.parts;
        let successful = parts.len();
        let too_few = || Error::DataKey { required: self.threshold, successful, reasons: self.reasons.clone() };
        if self.groups.len() > 1 {
            if i64::try_from(successful).unwrap_or(i64::MAX) < self.threshold {
                return Err(too_few());
            }
            return Ok(DataKey::new(shamir::combine(&parts)?.to_vec()));
        }
        match parts.pop() {
            Some(part) => Ok(DataKey::new(part.to_vec())),
            None => Err(too_few()),
        }
    }

    /// Runs to the end with the keys of a ring alone.
    pub fn with_keyring(mut self, keyring: &Keyring) -> Result<DataKey, Error> {
        while let Some(key) = self.next_key() {
            match keyring.decrypt(key) {
                Ok(part) => self.resolved(part),
                Err(reason) => self.failed(reason),
            }
        }
        self.finish()
    }
}

/// The parts of a data key that the groups of `metadata` have to hold, one for each group in their order.
///
/// One group holds the whole key. Of more, as many as the threshold says give the key back; all of them where it is 0.
pub fn split_data_key(
    metadata: &Metadata,
    key: &DataKey,
    random: &mut Random<'_>,
) -> Result<Vec<Zeroizing<Vec<u8>>>, ShamirError> {
    let groups = metadata.key_groups.len();
    if groups < 2 {
        return Ok(vec![Zeroizing::new(key.bytes().to_vec()); groups]);
    }
    let threshold = match usize::try_from(metadata.shamir_threshold) {
        Ok(0) => groups,
        Ok(threshold) => threshold,
        Err(_) => return Err(ShamirError::Threshold),
    };
    shamir::split(key.bytes(), groups, threshold, random)
}

/// Lets `encrypt` make the encrypted form of the data key, or of its group's part, for every key of `metadata`.
pub fn seal_data_key(
    metadata: &mut Metadata,
    key: &DataKey,
    random: &mut Random<'_>,
    mut encrypt: impl FnMut(&MasterKey, &[u8]) -> Result<String, KeyError>,
) -> Result<(), SealError> {
    let parts = split_data_key(metadata, key, random)?;
    if metadata.key_groups.len() > 1 && metadata.shamir_threshold == 0 {
        metadata.shamir_threshold = i64::try_from(metadata.key_groups.len()).unwrap_or(i64::MAX);
    }
    for (group, part) in metadata.key_groups.iter_mut().zip(&parts) {
        for master in group {
            let encrypted = encrypt(master, part).map_err(|source| SealError::Key { key: master.name(), source })?;
            master.set_encrypted(encrypted);
        }
    }
    Ok(())
}

/// Why a data key could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It could not be split.
    #[error("could not split data key into parts for Shamir")]
    Split(#[from] ShamirError),
    /// A key could not encrypt its part.
    #[error("failed to encrypt new data key with master key {key:?}")]
    Key {
        /// The key's name.
        key: String,
        /// Why.
        source: KeyError,
    },
}
