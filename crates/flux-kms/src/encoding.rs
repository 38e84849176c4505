//! Base64 as the documents and the services write it.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::KeyFailure;

/// Go's decoder, which SOPS reads documents with, does not look at the unused bits of the last character.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
/// With padding, `+` and `/`.
pub(crate) const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// Without padding, `-` and `_`.
pub(crate) const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    LENIENT.with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);
/// The same from services, some of which pad.
const URL_SAFE_ANSWER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    LENIENT.with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a document's encrypted data key; line breaks in it mean nothing.
pub(crate) fn ciphertext(encoding: &GeneralPurpose, text: &str) -> Result<Vec<u8>, KeyFailure> {
    let text: String = text.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    encoding.decode(text).map_err(KeyFailure::Ciphertext)
}

/// The data key of an answer in standard base64.
pub(crate) fn plaintext(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| KeyFailure::Plaintext)
}

/// The bytes of an answer in URL-safe base64.
pub(crate) fn url_safe_answer(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    URL_SAFE_ANSWER.decode(text).map(Zeroizing::new).map_err(|_| KeyFailure::Plaintext)
}

/// The text of a data key on its way to a service.
pub(crate) fn encode(encoding: &GeneralPurpose, bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(encoding.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_data_keys_are_read_as_go_reads_them() {
        assert_eq!(ciphertext(&STANDARD, "aGVs\r\nbG8=").unwrap(), b"hello");
        assert_eq!(ciphertext(&STANDARD, "aGVsbG9=").unwrap(), b"hello");
        assert!(ciphertext(&STANDARD, "aGVsbG8").is_err());
        assert_eq!(ciphertext(&URL_SAFE, "-_8").unwrap(), [0xfb, 0xff]);
        assert!(ciphertext(&URL_SAFE, "-_8=").is_err());
    }
}
