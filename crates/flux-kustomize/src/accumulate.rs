//! Gathering what kustomizations name: resources, bases, components, generated objects.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, Kind};

use crate::config::Config;
use crate::error::all;
use crate::id::Key;
use crate::kustomization::{COMPONENT, Kustomization, Var};
use crate::load::{load, objects};
use crate::origin::{Base, Origin};
use crate::remote::{Repository, is_file_address};
use crate::resource::{Behavior, Resource};
use crate::schema::{BuiltIn, Schemas};
use crate::target::{Target, quoted, refused, shown, unreadable};
use crate::{Error, Options, crds, generators, transformers, vars};

/// How deep kustomizations may stand in one another.
const DEPTH: usize = 64;
/// How many kustomizations a build may read.
const KUSTOMIZATIONS: usize = 10_000;
/// The Kubernetes version whose schemas are built in.
const BUILT_IN_VERSION: &str = "v1.21.2";

/// What a kustomization gives to the one that names it.
pub(crate) struct Gathered {
    pub(crate) resources: Vec<Resource>,
    pub(crate) config: Config,
    pub(crate) vars: Vec<Var>,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { resources: Vec::new(), config: Config::empty(), vars: Vec::new() }
    }
}

/// Why a kustomization is built.
pub(crate) enum Role {
    /// It is what was asked for, also when it is a component.
    Root,
    /// Another one names it as a resource.
    Base,
    /// Another one names it as a component, which changes what was gathered so far.
    Component(Box<Gathered>),
}

/// What all targets of a build share.
pub(crate) struct Build<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) options: &'a Options,
    progress: Progress,
    chain: Vec<Utf8PathBuf>,
    /// The path from the root's directory to the present one; none when no origins are recorded.
    origin: Option<Base>,
}

/// What goes on from one kustomization to the next.
#[derive(Default)]
struct Progress {
    warnings: Vec<String>,
    read: usize,
    schemas: Schemas,
    /// Whether a kustomization has said which schemas hold; the first one decides.
    schemas_are_set: bool,
    /// What becomes of the built-in schemas when a kustomization brings its own.
    built_in: BuiltIn,
    /// The addresses of the repositories that led here.
    repositories: Vec<String>,
}

impl<'a> Build<'a> {
    pub(crate) fn new(files: &'a dyn Files, options: &'a Options, built_in: BuiltIn) -> Self {
        let progress = Progress { built_in, ..Progress::default() };
        Self { files, options, progress, chain: Vec::new(), origin: None }
    }

    /// A build of configurations that a kustomization names.
    pub(crate) fn within(target: &Target<'a>) -> Self {
        let progress = Progress { schemas: target.schemas.clone(), schemas_are_set: true, ..Progress::default() };
        let (chain, origin) = (target.chain.clone(), target.origin.clone());
        Self { files: target.files, options: target.options, progress, chain, origin }
    }

    pub(crate) fn into_warnings(self) -> Vec<String> {
        self.progress.warnings
    }

    /// Builds the kustomization in `directory`.
    pub(crate) fn gather(&mut self, directory: &Utf8Path, role: Role) -> Result<(Gathered, Kustomization), Error> {
        self.progress.read += 1;
        if self.chain.len() >= DEPTH || self.progress.read > KUSTOMIZATIONS {
            return Err(Error::invalid(format!("more than {DEPTH} nested or {KUSTOMIZATIONS} kustomizations")));
        }
        self.chain.push(directory.to_owned());
        let gathered = self.gather_target(directory, role);
        self.chain.pop();
        gathered
    }

    fn gather_target(&mut self, directory: &Utf8Path, role: Role) -> Result<(Gathered, Kustomization), Error> {
        let is_root = matches!(role, Role::Root);
        let mut target = self.target(directory, is_root).map_err(|err| {
            if is_root { err } else { err.during(format!("couldn't make target for path '{}'", shown(directory))) }
        })?;
        self.set_schemas(&target, is_root)?;
        target.schemas = self.progress.schemas.clone();
        let gathered = admit(role, &target.kustomization.kind, directory)?;
        let gathered = self.accumulate(&mut target, gathered).map_err(|err| {
            if is_root { err } else { err.during(format!("recursed accumulation of path '{}'", shown(directory))) }
        })?;
        Ok((gathered, target.kustomization))
    }

