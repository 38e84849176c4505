//! Where the bytes of an answer come from.

use bytes::Bytes;

use crate::error::Failure;
use crate::transport::http;
use crate::transport::ssh::SshSession;

/// The bytes of an answer, piece by piece.
pub(crate) enum Body {
    /// An HTTP response.
    Http(reqwest::Response),
    /// A channel; the answers of a whole conversation follow each other.
    Ssh(Box<SshSession>),
    /// Nothing: what there was to say was said before.
    Silent,
    /// What a test says.
    #[cfg(test)]
    Fixed(Option<Bytes>),
}

impl Body {
    #[cfg(test)]
    pub(crate) fn fixed(text: &'static [u8]) -> Self {
        Self::Fixed(Some(Bytes::from_static(text)))
    }

    /// The next piece; none at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Http(response) => response.chunk().await.map_err(http::failure),
            Self::Ssh(session) => session.chunk().await,
            Self::Silent => Ok(None),
            #[cfg(test)]
            Self::Fixed(bytes) => Ok(bytes.take()),
        }
    }
}
