//! Digests in the form `algorithm:hex`.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

/// How a digest is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is its own name")]
pub enum Algorithm {
    Sha1,
    #[default]
    Sha256,
    Sha384,
    Sha512,
    Blake3,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake3];

    /// The name that stands before the colon of a digest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// The length of a digest's hexadecimal part.
    pub fn hex_len(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownAlgorithm { name: name.to_owned() })
    }
}

/// A name that is none of [`Algorithm::ALL`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown digest algorithm \"{name}\", expected one of sha1, sha256, sha384, sha512, blake3")]
pub struct UnknownAlgorithm {
    /// The name that was given.
    pub name: String,
}

/// A digest of known algorithm and right length; hexadecimal digits are lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The digest of everything that `content` yields.
    pub fn of_reader(algorithm: Algorithm, mut content: impl Read) -> io::Result<Self> {
        let mut hasher = Hasher::new(algorithm);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
    }

    /// Reads `algorithm:hex`, and a bare hexadecimal number as sha256.
    pub fn parse_or_sha256(text: &str) -> Result<Self, ParseDigestError> {
        match text.split_once(':') {
            Some((algorithm, hex)) => Self::from_parts(algorithm.parse()?, hex),
            None => Self::from_parts(Algorithm::Sha256, text),
        }
    }

    fn from_parts(algorithm: Algorithm, hex: &str) -> Result<Self, ParseDigestError> {
        if hex.len() != algorithm.hex_len() {
            return Err(ParseDigestError::Length { algorithm, expected: algorithm.hex_len(), found: hex.len() });
        }
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseDigestError::Digits { algorithm });
        }
        Ok(Self { algorithm, hex: hex.to_ascii_lowercase() })
    }

    /// How it was computed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The part after the colon.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.algorithm, self.hex)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, hex) = text.split_once(':').ok_or(ParseDigestError::NoAlgorithm)?;
        Self::from_parts(algorithm.parse()?, hex)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a text is no digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseDigestError {
    /// There is no colon.
    #[error("digest has no algorithm, expected \"<algorithm>:<hex>\"")]
    NoAlgorithm,
    /// The part before the colon.
    #[error(transparent)]
    Algorithm(#[from] UnknownAlgorithm),
    /// The part after the colon is too short or too long.
    #[error("{algorithm} digest has {found} characters, expected {expected}")]
    Length {
        /// The part before the colon.
        algorithm: Algorithm,
        /// What the algorithm yields.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The part after the colon is not hexadecimal.
    #[error("{algorithm} digest is not hexadecimal")]
    Digits {
        /// The part before the colon.
        algorithm: Algorithm,
    },
}

/// Computes a digest piece by piece.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
        })
    }

    /// Takes in the next `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// The digest of everything taken in.
    pub fn finish(self) -> Digest {
        let (algorithm, hex) = match self.0 {
            State::Sha1(state) => (Algorithm::Sha1, hex::encode(state.finalize())),
            State::Sha256(state) => (Algorithm::Sha256, hex::encode(state.finalize())),
            State::Sha384(state) => (Algorithm::Sha384, hex::encode(state.finalize())),
            State::Sha512(state) => (Algorithm::Sha512, hex::encode(state.finalize())),
            State::Blake3(state) => (Algorithm::Blake3, hex::encode(state.finalize().as_bytes())),
        };
        Digest { algorithm, hex }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hasher")
    }
}

/// Passes bytes on and digests and counts what was taken.
#[derive(Debug)]
pub struct DigestWriter<W> {
    out: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> DigestWriter<W> {
    /// A writer onto `out` that has passed nothing on.
    pub fn new(out: W, algorithm: Algorithm) -> Self {
        Self { out, hasher: Hasher::new(algorithm), size: 0 }
    }

    /// The inner writer, the digest of what it got, and how many bytes that was.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.out, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_yields_its_published_digest_of_abc() {
        let expected = [
            "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ];
        for (algorithm, expected) in Algorithm::ALL.into_iter().zip(expected) {
            assert_eq!(Digest::of(algorithm, b"abc").to_string(), expected);
            assert_eq!(Digest::of_reader(algorithm, &b"abc"[..]).unwrap().to_string(), expected);
            assert_eq!(expected.parse::<Digest>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_digest_needs_a_known_algorithm_and_the_right_number_of_digits() {
        let fails = |text: &str| text.parse::<Digest>().unwrap_err().to_string();
        assert_eq!(fails("abc"), "digest has no algorithm, expected \"<algorithm>:<hex>\"");
        assert_eq!(
            fails("md5:00"),
            "unknown digest algorithm \"md5\", expected one of sha1, sha256, sha384, sha512, blake3"
        );
        assert_eq!(fails("sha1:00"), "sha1 digest has 2 characters, expected 40");
        assert_eq!(fails(&format!("sha1:{}", "g".repeat(40))), "sha1 digest is not hexadecimal");
    }

    #[test]
    fn a_digest_without_algorithm_can_be_read_as_sha256() {
        let digest = Digest::of(Algorithm::Sha256, b"abc");
        assert_eq!(Digest::parse_or_sha256(digest.hex()).unwrap(), digest);
        assert_eq!(Digest::parse_or_sha256(&digest.to_string()).unwrap(), digest);
        assert!(Digest::parse_or_sha256("abc").is_err());
    }
}
