//! From the tree to the metadata, as leniently as SOPS reads its fields.

use std::collections::BTreeMap;

use flux_yaml::{Resolved, yaml3};

use super::{KEY, Layout, PREFIX, flat};
use crate::stores::plain;
use crate::{Branch, Entry, Error, KeyGroup, MasterKey, Metadata, MetadataError, Rule, Value};

/// Takes the metadata out of the documents. The first document holds it; in the others it is dropped.
pub(crate) fn extract(branches: &mut [Branch], layout: Layout) -> Result<Metadata, Error> {
    let found = match layout {
        Layout::Nested | Layout::Section => nested(branches)?,
        Layout::Flat => flat_entries(branches),
    };
    let mut found = found.ok_or(Error::MetadataNotFound)?;
    if layout == Layout::Section {
        for entry in &mut found {
            if let Value::Text(text) = &mut entry.value {
                *text = String::from_utf8_lossy(text).replace("\\n", "\n").into_bytes();
            }
        }
    }
    if layout != Layout::Nested {
        found = flat::unflatten(found)?;
    }
    Ok(metadata(&Fields::of(&found))?)
}

fn nested(branches: &mut [Branch]) -> Result<Option<Branch>, MetadataError> {
    let mut found = None;
    for (index, branch) in branches.iter_mut().enumerate() {
        let (own, rest): (Branch, Branch) =
            std::mem::take(branch).into_iter().partition(|entry| entry.name() == Some(KEY));
        *branch = rest;
        for entry in own.into_iter().filter(|_| index == 0) {
            if found.is_some() {
                return Err(MetadataError::Duplicate);
            }
            match entry.value {
                Value::Branch(tree) => found = Some(tree),
                _ => return Err(MetadataError::NotMapping),
            }
        }
    }
    Ok(found)
}

fn flat_entries(branches: &mut [Branch]) -> Option<Branch> {
    let branch = branches.first_mut()?;
    let (own, rest): (Branch, Branch) =
        std::mem::take(branch).into_iter().partition(|entry| entry.name().is_some_and(|name| name.starts_with(PREFIX)));
    *branch = rest;
    let strip = |entry: Entry| Entry::new(entry.name().unwrap_or_default()[PREFIX.len()..].to_owned(), entry.value);
    (!own.is_empty()).then(|| own.into_iter().map(strip).collect())
}

fn metadata(fields: &Fields<'_>) -> Result<Metadata, MetadataError> {
    let last_modified = fields.time("lastmodified")?;
    let key_groups = groups(fields)?;
    Ok(Metadata {
        key_groups,
        shamir_threshold: fields.number("shamir_threshold")?,
        last_modified,
        mac: fields.text("mac")?,
        rule: rule(fields)?,
        mac_only_encrypted: fields.truth("mac_only_encrypted")?,
        version: fields.text("version")?,
    })
}

fn rule(fields: &Fields<'_>) -> Result<Rule, MetadataError> {
    let kinds: [fn(String) -> Rule; 6] = [
        Rule::UnencryptedSuffix,
        Rule::EncryptedSuffix,
        Rule::UnencryptedRegex,
        Rule::EncryptedRegex,
        Rule::UnencryptedCommentRegex,
        Rule::EncryptedCommentRegex,
    ];
    let mut rules = Vec::new();
    for kind in kinds {
        let text = fields.text(kind(String::new()).field())?;
        if !text.is_empty() {
            rules.push(kind(text));
        }
    }
    match rules.len() {
        0 => Ok(Rule::default()),
        1 => Ok(rules.remove(0)),
        _ => Err(MetadataError::Rules),
    }
}

fn groups(fields: &Fields<'_>) -> Result<Vec<KeyGroup>, MetadataError> {
    let group = group(fields)?;
    let groups = if group.is_empty() {
        fields.list("key_groups")?.iter().map(self::group).collect::<Result<Vec<_>, _>>()?
    } else {
        vec![group]
    };
    match groups.iter().map(Vec::len).sum::<usize>() {
        _ if groups.is_empty() => Err(MetadataError::NoKeys),
        count if count > MAX_KEYS => Err(MetadataError::TooManyKeys { count, limit: MAX_KEYS }),
        _ => Ok(groups),
    }
}

type ReadKey = fn(&Fields<'_>) -> Result<MasterKey, MetadataError>;

/// How many keys a document may have: each may cost a request to a service.
const MAX_KEYS: usize = 1000;

/// The keys of one group, in SOPS's order of their kinds.
fn group(fields: &Fields<'_>) -> Result<KeyGroup, MetadataError> {
    let kinds: [(&str, ReadKey); 7] = [
        ("kms", aws_kms),
        ("gcp_kms", gcp_kms),
        ("hckms", huawei_kms),
        ("azure_kv", azure),
        ("hc_vault", vault),
        ("pgp", pgp),
        ("age", age),
    ];
    let mut keys = KeyGroup::new();
    for (kind, read) in kinds {
        for fields in fields.list(kind)? {
            keys.push(read(&fields)?);
        }
    }
    Ok(keys)
}

fn age(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::Age { recipient: fields.text("recipient")?, encrypted: fields.text("enc")? })
}

fn pgp(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::Pgp {
        fingerprint: fields.text("fp")?,
        created_at: fields.time("created_at")?,
        encrypted: fields.text("enc")?,
    })
}

fn aws_kms(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::AwsKms {
        arn: fields.text("arn")?,
        role: Some(fields.text("role")?).filter(|role| !role.is_empty()),
        context: fields.context()?,
        profile: fields.text("aws_profile")?,
        created_at: fields.time("created_at")?,
        encrypted: fields.text("enc")?,
    })
}

