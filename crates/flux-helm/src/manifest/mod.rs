//! Rendered text to manifests: split into documents, hooks taken out, sorted by kind.

mod head;
mod kinds;
mod sort;
mod split;
mod stream;

pub use head::{Head, HeadError, read_head};
pub use kinds::Order;
pub use sort::{ManifestError, Sorted, UnknownHook, hooks_of, sort};
pub use split::split;
pub(crate) use stream::append;
pub use stream::{NotShown, Secrets, listing, show_only, stream};

/// One document of a rendered template.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The template that it comes from, with the chart's name in front.
    pub name: String,
    /// The document.
    pub content: String,
    /// What it says of itself.
    pub head: Head,
}
