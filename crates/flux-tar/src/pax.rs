//! Extended headers: records of the form `<length> <key>=<value>\n`, where length counts the whole record.

/// What this crate reads of an extended header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// The name of the next entry.
    pub(crate) path: Option<Vec<u8>>,
    /// The size of the next entry.
    pub(crate) size: Option<u64>,
    /// Whether the next entry is a sparse file.
    pub(crate) sparse: bool,
}

/// One record.
pub(crate) fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + digits(rest);
    if digits(length) != length - rest {
        length = rest + digits(length);
    }
    format!("{length} {key}={value}\n").into_bytes()
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// Reads all records, or nothing when one is malformed.
pub(crate) fn parse(mut bytes: &[u8]) -> Option<Extensions> {
    let mut extensions = Extensions::default();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let content = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = content.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&content[..equals], &content[equals + 1..]);
        match key {
            b"path" => extensions.path = Some(value.to_vec()),
            b"size" => extensions.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            _ if key.starts_with(b"GNU.sparse.") => extensions.sparse = true,
            _ => {}
        }
        bytes = &bytes[length..];
    }
    Some(extensions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        assert_eq!(record("path", "a"), b"9 path=a\n");
        assert_eq!(record("path", ""), b"8 path=\n");
        let long = record("path", &"x".repeat(91));
        assert_eq!(long.len(), 101);
        assert!(long.starts_with(b"101 path="));
        for length in 0..2000 {
            let value = "x".repeat(length);
            let parsed = parse(&record("path", &value)).unwrap();
            assert_eq!(parsed.path.unwrap(), value.into_bytes());
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        for bytes in [&b"x"[..], b"8 path=a\n", b"11 path=a\n", b"0 \n", b"10 path a\n", b"999 path=a\n", b"8 size=\n"]
        {
            assert_eq!(parse(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
