//! The charts that benchmarks measure are rendered to the same by both.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use camino::Utf8Path;
use flux_files::Directory;
use flux_gotemplate::funcs::sprig::World;
use flux_gotemplate::{Map, Time};
use flux_helm::chart::{LoadLimits, load_folder};
use flux_helm::manifest::listing;
use flux_helm::render::{Assembly, Capabilities, Context, Engine, Identity, Mode, Notes, Request, template};
use flux_helm_peer::charts::SAMPLES;

use crate::PEER;

/// The charts ask for neither the time nor chance.
struct Still;

impl World for Still {
    fn now(&self) -> Time {
        Time::zero()
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn rendered(path: &Path) -> String {
    let files = Directory::open(Utf8Path::from_path(path).unwrap()).unwrap();
    let world: Arc<dyn World> = Arc::new(Still);
    let request = Request {
        chart: load_folder(&files, Utf8Path::new(""), &LoadLimits::default()).unwrap(),
        values: &Map::new(),
        release: Identity { name: "bench", namespace: "default", revision: 1, is_upgrade: false },
        capabilities: &Capabilities::default(),
        notes: Notes::Own,
        context: Context::default(),
    };
    let templated = template(&Engine::new(&world, Mode::Lenient), request).unwrap();
    let assembled = templated.assemble(Assembly::default()).unwrap();
    listing(&assembled.manifest, &assembled.hooks)
}

#[test]
fn charts_of_all_shapes_are_rendered_as_helm_renders_them() {
    for sample in SAMPLES {
        let folder = tempfile::tempdir().unwrap();
        (sample.write)(folder.path()).unwrap();
        let output = Command::new(&*PEER).args(["template", "bench"]).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (own, expected) = (rendered(folder.path()), String::from_utf8(output.stdout).unwrap());
        let differ = own.lines().zip(expected.lines()).position(|(own, expected)| own != expected);
        assert!(own == expected, "{}: line {differ:?} differs", sample.name);
    }
}
