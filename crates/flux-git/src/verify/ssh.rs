//! SSH signatures.

use ssh_key::authorized_keys::Entry as Line;
use ssh_key::{HashAlg, PublicKey, SshSig};

use crate::commit::Signed;
use crate::error::chain;
use crate::verify::{Entry, Signer, VerifyError, readable, untrusted};

/// What Git signs for.
const NAMESPACE: &str = "git";

/// The keys of authorized-keys lines.
pub(super) fn parse(text: &str) -> Result<Vec<PublicKey>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<_> = lines
        .map(|line| line.parse::<Line>().map(PublicKey::from).map_err(|err| chain(&err)))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() { Err("it holds no key".to_owned()) } else { Ok(keys) }
}

/// Who of the keys made the signature.
pub(super) fn verify(keys: &[Entry<PublicKey>], signed: &Signed) -> Result<Signer, VerifyError> {
    let signature = SshSig::from_pem(&signed.signature).map_err(|err| VerifyError::InvalidSignature(chain(&err)))?;
    let fingerprint = signature.public_key().fingerprint(HashAlg::Sha256).to_string();
    let Some(key) = readable(keys).find(|key| key.key_data() == signature.public_key()) else {
        return Err(untrusted("SSH", fingerprint, keys, |key| key.fingerprint(HashAlg::Sha256).to_string()));
    };
    match key.verify(NAMESPACE, &signed.payload, &signature) {
        Ok(()) => Ok(Signer::Ssh { fingerprint }),
        Err(ssh_key::Error::Namespace) => {
            let reason = format!("it was made for {:?}, not for {NAMESPACE:?}", signature.namespace());
            Err(VerifyError::Bad { signer: fingerprint, reason })
        }
        Err(err) => Err(VerifyError::Bad { signer: fingerprint, reason: chain(&err) }),
    }
}
