//! The server's greeting: what it can do, and in older versions all it has.

use std::sync::Arc;

use gix_hash::ObjectId;
use parking_lot::Mutex;

use crate::error::Failure;
use crate::protocol::listing::{RefCollector, RemoteRef};
use crate::remote::{Limits, Remote};
use crate::transport::packet::Packet;
use crate::transport::{Connection, HttpSession};

/// A server that greeted us, kept for the next conversation of the same run. Only version 2 greetings are kept: they say
/// what the server can do, not what it has.
#[derive(Clone, Default)]
pub(crate) struct Greeted(Arc<Mutex<Option<(String, HttpSession, Advertisement)>>>);

/// Opens a conversation and reads the greeting, or takes up where the last one with the same remote ended.
pub(crate) async fn greet(remote: &Remote, prefixes: &[String]) -> Result<(Connection, Advertisement), Failure> {
    let identity = remote.identity();
    if let Some((known, session, advertisement)) = &*remote.greeted.0.lock()
        && *known == identity
    {
        let mut connection = Connection::resume(session.clone());
        connection.reader.limit("the reference listing", remote.limits.listing_bytes);
        return Ok((connection, advertisement.clone()));
    }
    let mut connection = Connection::open(remote).await?;
    let advertisement = Advertisement::read(&mut connection, prefixes, &remote.limits).await?;
    connection.reader.finish().await;
    if let Some(session) = connection.session().filter(|_| advertisement.version == 2) {
        *remote.greeted.0.lock() = Some((identity, session.clone(), advertisement.clone()));
    }
    Ok((connection, advertisement))
}

/// What the server can do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Advertisement {
    /// 0, 1 or 2; the first two differ in nothing that matters here.
    pub(crate) version: u8,
    capabilities: Vec<String>,
    /// The references that were asked for; in version 2 they are a request of their own.
    pub(crate) refs: Vec<RemoteRef>,
    /// Whether there is any reference at all; only known before version 2.
    pub(crate) any_ref: bool,
}

impl Advertisement {
    /// Reads the greeting. Of the references that older servers tell unasked, those below `prefixes` are kept.
    async fn read(connection: &mut Connection, prefixes: &[String], limits: &Limits) -> Result<Self, Failure> {
        let http = connection.session().is_some();
        let reader = &mut connection.reader;
        reader.limit("the reference listing", limits.listing_bytes);
        let mut first = reader.expect().await?;
        if http && matches!(&first, Packet::Data(_)) && first.line()?.starts_with("# service=") {
            if reader.expect().await? != Packet::Flush {
                return Err(Failure::Protocol("no end of the service announcement".to_owned()));
            }
            first = reader.expect().await?;
        }
        let mut advertisement = Self::default();
        if first == Packet::Flush {
            return Ok(advertisement);
        }
        if first.line()? == "version 2" {
            advertisement.version = 2;
            loop {
                match reader.expect().await? {
                    Packet::Flush => break,
                    packet => advertisement.capabilities.push(packet.line()?.to_owned()),
                }
            }
            advertisement.check_format()?;
            return Ok(advertisement);
        }
        if first.line()? == "version 1" {
            first = reader.expect().await?;
        }
        let mut refs = RefCollector::new(prefixes);
        let mut packet = first;
        while packet != Packet::Flush {
            let line = packet.line()?;
            let line = match line.split_once('\0') {
                Some((line, capabilities)) => {
                    advertisement.capabilities = capabilities.split(' ').map(str::to_owned).collect();
                    line
                }
                None => line,
            };
            advertisement.any_ref |= refs.add_v0(line)?;
            packet = reader.expect().await?;
        }
        advertisement.refs = refs.finish();
        advertisement.check_format()?;
        Ok(advertisement)
    }

    /// Whether the server names the capability; in version 2, as a feature of fetch.
    pub(crate) fn can(&self, feature: &str) -> bool {
        if self.version < 2 {
            return self.capabilities.iter().any(|given| given == feature);
        }
        self.capabilities
            .iter()
            .filter_map(|given| given.strip_prefix("fetch="))
            .any(|features| features.split(' ').any(|given| given == feature))
    }

    /// Whether a version 2 server tells the object format that it expects to be echoed.
    pub(crate) fn tells_format(&self) -> bool {
        self.capabilities.iter().any(|given| given.starts_with("object-format="))
    }

    /// Whether single commits may be asked for by their hash. Version 2 servers may still refuse.
    pub(crate) fn hands_out(&self, id: &ObjectId) -> bool {
        self.version == 2
            || self.can("allow-reachable-sha1-in-want")
            || self.can("allow-any-sha1-in-want")
            || self.refs.iter().any(|reference| reference.id == *id)
    }

    fn check_format(&self) -> Result<(), Failure> {
        let format = self.capabilities.iter().find_map(|given| given.strip_prefix("object-format="));
        match format {
            None | Some("sha1") => Ok(()),
            Some(format) => {
                Err(Failure::Protocol(format!("repositories with object format {format} are not supported")))
            }
        }
    }
}
