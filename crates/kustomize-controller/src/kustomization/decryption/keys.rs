//! The keys that an object decrypts with.

use std::sync::Arc;

use flux_api::kustomize::v1::Kustomization;
use flux_kms::SecretKeys;
use flux_runtime::{ObjectKey, Run, SecretData};
use flux_sops::Keyring;
use flux_ssa::Fingerprint;

use super::error::KeysError;

/// The ending of age identities among a Secret's data.
const AGE: &str = "agekey";
/// The ending of PGP private keys.
const PGP: &str = "asc";

/// What opens documents for one object.
#[derive(Clone)]
pub(in super::super) struct Keys {
    /// Private keys.
    pub(super) ring: Arc<Keyring>,
    /// Credentials of key services.
    pub(super) services: SecretKeys,
    /// Stands for the Secret that all of it is from; none without one.
    pub(in super::super) secret: Option<Fingerprint>,
}

/// The keys of `object`: those of its own Secret, or else of the one for all objects. None when it decrypts nothing.
pub(super) async fn read(
    object: &Kustomization,
    shared: Option<&ObjectKey>,
    run: &Run<Kustomization>,
) -> Result<Option<Keys>, KeysError> {
    let Some(decryption) = &object.spec.decryption else { return Ok(None) };
    let (mut ring, mut services, mut from) = (Keyring::new(), SecretKeys::default(), None);
    match (&decryption.secret_ref, shared) {
        (Some(own), _) => {
            let secret = secret(&ObjectKey::new(ObjectKey::of(object).namespace, own.name.clone()), run).await?;
            import(&secret, &[AGE, PGP], &mut ring)?;
            from = Some(fingerprint(&secret));
            services = SecretKeys::read(secret.iter())
                .map_err(|cause| KeysError::Credentials { secret: secret.key.clone(), cause })?;
        }
        // Credentials of key services in it would stand in the way of logins as the object.
        (None, Some(shared)) => {
            let secret = secret(shared, run).await?;
            import(&secret, &[AGE], &mut ring)?;
            from = Some(fingerprint(&secret));
        }
        (None, None) => {}
    }
    Ok(Some(Keys { ring: Arc::new(ring), services, secret: from }))
}

fn fingerprint(secret: &SecretData) -> Fingerprint {
    let key = secret.key.to_string();
    let entries = secret.iter().flat_map(|(name, value)| [name.as_bytes(), value]);
    Fingerprint::of(std::iter::once(key.as_bytes()).chain(entries))
}

async fn secret(key: &ObjectKey, run: &Run<Kustomization>) -> Result<SecretData, KeysError> {
    let read = run.secret(&key.namespace, &key.name).await;
    read.map_err(|err| KeysError::Read { secret: key.clone(), cause: Box::new(err) })
}

/// Adds the keys of a Secret whose names end in one of `endings`.
fn import(secret: &SecretData, endings: &[&str], ring: &mut Keyring) -> Result<(), KeysError> {
    for (name, value) in secret.iter() {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| endings.contains(ending));
        let added = match ending {
            Some(AGE) => ring.add_age(&String::from_utf8_lossy(value)),
            Some(PGP) => ring.add_pgp(value),
            Some(_) | None => Ok(()),
        };
        added.map_err(|cause| KeysError::Import {
            secret: secret.key.clone(),
            name: name.to_owned(),
            cause: cause.into(),
        })?;
    }
    Ok(())
}
