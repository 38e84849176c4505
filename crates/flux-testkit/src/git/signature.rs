//! SSH keys of tests, and the signatures that git makes with them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use sha2::{Digest as _, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

/// An Ed25519 key of one test. Never for anything that must be kept.
#[derive(Clone)]
pub struct SshKey(PrivateKey);

impl SshKey {
    /// A key that no other call returns.
    pub fn generate() -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let seed = Sha256::digest(format!("{} {now} {count}", std::process::id()));
        let pair = Ed25519Keypair::from_seed(&seed.into());
        Ok(Self(PrivateKey::new(KeypairData::Ed25519(pair), "test")?))
    }

    /// The private key as OpenSSH writes it.
    pub fn private(&self) -> Result<String> {
        Ok(self.0.to_openssh(LineEnding::LF)?.to_string())
    }

    /// The public key as one line of an `authorized_keys` file.
    pub fn public(&self) -> Result<String> {
        Ok(self.0.public_key().to_openssh()?)
    }

    pub(super) fn key(&self) -> &PrivateKey {
        &self.0
    }
}

/// The signature of a commit or tag as git makes it with an SSH key.
pub fn ssh_signature(key: &SshKey, payload: &[u8]) -> Result<String> {
    Ok(key.0.sign("git", HashAlg::Sha512, payload)?.to_pem(LineEnding::LF)?)
}
