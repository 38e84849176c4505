//! Clients and the artifact fetch against real listeners.

#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod client;
#[cfg(test)]
mod fetch;
#[cfg(test)]
mod server;
