//! The objects that templates see: `.Capabilities` with what is in it, and the types of `.Values` and `.Files`.

use std::collections::HashSet;
use std::sync::Arc;

use flux_gotemplate::value::{MapType, Shape};
use flux_gotemplate::{FuncError, Function, GoStr, List, Map, Object, Signature, Type, Value, data};

use super::capabilities::{Capabilities, HelmVersion, KubeVersion};
use crate::values;

/// How large the text of all values may be that the method `YAML` gives.
const MOST_YAML: usize = 64 << 20;

/// The type of `.Values`, and of the data of a template.
pub(super) static VALUES: MapType = MapType { name: Some("common.Values"), elem: &Type::Any, methods: values_method };

const TABLE: Signature = Signature::fixed(&[Type::Str], Type::NamedMap("common.Values"));
const PATH_VALUE: Signature = Signature::fixed(&[Type::Str], Type::Any);

fn values_method(values: &Map, name: &str) -> Option<Function> {
    let values = match name {
        "YAML" | "Table" | "AsMap" | "PathValue" => values.clone(),
        _ => return None,
    };
    Some(match name {
        "YAML" => Function::closure(Signature::fixed(&[], Type::Str), move |_, _| {
            let text = data::write_yaml(&Value::Map(values.clone()), MOST_YAML);
            text.map(Value::from).map_err(|fault| FuncError::new(fault.to_string()))
        }),
        "Table" => Function::closure(TABLE, move |_, args| {
            let table = values::table(&values, &args.text(0));
            table.map(|table| table.retyped(&VALUES).into()).map_err(|err| FuncError::new(err.to_string()))
        }),
        "PathValue" => Function::closure(PATH_VALUE, move |_, args| {
            values::path_value(&values, &args.text(0)).map_err(|err| FuncError::new(err.to_string()))
        }),
        _ => Function::closure(Signature::fixed(&[], Type::MAP), move |_, _| {
            Ok(if values.is_empty() { Map::new() } else { values.plain() }.into())
        }),
    })
}

/// What templates see as `.Capabilities`.
pub fn capabilities(capabilities: &Capabilities) -> Value {
    Value::object(CapabilitiesObject {
        kube_version: Value::object(KubeVersionObject(capabilities.kube_version.clone())),
        api_versions: Value::object(ApiVersions {
            known: Arc::new(capabilities.api_versions.iter().cloned().collect()),
            list: List::strings(capabilities.api_versions.iter().map(String::as_str)),
        }),
        helm_version: Value::object(HelmVersionObject(capabilities.helm_version.clone())),
    })
}

struct CapabilitiesObject {
    kube_version: Value,
    api_versions: Value,
    helm_version: Value,
}

impl Object for CapabilitiesObject {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn shape(&self) -> Shape {
        Shape::Struct(vec![
            ("KubeVersion", self.kube_version.clone()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", self.helm_version.clone()),
        ])
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(self.kube_version.clone()),
            "APIVersions" => Some(self.api_versions.clone()),
            "HelmVersion" => Some(self.helm_version.clone()),
            _ => None,
        }
    }
}

/// A list of group versions that can be asked for one.
struct ApiVersions {
    known: Arc<HashSet<String>>,
    list: List,
}

impl Object for ApiVersions {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn shape(&self) -> Shape {
        Shape::Value(self.list.clone().into())
    }

    fn method(&self, name: &str) -> Option<Function> {
        let known = Arc::clone(&self.known);
        (name == "Has").then(|| {
            Function::closure(Signature::fixed(&[Type::Str], Type::Bool), move |_, args| {
                Ok(known.contains(&*args.text(0)).into())
            })
        })
    }
}

struct KubeVersionObject(KubeVersion);

impl Object for KubeVersionObject {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn shape(&self) -> Shape {
        Shape::Struct(vec![
            ("Version", self.0.version.as_str().into()),
            ("normalizedVersion", self.0.normalized.as_str().into()),
            ("Major", self.0.major.as_str().into()),
            ("Minor", self.0.minor.as_str().into()),
        ])
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(self.0.version.as_str().into()),
            "Major" => Some(self.0.major.as_str().into()),
            "Minor" => Some(self.0.minor.as_str().into()),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Function> {
        let text = match name {
            "String" => self.0.comparable(),
            "GitVersion" => &self.0.version,
            _ => return None,
        };
        let text = GoStr::from(text);
        Some(Function::closure(Signature::fixed(&[], Type::Str), move |_, _| Ok(text.clone().into())))
    }

    fn text_by_address(&self) -> Option<GoStr> {
        Some(self.0.comparable().into())
    }

    fn serialized(&self) -> Option<Value> {
        let fields = ["Version", "Major", "Minor"];
        Some(Value::map(fields.into_iter().filter_map(|name| Some((name.into(), self.field(name)?)))))
    }
}

struct HelmVersionObject(HelmVersion);

impl HelmVersionObject {
    fn fields(&self) -> [(&'static str, &'static str, &str); 5] {
        let HelmVersion { version, git_commit, git_tree_state, go_version, kube_client_version } = &self.0;
        [
            ("Version", "version", version),
            ("GitCommit", "git_commit", git_commit),
            ("GitTreeState", "git_tree_state", git_tree_state),
            ("GoVersion", "go_version", go_version),
            ("KubeClientVersion", "kube_client_version", kube_client_version),
        ]
    }
}

impl Object for HelmVersionObject {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn shape(&self) -> Shape {
        Shape::Struct(self.fields().into_iter().map(|(name, _, value)| (name, value.into())).collect())
    }

    fn serialized(&self) -> Option<Value> {
        let shown = |(name, _, value): &(&str, &str, &str)| *name == "KubeClientVersion" || !value.is_empty();
        let fields = self.fields().into_iter().filter(shown);
        Some(Value::map(fields.map(|(_, key, value)| (GoStr::from(key), value.into()))))
    }
}