    /// Reads the kustomization file of a directory.
    fn target(&mut self, directory: &Utf8Path, is_root: bool) -> Result<Target<'a>, Error> {
        let (mut kustomization, file) = load(self.files, directory)?;
        if is_root {
            self.origin = (!kustomization.build_metadata.is_empty()).then(Base::default);
        }
        self.progress.warnings.extend(kustomization.warnings());
        kustomization.fix();
        let problems = kustomization.version_problems();
        if !problems.is_empty() {
            let problems = problems.join("\n");
            return Err(Error::invalid(format!(
                "Failed to read kustomization file under {}:\n{problems}",
                shown(directory)
            )));
        }
        Ok(Target {
            files: self.files,
            options: self.options,
            directory: directory.to_owned(),
            kustomization,
            config: Config::empty(),
            schemas: Schemas::default(),
            origin: self.origin.clone(),
            file,
            chain: self.chain.clone(),
        })
    }

    /// Takes the schemas that a kustomization brings, unless an outer or earlier one did.
    fn set_schemas(&mut self, target: &Target<'_>, is_root: bool) -> Result<(), Error> {
        let field = &target.kustomization.openapi;
        let own = field.get("path").map(|path| target.read(path)).transpose()?;
        if self.progress.schemas_are_set && !is_root {
            return Ok(());
        }
        match (own, field.get("version")) {
            (Some(_), Some(_)) => Err(Error::invalid("builtin version and custom schema provided, cannot use both")),
            (Some(text), None) => {
                self.progress.schemas = Schemas::parse(&text, self.progress.built_in)?;
                self.progress.schemas_are_set = true;
                Ok(())
            }
            (None, Some(version)) if version == BUILT_IN_VERSION => {
                self.progress.schemas_are_set = true;
                Ok(())
            }
            (None, Some(version)) if !version.is_empty() => {
                Err(Error::invalid("the specified OpenAPI version is not built in"))
            }
            (None, _) => Ok(()),
        }
    }

    /// Everything of one kustomization, in kustomize's order.
    fn accumulate(&mut self, target: &mut Target<'a>, mut gathered: Gathered) -> Result<Gathered, Error> {
        self.add_resources(target, &target.kustomization.resources, &mut gathered)
            .map_err(|err| err.during("accumulating resources"))?;
        let mut files = Config::empty();
        for path in &target.kustomization.configurations {
            files.merge(&Config::parse(&target.read(path)?, path)?)?;
        }
        let mut config = Config::default();
        config.merge(&files)?;
        gathered.config.merge(&config)?;
        let paths = &target.kustomization.crds;
        let crds =
            crds::config(target, paths).map_err(|err| err.during(format!("loading CRDs [{}]", paths.join(" "))))?;
        gathered.config.merge(&crds)?;
        target.schemas = self.progress.schemas.clone();
        generators::run(target, &mut gathered.resources)?;
        for path in &target.kustomization.components {
            gathered = self.component(target, path, gathered).map_err(|err| err.during("accumulating components"))?;
        }
        target.config = gathered.config.clone();
        target.schemas = self.progress.schemas.clone();
        target.mark(&mut gathered.resources);
        let merged = transformers::run(target, &mut gathered.resources)?;
        if merged && !self.progress.schemas.are_own() {
            self.progress.built_in = BuiltIn::Below;
        }
        vars::add(&mut gathered.vars, &target.kustomization.vars, &mut gathered.resources)
            .map_err(|err| err.during(format!("merging vars {}", vars::shown(&target.kustomization.vars))))?;
        Ok(gathered)
    }

    fn component(&mut self, target: &Target<'_>, path: &str, gathered: Gathered) -> Result<Gathered, Error> {
        let role = Role::Component(Box::new(gathered));
        let said = |step: &str, err: &Error| Error::invalid(format!("{step} {}", quoted(&err.chain())));
        if let Some(repository) = Repository::parse(path) {
            return self.descend_remote(path, &repository, role).map_err(|err| said("accumulateDirectory:", &err));
        }
        let directory = target.directory_of(path).map_err(|err| said("loader.New", &err))?;
        self.descend(path, &directory, role).map_err(|err| said("accumulateDirectory:", &err))
    }

    /// Builds what a kustomization names by `path`.
    fn descend(&mut self, path: &str, directory: &Utf8Path, role: Role) -> Result<Gathered, Error> {
        let before = self.origin.clone();
        self.origin = before.as_ref().map(|origin| origin.join(path));
        let gathered = self.gather(directory, role);
        self.origin = before;
        gathered.map(|(gathered, _)| gathered)
    }

    /// Builds a kustomization of a repository.
    fn descend_remote(&mut self, address: &str, repository: &Repository, role: Role) -> Result<Gathered, Error> {
        let remote = self.options.remote.clone().ok_or_else(|| refused("clone", address))?;
        if let Some(before) = self.progress.repositories.iter().find(|before| before.starts_with(address)) {
            return Err(Error::invalid(format!(
                "cycle detected: URI '{address}' referenced by previous URI '{before}'"
            )));
        }
        let failed = |err| Error::invalid(format!("failed to clone '{}': {err}", repository.url));
        let files = remote.repository(repository).map_err(failed)?;
        // What a repository holds may not read what lies around it.
        let options = Options { load_restrictions: crate::LoadRestrictions::RootOnly, ..self.options.clone() };
        self.progress.repositories.push(address.to_owned());
        let mut build = Build {
            files: &*files,
            options: &options,
            progress: std::mem::take(&mut self.progress),
            chain: Vec::new(),
            origin: self.origin.as_ref().map(|_| Base::of(repository)),
        };
        let directory = flux_files::clean(Utf8Path::new(&repository.path))?;
        let gathered = build.gather(&directory, role).map(|(gathered, _)| gathered);
        self.progress = build.progress;
        self.progress.repositories.pop();
        let mut gathered = gathered?;
        for resource in &mut gathered.resources {
            resource.origin = resource.origin.take().map(|path| format!("{}//{path}", repository.url).into());
        }
        Ok(gathered)
    }

    /// Adds what paths lead to; whatever fails is told, not only the first.
    pub(crate) fn add_resources(
        &mut self,
        target: &Target<'_>,
        paths: &[String],
        gathered: &mut Gathered,
    ) -> Result<(), Error> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut known: HashSet<Key> = gathered.resources.iter().map(Resource::key).collect();
        all(paths.iter().map(|path| self.add_resource(target, path, gathered, &mut known))).map(drop)
    }

    /// Adds the objects of a file or, where there is none, of a directory or repository.
    fn add_resource(
        &mut self,
        target: &Target<'_>,
        path: &str,
        gathered: &mut Gathered,
        known: &mut HashSet<Key>,
    ) -> Result<(), Error> {
        // Of a name that only files have nobody needs to ask what it is.
        let is_directory = !is_file_address(path)
            && Utf8Path::new(path).extension() != Some("yaml")
            && target.place(path).is_ok_and(|place| matches!(self.files.kind(&place), Ok(Kind::Directory)));
        let no_file = if is_directory {
            Error::invalid("is a directory")
        } else {
            match self.add_file(target, path, gathered, known) {
                Ok(()) => return Ok(()),
                Err(err) => err,
            }
        };
        let added = match Repository::parse(path) {
            Some(repository) => {
                self.descend_remote(path, &repository, Role::Base).map(|inner| (inner, path.to_owned()))
            }
            None => target.directory_of(path).and_then(|directory| {
                let shown = shown(&directory).to_owned();
                Ok((self.descend(path, &directory, Role::Base)?, shown))
            }),
        };
        let added = added.and_then(|(inner, place)| {
            append_all(gathered, inner, known)
                .map_err(|err| err.during(format!("recursed merging from path '{place}'")))
        });
        added.map_err(|err| {
            if no_file.is_malformed() {
                return no_file;
            }
            // Only now is it worth saying why a directory is no file.
            let no_file = match target.place(path) {
                Ok(place) if is_directory => {
                    unreadable(&flux_files::FilesError::IsDirectory(place.clone()), &place, self.files, self.options)
                        .during(format!("accumulating resources from '{path}'"))
                }
                Ok(_) | Err(_) => no_file,
            };
            err.during(format!("accumulation err='{}'", no_file.chain()))
        })
    }

    fn add_file(
        &mut self,
        target: &Target<'_>,
        path: &str,
        gathered: &mut Gathered,
        known: &mut HashSet<Key>,
    ) -> Result<(), Error> {
        let read = || {
            let content = target.read(path)?;
            let place = if is_file_address(path) { path.into() } else { target.place(path)? };
            objects(&content, &place, path)
        };
        let mut resources = read().map_err(|err| err.during(format!("accumulating resources from '{path}'")))?;
        if !self.progress.schemas.are_own()
            && self.progress.built_in == BuiltIn::Absent
            && resources.iter().any(|resource| resource.gvk().is_namespaced().is_none())
        {
            self.progress.built_in = BuiltIn::Above;
        }
        target.mark(&mut resources);
        if let Some(origin) = &self.origin {
            let origin = origin.join(path);
            for resource in &mut resources {
                resource.recorded = Some(Origin::File(origin.clone()));
            }
        }
        for resource in resources {
            append(&mut gathered.resources, known, resource)
                .map_err(|err| err.during(format!("merging resources from '{path}'")))?;
        }
        Ok(())
    }
}

