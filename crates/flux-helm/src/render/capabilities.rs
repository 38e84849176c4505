//! What templates are told of the cluster.

use flux_gotemplate::strconv::quote;

/// Kubernetes' version when nobody says another: the one that Helm 4.2.1 is built for.
const DEFAULT_KUBE_VERSION: &str = "v1.36.0";

/// The group versions that Helm 4.2.1 knows without asking a cluster, in its order.
const DEFAULT_API_VERSIONS: [&str; 55] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What templates are told of the cluster and of Helm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Kubernetes' version.
    pub kube_version: KubeVersion,
    /// What the cluster serves: group versions, and with a kind behind them when it was asked.
    pub api_versions: Vec<String>,
    /// Helm's own build.
    pub helm_version: HelmVersion,
}

impl Default for Capabilities {
    /// What Helm 4.2.1 says without a cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion::default(),
            api_versions: DEFAULT_API_VERSIONS.map(str::to_owned).to_vec(),
            helm_version: HelmVersion::default(),
        }
    }
}

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// All of it, for example `v1.33.4-gke.1245000`.
    pub version: String,
    /// The version without what follows the numbers, `v1.33.4`; empty for what a cluster said of itself.
    pub normalized: String,
    /// The first number.
    pub major: String,
    /// The second number; clusters may say something behind it.
    pub minor: String,
}

impl Default for KubeVersion {
    fn default() -> Self {
        Self {
            version: DEFAULT_KUBE_VERSION.to_owned(),
            normalized: DEFAULT_KUBE_VERSION.to_owned(),
            major: "1".to_owned(),
            minor: "36".to_owned(),
        }
    }
}

/// A text that is no version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    /// It does not begin with a number.
    #[error("could not parse {0} as version")]
    NoVersion(String),
    /// It has fewer than two numbers.
    #[error("illegal version string {0}")]
    TooShort(String),
    /// The first number begins with a zero.
    #[error("illegal zero-prefixed version component {component} in {version}")]
    ZeroPrefixed {
        /// The number, quoted.
        component: String,
        /// All of the text, quoted.
        version: String,
    },
    /// A number is too large.
    #[error("illegal non-numeric version component {component} in {version}: value out of range")]
    TooLarge {
        /// The number, quoted.
        component: String,
        /// All of the text, quoted.
        version: String,
    },
}

impl KubeVersion {
    /// The version that a text names, as `--kube-version` takes it: two or more numbers, anything behind them.
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let quoted = || go_quoted(text);
        let rest = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        let rest = rest.strip_prefix('v').unwrap_or(rest);
        let components = leading_numbers(rest);
        if components.is_empty() {
            return Err(KubeVersionError::NoVersion(quoted()));
        }
        let [major, minor, ..] = components.as_slice() else {
            return Err(KubeVersionError::TooShort(quoted()));
        };
        if major.len() > 1 && major.starts_with('0') {
            return Err(KubeVersionError::ZeroPrefixed { component: go_quoted(major), version: quoted() });
        }
        let number = |component: &&str| {
            let too_large = |_| KubeVersionError::TooLarge { component: go_quoted(component), version: quoted() };
            component.parse::<u64>().map_err(too_large).map(|number| number.to_string())
        };
        let numbers = components.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: format!("v{}", numbers.join(".")),
            major: number(major)?,
            minor: number(minor)?,
        })
    }

    /// What a cluster says of its own version.
    pub fn of_server(git_version: impl Into<String>, major: impl Into<String>, minor: impl Into<String>) -> Self {
        Self { version: git_version.into(), normalized: String::new(), major: major.into(), minor: minor.into() }
    }

    /// The version that charts' ranges are compared with.
    pub fn comparable(&self) -> &str {
        if self.normalized.is_empty() { &self.version } else { &self.normalized }
    }
}

/// The numbers that a text begins with, dots between them.
fn leading_numbers(text: &str) -> Vec<&str> {
    let mut numbers = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        if number.is_empty() {
            return numbers;
        }
        numbers.push(number);
        match behind.strip_prefix('.') {
            Some(behind) => rest = behind,
            None => return numbers,
        }
    }
}

fn go_quoted(text: &str) -> String {
    String::from_utf8_lossy(&quote(text.as_bytes())).into_owned()
}

/// What Helm says of its own build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelmVersion {
    /// Helm's version.
    pub version: String,
    /// The commit that it was built from.
    pub git_commit: String,
    /// Whether its tree had changes.
    pub git_tree_state: String,
    /// The version of Go that built it.
    pub go_version: String,
    /// The version of Kubernetes that it is a client of.
    pub kube_client_version: String,
}

impl Default for HelmVersion {
    /// What Helm 4.2.1 says when it is a library of another program.
    fn default() -> Self {
        Self {
            version: "v4.2".to_owned(),
            git_commit: String::new(),
            git_tree_state: String::new(),
            go_version: "go1.26.10".to_owned(),
            kube_client_version: "v1.36".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_kubernetes_keep_what_follows_their_numbers() {
        let version = KubeVersion::parse("1.33.4-gke.1245000").unwrap();
        assert_eq!(version.version, "v1.33.4-gke.1245000");
        assert_eq!(version.comparable(), "v1.33.4");
        assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "33"));
        assert_eq!(KubeVersion::parse("v1.20").unwrap().comparable(), "v1.20");
        assert_eq!(KubeVersion::of_server("v1.33.4-gke.1", "1", "33+").comparable(), "v1.33.4-gke.1");
    }

    #[test]
    fn texts_that_are_no_versions_are_refused_in_kubernetes_words() {
        let fault = |text| KubeVersion::parse(text).unwrap_err().to_string();
        assert_eq!(fault("x"), "could not parse \"x\" as version");
        assert_eq!(fault("1"), "illegal version string \"1\"");
        assert_eq!(fault("01.2"), "illegal zero-prefixed version component \"01\" in \"01.2\"");
    }
}
