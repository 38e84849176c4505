//! Objects of a chart that Helm applies at certain moments only, and waits for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{HookDeletePolicy, HookEvent, HookOutputLogPolicy, HookPhase, is_zero};
use crate::Time;

/// The annotation with a hook's events, by commas.
pub const HOOK_ANNOTATION: &str = "helm.sh/hook";
/// The annotation with a hook's weight.
pub const HOOK_WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
/// The annotation with a hook's delete policies, by commas.
pub const HOOK_DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";
/// The annotation with a hook's policies for its output, by commas.
pub const HOOK_OUTPUT_LOG_ANNOTATION: &str = "helm.sh/hook-output-log-policy";

/// One rendered hook.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Hook {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The object's kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template that it comes from, with the chart's name in front.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// What the hook waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<HookEvent>,
    /// How the hook ran last.
    pub last_run: HookExecution,
    /// Hooks of one event run by weight, the smallest first.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// When the object is deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<HookDeletePolicy>,
    /// When the object's output is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_log_policies: Vec<HookOutputLogPolicy>,
}

impl Hook {
    /// Whether the hook is a test of the release.
    pub fn is_test(&self) -> bool {
        self.events.contains(&HookEvent::Test)
    }

    /// Gives a hook without delete policies the one that is the default: before it runs again.
    ///
    /// To be called for a hook that is about to run. The release is stored with the policy from then on, as Helm does it.
    pub fn set_default_policy(&mut self) {
        if self.delete_policies.is_empty() {
            self.delete_policies.push(HookDeletePolicy::BeforeHookCreation);
        }
    }

    /// Whether the object is deleted at the moment that the policy names.
    ///
    /// A hook that defines a kind never is: all objects of the kind would go with it.
    pub fn is_deleted(&self, policy: &HookDeletePolicy) -> bool {
        self.kind != "CustomResourceDefinition" && self.delete_policies.contains(policy)
    }
}

impl fmt::Debug for Hook {
    /// Without the object, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("path", &self.path)
            .field("events", &self.events)
            .field("last_run", &self.last_run)
            .finish_non_exhaustive()
    }
}

/// How a hook ran.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct HookExecution {
    /// When the run began.
    #[serde(skip_serializing_if = "Time::is_zero")]
    pub started_at: Time,
    /// When the run ended.
    #[serde(skip_serializing_if = "Time::is_zero")]
    pub completed_at: Time,
    /// How the run stands.
    pub phase: HookPhase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_without_a_policy_is_deleted_before_it_runs_again() {
        let mut hook = Hook::default();
        assert!(!hook.is_deleted(&HookDeletePolicy::BeforeHookCreation));
        hook.set_default_policy();
        assert!(hook.is_deleted(&HookDeletePolicy::BeforeHookCreation));
        assert!(!hook.is_deleted(&HookDeletePolicy::Succeeded));
    }

    #[test]
    fn policies_that_are_given_stay_the_only_ones() {
        let mut hook = Hook { delete_policies: vec![HookDeletePolicy::Failed], ..Hook::default() };
        hook.set_default_policy();
        assert_eq!(hook.delete_policies, [HookDeletePolicy::Failed]);
        assert!(hook.is_deleted(&HookDeletePolicy::Failed) && !hook.is_deleted(&HookDeletePolicy::BeforeHookCreation));
    }

    #[test]
    fn definitions_of_kinds_are_never_deleted() {
        let mut hook = Hook { kind: "CustomResourceDefinition".to_owned(), ..Hook::default() };
        hook.set_default_policy();
        assert_eq!(hook.delete_policies, [HookDeletePolicy::BeforeHookCreation]);
        assert!(!hook.is_deleted(&HookDeletePolicy::BeforeHookCreation));
    }
}
