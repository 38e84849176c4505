//! What the templates of a chart and of its subcharts are given.

use flux_gotemplate::value::MapType;
use flux_gotemplate::{GoStr, Map, Type, Value};

use super::objects::VALUES;
use super::{Identity, files};
use crate::chart::{Chart, Dependency, Maintainer, Metadata};
use crate::values;

static OF_STRINGS: MapType = MapType::plain(&Type::Str);

/// The data of the templates of each chart, in the order of [`Chart::located`].
///
/// Values are not copied: those of a subchart are a part of its parent's.
pub(super) fn data(chart: &Chart, values: &Map, release: &Identity<'_>, capabilities: &Value) -> Vec<Map> {
    let release = Value::map([
        ("Name".into(), release.name.into()),
        ("Namespace".into(), release.namespace.into()),
        ("IsUpgrade".into(), release.is_upgrade.into()),
        ("IsInstall".into(), (!release.is_upgrade).into()),
        ("Revision".into(), Value::Int(release.revision)),
        ("Service".into(), "Helm".into()),
    ]);
    let mut scopes = Scopes { release, capabilities: capabilities.clone(), done: Vec::new() };
    scopes.add(chart, &values.retyped(&VALUES), true);
    scopes.done
}

struct Scopes {
    release: Value,
    capabilities: Value,
    done: Vec<Map>,
}

impl Scopes {
    /// Adds the data of the chart and then that of its subcharts; gives back the chart's own.
    fn add(&mut self, chart: &Chart, values: &Map, is_root: bool) -> Map {
        let subcharts = Map::new();
        let data: Map = [
            ("Chart", metadata(&chart.metadata, is_root)),
            ("Files", files::object(&chart.files)),
            ("Release", self.release.clone()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", values.clone().into()),
            ("Subcharts", subcharts.clone().into()),
        ]
        .into_iter()
        .map(|(key, value)| (GoStr::from(key), value))
        .collect();
        self.done.push(data.clone());
        for child in &chart.dependencies {
            let table = values::table(values, child.name());
            let values = table.unwrap_or_else(|_| Map::new()).retyped(&VALUES);
            let data = self.add(child, &values, false);
            subcharts.insert(child.name().into(), data.into());
        }
        data
    }
}

/// `.Chart`: what `Chart.yaml` says, under the names that the fields have in Go.
fn metadata(metadata: &Metadata, is_root: bool) -> Value {
    let Metadata {
        name,
        home,
        sources,
        version,
        description,
        keywords,
        maintainers,
        icon,
        api_version,
        condition,
        tags,
        app_version,
        deprecated,
        annotations,
        kube_version,
        dependencies,
        has_empty_dependencies: _,
        chart_type,
    } = metadata;
    let annotations = if annotations.is_empty() {
        Map::nil(&OF_STRINGS)
    } else {
        Map::of_strings(annotations.iter().map(|(key, value)| (GoStr::from(key.as_str()), text(value))).collect())
    };
    named([
        ("Name", text(name)),
        ("Home", text(home)),
        ("Sources", texts(sources)),
        ("Version", text(version)),
        ("Description", text(description)),
        ("Keywords", texts(keywords)),
        ("Maintainers", Value::list(maintainers.iter().map(maintainer).collect())),
        ("Icon", text(icon)),
        ("APIVersion", text(api_version)),
        ("Condition", text(condition)),
        ("Tags", text(tags)),
        ("AppVersion", text(app_version)),
        ("Deprecated", (*deprecated).into()),
        ("Annotations", annotations.into()),
        ("KubeVersion", text(kube_version)),
        ("Dependencies", Value::list(dependencies.iter().map(dependency).collect())),
        ("Type", text(chart_type)),
        ("IsRoot", is_root.into()),
    ])
}

fn maintainer(maintainer: &Maintainer) -> Value {
    let Maintainer { name, email, url } = maintainer;
    named([("Name", text(name)), ("Email", text(email)), ("URL", text(url))])
}

fn dependency(dependency: &Dependency) -> Value {
    let Dependency { name, version, repository, condition, tags, enabled, import_values, alias } = dependency;
    named([
        ("Name", text(name)),
        ("Version", text(version)),
        ("Repository", text(repository)),
        ("Condition", text(condition)),
        ("Tags", texts(tags)),
        ("Enabled", (*enabled).into()),
        ("ImportValues", Value::list(import_values.iter().map(imported).collect())),
        ("Alias", text(alias)),
    ])
}

/// A value as `Chart.yaml` is read into: all numbers are floats.
fn imported(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(flag) => (*flag).into(),
        serde_json::Value::Number(number) => number.as_f64().unwrap_or_default().into(),
        serde_json::Value::String(value) => text(value),
        serde_json::Value::Array(items) => Value::list(items.iter().map(imported).collect()),
        serde_json::Value::Object(fields) => {
            Value::map(fields.iter().map(|(key, value)| (GoStr::from(key.as_str()), imported(value))))
        }
    }
}

fn texts(texts: &[String]) -> Value {
    Value::list(texts.iter().map(|item| text(item)).collect())
}

fn text(text: &str) -> Value {
    text.into()
}

fn named<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    Value::map(fields.map(|(name, value)| (GoStr::from(name), value)))
}
