//! Commits without their files, for a look at what leads to what.

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::error::Failure;
use crate::protocol::{Advertisement, FetchRequest, start};
use crate::remote::Remote;
use crate::store::objects::{Objects, Reader, receive};
use crate::transport::Connection;

/// What one request brought, in a folder that goes away with it.
pub(crate) struct Scratch {
    objects: Objects,
    _folder: TempDir,
}

impl Scratch {
    /// Fetches into a new folder.
    pub(crate) async fn fetch(
        connection: &mut Connection,
        advertisement: &Advertisement,
        request: &FetchRequest,
        remote: &Remote,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(failed())?;
        let objects = Utf8Path::from_path(folder.path()).map(Utf8Path::to_owned);
        let objects: Utf8PathBuf = objects.ok_or_else(|| failed()(std::io::ErrorKind::InvalidFilename.into()))?;
        let packs = objects.join("pack");
        std::fs::create_dir(&packs).map_err(failed())?;
        let stream = start(connection, advertisement, request).await?;
        receive(stream, packs, None, remote.limits, ()).await?;
        Ok(Self { objects: Objects::open(&objects, &remote.limits)?, _folder: folder })
    }

    /// Reads what came, as long as this lives.
    pub(crate) fn reader(&self) -> Reader {
        self.objects.reader()
    }
}

fn failed() -> impl FnOnce(std::io::Error) -> Failure {
    Failure::store("failed to make a temporary folder")
}
