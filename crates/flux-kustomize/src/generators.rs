//! ConfigMaps and Secrets made from literals and files, and the hash that their names end with.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_yaml::{Node, Style};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::accumulate::absorb;
use crate::kustomization::{Generator, GeneratorOptions};
use crate::origin::Origin;
use crate::plugins::{self, Generating, HELM, IamPolicy, Made, NO_HELM};
use crate::resource::{Behavior, Resource, child};
use crate::target::Target;
use crate::transformers::trouble;
use crate::{Error, json_text};

/// Marks an object of a file whose name is to end with its hash.
const NEEDS_HASH: &str = "kustomize.config.k8s.io/needs-hash";
/// How long the lines of a Secret's value are.
const LINE: usize = 70;
const DATA: [&str; 2] = ["data", "binaryData"];

/// Runs all generators of a kustomization.
pub(crate) fn run(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let kustomization = &target.kustomization;
    let common = kustomization.generator_options.as_ref();
    let field = |made: Made, generators: &[Generator]| -> Vec<(Generating, Origin)> {
        let origin = Origin::builtin(target.origin_file(), made.generator());
        let with_options = |generator: &Generator| {
            let options = Some(merged_options(common, generator.options.as_ref()));
            (Generating::Data(made, Box::new(Generator { options, ..generator.clone() })), origin.clone())
        };
        generators.iter().map(with_options).collect()
    };
    let mut generators = field(Made::ConfigMap, &kustomization.config_map_generator);
    generators.extend(field(Made::Secret, &kustomization.secret_generator));
    if let Some(chart) = kustomization.helm_charts.first() {
        return Err(trouble(Error::invalid(NO_HELM), HELM, chart));
    }
    generators.extend(
        plugins::generators(target, &kustomization.generators)
            .map_err(|err| err.during("loading generator plugins"))?,
    );
    for (generating, origin) in generators {
        let mut generated = match &generating {
            Generating::Data(made, generator) => generate(target, *made, generator)?,
            Generating::Account(policy) => account(policy)?,
        };
        if target.origin.is_some() {
            generated.recorded = Some(origin);
        }
        let title = generated.title();
        absorb(resources, generated).map_err(|err| err.during(format!("merging from generator {title}")))?;
    }
    Ok(())
}

fn generate(target: &Target<'_>, made: Made, generator: &Generator) -> Result<Resource, Error> {
    if generator.name.is_empty() {
        return Err(Error::invalid("a configmap must have a name"));
    }
    let options = generator.options.clone().unwrap_or_default();
    let kind = if made == Made::Secret { "Secret" } else { "ConfigMap" };
    let mut node = base(kind, &generator.name, &generator.namespace);
    for (field, pairs) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        for (key, value) in pairs {
            child(child(&mut node, "metadata"), field).set(key, Node::string(value.as_str()));
        }
    }
    if made == Made::Secret {
        let secret_type = if generator.secret_type.is_empty() { "Opaque" } else { &generator.secret_type };
        node.set("type", Node::string(secret_type));
        child(&mut node, "data");
    }
    let about = || format!("{kind}/{} of {}", generator.name, target.directory.join(&target.file));
    let pairs = pairs(target, generator).map_err(|err| err.during("loading KV pairs").about(&about()))?;
    for (key, content) in pairs {
        let (field, value) = match (made, String::from_utf8(content)) {
            (Made::ConfigMap, Ok(text)) => ("data", Node::string(text)),
            (Made::ConfigMap, Err(err)) => ("binaryData", encoded(err.as_bytes())),
            (Made::Secret, Ok(text)) => ("data", encoded(text.as_bytes())),
            (Made::Secret, Err(err)) => ("data", encoded(err.as_bytes())),
        };
        child(&mut node, field).set(&key, value);
    }
    if options.immutable {
        node.set("immutable", Node::scalar("true", flux_yaml::Tag::Bool));
    }
    let mut resource = Resource::new(node, None);
    resource.needs_hash = !options.disable_name_suffix_hash;
    resource.behavior = Behavior::parse(&generator.behavior);
    Ok(resource)
}

fn base(kind: &str, name: &str, namespace: &str) -> Node {
    let mut node = Node::mapping(Vec::new());
    node.set("apiVersion", Node::string("v1"));
    node.set("kind", Node::string(kind));
    child(&mut node, "metadata").set("name", Node::string(name));
    if !namespace.is_empty() {
        child(&mut node, "metadata").set("namespace", Node::string(namespace));
    }
    node
}

