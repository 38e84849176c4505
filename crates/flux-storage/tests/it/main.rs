//! The artifact server, asked over real connections.

#[cfg(test)]
mod server;
