//! Gathering what kustomizations name: resources, bases, components, generated objects.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, Kind};

use crate::config::Config;
use crate::error::all;
use crate::id::Key;
use crate::kustomization::{COMPONENT, Kustomization, Var};
use crate::load::{load, read_objects};
use crate::origin::{Origin, join};
use crate::resource::{Behavior, Resource};
use crate::{Error, LoadRestrictions, Options, generators, transformers, vars};

/// How deep kustomizations may stand in one another.
const DEPTH: usize = 64;
/// How many kustomizations a build may read.
const KUSTOMIZATIONS: usize = 10_000;

/// One kustomization that is being built.
pub(crate) struct Target<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) options: &'a Options,
    /// Its directory, from the root of the files.
    pub(crate) directory: Utf8PathBuf,
    pub(crate) kustomization: Kustomization,
    pub(crate) config: Config,
    /// The path to the directory as `buildMetadata` writes it; none when nothing is recorded.
    pub(crate) origin: Option<String>,
    /// The kustomization file's name.
    pub(crate) file: String,
    /// The kustomizations that led here.
    pub(crate) chain: Vec<Utf8PathBuf>,
}

/// What a kustomization gives to the one that names it.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) resources: Vec<Resource>,
    pub(crate) config: Config,
    pub(crate) vars: Vec<Var>,
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
    pub(crate) warnings: Vec<String>,
    read: usize,
    chain: Vec<Utf8PathBuf>,
    /// The path from the root's directory to the present one; none when no origins are recorded.
    origin: Option<String>,
}

impl<'a> Build<'a> {
    pub(crate) fn new(files: &'a dyn Files, options: &'a Options) -> Self {
        Self { files, options, warnings: Vec::new(), read: 0, chain: Vec::new(), origin: None }
    }

    /// A build of configurations that a kustomization names by `path`.
    pub(crate) fn within(target: &Target<'a>, path: &str) -> Self {
        let origin = target.origin.as_deref().map(|origin| join(origin, path));
        Self { chain: target.chain.clone(), origin, ..Self::new(target.files, target.options) }
    }

    /// The objects of the kustomization in `directory`.
    pub(crate) fn resources(mut self, directory: &Utf8Path) -> Result<Vec<Resource>, Error> {
        self.gather(directory, Role::Base).map(|(gathered, _)| gathered.resources)
    }

    /// Builds the kustomization in `directory`.
    pub(crate) fn gather(&mut self, directory: &Utf8Path, role: Role) -> Result<(Gathered, Kustomization), Error> {
        self.read += 1;
        if self.chain.len() >= DEPTH || self.read > KUSTOMIZATIONS {
            return Err(Error::invalid(format!("more than {DEPTH} nested or {KUSTOMIZATIONS} kustomizations")));
        }
        if self.chain.iter().any(|outer| outer == directory) {
            let chain = self.chain.iter().map(|outer| format!("'{outer}'")).collect::<Vec<_>>().join(", ");
            return Err(Error::invalid(format!(
                "cycle detected: candidate root '{directory}' contains visited root in {chain}"
            )));
        }
        self.chain.push(directory.to_owned());
        let gathered = self.gather_target(directory, role);
        self.chain.pop();
        gathered
    }

