//! A small static site generator: Markdown in, a site out, and each build measured.
//!
//! It is an example of a build tool that uses `perf_runtime`: an attribute on each function that
//! is a phase of the build, and in [`build`] the counts that tell how large the site was. All the
//! rest is a site generator like any other.
#![forbid(unsafe_code)]

mod arrange;
mod assets;
mod digest;
mod discover;
mod document;
mod error;
mod front_matter;
mod health;
mod highlight;
mod indexes;
mod links;
mod manifest;
mod parse;
mod paths;
mod render;
mod settings;
mod templates;
mod write;

use perf_runtime::{phase, tracked_phase};
use serde::{Deserialize, Serialize};

use crate::arrange::Arrangement;
use crate::assets::Asset;
use crate::digest::Digest;
use crate::discover::Source;
use crate::manifest::Manifest;
use crate::parse::{Parsed, Text};
use crate::render::Scene;
use crate::settings::Settings;
use crate::templates::Templates;

pub use crate::error::Error;
pub use crate::health::{Finding, Problem};
pub use crate::paths::SitePath;
pub use crate::settings::Options;

/// How much there is of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Pages made from a document.
    pub regular_pages: u64,
    /// Pages made from other pages: listings, taxonomies, the health report.
    pub generated_pages: u64,
    /// Pictures and other files that are copied.
    pub assets: u64,
    /// Folders or packages.
    pub sections: u64,
    /// Terms of all taxonomies: tags, or keywords and licences.
    pub terms: u64,
    /// Problems found in the sources.
    pub findings: u64,
}

/// What a build did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the site is made of.
    pub counts: Counts,
    /// How many of its files this build wrote.
    pub written: u64,
    /// Whether there was nothing to do.
    pub skipped: bool,
}

/// Starts the threads that share the work of all builds of this program: as many as there are
/// processors, or as `RAYON_NUM_THREADS` says. The calling thread is one of them. It works along
/// where it would else only wait, and so the phases that the work is done in have a share on the
/// build's own thread; but builds must then stay on this thread.
///
/// Without it, the first build starts threads, and waits while they work.
///
/// # Errors
///
/// Where the system gives no threads, or the program has started its threads before.
#[tracked_phase("start-threads")]
pub fn start_threads() -> Result<(), Error> {
    Ok(rayon::ThreadPoolBuilder::new().use_current_thread().build_global()?)
}

/// Builds a site, and tells the current build of `perf_runtime`, if there is one, how large it
/// is and how it was built.
///
/// # Errors
///
/// Where the source, the settings or the templates cannot be read or make no sense, or the site
/// cannot be written. What is wrong with a single document is a [`Finding`] on the site's health
/// page, and no error.
pub fn build(options: &Options) -> Result<Site, Error> {
    let inputs = Inputs::read(options)?;
    let mut previous = Manifest::load(&options.out);
    let current = inputs.identify();
    // Where everything has to be made again, it is a full build, whatever was asked for: its
    // record should be compared with those of full builds.
    let incremental = options.incremental && previous.environment == current.environment;
    let build = perf_runtime::build();
    build.set_parallel(rayon::current_num_threads() > 1);
    build.set_incremental(incremental);
    if !incremental {
        previous.forget();
    }
    let site = if incremental && previous.is_of(&current) && previous.is_intact(&options.out) {
        build.skip();
        let site = Site { counts: previous.counts, written: 0, skipped: true };
        phase!("free", { drop(previous) });
        site
    } else {
        render_and_write(options, &inputs, previous, current)?
    };
    phase!("free", { drop(inputs) });

    build.count("total_pages", site.counts.regular_pages + site.counts.generated_pages);
    build.count("regular_pages", site.counts.regular_pages);
    build.count("generated_pages", site.counts.generated_pages);
    build.count("total_assets", site.counts.assets);
    build.count("total_sections", site.counts.sections);
    build.count("taxonomies_count", site.counts.terms);
    build.count("health_findings", site.counts.findings);
    build.count("written_files", site.written);
    Ok(site)
}

/// All that a site is made from, read.
struct Inputs {
    source: Source,
    settings: Settings,
    templates: Templates,
    /// In the order of the source's documents.
    texts: Vec<Text>,
    /// In the order of the source's assets.
    assets: Vec<Asset>,
}

impl Inputs {
    fn read(options: &Options) -> Result<Self, Error> {
        let mut source = discover::discover(options)?;
        let settings = Settings::load(&source)?;
        let templates = Templates::load(options.templates.as_deref(), &settings)?;
        let texts = parse::load(&source.documents);
        let assets = assets::examine(&mut source.assets, &mut source.findings);
        Ok(Self { source, settings, templates, texts, assets })
    }

    /// A manifest that knows what there is to read, and nothing yet of what is made from it.
    #[tracked_phase]
    fn identify(&self) -> Manifest {
        let version = Digest::of(env!("CARGO_PKG_VERSION").as_bytes());
        let title = Digest::of(self.source.title.as_bytes());
        let environment = Digest::of_digests([version, title, self.templates.digest]);
        let texts = self.texts.iter().map(|text| text.digest);
        let assets = self.assets.iter().map(|asset| asset.digest);
        let documents = self.source.documents.iter().zip(texts);
        let files = documents
            .chain(self.source.assets.iter().zip(assets))
            .flat_map(|(file, digest)| [Digest::of(file.name.as_bytes()), digest]);
        let rest = [
            environment,
            Digest::of_json(&self.source.sections),
            Digest::of_json(&self.source.findings),
        ];
        let inputs = Digest::of_digests(rest.into_iter().chain(files));
        Manifest { environment, inputs, ..Manifest::default() }
    }
}

/// Makes all that is not as it was in the previous build.
fn render_and_write(
    options: &Options,
    inputs: &Inputs,
    previous: Manifest,
    current: Manifest,
) -> Result<Site, Error> {
    let Parsed { facts, events } = parse::parse_all(&inputs.source, &inputs.texts, &previous);
    let arrangement = arrange::arrange(&inputs.source, &facts, &inputs.settings.title);
    let scene = Scene {
        source: &inputs.source,
        texts: &inputs.texts,
        arrangement: &arrangement,
        templates: &inputs.templates,
        previous: &previous,
        out: &options.out,
    };
    let rendered = render::render(scene, events)?;
    let mut outputs = assets::outputs(scene, &inputs.assets);
    outputs.push(indexes::sitemap(scene, &inputs.settings.base_url));
    outputs.push(indexes::search_index(scene, &facts));
    let findings = health::check(scene, &facts, &rendered);
    outputs.extend(health::report(scene, &findings)?);

    let counts = count(&inputs.source, &arrangement, findings.len());
    let manifest = Manifest { counts, ..current };
    let (manifest, outputs) = manifest.complete(scene, &facts, rendered, outputs);
    let written = outputs.iter().filter(|output| output.is_changed()).count() as u64;
    write::write(&options.out, outputs, &previous, &manifest)?;
    phase!("free", { drop((arrangement, findings, previous, manifest)) });
    phase!("free", { drop(facts) });
    Ok(Site { counts, written, skipped: false })
}

fn count(source: &Source, arrangement: &Arrangement<'_>, findings: usize) -> Counts {
    let pages = &arrangement.pages;
    let regular = pages.iter().filter(|page| page.document.is_some()).count();
    Counts {
        regular_pages: regular as u64,
        // And the health page.
        generated_pages: (pages.len() - regular + 1) as u64,
        assets: source.assets.len() as u64,
        sections: arrangement.sections,
        terms: arrangement.terms,
        findings: findings as u64,
    }
}
