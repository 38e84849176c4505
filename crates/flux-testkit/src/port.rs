//! Ports for processes that are started, ended and started again.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::net::TcpSocket;

/// A port of loopback that nobody else is given while this lives.
///
/// The socket is bound and never listens: a process that allows addresses to be shared, as Rust's and Go's listeners do, can
/// listen there, and while none does, connections are refused.
#[derive(Debug)]
pub struct ReservedPort {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl ReservedPort {
    /// Reserves a free port.
    pub fn new() -> Result<Self> {
        let socket = TcpSocket::new_v4().context("make a socket")?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("reserve a port of loopback")?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// The address with the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
