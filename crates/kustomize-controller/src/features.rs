//! The feature gates of this controller.

/// Cache the Secrets and ConfigMaps that are read. Accepted; they are always read from the API server here.
pub const CACHE_SECRETS_AND_CONFIG_MAPS: &str = "CacheSecretsAndConfigMaps";
/// Let objects name the ServiceAccount of a cloud login.
pub const OBJECT_LEVEL_WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";
/// Let a `readyExpr` add to the built-in check of a dependency instead of taking its place.
pub const ADDITIVE_CEL_DEPENDENCY_CHECK: &str = "AdditiveCELDependencyCheck";
/// Allow sources of kind ExternalArtifact.
pub const EXTERNAL_ARTIFACT: &str = "ExternalArtifact";
/// Read sources from the API server instead of from the watch.
pub const DIRECT_SOURCE_FETCH: &str = "DirectSourceFetch";
/// Do not watch labelled ConfigMaps and Secrets.
pub const DISABLE_CONFIG_WATCHERS: &str = "DisableConfigWatchers";
/// Let a new revision end the health checks of an old one. On by default here, off upstream.
pub const CANCEL_HEALTH_CHECK_ON_NEW_REVISION: &str = "CancelHealthCheckOnNewRevision";
/// Do not cache what health checks read. Accepted; health checks watch here, and nothing is polled.
pub const DISABLE_STATUS_POLLER_CACHE: &str = "DisableStatusPollerCache";
/// Let health checks go on when an object has failed.
pub const DISABLE_FAIL_FAST_BEHAVIOR: &str = "DisableFailFastBehavior";
/// Fail a build that substitutes a variable that is neither set nor has a default.
pub const STRICT_POST_BUILD_SUBSTITUTIONS: &str = "StrictPostBuildSubstitutions";
/// Group the names of applied objects by kind in logs.
pub const GROUP_CHANGE_LOG: &str = "GroupChangeLog";
/// Move the field ownership of applied objects to the API version that is applied.
pub const MIGRATE_API_VERSION: &str = "MigrateAPIVersion";

/// Each gate with its default.
pub const GATES: [(&str, bool); 12] = [
    (ADDITIVE_CEL_DEPENDENCY_CHECK, false),
    (CACHE_SECRETS_AND_CONFIG_MAPS, false),
    (CANCEL_HEALTH_CHECK_ON_NEW_REVISION, true),
    (DIRECT_SOURCE_FETCH, false),
    (DISABLE_CONFIG_WATCHERS, false),
    (DISABLE_FAIL_FAST_BEHAVIOR, false),
    (DISABLE_STATUS_POLLER_CACHE, true),
    (EXTERNAL_ARTIFACT, false),
    (GROUP_CHANGE_LOG, false),
    (MIGRATE_API_VERSION, false),
    (OBJECT_LEVEL_WORKLOAD_IDENTITY, false),
    (STRICT_POST_BUILD_SUBSTITUTIONS, true),
];
