//! Whether the status has room for all that a run is going to list in it.
//!
//! An inventory is written before the first object, so that nothing is ever applied that nobody knows of. One that the API
//! server would refuse must therefore be found before the first write.

use std::collections::BTreeMap;
use std::fmt;

use flux_objects::{Inventory, Manifest};

/// The largest inventory, in bytes of JSON. etcd takes 1.5 MiB for a whole object, of which spec, conditions and managed fields
/// need some.
const LIMIT: usize = 1 << 20;
/// How many folders or files a text names.
const NAMED: usize = 3;

/// An inventory that no status has room for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "inventory of {objects} objects takes {bytes} bytes of status, and at most {LIMIT} can be stored: split \"{path}\" into \
     several Kustomizations ({}){}", Shares(.largest), Leaving(.leaving)
)]
pub(super) struct TooLarge {
    objects: usize,
    bytes: usize,
    /// `spec.path`.
    path: String,
    /// Where most objects come from, and how many.
    largest: Vec<(String, usize)>,
    /// How many of the objects are listed only until they are pruned.
    leaving: usize,
}

/// Checks the inventory of a run that applies `manifests` of `path` where `old` is listed. One that was stored already, however large,
/// may be stored again, so that it can shrink.
pub(super) fn check(old: &Inventory, manifests: &[Manifest], path: Option<&str>) -> Result<(), TooLarge> {
    let mut all: Inventory = manifests.iter().map(Manifest::entry).collect();
    let applied = all.len();
    all.merge(old.difference(&all));
    let bytes = length(&all);
    if bytes <= LIMIT.max(length(old)) {
        return Ok(());
    }
    Err(TooLarge {
        objects: all.len(),
        bytes,
        path: path.unwrap_or("./").to_owned(),
        largest: largest(manifests),
        leaving: all.len() - applied,
    })
}

/// The length of the inventory's JSON.
fn length(inventory: &Inventory) -> usize {
    // `{"entries":[` and `]}`, and for each entry `{"id":"`, `","v":"`, `"}` and a comma; no part needs an escape.
    let entry = |entry: flux_objects::Entry| entry.id.to_inventory().len() + entry.version.len() + 17;
    14 + inventory.iter().map(entry).sum::<usize>()
}

/// The folders with most objects; the files where all are in one folder.
fn largest(manifests: &[Manifest]) -> Vec<(String, usize)> {
    let files = count(manifests.iter().map(|manifest| manifest.file().map_or("", |file| file)));
    let folder = |file: &str| file.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let folders = count(manifests.iter().filter_map(Manifest::file).map(|file| folder(file)));
    let counted = if folders.len() > 1 { folders } else { files };
    let mut counted: Vec<(String, usize)> = counted.into_iter().filter(|(place, _)| !place.is_empty()).collect();
    counted.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    counted.truncate(NAMED);
    counted
}

fn count(places: impl Iterator<Item = impl Into<String>>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for place in places {
        *counted.entry(place.into()).or_default() += 1;
    }
    counted
}

struct Shares<'a>(&'a [(String, usize)]);

impl fmt::Display for Shares<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("all objects are generated");
        }
        let shares: Vec<String> = self.0.iter().map(|(place, count)| format!("{count} come from {place:?}")).collect();
        formatter.write_str(&shares.join(", "))
    }
}

struct Leaving<'a>(&'a usize);

impl fmt::Display for Leaving<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => {
                write!(formatter, "; {count} of the objects are no longer built and stay listed until they are pruned")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `count` objects with ids of 60 bytes, in two folders.
    fn manifests(count: usize) -> Vec<Manifest> {
        let manifest = |number: usize| {
            let folder = if number.is_multiple_of(4) { "app/a" } else { "app/b" };
            let name = format!("{number:0>43}");
            let metadata = json!({"name": name, "namespace": "apps-123"});
            let manifest = Manifest::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})).unwrap();
            assert_eq!(manifest.id().to_inventory().len(), 60);
            manifest.from_file(Some(format!("{folder}/all.yaml").into()))
        };
        (0..count).map(manifest).collect()
    }

    #[test]
    fn the_length_is_that_of_the_json() {
        let inventory: Inventory = manifests(3).iter().map(Manifest::entry).collect();
        let json = serde_json::to_string(&inventory.to_status()).unwrap();
        // Entries are separated by commas, of which there is one less.
        assert_eq!(length(&inventory), json.len() + 1);
    }

    #[test]
    fn ten_thousand_objects_fit_and_more_than_the_status_holds_do_not() {
        let none = Inventory::default();
        assert_eq!(check(&none, &manifests(10_000), None), Ok(()));
        let text = check(&none, &manifests(20_000), Some("./app")).unwrap_err().to_string();
        let expected = "inventory of 20000 objects takes 1580014 bytes of status, and at most 1048576 can be stored: split \
                        \"./app\" into several Kustomizations (15000 come from \"app/b\", 5000 come from \"app/a\")";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_inventory_that_is_too_large_already_may_shrink_and_not_grow() {
        let all = manifests(20_001);
        let old = all[..20_000].iter().map(Manifest::entry).collect();
        assert_eq!(check(&old, &all[..20_000], None), Ok(()));
        assert_eq!(check(&old, &all[..10_000], None), Ok(()));
        assert!(check(&old, &all, None).is_err());
    }

    #[test]
    fn what_is_still_to_be_pruned_counts() {
        let all = manifests(20_000);
        let old = all[..10_000].iter().map(Manifest::entry).collect();
        let text = check(&old, &all[10_000..], None).unwrap_err().to_string();
        assert!(
            text.ends_with("; 10000 of the objects are no longer built and stay listed until they are pruned"),
            "{text}"
        );
    }
}
