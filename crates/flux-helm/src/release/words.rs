//! The words that releases are described with. Each type keeps words that it does not know as they are.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that is not known here.
            Other(Box<str>),
        }

        impl $name {
            /// The word as Helm writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)+
                    _ => Self::Other(word.into()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(&*String::deserialize(deserializer)?))
            }
        }
    };
}

words! {
    /// How a revision of a release stands.
    #[derive(Default)]
    Status {
        /// No status is noted.
        #[default]
        Unset = "",
        /// The release is in an uncertain state.
        Unknown = "unknown",
        /// The release is what runs in the cluster.
        Deployed = "deployed",
        /// The release was removed from the cluster.
        Uninstalled = "uninstalled",
        /// A later revision took its place.
        Superseded = "superseded",
        /// The release could not be deployed.
        Failed = "failed",
        /// The release is being removed.
        Uninstalling = "uninstalling",
        /// The release is being installed.
        PendingInstall = "pending-install",
        /// The release is being upgraded.
        PendingUpgrade = "pending-upgrade",
        /// The release is being rolled back.
        PendingRollback = "pending-rollback",
    }
}

impl Status {
    /// Whether an install, an upgrade or a rollback is under way, or was left in the middle.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }

    /// Whether no status is noted.
    pub fn is_unset(&self) -> bool {
        *self == Self::Unset
    }
}

words! {
    /// How the objects of a release were applied.
    #[derive(Default)]
    ApplyMethod {
        /// Nothing is noted: the client's three-way merge, as Helm 3 did.
        #[default]
        Unset = "",
        /// The client's three-way merge.
        ClientSide = "csa",
        /// Server-side apply.
        ServerSide = "ssa",
    }
}

impl ApplyMethod {
    /// Whether nothing is noted.
    pub fn is_unset(&self) -> bool {
        *self == Self::Unset
    }
}

words! {
    /// What a hook waits for.
    HookEvent {
        /// Before an install.
        PreInstall = "pre-install",
        /// After an install.
        PostInstall = "post-install",
        /// Before an uninstall.
        PreDelete = "pre-delete",
        /// After an uninstall.
        PostDelete = "post-delete",
        /// Before an upgrade.
        PreUpgrade = "pre-upgrade",
        /// After an upgrade.
        PostUpgrade = "post-upgrade",
        /// Before a rollback.
        PreRollback = "pre-rollback",
        /// After a rollback.
        PostRollback = "post-rollback",
        /// When the release is tested.
        Test = "test",
    }
}

words! {
    /// When a hook's object is deleted.
    HookDeletePolicy {
        /// After the hook succeeded.
        Succeeded = "hook-succeeded",
        /// After the hook failed.
        Failed = "hook-failed",
        /// Before the hook runs again.
        BeforeHookCreation = "before-hook-creation",
    }
}

words! {
    /// When a hook's output is shown.
    HookOutputLogPolicy {
        /// After the hook succeeded.
        Succeeded = "hook-succeeded",
        /// After the hook failed.
        Failed = "hook-failed",
    }
}

words! {
    /// How the last run of a hook stands.
    #[derive(Default)]
    HookPhase {
        /// The hook did not run.
        #[default]
        Unset = "",
        /// It is not known how the hook ran.
        Unknown = "Unknown",
        /// The hook runs.
        Running = "Running",
        /// The hook succeeded.
        Succeeded = "Succeeded",
        /// The hook failed.
        Failed = "Failed",
    }
}
