//! Prints what `helm template` prints: the manifests of a chart for some values, without asking a cluster.
#![expect(clippy::print_stderr, reason = "warnings go beside the manifests")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Parser;
use flux_files::Directory;
use flux_gotemplate::Time;
use flux_gotemplate::funcs::sprig::World;
use flux_helm::chart::{Chart, LoadLimits, load_archive, load_folder};
use flux_helm::manifest::{Secrets, listing, show_only};
use flux_helm::release::{Hook, name};
use flux_helm::render::{
    Assembly, Capabilities, Context, Engine, Identity, KubeVersion, Mode, Notes, Request, Templated, check_installable,
    template,
};
use flux_helm::values;
use flux_helm::values::schema::Check;
use jiff::Timestamp;
use rand::RngCore;

/// Render a chart and print its manifests, as `helm template` does.
///
/// No cluster is asked: `lookup` finds nothing, and templates are told of Kubernetes what the options below say.
#[derive(Parser)]
#[command(
    override_usage = "template [OPTIONS] [RELEASE] CHART",
    after_help = "Examples:\n  \
        template web ./charts/web\n  \
        template web web-1.2.3.tgz -n shop -f prod.yaml --set image.tag=1.2.4\n  \
        template web ./charts/web --api-versions monitoring.coreos.com/v1 -s templates/servicemonitor.yaml"
)]
struct Cli {
    /// The release's name (release-name where there is none), and the chart: a folder or a packed chart (.tgz).
    #[arg(required = true, num_args = 1..=2, value_name = "[RELEASE] CHART")]
    what: Vec<String>,
    /// The release's namespace.
    #[arg(short, long, default_value = "default", value_name = "NAMESPACE")]
    namespace: String,
    /// Values from a YAML file; `-` reads them from standard input. Later files win.
    #[arg(short = 'f', long, value_name = "FILE")]
    values: Vec<String>,
    /// Set values: `key=1,list[0].name=x`.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Set values that stay text, whatever they look like.
    #[arg(long, value_name = "KEY=TEXT")]
    set_string: Vec<String>,
    /// Set values to JSON: `key={"a":1}`, or an object of them.
    #[arg(long, value_name = "KEY=JSON")]
    set_json: Vec<String>,
    /// Set values to the content of files.
    #[arg(long, value_name = "KEY=FILE")]
    set_file: Vec<String>,
    /// Set a value to all that follows the equals sign.
    #[arg(long, value_name = "KEY=TEXT")]
    set_literal: Vec<String>,
    /// Say that the cluster also serves these, by commas: `group/version` or `group/version/Kind`.
    #[arg(short, long, value_delimiter = ',', value_name = "VERSION")]
    api_versions: Vec<String>,
    /// The version of Kubernetes that templates see.
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Print the definitions of the chart's crds folder too.
    #[arg(long)]
    include_crds: bool,
    /// Print the notes behind the manifests.
    #[arg(long)]
    show_notes: bool,
    /// Have the notes of subcharts among the notes.
    #[arg(long)]
    render_subchart_notes: bool,
    /// Leave out hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Leave out hooks that are tests.
    #[arg(long)]
    skip_tests: bool,
    /// Print only what these templates give: paths in the chart, with `*`, `?` and `[…]`.
    #[arg(short, long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Take values that the charts' schemas refuse. Schemas that refer to others elsewhere are refused without it: nothing
    /// is fetched.
    #[arg(long)]
    skip_schema_validation: bool,
    /// Tell templates that they upgrade a release.
    #[arg(long)]
    is_upgrade: bool,
    /// When what a template gives is no YAML, print it nevertheless.
    #[arg(long)]
    debug: bool,
}

/// This machine's clock and random numbers.
struct Machine;

impl World for Machine {
    fn now(&self) -> Time {
        let now = Timestamp::now();
        Time::from_unix(now.as_second(), u32::try_from(now.subsec_nanosecond()).unwrap_or_default())
    }

    fn random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let (release, chart) = match cli.what.as_slice() {
        [release, chart] => (release.as_str(), chart),
        [chart] => ("release-name", chart),
        _ => bail!("name a release and a chart"),
    };
    name::check(release).with_context(|| format!("release name {release:?}"))?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &cli.kube_version {
        capabilities.kube_version =
            KubeVersion::parse(version).with_context(|| format!("invalid kube version '{version}'"))?;
    }
    capabilities.api_versions.extend(cli.api_versions.iter().cloned());
    let values = values(cli)?;
    let chart = load(Path::new(chart))?;
    check_installable(&chart)?;
    if chart.metadata.deprecated {
        eprintln!("warning: this chart is deprecated");
    }
    let world: Arc<dyn World> = Arc::new(Machine);
    let request = Request {
        chart,
        values: &values,
        release: Identity { name: release, namespace: &cli.namespace, revision: 1, is_upgrade: cli.is_upgrade },
        capabilities: &capabilities,
        notes: if cli.render_subchart_notes { Notes::All } else { Notes::Own },
        context: Context {
            schemas: if cli.skip_schema_validation { Check::Skip } else { Check::default() },
            ..Context::default()
        },
    };
    let templated = template(&Engine::new(&world, Mode::Lenient), request)?;
    print(cli, &templated)
}

fn print(cli: &Cli, templated: &Templated) -> Result<()> {
    let assembly = Assembly { include_crds: cli.include_crds, secrets: Secrets::Shown };
    let mut out = io::stdout().lock();
    let assembled = match templated.assemble(assembly) {
        Ok(assembled) => assembled,
        Err(err) if cli.debug => {
            writeln!(out, "{}", templated.raw_stream().trim())?;
            return Err(err.into());
        }
        Err(err) => return Err(anyhow::Error::new(err).context("use --debug to see the text")),
    };
    for warning in templated.warnings.iter().chain(&assembled.warnings) {
        eprintln!("warning: {warning}");
    }
    let shown = |hook: &&Hook| !(cli.no_hooks || cli.skip_tests && hook.is_test());
    let mut text = listing(&assembled.manifest, assembled.hooks.iter().filter(shown));
    if !cli.show_only.is_empty() {
        text = show_only(&text, &cli.show_only)?;
    }
    out.write_all(text.as_bytes())?;
    if cli.show_notes && !templated.notes.is_empty() {
        writeln!(out, "NOTES:\n{}", templated.notes.trim())?;
    }
    Ok(())
}

fn values(cli: &Cli) -> Result<flux_gotemplate::Map> {
    let options = values::Options {
        files: cli.values.clone(),
        json: cli.set_json.clone(),
        set: cli.set.clone(),
        text: cli.set_string.clone(),
        from_files: cli.set_file.clone(),
        literal: cli.set_literal.clone(),
    };
    let mut open = |name: &str| {
        if name == "-" {
            let mut text = Vec::new();
            io::stdin().lock().read_to_end(&mut text)?;
            return Ok(text);
        }
        fs::read(name).map_err(|err| format!("cannot read {name}: {err}").into())
    };
    Ok(options.merged(&mut open)?)
}

fn load(path: &Path) -> Result<Chart> {
    if path.is_file() {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        return load_archive(file, &LoadLimits::default()).with_context(|| format!("cannot load {}", path.display()));
    }
    if !path.is_dir() {
        bail!("there is no chart at {}: name a folder with a Chart.yaml, or a packed chart (.tgz)", path.display());
    }
    let path = Utf8PathBuf::try_from(path.to_owned()).context("the chart's path is not UTF-8")?;
    let files = Directory::open(&path)?;
    load_folder(&files, Utf8Path::new(""), &LoadLimits::default()).with_context(|| format!("cannot load {path}"))
}
