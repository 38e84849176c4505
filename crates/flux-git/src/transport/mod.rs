//! A conversation with the server's `git-upload-pack`.

mod body;
mod clients;
mod http;
mod known_hosts;
pub(crate) mod packet;
mod socks;
mod ssh;

use std::future::Future;

use crate::error::{Error, Failure};
use crate::remote::Remote;
use crate::transport::body::Body;
pub(crate) use crate::transport::clients::Clients;
pub(crate) use crate::transport::http::HttpSession;
use crate::transport::packet::PacketReader;
use crate::transport::ssh::SshSession;

/// An open conversation.
pub(crate) struct Connection {
    http: Option<HttpSession>,
    /// The answer that is being read.
    pub(crate) reader: PacketReader,
}

impl Connection {
    /// Connects and asks for version 2 of the protocol; the greeting follows in [`Connection::reader`].
    pub(crate) async fn open(remote: &Remote) -> Result<Self, Failure> {
        if remote.is_ssh() {
            let session = SshSession::open(remote).await?;
            return Ok(Self { http: None, reader: PacketReader::new(Body::Ssh(Box::new(session))) });
        }
        let (session, response) = HttpSession::open(remote).await?;
        Ok(Self { http: Some(session), reader: PacketReader::new(Body::Http(response)) })
    }

    /// Goes on with a server that greeted us before.
    pub(crate) fn resume(session: HttpSession) -> Self {
        Self { http: Some(session), reader: PacketReader::new(Body::Silent) }
    }

    /// The part of the conversation that outlives it, over HTTP.
    pub(crate) fn session(&self) -> Option<&HttpSession> {
        self.http.as_ref()
    }

    /// Sends `request` in the protocol's `version`; the answer follows in [`Connection::reader`].
    pub(crate) async fn send(&mut self, request: Vec<u8>, version: u8) -> Result<(), Failure> {
        if let Some(http) = &self.http {
            let response = http.post(request, version).await?;
            self.reader.replace(Body::Http(response));
            return Ok(());
        }
        match self.reader.body() {
            Body::Ssh(session) => session.send(request).await,
            Body::Http(_) | Body::Silent => Ok(()),
            #[cfg(test)]
            Body::Fixed(_) => Ok(()),
        }
    }
}

/// Runs `operation` within the remote's timeout and names the remote in its failure.
pub(crate) async fn within<T>(
    remote: &Remote,
    what: &'static str,
    operation: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Error> {
    match tokio::time::timeout(remote.timeout, operation).await {
        Ok(result) => result.map_err(|failure| failure.at(remote)),
        Err(_elapsed) => Err(Failure::TimedOut(what).at(remote)),
    }
}
