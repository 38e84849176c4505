//! From the metadata to the tree, with the fields in the order of their names.

use std::collections::BTreeMap;

use super::{KEY, Layout, Metadata, PREFIX, flat};
use crate::{Branch, Entry, Error, MasterKey, MetadataError, Value};

/// The documents with the metadata at the end of each.
pub(crate) fn embed(branches: &[Branch], metadata: &Metadata, layout: Layout) -> Result<Vec<Branch>, Error> {
    let mut own = tree(metadata);
    if layout != Layout::Nested {
        own = flat::flatten(own, if layout == Layout::Flat { PREFIX } else { "" });
    }
    if layout == Layout::Section {
        for entry in &mut own {
            if let Value::Text(text) = &mut entry.value {
                *text = String::from_utf8_lossy(text).replace('\n', "\\n").into_bytes();
            }
        }
    }
    if layout != Layout::Flat {
        own = vec![Entry::new(KEY, Value::Branch(own))];
    }
    let reserved = |name: &str| if layout == Layout::Flat { name.starts_with(PREFIX) } else { name == KEY };
    branches
        .iter()
        .map(|branch| {
            if let Some(name) = branch.iter().filter_map(Entry::name).find(|name| reserved(name)) {
                return Err(MetadataError::Reserved { key: name.to_owned() }.into());
            }
            Ok(branch.iter().chain(&own).cloned().collect())
        })
        .collect()
}

fn tree(metadata: &Metadata) -> Branch {
    let mut fields = match metadata.key_groups.as_slice() {
        [group] => kinds(group),
        groups => {
            // A group of its own writes these two lists even when they are empty.
            let group = |group: &Vec<MasterKey>| {
                let mut lists = kinds(group);
                for always in ["age", "hc_vault"] {
                    lists.entry(always).or_insert(Value::List(Vec::new()));
                }
                branch(lists)
            };
            let groups: Vec<_> = groups.iter().map(group).collect();
            if groups.is_empty() { BTreeMap::new() } else { BTreeMap::from([("key_groups", Value::List(groups))]) }
        }
    };
    fields.insert("lastmodified", Value::text(&metadata.last_modified));
    fields.insert("mac", Value::text(&metadata.mac));
    fields.insert(metadata.rule.field(), Value::text(metadata.rule.text()));
    fields.insert("version", Value::text(&metadata.version));
    if metadata.mac_only_encrypted {
        fields.insert("mac_only_encrypted", Value::Bool(true));
    }
    if metadata.shamir_threshold != 0 {
        fields.insert("shamir_threshold", Value::Int(metadata.shamir_threshold));
    }
    fields.into_iter().map(|(name, value)| Entry::new(name, value)).collect()
}

fn branch(fields: BTreeMap<&str, Value>) -> Value {
    Value::Branch(fields.into_iter().map(|(name, value)| Entry::new(name, value)).collect())
}

/// The lists of keys by their kind.
fn kinds(group: &[MasterKey]) -> BTreeMap<&'static str, Value> {
    let mut lists: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    for master in group {
        lists.entry(master.kind()).or_default().push(key(master));
    }
    lists.into_iter().map(|(kind, keys)| (kind, Value::List(keys))).collect()
}

fn key(master: &MasterKey) -> Value {
    let texts = |fields: &[(&'static str, &String)]| -> BTreeMap<&str, Value> {
        fields.iter().map(|(name, text)| (*name, Value::text(*text))).collect()
    };
    let mut fields = match master {
        MasterKey::Age { recipient, encrypted: _ } => texts(&[("recipient", recipient)]),
        MasterKey::Pgp { fingerprint, created_at, encrypted: _ } => {
            texts(&[("fp", fingerprint), ("created_at", created_at)])
        }
        MasterKey::AwsKms { arn, role, context, profile, created_at, encrypted: _ } => {
            let mut fields = texts(&[("arn", arn), ("aws_profile", profile), ("created_at", created_at)]);
            if let Some(role) = role {
                fields.insert("role", Value::text(role));
            }
            if !context.is_empty() {
                let entry = |(name, text): (&String, &Option<String>)| {
                    Entry::new(name, text.as_ref().map_or(Value::Null, Value::text))
                };
                fields.insert("context", Value::Branch(context.iter().map(entry).collect()));
            }
            fields
        }
        MasterKey::GcpKms { resource_id, created_at, encrypted: _ } => {
            texts(&[("resource_id", resource_id), ("created_at", created_at)])
        }
        MasterKey::AzureKeyVault { vault_url, name, version, created_at, encrypted: _ } => {
            texts(&[("vault_url", vault_url), ("name", name), ("version", version), ("created_at", created_at)])
        }
        MasterKey::Vault { address, engine_path, key_name, created_at, encrypted: _ } => texts(&[
            ("vault_address", address),
            ("engine_path", engine_path),
            ("key_name", key_name),
            ("created_at", created_at),
        ]),
        MasterKey::HuaweiKms { key_id, created_at, encrypted: _ } => {
            texts(&[("key_id", key_id), ("created_at", created_at)])
        }
    };
    fields.insert("enc", Value::text(master.encrypted()));
    branch(fields)
}
