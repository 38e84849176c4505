//! `Chart.yaml`, `requirements.yaml` and the lock files.

use super::decode::{DecodeError, Decoder, Field, Stop, Struct};
use super::document::Json;
use super::{Dependency, Lock, Maintainer, Metadata};

/// Metadata while it is read: with what Go holds as nil pointers in its lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) metadata: Metadata,
    /// The first maintainer that is null.
    pub(crate) nil_maintainer: Option<usize>,
    /// The first dependency that is null.
    pub(crate) nil_dependency: Option<usize>,
}

impl Draft {
    /// Reads a document over what is there already.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<(), DecodeError> {
        let json = Json::from_yaml(text)?;
        let mut decoder = Decoder::yaml();
        let end = decoder.object(json, &METADATA, self);
        decoder.finish(end).map_err(DecodeError::Field)
    }
}

/// Reads a lock file; an empty one is none.
pub(super) fn read_lock(text: &[u8]) -> Result<Option<Lock>, DecodeError> {
    let json = Json::from_yaml(text)?;
    if json == Json::Null {
        return Ok(None);
    }
    let mut lock = Lock::default();
    let mut decoder = Decoder::yaml();
    let end = decoder.object(json, &LOCK, &mut lock);
    decoder.finish(end).map_err(DecodeError::Field)?;
    Ok(Some(lock))
}

/// A field that is read by a method of the decoder that cannot stop.
macro_rules! field {
    ($name:literal, $read:ident, $($member:ident).+) => {
        Field::new($name, |decoder, into, value| {
            decoder.$read(value, &mut into.$($member).+);
            Ok(())
        })
    };
}

fn read_maintainers(decoder: &mut Decoder, draft: &mut Draft, value: Json) -> Result<(), Stop> {
    draft.nil_maintainer = decoder.objects(value, &MAINTAINER, &mut draft.metadata.maintainers)?;
    Ok(())
}

fn read_dependencies(decoder: &mut Decoder, draft: &mut Draft, value: Json) -> Result<(), Stop> {
    match &value {
        Json::List(items) => draft.metadata.has_empty_dependencies = items.is_empty(),
        Json::Null => draft.metadata.has_empty_dependencies = false,
        _ => {}
    }
    draft.nil_dependency = decoder.objects(value, &DEPENDENCY, &mut draft.metadata.dependencies)?;
    Ok(())
}

/// `v2.Metadata`.
pub(crate) static METADATA: Struct<Draft> = Struct {
    go_type: "v2.Metadata",
    fields: &[
        field!("name", text, metadata.name),
        field!("home", text, metadata.home),
        field!("sources", texts, metadata.sources),
        field!("version", text, metadata.version),
        field!("description", text, metadata.description),
        field!("keywords", texts, metadata.keywords),
        Field::new("maintainers", read_maintainers),
        field!("icon", text, metadata.icon),
        field!("apiVersion", text, metadata.api_version),
        field!("condition", text, metadata.condition),
        field!("tags", text, metadata.tags),
        field!("appVersion", text, metadata.app_version),
        field!("deprecated", flag, metadata.deprecated),
        field!("annotations", text_map, metadata.annotations),
        field!("kubeVersion", text, metadata.kube_version),
        Field::new("dependencies", read_dependencies),
        field!("type", text, metadata.chart_type),
    ],
    embedded: None,
};

static MAINTAINER: Struct<Maintainer> = Struct {
    go_type: "v2.Maintainer",
    fields: &[field!("name", text, name), field!("email", text, email), field!("url", text, url)],
    embedded: None,
};

static DEPENDENCY: Struct<Dependency> = Struct {
    go_type: "v2.Dependency",
    fields: &[
        field!("name", text, name),
        field!("version", text, version),
        field!("repository", text, repository),
        field!("condition", text, condition),
        field!("tags", texts, tags),
        field!("enabled", flag, enabled),
        field!("import-values", anything, import_values),
        field!("alias", text, alias),
    ],
    embedded: None,
};

static LOCK: Struct<Lock> = Struct {
    go_type: "v2.Lock",
    fields: &[
        Field::new("generated", |_, lock: &mut Lock, value| Decoder::time(&value, &mut lock.generated)),
        field!("digest", text, digest),
        Field::new("dependencies", |decoder, lock: &mut Lock, value| {
            if value == Json::Null {
                lock.dependencies = None;
                return Ok(());
            }
            let dependencies = lock.dependencies.get_or_insert_default();
            decoder.objects(value, &DEPENDENCY, dependencies).map(drop)
        }),
    ],
    embedded: None,
};
