//! From a document's keys to its data key.

use flux_sops::{DataKey, Keyring, MasterKey, Metadata, Recovery};
use jiff::Timestamp;

use crate::error::whole_message;
use crate::{Identity, KeyServices, ServiceKey};

/// How many keys of services one document may have tried. Documents have a handful; one with thousands would have the
/// controller send as many requests.
const MAX_SERVICE_KEYS: usize = 50;

/// A document whose data key stays unknown, with the reason of each key that was tried.
#[derive(Debug, thiserror::Error)]
#[error("cannot get sops data key")]
pub struct DataKeyError {
    transient: bool,
    #[source]
    source: flux_sops::Error,
}

impl DataKeyError {
    /// Whether a later try may succeed with the same document and the same credentials: a service had passing troubles.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

impl KeyServices {
    /// The data key of a document: from the ring where it has one of the keys, and else from the services.
    pub async fn data_key(
        &self,
        metadata: &Metadata,
        keyring: &Keyring,
        identity: &impl Identity,
        now: Timestamp,
    ) -> Result<DataKey, DataKeyError> {
        let mut recovery = Recovery::new(metadata);
        let (mut tried, mut transient) = (0, false);
        while let Some(key) = recovery.next_key() {
            let Some(service_key) = ServiceKey::of(key) else {
                match open(keyring, key) {
                    Ok(part) => recovery.resolved(part),
                    Err(reason) => recovery.failed(reason),
                }
                continue;
            };
            tried += 1;
            if tried > MAX_SERVICE_KEYS {
                recovery.failed(format!("{MAX_SERVICE_KEYS} keys of services were tried before, and more are not"));
                continue;
            }
            match self.decrypt(&service_key, key.encrypted(), identity, now).await {
                Ok(part) => recovery.resolved(part),
                Err(err) => {
                    transient |= err.is_transient();
                    recovery.failed(whole_message(&err));
                }
            }
        }
        recovery.finish().map_err(|source| DataKeyError { transient, source })
    }
}

fn open(keyring: &Keyring, key: &MasterKey) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
    match key {
        MasterKey::HuaweiKms { .. } => Err("the service is not supported".to_owned()),
        key => keyring.decrypt(key).map_err(|err| whole_message(&err)),
    }
}