/// What a kustomization starts from; a component may not be a base, nor the other way round.
fn admit(role: Role, kind: &str, directory: &Utf8Path) -> Result<Gathered, Error> {
    let place = shown(directory);
    match role {
        Role::Base if kind == COMPONENT => {
            Err(Error::invalid(format!("expected kind != '{COMPONENT}' for path '{place}'")))
        }
        Role::Component(_) if kind != COMPONENT => {
            Err(Error::invalid(format!("expected kind '{COMPONENT}' for path '{place}' but got '{kind}'")))
        }
        Role::Component(gathered) => Ok(*gathered),
        Role::Root | Role::Base => Ok(Gathered::default()),
    }
}

fn append_all(gathered: &mut Gathered, inner: Gathered, known: &mut HashSet<Key>) -> Result<(), Error> {
    for resource in inner.resources {
        append(&mut gathered.resources, known, resource)?;
    }
    gathered.config.merge(&inner.config)?;
    vars::merge(&mut gathered.vars, &inner.vars)
}

/// Adds an object whose id must be new; `known` holds the ids of those that are there.
fn append(resources: &mut Vec<Resource>, known: &mut HashSet<Key>, resource: Resource) -> Result<(), Error> {
    if !known.insert(resource.key()) {
        let id = resource.id();
        return Err(Error::invalid(format!("may not add resource with an already registered id: {id}")));
    }
    resources.push(resource);
    Ok(())
}

