//! Packet lines: how Git frames what it says.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Failure, sanitize};
use crate::transport::body::Body;

/// How long the end of an answer may take after its last frame.
const PATIENCE: Duration = Duration::from_millis(100);

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// The end of a message.
    Flush,
    /// The end of a section.
    Delimiter,
    /// The end of an answer.
    ResponseEnd,
    /// Content.
    Data(Bytes),
}

impl Packet {
    /// The content without its line end, as text; an error for the other frames.
    pub(crate) fn line(&self) -> Result<&str, Failure> {
        match self {
            Self::Data(bytes) => std::str::from_utf8(bytes.strip_suffix(b"\n").unwrap_or(bytes))
                .map_err(|_| Failure::Protocol("a line is not UTF-8".to_owned())),
            Self::Flush | Self::Delimiter | Self::ResponseEnd => {
                Err(Failure::Protocol("the message ended early".to_owned()))
            }
        }
    }
}

/// Reads frames from an answer, up to a number of bytes.
pub(crate) struct PacketReader {
    body: Body,
    buffer: BytesMut,
    what: &'static str,
    received: u64,
    limit: u64,
}

impl PacketReader {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), what: "the answer", received: 0, limit: u64::MAX }
    }

    /// Continues with another answer.
    pub(crate) fn replace(&mut self, body: Body) {
        self.body = body;
        self.buffer.clear();
    }

    /// From now on at most `limit` bytes are read; `what` they are is named in the error.
    pub(crate) fn limit(&mut self, what: &'static str, limit: u64) {
        self.what = what;
        self.received = 0;
        self.limit = limit;
    }

    pub(crate) fn body(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The next frame; none at the end of the answer.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet>, Failure> {
        if !self.fill(4).await? {
            return if self.buffer.is_empty() { Ok(None) } else { Err(cut()) };
        }
        let length = std::str::from_utf8(&self.buffer[..4])
            .ok()
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or_else(|| Failure::Protocol("the answer is not made of packet lines".to_owned()))?;
        let packet = match length {
            0 => Packet::Flush,
            1 => Packet::Delimiter,
            2 => Packet::ResponseEnd,
            3 => return Err(Failure::Protocol("a packet line of length 3".to_owned())),
            _ => {
                if !self.fill(length).await? {
                    return Err(cut());
                }
                let mut data = self.buffer.split_to(length).freeze();
                data.advance(4);
                if let Some(message) = data.strip_prefix(b"ERR ") {
                    return Err(remote_error(&String::from_utf8_lossy(message)));
                }
                return Ok(Some(Packet::Data(data)));
            }
        };
        self.buffer.advance(4);
        Ok(Some(packet))
    }

    /// The next frame, which must be there.
    pub(crate) async fn expect(&mut self) -> Result<Packet, Failure> {
        self.next().await?.ok_or_else(cut)
    }

    /// Reads the end of an answer whose last frame was read, so that the connection can be used again. A server that
    /// holds the end back only loses the connection.
    pub(crate) async fn finish(&mut self) {
        if let Body::Http(_) = self.body {
            let _ = tokio::time::timeout(PATIENCE, self.body.chunk()).await;
        }
    }

    /// Whether `count` bytes are there.
    async fn fill(&mut self, count: usize) -> Result<bool, Failure> {
        while self.buffer.len() < count {
            let Some(chunk) = self.body.chunk().await? else { return Ok(false) };
            self.received += chunk.len() as u64;
            if self.received > self.limit {
                return Err(Failure::LimitExceeded { what: self.what.to_owned(), limit: self.limit });
            }
            self.buffer.extend_from_slice(&chunk);
        }
        Ok(true)
    }
}

fn cut() -> Failure {
    Failure::Protocol("the answer was cut short".to_owned())
}

/// What a server's own words mean.
pub(crate) fn remote_error(message: &str) -> Failure {
    let message = sanitize(message);
    let lower = message.to_lowercase();
    let missing = [
        "repository not found",
        "does not appear to be a git repository",
        "project you were looking for could not be found",
        "repository does not exist",
        "access denied or repository not exported",
    ];
    if missing.iter().any(|phrase| lower.contains(phrase)) {
        return Failure::RepositoryNotFound;
    }
    Failure::Remote(message)
}

/// Appends a line of content.
pub(crate) fn push_line(request: &mut Vec<u8>, line: &str) {
    request.extend_from_slice(format!("{:04x}{line}\n", line.len() + 5).as_bytes());
}

/// Appends the end of a message.
pub(crate) fn push_flush(request: &mut Vec<u8>) {
    request.extend_from_slice(b"0000");
}

/// Appends the end of a section.
pub(crate) fn push_delimiter(request: &mut Vec<u8>) {
    request.extend_from_slice(b"0001");
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &'static [u8], limit: u64) -> Result<Vec<Packet>, Failure> {
        let mut reader = PacketReader::new(Body::fixed(text));
        reader.limit("the listing", limit);
        let mut packets = Vec::new();
        while let Some(packet) = reader.next().await? {
            packets.push(packet);
        }
        Ok(packets)
    }

    #[tokio::test]
    async fn frames_are_told_apart() {
        let packets = read(b"0006a\n0001000200000004", 100).await.unwrap();
        let data = |text: &'static str| Packet::Data(Bytes::from_static(text.as_bytes()));
        assert_eq!(packets, [data("a\n"), Packet::Delimiter, Packet::ResponseEnd, Packet::Flush, data("")]);
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused() {
        for text in [&b"0003"[..], b"zzzz", b"00", b"0010abc", b"+00a"] {
            assert!(matches!(read(text, 100).await, Err(Failure::Protocol(_))), "{text:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_above_the_limit_is_an_error() {
        let err = read(b"0009aaaa\n0009bbbb\n", 10).await.unwrap_err();
        assert_eq!(err.to_string(), "the listing is larger than the limit of 10");
    }

    #[tokio::test]
    async fn a_servers_refusal_keeps_its_words() {
        let err = read(b"0015ERR not so\x07 fast\n", 100).await.unwrap_err();
        assert_eq!(err.to_string(), "remote error: not so fast");
        let err = read(b"001fERR Repository not found.\n.\n", 100).await.unwrap_err();
        assert!(matches!(err, Failure::RepositoryNotFound));
    }
}
