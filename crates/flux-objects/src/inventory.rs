//! What was applied: ids and versions, in the order of application.

use flux_api::meta::{ResourceInventory, ResourceRef};
use indexmap::IndexMap;

use crate::{ObjectId, ParseIdError};

/// One applied object: its identity and the API version (without the group) that it was applied in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Which object.
    pub id: ObjectId,
    /// For example `v1`.
    pub version: String,
}

impl Entry {
    /// `group/version`, or `version` for the core group.
    pub fn api_version(&self) -> String {
        if self.id.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.id.group, self.version) }
    }
}

/// Entries by identity; the order is that of application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    versions: IndexMap<ObjectId, String>,
}

impl Inventory {
    /// Reads a status.
    pub fn from_status(status: &ResourceInventory) -> Result<Self, ParseIdError> {
        let entry = |found: &ResourceRef| Ok(Entry { id: ObjectId::parse(&found.id)?, version: found.version.clone() });
        status.entries.iter().map(entry).collect()
    }

    /// What a status stores.
    pub fn to_status(&self) -> ResourceInventory {
        let entry =
            |(id, version): (&ObjectId, &String)| ResourceRef { id: id.to_inventory(), version: version.clone() };
        ResourceInventory { entries: self.versions.iter().map(entry).collect() }
    }

    /// The entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Entry> {
        self.versions.iter().map(|(id, version)| Entry { id: id.clone(), version: version.clone() })
    }

    /// How many objects are listed.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether no object is listed.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Whether the object is listed, in any version.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.versions.contains_key(id)
    }

    /// Whether all `entries` are listed in their versions, so that listing them changes nothing.
    pub fn covers(&self, entries: &[Entry]) -> bool {
        entries.iter().all(|entry| self.versions.get(&entry.id) == Some(&entry.version))
    }

    /// Lists an object; one that is listed keeps its place and takes the version.
    pub fn insert(&mut self, entry: Entry) {
        self.versions.insert(entry.id, entry.version);
    }

    /// No longer lists an object.
    pub fn remove(&mut self, id: &ObjectId) {
        self.versions.shift_remove(id);
    }

    /// Lists all of `entries` too.
    pub fn merge(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            self.insert(entry);
        }
    }

    /// What this inventory lists and `other` does not, whatever the versions: what is stale when `other` is newer.
    pub fn difference(&self, other: &Self) -> Vec<Entry> {
        self.iter().filter(|entry| !other.contains(&entry.id)).collect()
    }
}

impl FromIterator<Entry> for Inventory {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut inventory = Self::default();
        inventory.merge(entries);
        inventory
    }
}

impl Extend<Entry> for Inventory {
    fn extend<I: IntoIterator<Item = Entry>>(&mut self, entries: I) {
        self.merge(entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(ids: &[(&str, &str)]) -> ResourceInventory {
        let entry = |(id, version): &(&str, &str)| ResourceRef { id: (*id).into(), version: (*version).into() };
        ResourceInventory { entries: ids.iter().map(entry).collect() }
    }

    fn inventory(ids: &[(&str, &str)]) -> Inventory {
        Inventory::from_status(&status(ids)).unwrap()
    }

    fn ids(entries: &[Entry]) -> Vec<String> {
        entries.iter().map(|entry| entry.id.to_inventory()).collect()
    }

    #[test]
    fn a_status_is_read_and_written_back_in_order() {
        let pairs = [("_b__Namespace", "v1"), ("b_a_apps_Deployment", "v1"), ("b_a_autoscaling_X", "v2")];
        assert_eq!(inventory(&pairs).to_status(), status(&pairs));
    }

    #[test]
    fn objects_that_only_the_old_inventory_lists_are_its_difference() {
        let old = inventory(&[("a_x__ConfigMap", "v1"), ("a_y__ConfigMap", "v1"), ("a_z__ConfigMap", "v1")]);
        let new = inventory(&[("a_y__ConfigMap", "v1"), ("a_w__ConfigMap", "v1")]);
        assert_eq!(ids(&old.difference(&new)), ["a_x__ConfigMap", "a_z__ConfigMap"]);
    }

    #[test]
    fn another_version_of_an_object_is_the_same_object() {
        let old = inventory(&[("a_x_batch_CronJob", "v1beta1")]);
        let mut new = inventory(&[("a_x_batch_CronJob", "v1")]);
        assert_eq!(old.difference(&new), []);
        assert!(!old.covers(&new.iter().collect::<Vec<_>>()));
        new.merge(old.iter());
        assert_eq!(new.len(), 1);
        assert_eq!(new.iter().next().unwrap().version, "v1beta1");
    }

    #[test]
    fn the_api_version_of_an_entry_joins_group_and_version() {
        let entries: Vec<_> = inventory(&[("_a__Namespace", "v1"), ("a_x_apps_Deployment", "v1")]).iter().collect();
        assert_eq!(entries[0].api_version(), "v1");
        assert_eq!(entries[1].api_version(), "apps/v1");
    }
}
