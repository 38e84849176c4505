//! HTTP clients that outlive a run, and with them their connections.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::Client;

use crate::error::Failure;

/// Clients that are kept: each holds the certificates it trusts and its idle connections.
const MAX_CLIENTS: usize = 16;

/// The clients of remotes, by what they trust, show and go through. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Clients(Arc<Mutex<Vec<(String, Client)>>>);

impl Clients {
    /// The client for `trust`, made by `make` when there is none. The least used one makes room.
    pub(crate) fn get(&self, trust: String, make: impl FnOnce() -> Result<Client, Failure>) -> Result<Client, Failure> {
        let mut clients = self.0.lock();
        let entry = match clients.iter().position(|(known, _)| *known == trust) {
            Some(at) => clients.remove(at),
            None => (trust, make()?),
        };
        let client = entry.1.clone();
        clients.push(entry);
        let surplus = clients.len().saturating_sub(MAX_CLIENTS);
        clients.drain(..surplus);
        Ok(client)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_clients_are_kept_and_the_used_ones_longest() {
        let clients = Clients::default();
        let mut count = 0;
        let mut get = |number: usize| {
            let make = || {
                count += 1;
                Ok(flux_http::ClientOptions::default().client().unwrap())
            };
            clients.get(number.to_string(), make).unwrap();
            count
        };
        assert_eq!((get(0), get(0)), (1, 1));
        for number in 1..MAX_CLIENTS {
            get(number);
        }
        let full = get(0);
        get(MAX_CLIENTS);
        assert_eq!(get(0), full + 1, "0 was used again before the room ran out");
        assert_eq!(get(1), full + 2, "1 had to go");
    }
}
