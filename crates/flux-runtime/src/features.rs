//! Feature gates: switches with a default, set by `--feature-gates Name=bool,…`.

use std::collections::BTreeMap;

/// The gates of one controller as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGates(BTreeMap<&'static str, bool>);

/// `--feature-gates` names a gate that this controller does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown feature gate {name:?}, known are {known}")]
pub struct UnknownGate {
    name: String,
    known: String,
}

impl FeatureGates {
    /// The gates `known` with their defaults, as changed by `given`; a name given twice has its last value.
    pub fn new(known: &[(&'static str, bool)], given: &[(String, bool)]) -> Result<Self, UnknownGate> {
        let mut gates: BTreeMap<_, _> = known.iter().copied().collect();
        for (name, value) in given {
            let Some(gate) = gates.get_mut(name.as_str()) else {
                let known: Vec<_> = gates.keys().copied().collect();
                return Err(UnknownGate { name: name.clone(), known: known.join(", ") });
            };
            *gate = *value;
        }
        Ok(Self(gates))
    }

    /// Whether the gate is on; a name that is not among the known ones is off.
    pub fn enabled(&self, name: &str) -> bool {
        self.0.get(name).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, bool); 2] = [("ExternalArtifact", false), ("StrictPostBuildSubstitutions", true)];

    #[test]
    fn gates_start_from_their_defaults_and_take_what_is_given() {
        let gates = FeatureGates::new(&KNOWN, &[("ExternalArtifact".to_owned(), true)]).unwrap();
        assert!(gates.enabled("ExternalArtifact") && gates.enabled("StrictPostBuildSubstitutions"));
        let gates = FeatureGates::new(&KNOWN, &[("StrictPostBuildSubstitutions".to_owned(), false)]).unwrap();
        assert!(!gates.enabled("ExternalArtifact") && !gates.enabled("StrictPostBuildSubstitutions"));
    }

    #[test]
    fn an_unknown_gate_is_an_error_that_lists_the_known_ones() {
        let err = FeatureGates::new(&KNOWN, &[("OptimizedGitClones".to_owned(), true)]).unwrap_err();
        let text =
            "unknown feature gate \"OptimizedGitClones\", known are ExternalArtifact, StrictPostBuildSubstitutions";
        assert_eq!(err.to_string(), text);
    }
}
