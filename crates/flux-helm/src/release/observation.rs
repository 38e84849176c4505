//! What helm-controller remembers of a release, and the digests by which it notices that somebody changed one.

use flux_gotemplate::{GoStr, Map, Value};
use flux_tar::{Algorithm, Digest};
use flux_yaml::{Node, Tag};
use serde::Serialize;

use super::{Hook, Info, Release, go_json, tree_form};
use crate::chart::Metadata;

/// Why a release or its values have no digest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The release has no JSON.
    #[error("release {name:?} has no JSON")]
    Release {
        /// The release's name.
        name: String,
        /// The value that has none.
        source: serde_json::Error,
    },
    /// A value among the values has no YAML.
    #[error("a {0} among the values has no YAML")]
    Value(String),
    /// The values are nested deeper than is read.
    #[error("values are nested deeper than {MAX_DEPTH}")]
    Depth,
    /// The values have no YAML.
    #[error("values have no YAML")]
    Values(#[source] flux_yaml::Error),
}

/// The parts of a release that tell one state of it from another.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Observation<'r> {
    name: &'r str,
    version: i64,
    info: &'r Info,
    chart_metadata: Metadata,
    #[serde(with = "tree_form")]
    config: Map,
    manifest: &'r str,
    hooks: Option<Vec<&'r Hook>>,
    namespace: &'r str,
    #[serde(rename = "ociDigest", skip_serializing_if = "str::is_empty")]
    oci_digest: &'r str,
}

/// The text over which the digest of a stored release is taken.
///
/// Tests are left out, so that a run of them does not count as a change. `oci_digest` is that of the artifact that the
/// chart came from, empty where there was none; the release itself does not say.
pub fn observe(release: &Release, oci_digest: &str) -> Result<Vec<u8>, DigestError> {
    let hooks: Vec<&Hook> = release.hooks.iter().filter(|hook| !hook.is_test()).collect();
    let observation = Observation {
        name: &release.name,
        version: release.revision,
        info: &release.info,
        chart_metadata: release
            .chart
            .as_ref()
            .map(|chart| super::chart_form::sorted(&chart.metadata))
            .unwrap_or_default(),
        config: if release.config.is_empty() { Map::nil_plain() } else { release.config.clone() },
        manifest: &release.manifest,
        hooks: Some(hooks).filter(|hooks| !hooks.is_empty()),
        namespace: &release.namespace,
        oci_digest,
    };
    let fault = |source| DigestError::Release { name: release.name.clone(), source };
    let mut text = go_json::to_vec(&observation).map_err(fault)?;
    text.push(b'\n');
    Ok(text)
}

/// The digest of a release as it is stored.
pub fn digest(release: &Release, oci_digest: &str, algorithm: Algorithm) -> Result<Digest, DigestError> {
    Ok(Digest::of(algorithm, &observe(release, oci_digest)?))
}

/// The digest of values, which do not depend on the order of their keys; that of nothing where there are none.
pub fn values_digest(values: &Map, algorithm: Algorithm) -> Result<Digest, DigestError> {
    let text = if values.is_empty() { String::new() } else { values_text(values)? };
    Ok(Digest::of(algorithm, text.as_bytes()))
}

/// How deep values may be nested: deeper than files with values are read.
const MAX_DEPTH: usize = 250;
/// The stack for the deepest values, in bytes.
const DEEP_STACK: usize = 4 << 20;

/// Values as YAML with their keys in the order of their bytes.
fn values_text(values: &Map) -> Result<String, DigestError> {
    stacker::maybe_grow(DEEP_STACK / 4, DEEP_STACK, || {
        let node = node(&Value::Map(values.clone()), 0)?;
        flux_yaml::print_in_order(&node).map_err(DigestError::Values)
    })
}

