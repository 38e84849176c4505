//! Texts that are signed so that they stay readable.

const START: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"\n-----END PGP SIGNATURE-----";
/// The names of hash functions that a message may announce.
const HASHES: [&str; 9] = ["MD5", "SHA1", "RIPEMD160", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"];

/// A signed text.
#[derive(Debug)]
pub(super) struct Message {
    /// The text, its lines ended by line feeds but for the last.
    pub(super) text: Vec<u8>,
    /// What the signature is over: the same with the line ends of the network.
    pub(super) signed: Vec<u8>,
    /// The signature in armor.
    pub(super) signature: Vec<u8>,
}

impl Message {
    /// The first message in the data; nothing where there is none, or only a part of one.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let at = if data.starts_with(START) {
            0
        } else {
            let line = [b"\n", START].concat();
            memchr::memmem::find(data, &line)? + 1
        };
        let mut rest = &data[at..];
        let suffix = take_line(&mut rest).strip_prefix(START)?;
        if !suffix.is_empty() {
            return None;
        }
        skip_headers(&mut rest)?;
        let (mut text, mut signed) = (Vec::new(), Vec::new());
        let mut is_first = true;
        loop {
            let behind = rest;
            let line = take_line(&mut rest);
            if line == SIGNATURE {
                rest = behind;
                break;
            }
            if line.is_empty() && rest.is_empty() {
                return None;
            }
            if !std::mem::take(&mut is_first) {
                text.push(b'\n');
                signed.extend_from_slice(b"\r\n");
            }
            let line = line.strip_prefix(b"- ").unwrap_or(line);
            let blanks = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let line = &line[..line.len() - blanks];
            text.extend_from_slice(line);
            signed.extend_from_slice(line);
        }
        let end = memchr::memmem::find(rest, END)? + END.len();
        Some(Self { text, signed, signature: [&rest[..end], b"\n"].concat() })
    }
}

/// Passes the headers; nothing where there are others than those of hash functions.
fn skip_headers(rest: &mut &[u8]) -> Option<()> {
    loop {
        if rest.is_empty() {
            return None;
        }
        let line = std::str::from_utf8(take_line(rest)).ok()?;
        if line.trim().is_empty() {
            return Some(());
        }
        let (key, values) = line.split_once(':')?;
        let mut values = values.split(',').map(|value| value.trim().to_ascii_uppercase());
        if key.trim() != "Hash" || !values.all(|value| HASHES.contains(&value.as_str())) {
            return None;
        }
    }
}

/// The next line without its end.
fn take_line<'d>(rest: &mut &'d [u8]) -> &'d [u8] {
    let (line, behind) = match memchr::memchr(b'\n', rest) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (*rest, &rest[rest.len()..]),
    };
    *rest = behind;
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_and_cleared_of_escapes_and_blanks_at_line_ends() {
        let data =
            b"before\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256, sha512\n\na  \n- -b\n\t\n-----BEGIN PGP \
            SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\nbehind";
        let message = Message::parse(data).unwrap();
        assert_eq!(message.text, b"a\n-b\n");
        assert_eq!(message.signed, b"a\r\n-b\r\n");
        assert_eq!(message.signature, b"-----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n");
    }

    #[test]
    fn parts_of_messages_are_none() {
        let check = |text: &str| assert!(Message::parse(text.as_bytes()).is_none(), "{text}");
        check("");
        check("a\nb");
        check("-----BEGIN PGP SIGNED MESSAGE-----");
        check("-----BEGIN PGP SIGNED MESSAGE----- more\n\na\n");
        check(
            "-----BEGIN PGP SIGNED MESSAGE-----\nComment: x\n\na\n-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----",
        );
        check(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: none\n\na\n-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----",
        );
        check("-----BEGIN PGP SIGNED MESSAGE-----\n\na\n");
        check("-----BEGIN PGP SIGNED MESSAGE-----\n\na\n-----BEGIN PGP SIGNATURE-----\n");
    }
}
