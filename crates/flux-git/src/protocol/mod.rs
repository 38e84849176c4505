//! What is said in a conversation: greeting, listing, fetching.

mod advertisement;
mod listing;
mod request;
mod sideband;

pub(crate) use advertisement::{Advertisement, Greeted, greet};
pub(crate) use listing::{RemoteRef, list};
pub(crate) use request::{Depth, FetchRequest, Filter, start};
pub(crate) use sideband::PackStream;

/// How we introduce ourselves.
const AGENT: &str = concat!("agent=flux/", env!("CARGO_PKG_VERSION"));