    fn gather_target(&mut self, directory: &Utf8Path, role: Role) -> Result<(Gathered, Kustomization), Error> {
        let (kustomization, file) = load(self.files, directory)?;
        let component = kustomization.kind == COMPONENT;
        let mut gathered = match role {
            Role::Base if component => {
                return Err(Error::invalid(format!("expected kind != '{COMPONENT}' for path '{directory}'")));
            }
            Role::Component(_) if !component => {
                return Err(Error::invalid(format!(
                    "expected kind '{COMPONENT}' for path '{directory}' but got '{}'",
                    kustomization.kind
                )));
            }
            Role::Root => {
                self.origin = (!kustomization.build_metadata.is_empty()).then(String::new);
                Gathered::default()
            }
            Role::Base => Gathered::default(),
            Role::Component(gathered) => *gathered,
        };
        self.warnings.extend(kustomization.warnings());
        let config = Config::default();
        let mut target = Target {
            files: self.files,
            options: self.options,
            directory: directory.to_owned(),
            kustomization,
            config,
            origin: self.origin.clone(),
            file,
            chain: self.chain.clone(),
        };
        target.kustomization.fix();
        let problems = target.kustomization.version_problems();
        if !problems.is_empty() {
            return Err(Error::invalid(format!("{}: {}", target.file_name(), problems.join(", "))));
        }
        target.refuse_unsupported()?;
        self.add_resources(&target, &mut gathered)?;
        for path in &target.kustomization.configurations {
            target.config.add_file(&target.read(path)?).map_err(|err| err.during(format!("configuration {path:?}")))?;
        }
        target.config.merge(&gathered.config)?;
        generators::run(&target, &mut gathered.resources)?;
        gathered.config = target.config.clone();
        for path in &target.kustomization.components {
            let inner = target.directory_of(path).map_err(|err| err.during("accumulating components"))?;
            let step = format!("accumulating components: accumulateDirectory: \"{path}\"");
            gathered =
                self.descend(path, &inner, Role::Component(Box::new(gathered))).map_err(|err| err.during(step))?;
        }
        target.config = gathered.config.clone();
        transformers::run(&target, &mut gathered.resources)?;
        vars::add(&mut gathered.vars, &target.kustomization.vars, &mut gathered.resources)?;
        Ok((gathered, target.kustomization))
    }

    /// Builds what a kustomization names by `path`.
    fn descend(&mut self, path: &str, directory: &Utf8Path, role: Role) -> Result<Gathered, Error> {
        let before = self.origin.clone();
        self.origin = before.as_deref().map(|origin| join(origin, path));
        let gathered = self.gather(directory, role);
        self.origin = before;
        gathered.map(|(gathered, _)| gathered)
    }

    fn add_resources(&mut self, target: &Target<'_>, gathered: &mut Gathered) -> Result<(), Error> {
        let loaded = target.kustomization.resources.iter().map(|path| {
            self.resource(target, path).map_err(|err| err.during(format!("accumulating resources from '{path}'")))
        });
        let mut known: HashSet<Key> = gathered.resources.iter().map(|resource| resource.id().key()).collect();
        for (path, inner) in
            target.kustomization.resources.iter().zip(all(loaded).map_err(|err| err.during("accumulating resources"))?)
        {
            gathered.config.merge(&inner.config)?;
            vars::merge(&mut gathered.vars, &inner.vars)?;
            for resource in inner.resources {
                append(&mut gathered.resources, &mut known, resource).map_err(|err| {
                    err.during(format!("accumulating resources from '{path}'")).during("accumulating resources")
                })?;
            }
        }
        Ok(())
    }

    fn resource(&mut self, target: &Target<'_>, path: &str) -> Result<Gathered, Error> {
        let place = target.place(path)?;
        match self.files.kind(&place)? {
            Kind::File => {
                let mut resources = read_objects(self.files, &place)?;
                if let Some(origin) = &self.origin {
                    let path = join(origin, path);
                    for resource in &mut resources {
                        resource.recorded = Some(Origin::File(path.clone()));
                    }
                }
                Ok(Gathered { resources, ..Gathered::default() })
            }
            Kind::Directory => self.descend(path, &place, Role::Base),
        }
    }
}

