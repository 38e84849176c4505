//! The feature gates of this controller.

/// Cache the Secrets that are read. Accepted; they are always read from the API server here.
pub const CACHE_SECRETS_AND_CONFIG_MAPS: &str = "CacheSecretsAndConfigMaps";
/// Let objects name the ServiceAccount of a cloud login.
pub const OBJECT_LEVEL_WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";

/// Every gate with its default.
pub const GATES: [(&str, bool); 2] = [(CACHE_SECRETS_AND_CONFIG_MAPS, false), (OBJECT_LEVEL_WORKLOAD_IDENTITY, false)];
