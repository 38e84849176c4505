//! The GKE cluster as its metadata server describes it.

use url::Url;

use super::{GcpSettings, METADATA, endpoint};
use crate::exchange::{ExchangeError, metadata_client, send};

/// Which cluster the controller runs in.
pub(super) struct Cluster {
    project: String,
    location: String,
    name: String,
}

impl Cluster {
    /// Asks the metadata server. Fails everywhere but on GKE.
    pub(super) async fn read(settings: &GcpSettings) -> Result<Self, ExchangeError> {
        let client = metadata_client()?;
        let value = async |path: &str, field| {
            let url = address(settings, path);
            let request = client.get(url.clone()).header("metadata-flavor", "Google");
            let answer = send(request, &url).await?.accepted(|_| None)?;
            let text = answer.text().trim().to_owned();
            if text.is_empty() { Err(answer.missing(field)) } else { Ok(text) }
        };
        Ok(Self {
            project: value("project/project-id", "project").await?,
            location: value("instance/attributes/cluster-location", "cluster location").await?,
            name: value("instance/attributes/cluster-name", "cluster name").await?,
        })
    }

    /// The pool of identities of the cluster's ServiceAccounts, which is their tokens' audience.
    pub(super) fn pool(&self) -> String {
        format!("{}.svc.id.goog", self.project)
    }

    /// The audience of the exchange of such a token.
    pub(super) fn audience(&self) -> String {
        let Self { project, location, name } = self;
        let provider =
            format!("https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}");
        format!("identitynamespace:{}:{provider}", self.pool())
    }
}

/// The address of a value of the metadata server.
pub(super) fn address(settings: &GcpSettings, path: &str) -> Url {
    let mut url = endpoint(settings.metadata_host.as_ref(), METADATA);
    url.set_path(&format!("computeMetadata/v1/{path}"));
    url
}