impl Target<'_> {
    /// The place of a path that the kustomization names, from the root of the files.
    pub(crate) fn place(&self, path: &str) -> Result<Utf8PathBuf, Error> {
        if is_remote(path) {
            return Err(Error::invalid(format!("remote base {path:?} is refused: only files of the source are read")));
        }
        if Utf8Path::new(path).is_absolute() {
            return Err(Error::invalid(format!("path {path:?} must be relative")));
        }
        let place = flux_files::clean(&self.directory.join(path))?;
        let outside = !place.starts_with(&self.directory);
        if outside
            && self.options.load_restrictions == LoadRestrictions::RootOnly
            && self.files.kind(&place)? == Kind::File
        {
            return Err(Error::invalid(format!("security; file '{place}' is not in or below '{}'", self.directory)));
        }
        Ok(place)
    }

    fn directory_of(&self, path: &str) -> Result<Utf8PathBuf, Error> {
        let place = self.place(path)?;
        match self.files.kind(&place)? {
            Kind::Directory => Ok(place),
            Kind::File => Err(Error::invalid(format!("'{path}' must resolve to a directory"))),
        }
    }

    /// Whether a text names an existing file.
    pub(crate) fn is_file(&self, path: &str) -> bool {
        !path.contains('\n')
            && self.place(path).is_ok_and(|place| self.files.kind(&place).is_ok_and(|kind| kind == Kind::File))
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> Result<String, Error> {
        let bytes = self.read_bytes(path)?;
        String::from_utf8(bytes).map_err(|_| Error::invalid(format!("file {path:?} is not UTF-8")))
    }

    /// The content of a file.
    pub(crate) fn read_bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        let place = self.place(path)?;
        Ok(self.files.read(&place)?)
    }

    /// Fails when the kustomization asks for what this engine does not do.
    fn refuse_unsupported(&self) -> Result<(), Error> {
        let asked = [
            ("crds", !self.kustomization.crds.is_empty()),
            ("openapi", !self.kustomization.openapi.is_empty()),
            ("validators", !self.kustomization.validators.is_empty()),
            ("helmCharts", !self.kustomization.helm_charts.is_empty()),
        ];
        let fields: Vec<_> = asked.into_iter().filter(|(_, asked)| *asked).map(|(field, _)| field).collect();
        if fields.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(format!("{}: unsupported field {}", self.file_name(), fields.join(", "))))
    }

    /// The kustomization file as `buildMetadata` names it.
    pub(crate) fn origin_file(&self) -> String {
        join(self.origin.as_deref().unwrap_or_default(), &self.file)
    }

    fn file_name(&self) -> String {
        self.directory.join(&self.file).to_string()
    }
}

/// Whether a path is an address of something elsewhere.
fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@") || path.starts_with("github.com/") || path.contains("?ref=")
}

/// Adds an object whose id must be new; `known` holds the ids of those that are there.
fn append(resources: &mut Vec<Resource>, known: &mut HashSet<Key>, resource: Resource) -> Result<(), Error> {
    let id = resource.id();
    if !known.insert(id.key()) {
        return Err(Error::invalid(format!("may not add resource with an already registered id: {id}")));
    }
    resources.push(resource);
    Ok(())
}

/// Adds a generated object, or changes the one of the same id as its behavior says.
pub(crate) fn absorb(resources: &mut Vec<Resource>, generated: Resource) -> Result<(), Error> {
    let id = generated.id();
    let same = |other: &Resource| other.ids().iter().any(|own| own.same(&id));
    let found: Vec<usize> = (0..resources.len()).filter(|at| same(&resources[*at])).collect();
    match (found[..].first(), generated.behavior) {
        // No object has or had the id, so none is added twice.
        (None, Behavior::Create) => {
            resources.push(generated);
            Ok(())
        }
        (None, Behavior::Replace | Behavior::Merge) => {
            Err(Error::invalid(format!("id {id} does not exist; cannot merge or replace")))
        }
        (Some(_), Behavior::Create) => {
            Err(Error::invalid(format!("id {id} exists; behavior must be merge or replace")))
        }
        (Some(at), Behavior::Replace) => {
            generators::replace(&mut resources[*at], generated);
            Ok(())
        }
        (Some(at), Behavior::Merge) => {
            generators::merge(&mut resources[*at], generated);
            Ok(())
        }
    }
}
