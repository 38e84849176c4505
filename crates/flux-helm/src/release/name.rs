//! Names of releases.

use flux_tar::{Algorithm, Digest};

/// The longest name of a release, in bytes: ten less than Kubernetes allows, for what charts append.
pub const MAX_LEN: usize = 53;
/// How much of a name that is too long stays.
const KEPT: usize = 40;
/// How many digits of its digest stand behind.
const DIGITS: usize = 12;

/// What Helm says a name must be.
const PATTERN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// Why a text is no name for a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no name.
    #[error("no name provided")]
    Missing,
    /// The name is too long, or has characters that it may not have.
    #[error("invalid release name, must match regex {PATTERN} and the length must not be longer than {MAX_LEN}")]
    Invalid,
}

/// Checks that Helm takes the name for a release.
pub fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Missing);
    }
    if name.len() > MAX_LEN || !name.split('.').all(is_label) {
        return Err(NameError::Invalid);
    }
    Ok(())
}

/// Whether the text is what may stand between the dots of a name.
fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(inside)
}

/// The name, or where it is too long its beginning with a piece of its digest, as helm-controller shortens it.
pub fn shorten(name: &str) -> String {
    if name.len() <= MAX_LEN {
        return name.to_owned();
    }
    let digest = Digest::of(Algorithm::Sha256, name.as_bytes());
    let digits: String = digest.hex().chars().take(DIGITS).collect();
    format!("{}-{digits}", &name[..name.floor_char_boundary(KEPT)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes_but_shorter() {
        for name in ["a", "a-b", "a.b", "0", "a--b", &"a".repeat(53)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["-a", "a-", "a..b", ".a", "a.", "a_b", "A", "a.-b", "é", "a\n", &"a".repeat(54)] {
            assert_eq!(check(name), Err(NameError::Invalid), "{name}");
        }
        assert_eq!(check("").unwrap_err().to_string(), "no name provided");
        assert_eq!(
            check("A").unwrap_err().to_string(),
            r"invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
        );
    }

    #[test]
    fn long_names_end_with_a_digest_of_the_whole() {
        for (name, short) in [
            ("", ""),
            ("release-name", "release-name"),
            (
                "release-name-with-very-long-name-which-is-longer-than-53-characters",
                "release-name-with-very-long-name-which-i-788ca0d0d7b0",
            ),
            (
                "another-release-name-with-very-long-name-which-is-longer-than-53-characters",
                "another-release-name-with-very-long-name-7e72150d5a36",
            ),
        ] {
            assert_eq!(shorten(name), short);
        }
        assert_eq!(shorten(&"é".repeat(27)).chars().next(), Some('é'));
    }
}