fn node(value: &Value, depth: usize) -> Result<Node, DigestError> {
    if depth > MAX_DEPTH {
        return Err(DigestError::Depth);
    }
    Ok(match value {
        Value::Nil => Node::null(),
        Value::Bool(flag) => Node::scalar(if *flag { "true" } else { "false" }, Tag::Bool),
        Value::Int(number) | Value::Int64(number) | Value::Duration(number) => integer(number),
        Value::Int32(number) => integer(number),
        Value::Uint8(number) => integer(number),
        Value::Uint64(number) => integer(number),
        Value::Float(number) => float(*number),
        Value::Str(text) => Node::string(text.to_text()),
        Value::List(list) if list.is_nil() => Node::null(),
        Value::List(list) => {
            Node::sequence(list.items().iter().map(|item| node(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) if map.is_nil() => Node::null(),
        Value::Map(map) => {
            let entries = map.entries();
            let entry = |(key, value): (&GoStr, &Value)| Ok((Node::string(key.to_text()), node(value, depth + 1)?));
            Node::mapping(entries.iter().map(entry).collect::<Result<_, DigestError>>()?)
        }
        Value::Bytes(_) | Value::Complex(_) | Value::Error(_) | Value::Func(_) | Value::Object(_) => {
            return Err(DigestError::Value(value.type_name().into_owned()));
        }
    })
}

fn integer(number: &impl ToString) -> Node {
    Node::scalar(number.to_string(), Tag::Int)
}

/// A number that is whole and fits into 64 bits is an integer, with all its digits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are checked before")]
fn float(number: f64) -> Node {
    // The bounds are the powers of two behind the largest integers, which floating point has exactly.
    let (signed, unsigned) = (2_f64.powi(63), 2_f64.powi(64));
    if number.fract() == 0.0 && (-signed..signed).contains(&number) {
        integer(&(number as i64))
    } else if number.fract() == 0.0 && (signed..unsigned).contains(&number) {
        integer(&(number as u64))
    } else {
        Node::scalar(flux_yaml::format_float(number), Tag::Float)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{HookEvent, HookPhase};

    #[test]
    fn a_release_of_nothing_but_a_name_has_upstreams_digest() {
        let release = Release { name: "foo".to_owned(), ..Release::default() };
        assert_eq!(
            digest(&release, "", Algorithm::Sha256).unwrap().to_string(),
            "sha256:f1498f27a16a09cd7e1ee610d924df065c03d30035638babc95dd9a8d412ce4d"
        );
    }

    #[test]
    fn tests_are_not_part_of_what_is_observed() {
        let hook = |name: &str, event| Hook { name: name.to_owned(), events: vec![event], ..Hook::default() };
        let mut release =
            Release { hooks: vec![hook("a", HookEvent::Test), hook("b", HookEvent::PreInstall)], ..Release::default() };
        let before = observe(&release, "").unwrap();
        release.hooks[0].last_run.phase = HookPhase::Failed;
        assert_eq!(observe(&release, "").unwrap(), before);
        release.hooks[1].last_run.phase = HookPhase::Failed;
        assert_ne!(observe(&release, "").unwrap(), before);
        release.hooks.truncate(1);
        assert!(String::from_utf8(observe(&release, "").unwrap()).unwrap().contains(r#""hooks":null,"namespace""#));
    }

    #[test]
    fn values_have_upstreams_digests() {
        let digest = |json: &str, algorithm| {
            let values = flux_gotemplate::data::read_json(json.as_bytes(), flux_gotemplate::data::Target::Map).unwrap();
            let Value::Map(values) = values else { unreachable!("a map was asked for") };
            values_digest(&values, algorithm).unwrap().to_string()
        };
        for (json, algorithm, expected) in [
            ("{}", Algorithm::Sha256, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                r#"{"replicas":3,"image":{"tag":"latest","repository":"nginx"},"ports":[{"protocol":"TCP","port":8080},{"port":9090,"protocol":"UDP"}]}"#,
                Algorithm::Sha256,
                "sha256:fcdc2b0de1581a3633ada4afee3f918f6eaa5b5ab38c3fef03d5b48d3f85d9f6",
            ),
            (
                r#"{"replicas":3,"test":{"632bd80235a05f4192aefade":"value1","632bd80ddf416cf32fd50679":"value2","632bd817c559818a52307da2":"value3","632bd82398e71231a98004b6":"value4"}}"#,
                Algorithm::Sha256,
                "sha256:8a980fcbeadd6f05818f07e8aec14070c22250ca3d96af1fcd5f93b3e85b4d70",
            ),
            (
                r#"{"foo":"bar","baz":{"cool":"stuff"}}"#,
                Algorithm::Sha512,
                "sha512:b5f9cd4855ca3b08afd602557f373069b1732ce2e6d52341481b0d38f1938452e9d7759ab177c66699962b592f20ceded03eea3cd405d8670578c47842e2c550",
            ),
        ] {
            assert_eq!(digest(json, algorithm), expected);
        }
    }

    #[test]
    fn values_that_contain_themselves_are_refused() {
        let map = Map::new();
        map.insert("a".into(), Value::Map(map.clone()));
        assert!(matches!(values_digest(&map, Algorithm::Sha256), Err(DigestError::Depth)));
        map.remove(b"a");
    }
}
