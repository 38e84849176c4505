//! Properties that the engines keep for every input, as plain functions of bytes.
//!
//! A function panics where its property does not hold; what an engine refuses with an error is fine. The program of this
//! crate feeds them seeds and mutations of them; the wrappers in `cargo-fuzz` hand them to libFuzzer.
#![expect(clippy::panic, reason = "a property that does not hold ends the run")]

mod build;
pub mod corpus;
mod helm_chart;
mod helm_index;
mod helm_record;
mod helm_values;
pub mod mutate;
mod patch;
mod sops;
mod substitute;
mod template;
mod version;
mod yaml;

/// One property.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also that of its folder of seeds.
    pub name: &'static str,
    /// Panics where the property does not hold for these bytes.
    pub run: fn(&[u8]),
    /// Pieces of text that mean something to the engine.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 16] = [
    Target { name: "yaml", run: yaml::read_text_prints_and_reads_back, words: &yaml::WORDS },
    Target { name: "yaml-blocks", run: yaml::both_ways_of_reading_agree, words: &yaml::WORDS },
    Target { name: "json", run: yaml::values_print_and_read_back, words: &[] },
    Target { name: "merge", run: patch::strategic_merges_build_alike_twice, words: &patch::MERGE_WORDS },
    Target { name: "json-patch", run: patch::json_patches_build_alike_twice, words: &patch::JSON_WORDS },
    Target { name: "kustomization", run: build::builds_give_what_builds_alike, words: &build::WORDS },
    Target { name: "envsubst", run: substitute::text_without_variables_stays, words: &substitute::WORDS },
    Target { name: "sops", run: sops::documents_read_and_print_alike, words: &sops::WORDS },
    Target { name: "sops-encrypt", run: sops::encrypted_documents_decrypt_to_themselves, words: &yaml::WORDS },
    Target { name: "template", run: template::templates_end_within_their_bounds, words: &template::WORDS },
    Target {
        name: "helm-schema",
        run: helm_values::schemas_find_the_same_faults_twice,
        words: &helm_values::SCHEMA_WORDS,
    },
    Target { name: "helm-set", run: helm_values::lines_set_what_they_say, words: &helm_values::WORDS },
    Target { name: "helm-chart", run: helm_chart::archives_of_a_chart_hold_the_chart, words: &helm_chart::WORDS },
    Target { name: "helm-index", run: helm_index::parts_say_what_the_whole_says, words: &helm_index::WORDS },
    Target {
        name: "helm-record",
        run: helm_record::records_read_back_as_they_were_written,
        words: &helm_record::WORDS,
    },
    Target { name: "semver", run: version::printed_versions_are_the_same, words: &version::WORDS },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// The bytes as text up to where they are none, so that mutations of text stay inputs.
fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(err) => std::str::from_utf8(&bytes[..err.valid_up_to()]).unwrap_or_default(),
    }
}

/// Fails where two texts differ, and shows where.
fn same(what: &str, text: &str, expected: &str) {
    if text != expected {
        let at = text.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(40);
        panic!(
            "{what}: {:?} was {:?}",
            shown(text.get(at..).unwrap_or(text)),
            shown(expected.get(at..).unwrap_or(expected))
        );
    }
}

/// The beginning of a text.
fn shown(text: &str) -> String {
    text.chars().take(400).collect()
}

/// Seeds that are made of several files separate them by this line.
const SEPARATOR: &str = "\n%%%\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_holds_for_its_seeds() {
        for target in TARGETS {
            let seeds = corpus::seeds(target.name).unwrap();
            assert!(seeds.len() > 3, "{} has few seeds", target.name);
            for seed in seeds {
                (target.run)(&seed);
            }
        }
    }

    #[test]
    fn every_property_holds_for_hostile_inputs() {
        for target in TARGETS {
            for input in corpus::hostile() {
                (target.run)(input.as_bytes());
            }
        }
    }
}
