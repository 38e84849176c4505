//! Bringing a commit, and what its checkout needs, into the store.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use camino::Utf8PathBuf;
use gix_hash::ObjectId;
use gix_object::Kind;

use crate::checkout::{Checkout, Mounted, Sparse, Submodule, missing_blobs, submodules};
use crate::commit::{Commit, Tag};
use crate::error::{Error, Failure};
use crate::protocol::{Advertisement, Depth, FetchRequest, Filter, greet, list, start};
use crate::reference::Resolved;
use crate::remote::Remote;
use crate::store::objects::{Objects, Reader, receive};
use crate::store::repository::{Extent, Tip};
use crate::store::{FetchOptions, Inner, Lease};
use crate::transport::{Connection, within};

/// Packs after which a store starts anew with the next fetch: each costs an open file and a look-up.
const MAX_PACKS: usize = 64;
/// Blobs asked for in one request.
const BLOBS_AT_ONCE: usize = 4_000;
/// Commits that we say we have.
const MAX_HAVES: usize = 16;
/// Submodules within submodules.
const MAX_SUBMODULE_DEPTH: usize = 10;

/// Bytes of a commit or an annotated tag, of which several copies are in memory.
const MAX_COMMIT: u64 = 8 << 20;

/// One repository of a checkout, with its objects on disk.
struct Fetched {
    lease: Lease,
    objects: Objects,
    commit: Commit,
}

/// What one run fetches.
struct Run<'a> {
    inner: &'a Arc<Inner>,
    options: &'a FetchOptions,
    /// Stores this run uses.
    keys: Vec<String>,
    mounted: Vec<Mounted>,
    submodules: BTreeMap<Utf8PathBuf, Submodule>,
}

/// Fetches, and mounts submodules.
pub(super) async fn fetch(
    inner: &Arc<Inner>,
    remote: &Remote,
    resolved: &Resolved,
    options: &FetchOptions,
) -> Result<Checkout, Error> {
    let sparse = Sparse::parse(&options.sparse).map_err(|failure| failure.at(remote))?;
    let mut run = Run { inner, options, keys: Vec::new(), mounted: Vec::new(), submodules: BTreeMap::new() };
    let fetched = run.repository(remote, resolved, &sparse).await?;
    let tag = match resolved.tag {
        Some(id) => Some(read_tag(&fetched, id).map_err(|failure| failure.at(remote))?),
        None => None,
    };
    let commit = fetched.commit.clone();
    run.mount(remote, fetched, Utf8PathBuf::new(), &sparse, 0).await?;
    inner.disown(&options.owner, &run.keys).map_err(|failure| failure.at(remote))?;
    let checkout = Checkout::new(commit, tag, run.mounted, run.submodules, sparse, remote.limits);
    let checked = tokio::task::spawn_blocking(move || checkout.check_sparse().map(|()| checkout)).await;
    checked.unwrap_or_else(|_| Err(Failure::CorruptPack("a tree cannot be decoded".to_owned()).at(remote)))
}

fn read_tag(fetched: &Fetched, id: ObjectId) -> Result<Tag, Failure> {
    let mut reader = fetched.objects.reader();
    check_size(&reader, id)?;
    let tag = Tag::parse(id, reader.read(&id, Kind::Tag)?);
    tag.ok_or_else(|| Failure::CorruptPack(format!("tag {id} cannot be read")))
}

fn check_size(reader: &Reader, id: ObjectId) -> Result<(), Failure> {
    if reader.size(&id)? > MAX_COMMIT {
        return Err(Failure::LimitExceeded { what: format!("object {id}"), limit: MAX_COMMIT });
    }
    Ok(())
}

