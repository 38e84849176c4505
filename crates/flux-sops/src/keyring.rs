//! Private keys that open data keys without a service: age identities, SSH keys and PGP keys.

use std::fmt;
use std::io::Read as _;

use age::armor::ArmoredReader;
use age::ssh::Identity as SshIdentity;
use pgp::composed::{DecryptionOptions, Deserializable as _, Message, SignedSecretKey, TheRing};
use pgp::types::Password;
use zeroize::Zeroizing;

use crate::{KeyError, MasterKey};

/// The longest plain data key that is read from an encrypted one: far above every real one.
const MAX_PART: u64 = 4096;
/// How many compressed or signed layers may stand around a PGP message's content.
const MAX_LAYERS: usize = 4;

/// Private keys. Debug shows how many, and dropping them overwrites what their libraries overwrite.
#[derive(Default)]
pub struct Keyring {
    age: Vec<Box<dyn age::Identity + Send + Sync>>,
    pgp: Vec<SignedSecretKey>,
}

impl Keyring {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the ring has no key.
    pub fn is_empty(&self) -> bool {
        self.age.is_empty() && self.pgp.is_empty()
    }

    /// Adds the identities of an age key file: lines of `AGE-SECRET-KEY-1…` among comments, or one SSH private key
    /// (Ed25519 or RSA) without a passphrase.
    pub fn add_age(&mut self, text: &str) -> Result<(), KeyError> {
        let unreadable = |message: &str| KeyError::Unreadable { kind: "age", message: message.to_owned() };
        if text.contains("-----BEGIN ") {
            let identity = SshIdentity::from_buffer(text.trim_start().as_bytes(), None)
                .map_err(|_| unreadable("not an SSH private key"))?;
            return match identity {
                SshIdentity::Unencrypted(_) => {
                    self.age.push(Box::new(identity));
                    Ok(())
                }
                SshIdentity::Encrypted(_) => Err(KeyError::Protected { kind: "age" }),
                SshIdentity::Unsupported(_) => Err(unreadable("this kind of SSH key cannot be used")),
            };
        }
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if !line.starts_with("AGE-SECRET-KEY-1") {
                let message = if line.starts_with("AGE-SECRET-KEY-PQ-1") {
                    "post-quantum identities are not supported"
                } else if line.starts_with("AGE-PLUGIN-") {
                    "plugins are not supported"
                } else {
                    "unknown identity type"
                };
                return Err(unreadable(message));
            }
            let identity: age::x25519::Identity = line.parse().map_err(unreadable)?;
            self.age.push(Box::new(identity));
        }
        Ok(())
    }

    /// Adds the private keys of a PGP key file, armored or binary. Keys with a passphrase are refused.
    pub fn add_pgp(&mut self, data: &[u8]) -> Result<(), KeyError> {
        let unreadable = |message: &str| KeyError::Unreadable { kind: "PGP", message: message.to_owned() };
        let (keys, _) = SignedSecretKey::from_reader_many(data).map_err(|_| unreadable("not a PGP private key"))?;
        let mut found = Vec::new();
        for key in keys {
            let key = key.map_err(|_| unreadable("not a PGP private key"))?;
            let locked = key.primary_key.secret_params().is_encrypted()
                && key.secret_subkeys.iter().all(|subkey| subkey.key.secret_params().is_encrypted());
            if locked {
                return Err(KeyError::Protected { kind: "PGP" });
            }
            found.push(key);
        }
        if found.is_empty() {
            return Err(unreadable("there is no private key"));
        }
        self.pgp.append(&mut found);
        Ok(())
    }

    /// The data key, or its group's part, that `key` holds.
    ///
    /// Only age and PGP keys can be opened here: for the others [`KeyError::Service`] says so.
    pub fn decrypt(&self, key: &MasterKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match key {
            MasterKey::Age { encrypted, .. } => self.decrypt_age(encrypted),
            MasterKey::Pgp { encrypted, .. } => self.decrypt_pgp(encrypted),
            MasterKey::AwsKms { .. }
            | MasterKey::GcpKms { .. }
            | MasterKey::AzureKeyVault { .. }
            | MasterKey::Vault { .. }
            | MasterKey::HuaweiKms { .. } => Err(KeyError::Service { kind: key.kind() }),
        }
    }

    fn decrypt_age(&self, encrypted: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if self.age.is_empty() {
            return Err(KeyError::NoMatch);
        }
        let decryptor = age::Decryptor::new_buffered(ArmoredReader::new(encrypted.as_bytes())).map_err(of_age)?;
        // A passphrase would have to come from a person.
        if decryptor.is_scrypt() {
            return Err(KeyError::Passphrase);
        }
        let identities = self.age.iter().map(|identity| {
            let identity: &dyn age::Identity = identity.as_ref();
            identity
        });
        let reader = decryptor.decrypt(identities).map_err(of_age)?;
        read_part(reader)
    }

    fn decrypt_pgp(&self, encrypted: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if self.pgp.is_empty() {
            return Err(KeyError::NoMatch);
        }
        let (message, _) = Message::from_armor(encrypted.as_bytes()).map_err(|err| of_pgp(&err))?;
        let none = Password::empty();
        let ring = TheRing {
            secret_keys: self.pgp.iter().collect(),
            key_passwords: vec![&none],
            // GnuPG writes its own authenticated form for keys that ask for it. Like GnuPG, this refuses messages
            // that nothing protects against changes.
            decrypt_options: DecryptionOptions::new().enable_gnupg_aead(),
            ..TheRing::default()
        };
        let (mut message, _) = message.decrypt_the_ring(ring, true).map_err(|err| of_pgp(&err))?;
        for _ in 0..MAX_LAYERS {
            if !message.is_compressed() {
                break;
            }
            message = message.decompress().map_err(|err| of_pgp(&err))?;
        }
        read_part(message)
    }
}

/// A data key, or a group's part, encrypted for an age recipient (`age1…`, `ssh-ed25519 …` or `ssh-rsa …`), armored.
///
/// This is the one function here that draws randomness itself, from the operating system.
pub fn encrypt_age(recipient: &str, part: &[u8]) -> Result<String, KeyError> {
    let unreadable = |message: &str| KeyError::Unreadable { kind: "age", message: message.to_owned() };
    let sealed = if recipient.starts_with("ssh-") {
        let recipient: age::ssh::Recipient = recipient.parse().map_err(|_| unreadable("not an SSH public key"))?;
        age::encrypt_and_armor(&recipient, part)
    } else {
        let recipient: age::x25519::Recipient = recipient.parse().map_err(unreadable)?;
        age::encrypt_and_armor(&recipient, part)
    };
    sealed.map_err(|err| unreadable(&err.to_string()))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} age, {} PGP)", self.age.len(), self.pgp.len())
    }
}

fn read_part(reader: impl std::io::Read) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut part = Zeroizing::new(Vec::with_capacity(64));
    reader
        .take(MAX_PART)
        .read_to_end(&mut part)
        .map_err(|_| KeyError::Encrypted { message: "its content was changed".to_owned() })?;
    Ok(part)
}

fn of_age(err: age::DecryptError) -> KeyError {
    match err {
        age::DecryptError::NoMatchingKeys => KeyError::NoMatch,
        age::DecryptError::Io(_) => KeyError::Encrypted { message: "not an armored age file".to_owned() },
        other => KeyError::Encrypted { message: other.to_string() },
    }
}

fn of_pgp(err: &pgp::errors::Error) -> KeyError {
    match err {
        pgp::errors::Error::MissingKey => KeyError::NoMatch,
        other => KeyError::Encrypted { message: other.to_string() },
    }
}
