//! What Helm demands of a chart's metadata, and how it cleans them.

use std::collections::HashSet;

use flux_gotemplate::strconv::is_print;

use super::chart_yaml::Draft;
use super::{Dependency, Metadata, path};

/// What is wrong with a chart's metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    /// No API version.
    #[error("validation: chart.metadata.apiVersion is required")]
    NoApiVersion,
    /// No name.
    #[error("validation: chart.metadata.name is required")]
    NoName,
    /// A name that is a folder itself.
    #[error("validation: chart.metadata.name {} is not allowed", quoted(.0))]
    NameNotAllowed(String),
    /// A name that is a path.
    #[error("validation: chart.metadata.name {} is invalid", quoted(.0))]
    Name(String),
    /// No version.
    #[error("validation: chart.metadata.version is required")]
    NoVersion,
    /// A version that is no semantic version.
    #[error("validation: chart.metadata.version {} is invalid", quoted(.0))]
    Version(String),
    /// A type that is neither application nor library.
    #[error("validation: chart.metadata.type must be application or library")]
    Type,
    /// A maintainer that is null.
    #[error("validation: maintainers must not contain empty or null nodes")]
    NullMaintainer,
    /// A dependency that is null.
    #[error("validation: dependencies must not contain empty or null nodes")]
    NullDependency,
    /// A dependency whose alias has other characters than letters, digits, `_` and `-`.
    #[error("validation: dependency {} has disallowed characters in the alias", quoted(.0))]
    Alias(String),
    /// Two dependencies that go by the same name.
    #[error("validation: more than one dependency with name or alias {}", quoted(.0))]
    SameDependency(String),
}

/// A text in Go's double quotes.
pub(super) fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&flux_gotemplate::strconv::quote(text.as_bytes())).into_owned()
}

impl Metadata {
    /// Cleans the texts of what cannot be printed, and fails for metadata that Helm does not take.
    pub fn validate(&mut self) -> Result<(), ValidationError> {
        let nils = (None, None);
        validate(self, nils)
    }
}

impl Draft {
    /// The same for metadata as they were read.
    pub(crate) fn validate(&mut self) -> Result<(), ValidationError> {
        validate(&mut self.metadata, (self.nil_maintainer, self.nil_dependency))
    }
}

fn validate(
    metadata: &mut Metadata,
    (nil_maintainer, nil_dependency): (Option<usize>, Option<usize>),
) -> Result<(), ValidationError> {
    let texts = [
        &mut metadata.name,
        &mut metadata.description,
        &mut metadata.home,
        &mut metadata.icon,
        &mut metadata.condition,
        &mut metadata.tags,
        &mut metadata.app_version,
        &mut metadata.kube_version,
    ];
    texts.into_iter().chain(&mut metadata.sources).chain(&mut metadata.keywords).for_each(sanitize);
    check_identity(metadata)?;
    for maintainer in &mut metadata.maintainers {
        [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
    }
    if nil_maintainer.is_some() {
        return Err(ValidationError::NullMaintainer);
    }
    let mut names = HashSet::new();
    for (at, dependency) in metadata.dependencies.iter_mut().enumerate() {
        if nil_dependency == Some(at) {
            return Err(ValidationError::NullDependency);
        }
        dependency.validate()?;
        let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if !names.insert(name.clone()) {
            return Err(ValidationError::SameDependency(name.clone()));
        }
    }
    Ok(())
}

fn check_identity(metadata: &Metadata) -> Result<(), ValidationError> {
    let Metadata { api_version, name, version, chart_type, .. } = metadata;
    if api_version.is_empty() {
        Err(ValidationError::NoApiVersion)
    } else if name.is_empty() {
        Err(ValidationError::NoName)
    } else if name == "." || name == ".." {
        Err(ValidationError::NameNotAllowed(name.clone()))
    } else if *name != path::base(name) {
        Err(ValidationError::Name(name.clone()))
    } else if version.is_empty() {
        Err(ValidationError::NoVersion)
    } else if flux_semver::Version::parse(version).is_err() {
        Err(ValidationError::Version(version.clone()))
    } else if !matches!(chart_type.as_str(), "" | "application" | "library") {
        Err(ValidationError::Type)
    } else {
        Ok(())
    }
}

impl Dependency {
    fn validate(&mut self) -> Result<(), ValidationError> {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        texts.into_iter().chain(&mut self.tags).for_each(sanitize);
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if self.alias.bytes().all(is_allowed) { Ok(()) } else { Err(ValidationError::Alias(self.name.clone())) }
    }
}

/// Makes every kind of blank a space and drops what cannot be printed.
fn sanitize(text: &mut String) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| if c.is_whitespace() { Some(' ') } else { Some(c).filter(|c| is_print(*c)) })
        .collect();
}