impl Run<'_> {
    /// Fetches one repository, starting over once with an empty store when the one on disk turns out damaged.
    async fn repository(&mut self, remote: &Remote, resolved: &Resolved, sparse: &Sparse) -> Result<Fetched, Error> {
        let key = remote.store_key();
        if !self.keys.contains(&key) {
            self.keys.push(key.clone());
        }
        within(remote, "fetching", async {
            let mut lease = self.inner.lease(&key)?;
            if lease.repository().pack_count() >= MAX_PACKS && !lease.repository().has(resolved.commit) {
                lease.doom();
                lease = self.inner.lease(&key)?;
            }
            match self.fill(&lease, remote, resolved, sparse).await {
                Err(Failure::StoreDamaged(object)) => {
                    tracing::warn!(url = %remote.display_url(), %object, "object store is damaged, fetching it again");
                    lease.doom();
                    drop(lease);
                    let lease = self.inner.lease(&key)?;
                    self.fill(&lease, remote, resolved, sparse).await
                }
                result => result,
            }
        })
        .await
    }

    /// Fetches what of the commit is missing.
    async fn fill(
        &self,
        lease: &Lease,
        remote: &Remote,
        resolved: &Resolved,
        sparse: &Sparse,
    ) -> Result<Fetched, Failure> {
        let repository = Arc::clone(lease.repository());
        let _fetching = repository.fetching.lock().await;
        repository.set_owner(&self.options.owner, true)?;
        let mut session = Session { lease, remote, connection: None, used: false };
        if let Some(branch) = branch_of_commit(resolved) {
            session.check_branch(branch, resolved.commit).await?;
        }
        session.commit(resolved, sparse).await?;
        let (objects, commit) = session.read(resolved).await?;
        let objects = session.blobs(objects, &commit, sparse, self.options.submodules).await?;
        Ok(Fetched { lease: lease.clone(), objects, commit })
    }

    /// Adds a repository to the checkout at `path`, then its submodules.
    fn mount<'b>(
        &'b mut self,
        remote: &'b Remote,
        fetched: Fetched,
        path: Utf8PathBuf,
        sparse: &'b Sparse,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'b>> {
        Box::pin(async move {
            let Fetched { lease, objects, commit } = fetched;
            let tree = commit.tree;
            self.mounted.push(Mounted { objects: objects.clone(), url: remote.display_url(), lease });
            self.submodules.insert(path.clone(), Submodule { repository: self.mounted.len() - 1, tree });
            if !self.options.submodules || depth == MAX_SUBMODULE_DEPTH {
                return Ok(());
            }
            let wanted = sparse.clone();
            let found = blocking(move || submodules(&objects, tree, &wanted)).await;
            for declared in found.map_err(|failure| failure.at(remote))? {
                let mounted_at = path.join(&declared.path);
                let failed = |source: Error| {
                    Error::new(
                        remote.display_url(),
                        Failure::Submodule { path: mounted_at.to_string(), source: Box::new(source) },
                    )
                };
                let inner = declared.remote(remote).map_err(failed)?;
                let pinned = Resolved { name: None, full_name: None, commit: declared.commit, tag: None };
                let narrowed = sparse.below(&declared.path);
                let fetched = self.repository(&inner, &pinned, &narrowed).await.map_err(failed)?;
                self.mount(&inner, fetched, mounted_at.clone(), &narrowed, depth + 1).await.map_err(failed)?;
            }
            Ok(())
        })
    }
}

/// The branch on which a commit that is asked for by its hash must be.
fn branch_of_commit(resolved: &Resolved) -> Option<&str> {
    resolved.name.as_deref().filter(|_| resolved.full_name.is_none())
}

/// A request for commits with all that leads to them.
pub(super) fn past(wants: Vec<ObjectId>, filter: Filter) -> FetchRequest {
    FetchRequest { wants, haves: Vec::new(), shallow: Vec::new(), depth: Depth::Full, filter }
}

/// Runs what reads many objects away from the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::CorruptPack("an object cannot be decoded".to_owned())))
}

/// One repository's conversation with its server, opened when first needed.
pub(super) struct Session<'a> {
    lease: &'a Lease,
    pub(super) remote: &'a Remote,
    connection: Option<(Connection, Advertisement)>,
    /// Whether something was asked on the connection beyond the greeting.
    pub(super) used: bool,
}