/// Fails where two objects have one id, which patches can bring about.
pub(crate) fn check_unique(resources: &[Resource]) -> Result<(), Error> {
    let mut seen = HashSet::with_capacity(resources.len());
    match resources.iter().find(|resource| !seen.insert(resource.key())) {
        Some(twice) => {
            let id = twice.id();
            Err(Error::invalid(format!("may not add resource with an already registered id: {id}")))
        }
        None => Ok(()),
    }
}

/// Adds a generated object, or changes the one of the same id as its behavior says.
pub(crate) fn absorb(resources: &mut Vec<Resource>, generated: Resource) -> Result<(), Error> {
    let id = generated.id();
    let found: Vec<usize> = (0..resources.len()).filter(|at| resources[*at].has_or_had(&id)).collect();
    match (&found[..], generated.behavior) {
        // No object has or had the id, so none is added twice.
        ([], Behavior::Create) => {
            resources.push(generated);
            Ok(())
        }
        ([], Behavior::Replace | Behavior::Merge) => {
            Err(Error::invalid(format!("id {id} does not exist; cannot merge or replace")))
        }
        ([_], Behavior::Create) => Err(Error::invalid(format!(
            "id {id} exists; can not use behavior: 'unspecified', behavior must be merge or replace"
        ))),
        ([at], Behavior::Replace) => {
            generators::replace(&mut resources[*at], generated);
            Ok(())
        }
        ([at], Behavior::Merge) => {
            generators::merge(&mut resources[*at], generated);
            Ok(())
        }
        (several, _) => {
            let ids: Vec<_> = several.iter().map(|at| resources[*at].id().to_string()).collect();
            Err(Error::invalid(format!("found multiple objects [{}] that could accept merge of {id}", ids.join(" "))))
        }
    }
}
