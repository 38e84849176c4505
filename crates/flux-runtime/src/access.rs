//! References across namespaces, and the switch that forbids them.

use flux_api::meta::reason;

use crate::{Failure, Fault};

/// Whether objects may refer to objects in other namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They may.
    Any,
    /// `--no-cross-namespace-refs`: they may not.
    SameNamespace,
}

/// A reference that the switch forbids.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't access '{kind}/{namespace}/{name}', cross-namespace references have been disabled")]
pub struct AccessDenied {
    kind: String,
    namespace: String,
    name: String,
}

impl Access {
    /// Whether an object in namespace `from` may refer to the object of `kind` that `namespace` and `name` name.
    pub fn check(self, from: &str, kind: &str, namespace: &str, name: &str) -> Result<(), AccessDenied> {
        match self {
            Self::SameNamespace if from != namespace => {
                Err(AccessDenied { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() })
            }
            Self::Any | Self::SameNamespace => Ok(()),
        }
    }
}

impl From<AccessDenied> for Fault {
    fn from(denied: AccessDenied) -> Self {
        Self::Stalled(Failure::new(reason::ACCESS_DENIED, denied))
    }
}

impl From<crate::args::AccessArgs> for Access {
    fn from(args: crate::args::AccessArgs) -> Self {
        if args.no_cross_namespace_refs { Self::SameNamespace } else { Self::Any }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_namespaces_are_refused_only_when_the_switch_says_so() {
        let check = |access: Access, namespace| access.check("apps", "GitRepository", namespace, "podinfo");
        assert!(check(Access::Any, "flux-system").is_ok() && check(Access::SameNamespace, "apps").is_ok());
        let err = check(Access::SameNamespace, "flux-system").unwrap_err().to_string();
        let text = "can't access 'GitRepository/flux-system/podinfo', cross-namespace references have been disabled";
        assert_eq!(err, text);
    }
}
