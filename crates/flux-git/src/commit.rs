//! What a commit and an annotated tag say, and what of them is signed.

use gix_hash::ObjectId;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub id: ObjectId,
    /// The tree it records.
    pub tree: ObjectId,
    /// Who wrote the change.
    pub author: Signature,
    /// Who recorded it, and when.
    pub committer: Signature,
    /// The whole message, as written.
    pub message: String,
    signed: Option<Signed>,
}

/// An annotated tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its hash.
    pub id: ObjectId,
    /// Its name as the object says.
    pub name: String,
    /// The object it points to.
    pub target: ObjectId,
    /// Who made it, and when.
    pub tagger: Signature,
    /// The message without the signature.
    pub message: String,
    signed: Option<Signed>,
}

/// A person and a time, as Git records them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// Seconds since 1970.
    pub seconds: i64,
}

/// A signature and the bytes it is made over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The armored signature, PGP or SSH.
    pub signature: Vec<u8>,
    /// The object without its signature.
    pub payload: Vec<u8>,
}

impl Commit {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The signature and what it covers; none when the commit is not signed.
    pub fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// Reads the object's bytes; none when they are no commit.
    pub(crate) fn parse(id: ObjectId, object: &[u8]) -> Option<Self> {
        let (headers, message) = split(object);
        let mut tree = None;
        let mut author = Signature::default();
        let mut committer = Signature::default();
        let mut signature = None;
        let mut payload = Vec::with_capacity(object.len());
        for header in Headers(headers) {
            match header.name {
                b"gpgsig" => signature = Some(header.unfolded()),
                b"gpgsig-sha256" => {}
                name => {
                    match name {
                        b"tree" => tree = ObjectId::from_hex(header.value).ok(),
                        b"author" => author = Signature::parse(header.value),
                        b"committer" => committer = Signature::parse(header.value),
                        _ => {}
                    }
                    payload.extend_from_slice(header.raw);
                }
            }
        }
        payload.extend_from_slice(&object[headers.len()..]);
        Some(Self {
            id,
            tree: tree?,
            author,
            committer,
            message: text(message),
            signed: signature.map(|signature| Signed { signature, payload }),
        })
    }
}

impl Tag {
    /// The signature and what it covers; none when the tag is not signed.
    pub fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// Reads the object's bytes; none when they are no tag.
    pub(crate) fn parse(id: ObjectId, object: &[u8]) -> Option<Self> {
        let (headers, message) = split(object);
        let mut target = None;
        let mut name = String::new();
        let mut tagger = Signature::default();
        for header in Headers(headers) {
            match header.name {
                b"object" => target = ObjectId::from_hex(header.value).ok(),
                b"tag" => name = text(header.value),
                b"tagger" => tagger = Signature::parse(header.value),
                _ => {}
            }
        }
        let signature_at = signature_start(message);
        let signed = signature_at.map(|at| Signed {
            signature: message[at..].to_vec(),
            payload: object[..object.len() - (message.len() - at)].to_vec(),
        });
        Some(Self {
            id,
            name,
            target: target?,
            tagger,
            message: text(&message[..signature_at.unwrap_or(message.len())]),
            signed,
        })
    }
}

impl Signature {
    /// Reads `Name <mail> seconds zone`, as lenient as Git.
    fn parse(value: &[u8]) -> Self {
        let value = text(value);
        let (name, rest) = value.split_once('<').unwrap_or((&value, ""));
        let (email, time) = rest.split_once('>').unwrap_or((rest, ""));
        Self {
            name: name.trim().to_owned(),
            email: email.trim().to_owned(),
            seconds: time.split_whitespace().next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default(),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The header lines with their line ends, and the message after the empty line.
fn split(object: &[u8]) -> (&[u8], &[u8]) {
    match object.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&object[..=at], &object[at + 2..]),
        None => (object, &[]),
    }
}

/// Where the last signature in a tag's message starts.
fn signature_start(message: &[u8]) -> Option<usize> {
    const MARKS: [&[u8]; 3] =
        [b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN SSH SIGNATURE-----"];
    let mut starts =
        std::iter::once(0).chain(message.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1));
    starts.rfind(|at| MARKS.iter().any(|mark| message[*at..].starts_with(mark)))
}

struct Header<'a> {
    name: &'a [u8],
    /// The value with its continuation lines as they stand.
    value: &'a [u8],
    /// Name, value and line end.
    raw: &'a [u8],
}

impl Header<'_> {
    /// The value with the leading space of each continuation line taken away.
    fn unfolded(&self) -> Vec<u8> {
        let mut lines = self.value.split(|b| *b == b'\n');
        let mut value = lines.next().unwrap_or_default().to_vec();
        for line in lines {
            value.push(b'\n');
            value.extend_from_slice(line.strip_prefix(b" ").unwrap_or(line));
        }
        value.push(b'\n');
        value
    }
}

/// Reads header by header; a line that starts with a space continues the one before.
struct Headers<'a>(&'a [u8]);

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let mut end = 0;
        loop {
            end += self.0[end..].iter().position(|b| *b == b'\n').map_or(self.0.len() - end, |at| at + 1);
            if self.0.get(end) != Some(&b' ') {
                break;
            }
        }
        let (raw, rest) = self.0.split_at(end);
        self.0 = rest;
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        let at = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
        Some(Header { name: &line[..at], value: line.get(at + 1..).unwrap_or_default(), raw })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";

    fn id() -> ObjectId {
        ObjectId::from_hex(ID.as_bytes()).unwrap()
    }

    #[test]
    fn a_commit_yields_its_parts_and_what_is_signed() {
        let object = format!(
            "tree {ID}\nparent {ID}\nauthor A U Thor <a@example.com> 1700000000 +0100\ncommitter C <c@example.com> 1700000001 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\nencoding x\n\nSubject\n\nBody\n"
        );
        let commit = Commit::parse(id(), object.as_bytes()).unwrap();
        assert_eq!((commit.subject(), commit.message.as_str()), ("Subject", "Subject\n\nBody\n"));
        assert_eq!(
            commit.author,
            Signature { name: "A U Thor".into(), email: "a@example.com".into(), seconds: 1_700_000_000 }
        );
        let signed = commit.signed().unwrap();
        assert_eq!(text(&signed.signature), "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n");
        assert_eq!(
            text(&signed.payload),
            format!(
                "tree {ID}\nparent {ID}\nauthor A U Thor <a@example.com> 1700000000 +0100\ncommitter C <c@example.com> 1700000001 +0000\nencoding x\n\nSubject\n\nBody\n"
            )
        );
    }

    #[test]
    fn a_tag_is_signed_from_the_last_signature_of_its_message() {
        let object = format!(
            "object {ID}\ntype commit\ntag v1\ntagger T <t@example.com> 1 +0000\n\nmessage\n-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
        );
        let tag = Tag::parse(id(), object.as_bytes()).unwrap();
        assert_eq!((tag.name.as_str(), tag.message.as_str(), tag.target), ("v1", "message\n", id()));
        let signed = tag.signed().unwrap();
        assert!(signed.payload.ends_with(b"\n\nmessage\n"));
        assert!(signed.signature.starts_with(b"-----BEGIN SSH SIGNATURE-----\n"));
    }

    #[test]
    fn bytes_without_a_tree_are_no_commit() {
        assert_eq!(Commit::parse(id(), b""), None);
        assert_eq!(Commit::parse(id(), b"tree xyz\n\n"), None);
        assert_eq!(Tag::parse(id(), b"\n\n\n"), None);
    }
}