impl Session<'_> {
    /// The greeted server. HTTP servers answer any number of requests; SSH servers of old versions only one.
    pub(super) async fn connection(&mut self) -> Result<&mut (Connection, Advertisement), Failure> {
        let used = self.used;
        let usable = self.connection.take().filter(|(connection, advertisement)| {
            !used || connection.session().is_some() || advertisement.version == 2
        });
        if let Some(usable) = usable {
            return Ok(self.connection.insert(usable));
        }
        let greeted = greet(self.remote, &["refs/".to_owned()]).await?;
        self.used = false;
        Ok(self.connection.insert(greeted))
    }

    pub(super) fn objects(&self) -> Result<Objects, Failure> {
        Objects::open(&self.lease.repository().objects(), &self.remote.limits)
    }

    /// Brings the commit with its directories, and its files unless they can be had one by one.
    async fn commit(&mut self, resolved: &Resolved, sparse: &Sparse) -> Result<(), Failure> {
        let tips = self.lease.repository().tips();
        let has = |extent| tips.contains(&Tip { commit: resolved.commit, extent });
        let complete = has(Extent::Tree) || has(Extent::History);
        if complete || (!sparse.is_everything() && has(Extent::Directories)) {
            match resolved.tag {
                Some(tag) if !self.objects()?.reader().has(&tag) => {}
                Some(_) | None => return Ok(()),
            }
        }
        let remote = self.remote;
        let (_, advertisement) = self.connection().await?;
        let by_name = resolved.full_name.is_some();
        let partial = !sparse.is_everything() && advertisement.version == 2 && advertisement.can("filter");
        let filter = if partial { Filter::NoBlobs } else { Filter::Everything };
        if !by_name && !advertisement.hands_out(&resolved.commit) {
            return self.history(resolved).await;
        }
        let request = FetchRequest {
            wants: vec![resolved.tag.unwrap_or(resolved.commit)],
            haves: haves(&tips, filter),
            shallow: shallow(&tips, filter),
            depth: Depth::One,
            filter,
        };
        match self.pack(&request).await {
            Err(Failure::Remote(message)) if !by_name && refuses_commit(&message) => {
                tracing::debug!(url = %remote.display_url(), %message, "server hands out no single commits");
                self.connection = None;
                return self.history(resolved).await;
            }
            result => result?,
        }
        let extent = if partial { Extent::Directories } else { Extent::Tree };
        self.record(resolved.commit, extent)
    }

    /// Brings the branch that holds the commit, or all branches, with their past.
    async fn history(&mut self, resolved: &Resolved) -> Result<(), Failure> {
        let mut wants = match &resolved.name {
            Some(branch) => vec![self.tip(branch).await?],
            None => self.tips().await?,
        };
        wants.sort_unstable();
        wants.dedup();
        self.pack(&past(wants, Filter::Everything)).await?;
        if !self.objects()?.reader().has(&resolved.commit) {
            return Err(Failure::CommitNotFound(resolved.commit.to_string()));
        }
        self.record(resolved.commit, Extent::History)
    }

    /// The commits of all branches.
    async fn tips(&mut self) -> Result<Vec<ObjectId>, Failure> {
        let (connection, advertisement) = self.connection().await?;
        let prefix = "refs/heads/".to_owned();
        let mut refs = list(connection, advertisement, std::slice::from_ref(&prefix)).await?;
        refs.retain(|found| found.name.starts_with(&prefix));
        if refs.is_empty() { Err(Failure::EmptyRepository) } else { Ok(refs.iter().map(|found| found.id).collect()) }
    }

    /// The commit of a branch.
    pub(super) async fn tip(&mut self, branch: &str) -> Result<ObjectId, Failure> {
        let (connection, advertisement) = self.connection().await?;
        let name = format!("refs/heads/{branch}");
        let refs = list(connection, advertisement, std::slice::from_ref(&name)).await?;
        let found = refs.iter().find(|found| found.name == name).map(|found| found.id);
        found.ok_or(Failure::ReferenceNotFound(name))
    }

    pub(super) fn record(&self, commit: ObjectId, extent: Extent) -> Result<(), Failure> {
        self.lease.repository().add_tip(Tip { commit, extent })
    }

    /// Asks for objects and stores what comes.
    pub(super) async fn pack(&mut self, request: &FetchRequest) -> Result<(), Failure> {
        let lease = self.lease.clone();
        let limits = self.remote.limits;
        let thin = if request.haves.is_empty() { None } else { Some(self.objects()?) };
        self.connection().await?;
        self.used = true;
        let Some((connection, advertisement)) = &mut self.connection else { return Ok(()) };
        let stream = start(connection, advertisement, request).await?;
        receive(stream, lease.repository().packs(), thin, limits, lease.clone()).await
    }

    /// Reads the commit.
    async fn read(&self, resolved: &Resolved) -> Result<(Objects, Commit), Failure> {
        let objects = self.objects()?;
        let id = resolved.commit;
        let name = resolved.name.clone().unwrap_or_else(|| id.to_string());
        blocking(move || {
            let mut reader = objects.reader();
            check_size(&reader, id)?;
            let commit = match reader.any(&id)? {
                (Kind::Commit, bytes) => Commit::parse(id, bytes),
                (kind, _) => return Err(Failure::NotACommit { name, kind: kind.to_string() }),
            };
            let commit = commit.ok_or_else(|| Failure::CorruptPack(format!("commit {id} cannot be read")))?;
            Ok((objects, commit))
        })
        .await
    }

    /// Brings the files that the checkout needs and that are missing. Without a sparse checkout none should be.
    async fn blobs(
        &mut self,
        objects: Objects,
        commit: &Commit,
        sparse: &Sparse,
        modules: bool,
    ) -> Result<Objects, Failure> {
        let (tree, wanted, limits) = (commit.tree, sparse.clone(), self.remote.limits);
        let looked = objects.clone();
        let missing = blocking(move || missing_blobs(&looked, tree, &wanted, modules, &limits)).await?;
        let Some(first) = missing.first() else { return Ok(objects) };
        let partial = self.lease.repository().tips().contains(&Tip { commit: commit.id, extent: Extent::Directories });
        if sparse.is_everything() || !partial {
            return Err(Failure::StoreDamaged(first.to_string()));
        }
        for ids in missing.chunks(BLOBS_AT_ONCE) {
            self.pack(&past(ids.to_vec(), Filter::Everything)).await?;
        }
        self.objects()
    }
}

/// The commits that a request with this filter may build on.
fn usable(tips: &[Tip], filter: Filter) -> impl Iterator<Item = &Tip> {
    tips.iter()
        .rev()
        .filter(move |tip| filter != Filter::Everything || tip.extent != Extent::Directories)
        .take(MAX_HAVES)
}

fn haves(tips: &[Tip], filter: Filter) -> Vec<ObjectId> {
    usable(tips, filter).map(|tip| tip.commit).collect()
}

fn shallow(tips: &[Tip], filter: Filter) -> Vec<ObjectId> {
    usable(tips, filter).filter(|tip| tip.extent != Extent::History).map(|tip| tip.commit).collect()
}

/// Whether the server's words mean that the commit cannot be asked for by its hash.
fn refuses_commit(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("not our ref")
        || message.contains("unadvertised object")
        || message.contains("not allowed to read")
}
