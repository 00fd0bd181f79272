//! A small static site generator: Markdown in, a site out, and each build measured.
//!
//! It is an example of a build tool that uses `perf_runtime`. Each function that is a phase of the
//! build has an attribute, and [`build`] records how large the site is. Everything else is an
//! ordinary site generator.
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
mod output;
mod paths;
mod render;
mod settings;
mod templates;

use std::path::Path;

use perf_runtime::{phase, tracked_phase};
use serde::{Deserialize, Serialize};

use crate::arrange::SitePlan;
use crate::assets::Asset;
use crate::digest::Digest;
use crate::discover::Source;
use crate::document::{Parsed, Text};
use crate::manifest::Manifest;
use crate::settings::Settings;
use crate::templates::Templates;

pub use crate::error::Error;
pub use crate::health::{Finding, Problem};
pub use crate::paths::SitePath;
pub use crate::settings::Options;

/// How large a site is.
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

/// The result of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// How large the site is.
    pub counts: Counts,
    /// How many files this build wrote.
    pub written: u64,
    /// Whether there was nothing to do.
    pub skipped: bool,
}

/// Starts the thread pool of all builds of this program: one thread per processor, or as many as
/// `RAYON_NUM_THREADS` says. The calling thread joins the pool and works instead of waiting, so
/// that it has a share in parallel phases too. All builds must then run on this thread.
///
/// Without this call, the first build starts a pool and its own thread waits for the others.
///
/// # Errors
///
/// If the system cannot start threads, or the program has started the pool before.
#[tracked_phase("start-threads")]
pub fn start_threads() -> Result<(), Error> {
    Ok(rayon::ThreadPoolBuilder::new().use_current_thread().build_global()?)
}

/// Builds a site. Records its size and how it was built in the current build of `perf_runtime`,
/// if there is one.
///
/// # Errors
///
/// If the source, the settings or the templates cannot be read or parsed, or the site cannot be
/// written. A problem in a single document is a [`Finding`] on the site's health page instead.
pub fn build(options: &Options) -> Result<Site, Error> {
    let inputs = Inputs::read(options)?;
    let mut previous = Manifest::load(&options.out);
    let current = inputs.identify();
    // If everything has to be rebuilt, it is a full build, even if an incremental one was asked
    // for: its record should be compared with those of full builds.
    let incremental = options.incremental && previous.environment == current.environment;
    let build = perf_runtime::build();
    build.set_parallel(rayon::current_num_threads() > 1);
    build.set_incremental(incremental);
    if !incremental {
        previous.invalidate();
    }
    let same_inputs = incremental && previous.inputs == current.inputs;
    let site = if same_inputs && previous.is_intact(&options.out) {
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

/// Everything that a site is made from, read into memory.
struct Inputs {
    source: Source,
    settings: Settings,
    templates: Templates,
    /// One per document of the source.
    texts: Vec<Text>,
    /// One per asset of the source.
    assets: Vec<Asset>,
}

impl Inputs {
    fn read(options: &Options) -> Result<Self, Error> {
        let mut source = discover::discover(options)?;
        let settings = Settings::load(&source)?;
        let templates = Templates::load(options.templates.as_deref(), &settings)?;
        let texts = document::load(&source.documents);
        let assets = assets::examine(&mut source.assets, &mut source.findings);
        Ok(Self { source, settings, templates, texts, assets })
    }

    /// A manifest with the digests of all inputs, and no outputs yet.
    #[tracked_phase("identify")]
    fn identify(&self) -> Manifest {
        let source = &self.source;
        let environment =
            Digest::from_value(&(env!("CARGO_PKG_VERSION"), &source.title, self.templates.digest));
        let texts = self.texts.iter().map(|text| text.digest);
        let assets = self.assets.iter().map(|asset| asset.digest);
        let documents = source.documents.iter().zip(texts);
        let files = documents.chain(source.assets.iter().zip(assets));
        let files: Vec<_> = files.map(|(file, digest)| (&file.name, digest)).collect();
        let inputs = Digest::from_value(&(environment, &source.sections, &source.findings, files));
        Manifest { environment, inputs, ..Manifest::default() }
    }
}

/// What the later phases of a build look things up in.
#[derive(Debug, Clone, Copy)]
struct BuildContext<'s> {
    source: &'s Source,
    texts: &'s [Text],
    plan: &'s SitePlan<'s>,
    templates: &'s Templates,
    previous: &'s Manifest,
    out: &'s Path,
}

/// Builds everything that changed since the previous build.
fn render_and_write(
    options: &Options,
    inputs: &Inputs,
    previous: Manifest,
    current: Manifest,
) -> Result<Site, Error> {
    let Inputs { source, settings, templates, texts, assets } = inputs;
    let Parsed { infos, events } = document::parse_all(source, texts, &previous);
    let plan = arrange::arrange(source, &infos, &settings.title);
    let out = options.out.as_path();
    let build = BuildContext { source, texts, plan: &plan, templates, previous: &previous, out };
    let mut outputs = render::render(build, events)?;
    outputs.extend(assets::outputs(build, assets));
    outputs.push(indexes::sitemap(build, &settings.base_url));
    outputs.push(indexes::search_index(build, &infos));
    let findings = health::check(build, &infos, &outputs);
    outputs.extend(health::report(build, &findings)?);

    let regular = plan.pages.iter().filter(|page| page.document.is_some()).count();
    let counts = Counts {
        regular_pages: regular as u64,
        // The health page is not among the planned pages.
        generated_pages: (plan.pages.len() - regular + 1) as u64,
        assets: source.assets.len() as u64,
        sections: plan.sections,
        terms: plan.terms,
        findings: findings.len() as u64,
    };
    let mut manifest = Manifest { counts, ..current };
    manifest.complete(build, &infos, &outputs);
    let written = outputs.iter().filter(|output| output.is_changed()).count() as u64;
    output::write(out, outputs, &previous, &manifest)?;
    phase!("free", { drop((plan, findings, previous, manifest)) });
    phase!("free", { drop(infos) });
    Ok(Site { counts, written, skipped: false })
}