/// A ServiceAccount that acts as a service account of Google Cloud.
pub(crate) fn account(policy: &IamPolicy) -> Result<Resource, Error> {
    let IamPolicy { cloud, account, cloud_account } = policy;
    if cloud != "gke" {
        return Err(Error::invalid(format!("cloud provider {cloud} not supported yet")));
    }
    let mut resource = Resource::new(base("ServiceAccount", &account.name, &account.namespace), None);
    let email = format!("{}@{}.iam.gserviceaccount.com", cloud_account.name, cloud_account.project);
    resource.annotate("iam.gke.io/gcp-service-account", &email);
    Ok(resource)
}

/// A generator's options over those of all generators.
fn merged_options(common: Option<&GeneratorOptions>, own: Option<&GeneratorOptions>) -> GeneratorOptions {
    let mut merged = common.cloned().unwrap_or_default();
    if let Some(own) = own {
        merged.labels.extend(own.labels.clone());
        merged.annotations.extend(own.annotations.clone());
        merged.disable_name_suffix_hash |= own.disable_name_suffix_hash;
        merged.immutable |= own.immutable;
    }
    merged
}

/// Base64 in a block of lines, as upstream writes it.
fn encoded(content: &[u8]) -> Node {
    let text = STANDARD.encode(content);
    if text.len() <= LINE {
        return Node::string(text);
    }
    let lines: Vec<&str> = text.as_bytes().chunks(LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    Node { style: Style::Literal, ..Node::string(lines.join("\n") + "\n") }
}

/// All keys with their content: literals, then files, then env files.
fn pairs(target: &Target<'_>, generator: &Generator) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut pairs = BTreeMap::new();
    let mut put = |key: String, content: Vec<u8>| {
        if !is_key(&key) {
            return Err(Error::invalid(format!("{key:?} is not a valid key name")));
        }
        match pairs.insert(key.clone(), content) {
            None => Ok(()),
            Some(_) => Err(Error::invalid(format!("configmap {} illegally repeats the key `{key}`", generator.name))),
        }
    };
    let failed = |what: &str, sources: &[String]| {
        let step = format!("{what} [{}]", sources.join(" "));
        move |err: Error| err.during(step)
    };
    for path in &generator.envs {
        let read = target.read(path).and_then(|text| env_file(&text, path));
        for (key, value) in read.map_err(failed("env source files:", &generator.envs))? {
            put(key, value.into_bytes())?;
        }
    }
    for literal in &generator.literals {
        let (key, value) = literal
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Error::invalid(format!("invalid literal source {literal}, expected key=value")))
            .map_err(failed("literal sources", &generator.literals))?;
        put(key.to_owned(), unquoted(value).as_bytes().to_vec())?;
    }
    for file in &generator.files {
        let read = file_source(file).and_then(|(key, path)| Ok((key, target.read_bytes(path)?)));
        let (key, content) = read.map_err(failed("file sources:", &generator.files))?;
        put(key.to_owned(), content)?;
    }
    Ok(pairs)
}

/// The key and the path of `key=path`; without a key it is the file's name.
fn file_source(source: &str) -> Result<(&str, &str), Error> {
    match source.split_once('=') {
        None => Ok((source.rsplit('/').next().unwrap_or(source), source)),
        Some(("", path)) => {
            Err(Error::invalid(format!("missing key name for file path {path:?} in source {source:?}")))
        }
        Some((key, "")) => Err(Error::invalid(format!("missing file path for key name {key:?} in source {source:?}"))),
        Some((_, path)) if path.contains('=') => {
            Err(Error::invalid(format!("source {source:?} key name or file path contains '='")))
        }
        Some(pair) => Ok(pair),
    }
}

/// Whether a text may be a key of a ConfigMap.
fn is_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !key.is_empty()
        && key.len() <= 253
        && key.chars().all(allowed)
        && key != "."
        && key != ".."
        && !key.starts_with("..")
}

/// A text without one pair of quotes around it.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if text.len() < 2 { text } else { inner('"').or_else(|| inner('\'')).unwrap_or(text) }
}