fn gcp_kms(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::GcpKms {
        resource_id: fields.text("resource_id")?,
        created_at: fields.time("created_at")?,
        encrypted: fields.text("enc")?,
    })
}

fn huawei_kms(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::HuaweiKms {
        key_id: fields.text("key_id")?,
        created_at: fields.time("created_at")?,
        encrypted: fields.text("enc")?,
    })
}

fn azure(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::AzureKeyVault {
        vault_url: fields.text("vault_url")?,
        name: fields.text("name")?,
        version: fields.text("version")?,
        created_at: fields.time("created_at")?,
        encrypted: fields.text("enc")?,
    })
}

fn vault(fields: &Fields<'_>) -> Result<MasterKey, MetadataError> {
    Ok(MasterKey::Vault {
        address: fields.text("vault_address")?,
        engine_path: fields.text("engine_path")?,
        key_name: fields.text("key_name")?,
        created_at: fields.time("created_at")?,
        encrypted: fields.text("enc")?,
    })
}

/// The fields of a mapping: the last of equal names counts, and case only where no name is the same.
struct Fields<'b>(&'b [Entry]);

impl<'b> Fields<'b> {
    fn of(branch: &'b [Entry]) -> Self {
        Self(branch)
    }

    fn get(&self, field: &str) -> &'b Value {
        let find = |same: fn(&str, &str) -> bool| {
            self.0.iter().rev().find(|entry| entry.name().is_some_and(|name| same(name, field)))
        };
        find(|name, field| name == field)
            .or_else(|| find(str::eq_ignore_ascii_case))
            .map_or(&Value::Null, |entry| &entry.value)
    }

    /// A text; numbers and booleans become one.
    fn text(&self, field: &str) -> Result<String, MetadataError> {
        let wrong = || MetadataError::Type { field: field.to_owned(), expected: "string" };
        match self.get(field) {
            Value::Null => Ok(String::new()),
            Value::Text(text) => String::from_utf8(text.clone()).map_err(|_| wrong()),
            Value::Bool(truth) => Ok(if *truth { "1" } else { "0" }.to_owned()),
            value @ (Value::Int(_) | Value::Uint(_) | Value::Float(_)) => Ok(plain(value)),
            Value::Time(_) | Value::Comment(_) | Value::List(_) | Value::Branch(_) => Err(wrong()),
        }
    }

    fn time(&self, field: &str) -> Result<String, MetadataError> {
        rfc3339(&self.text(field)?).ok_or_else(|| MetadataError::Time { field: field.to_owned() })
    }

    fn number(&self, field: &str) -> Result<i64, MetadataError> {
        let wrong = || MetadataError::Type { field: field.to_owned(), expected: "number" };
        match self.get(field) {
            Value::Null => Ok(0),
            Value::Int(number) => Ok(*number),
            Value::Bool(truth) => Ok(i64::from(*truth)),
            #[expect(clippy::cast_possible_truncation, reason = "SOPS drops the fraction too")]
            Value::Float(number) => Ok(*number as i64),
            Value::Text(text) if text.is_empty() => Ok(0),
            Value::Text(text) => match std::str::from_utf8(text).map(yaml3) {
                Ok(Resolved::Int(number)) => Ok(number),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }

    fn truth(&self, field: &str) -> Result<bool, MetadataError> {
        let wrong = || MetadataError::Type { field: field.to_owned(), expected: "boolean" };
        match self.get(field) {
            Value::Null => Ok(false),
            Value::Bool(truth) => Ok(*truth),
            Value::Int(number) => Ok(*number != 0),
            Value::Float(number) => Ok(*number != 0.0),
            Value::Text(text) if text.is_empty() => Ok(false),
            Value::Text(text) => std::str::from_utf8(text).ok().and_then(flux_yaml::parse_bool).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// A list of mappings; one mapping alone stands for a list of itself.
    fn list(&self, field: &str) -> Result<Vec<Fields<'b>>, MetadataError> {
        let wrong = || MetadataError::Type { field: field.to_owned(), expected: "list" };
        match self.get(field) {
            Value::Null => Ok(Vec::new()),
            Value::Text(text) if text.is_empty() => Ok(Vec::new()),
            Value::Branch(branch) if branch.is_empty() => Ok(Vec::new()),
            Value::Branch(branch) => Ok(vec![Fields(branch)]),
            Value::List(items) => {
                let items = items.iter().filter(|item| !matches!(item, Value::Comment(_)));
                let fields = |item: &'b Value| match item {
                    Value::Branch(branch) => Ok(Fields(branch)),
                    Value::Null => Ok(Fields(&[])),
                    _ => Err(wrong()),
                };
                items.map(fields).collect()
            }
            _ => Err(wrong()),
        }
    }

    /// The encryption context of AWS KMS.
    fn context(&self) -> Result<BTreeMap<String, Option<String>>, MetadataError> {
        let entries = match self.get("context") {
            Value::Null => return Ok(BTreeMap::new()),
            Value::Branch(entries) => entries,
            _ => return Err(MetadataError::Type { field: "context".to_owned(), expected: "mapping" }),
        };
        let fields = Fields(entries);
        let entry = |name: &str| {
            let value = if *fields.get(name) == Value::Null { None } else { Some(fields.text(name)?) };
            Ok((name.to_owned(), value))
        };
        entries.iter().filter_map(Entry::name).map(entry).collect()
    }
}

/// A time of RFC 3339 without the fraction of its second.
pub(crate) fn rfc3339(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    // The strict form: the lenient one that YAML has is read by the same function.
    let strict = bytes.len() >= 20
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
        && bytes[16] == b':';
    if !strict {
        return None;
    }
    let Resolved::Timestamp(time) = yaml3(text) else { return None };
    let (seconds, rest) = time.split_at_checked(19)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    Some(format!("{seconds}{zone}"))
}
