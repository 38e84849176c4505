//! The values of a document that were encrypted: what no text of a run may show.

use flux_sops::{Branch, Entry, Key, Value};
use zeroize::Zeroizing;

/// How encrypted values begin.
const ENCRYPTED: &[u8] = b"ENC[";
/// What names an object is in every text about it and no secret, encrypted or not.
const NAMES: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];

/// The values that `plain` has where `sealed` has encrypted ones.
pub(super) fn secrets(sealed: &[Branch], plain: &[Branch]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut found = Vec::new();
    for (sealed, plain) in sealed.iter().zip(plain) {
        collect_entries(sealed, plain, &mut Vec::new(), &mut found);
    }
    found
}

fn collect<'a>(sealed: &'a Value, plain: &Value, path: &mut Vec<&'a str>, found: &mut Vec<Zeroizing<Vec<u8>>>) {
    match (sealed, plain) {
        (Value::Branch(sealed), Value::Branch(plain)) => collect_entries(sealed, plain, path, found),
        (Value::List(sealed), Value::List(plain)) => {
            sealed.iter().zip(plain).for_each(|(sealed, plain)| collect(sealed, plain, path, found));
        }
        (Value::Text(sealed), plain) if sealed.starts_with(ENCRYPTED) && !NAMES.contains(&path.as_slice()) => {
            found.extend(scalar(plain));
        }
        _ => {}
    }
}

fn collect_entries<'a>(
    sealed: &'a [Entry],
    plain: &[Entry],
    path: &mut Vec<&'a str>,
    found: &mut Vec<Zeroizing<Vec<u8>>>,
) {
    for (sealed, plain) in sealed.iter().zip(plain) {
        let Key::Name(name) = &sealed.key else { continue };
        path.push(name);
        collect(&sealed.value, &plain.value, path, found);
        path.pop();
    }
}

/// What a text would show of a value.
fn scalar(value: &Value) -> Option<Zeroizing<Vec<u8>>> {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string().into_bytes(),
        Value::Uint(number) => number.to_string().into_bytes(),
        Value::Float(number) => number.to_string().into_bytes(),
        Value::Time(time) => time.clone().into_bytes(),
        Value::Null | Value::Bool(_) | Value::Comment(_) | Value::List(_) | Value::Branch(_) => return None,
    };
    Some(Zeroizing::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(entries: Vec<(&str, Value)>) -> Branch {
        entries.into_iter().map(|(key, value)| Entry::new(key, value)).collect()
    }

    #[test]
    fn encrypted_values_are_secrets_and_names_and_plain_values_are_not() {
        let sealed = || Value::text("ENC[AES256_GCM,data:x]");
        let document = |seal: fn(Value) -> Value| {
            let metadata = branch(vec![("name", seal(Value::text("web"))), ("labels", seal(Value::text("hunter1")))]);
            let list = vec![Value::Branch(branch(vec![("value", seal(Value::text("hunter2")))])), Value::text("plain")];
            branch(vec![
                ("kind", seal(Value::text("Thing"))),
                ("metadata", Value::Branch(metadata)),
                ("list", Value::List(list)),
                ("number", seal(Value::Int(123_456))),
                ("open", Value::text("plain")),
            ])
        };
        let (plain, encrypted) = (document(|value| value), document(|_| Value::text("ENC[AES256_GCM,data:x]")));
        let found: Vec<String> =
            secrets(&[encrypted], &[plain]).iter().map(|secret| String::from_utf8_lossy(secret).into_owned()).collect();
        assert_eq!(found, ["hunter1", "hunter2", "123456"]);
        assert_eq!(secrets(&[vec![Entry::new("a", sealed())]], &[]), Vec::new());
    }
}