fn env_file(text: &str, path: &str) -> Result<Vec<(String, String)>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pairs = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // A name without a value would come from the environment, which a build does not have.
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let valid = !key.is_empty()
            && !key.starts_with(|c: char| c.is_ascii_digit())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !valid {
            // What stands there is not shown: in a file of another format it may well be the secret.
            return Err(Error::invalid(format!("no valid key name: {path}:{}", at + 1)));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// Puts the generated object in the place of one of the same id, whose labels and annotations it keeps.
pub(crate) fn replace(old: &mut Resource, generated: Resource) {
    let before = std::mem::replace(&mut old.node, generated.node);
    for field in ["labels", "annotations"] {
        keep(&mut old.node, &before, &["metadata", field]);
    }
    let text = |path: &[&str]| before.at(path).and_then(Node::text).unwrap_or_default().to_owned();
    old.set_name(&text(&["metadata", "name"]));
    old.set_namespace(&text(&["metadata", "namespace"]));
    old.needs_hash &= generated.needs_hash;
    old.recorded = generated.recorded;
}

/// The same, and the old object's data stays where the generated one has none.
pub(crate) fn merge(old: &mut Resource, generated: Resource) {
    let before = old.node.clone();
    let recorded = old.recorded.take();
    let generated_at = generated.recorded.clone();
    replace(old, generated);
    for field in DATA {
        keep(&mut old.node, &before, &[field]);
    }
    old.recorded = recorded.or(generated_at);
}

/// Adds the entries of a mapping that are only in `before`.
fn keep(node: &mut Node, before: &Node, path: &[&str]) {
    for (key, value) in before.at(path).and_then(Node::entries).unwrap_or_default() {
        let held = path.iter().fold(&mut *node, |node, part| child(node, part));
        if let Some(key) = key.text().filter(|key| held.get(key).is_none()) {
            held.set(key, value.clone());
        }
    }
}

/// Ends the names of generated objects with the hash of their content.
pub(crate) fn add_hashes(resources: &mut [Resource]) -> Result<(), Error> {
    for resource in resources {
        let marked = resource.annotation(NEEDS_HASH) == Some("true");
        if marked {
            resource.remove_annotation(NEEDS_HASH);
        }
        if resource.needs_hash || marked {
            let name = format!("{}-{}", resource.name(), hash(resource)?);
            resource.remember_id();
            resource.set_name(&name);
        }
    }
    Ok(())
}

/// Ten characters that stand for the content, of an alphabet without vowels.
fn hash(resource: &Resource) -> Result<String, Error> {
    let object = resource.to_json()?;
    let fields: &[&str] = match resource.kind() {
        "ConfigMap" => &["binaryData", "data"],
        "Secret" => &["data", "stringData", "type"],
        _ => return Ok(encode(&object)),
    };
    let mut encoded = Map::new();
    for field in fields {
        let value = object.get(*field).cloned();
        let always = *field == "data" || *field == "type";
        match value {
            Some(value) => drop(encoded.insert((*field).to_owned(), value)),
            None if always => drop(encoded.insert((*field).to_owned(), Value::String(String::new()))),
            None => {}
        }
    }
    encoded.insert("kind".to_owned(), Value::String(resource.kind().to_owned()));
    encoded.insert("name".to_owned(), Value::String(String::new()));
    Ok(encode(&Value::Object(encoded)))
}

fn encode(value: &Value) -> String {
    let text = json_text::compact(value);
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    let letter = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        c => c,
    };
    digest.chars().take(10).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_line_by_line() {
        let pairs = env_file("\u{feff}A=1\n# no\n\n  B=\"x\" \nC", "f").unwrap();
        let expected = [("A", "1"), ("B", "\"x\" "), ("C", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
    }

    #[test]
    fn a_line_that_is_no_variable_is_told_by_its_number() {
        for text in ["A=b\n1C=d", "A=b\npassword: hunter2", "A=b\nkey: aGk="] {
            assert_eq!(env_file(text, "f").unwrap_err().to_string(), "no valid key name: f:2", "{text}");
        }
    }

    #[test]
    fn literals_lose_one_pair_of_quotes() {
        assert_eq!([unquoted("'a'"), unquoted("\"a"), unquoted("\"'a'\""), unquoted("'")], ["a", "\"a", "'a'", "'"]);
    }
}
