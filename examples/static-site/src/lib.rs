//! A small static site generator: Markdown in, a site out, and each build measured.
//!
//! It is an example of a build tool that tells `perf_runtime` what its phases are. The whole of
//! it are the attributes on the functions below, and the counts at the end of [`build`].
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

use perf_runtime::tracked_phase;
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

/// Builds a site, and tells the current build of `perf_runtime`, if there is one, how large it
/// is and how it was built.
///
/// # Errors
///
/// Where the source, the settings or the templates cannot be read or make no sense, or the site
/// cannot be written. What is wrong with a single document is a [`Finding`] on the site's health
/// page, and no error.
pub fn build(options: &Options) -> Result<Site, Error> {
    perf_runtime::build().set_parallel(rayon::current_num_threads() > 1);
    let mut source = discover::discover(options)?;
    let settings = Settings::load(&source)?;
    let templates = Templates::load(options.templates.as_deref(), &settings)?;
    let texts = parse::load(&source.documents);
    let assets = assets::examine(&mut source.assets, &mut source.findings);

    let mut previous = Manifest::load(&options.out);
    let current = identify(&source, &texts, &assets, &templates);
    if options.incremental && previous.environment == current.environment {
        perf_runtime::build().set_incremental(true);
        if previous.inputs == current.inputs && previous.is_intact(&options.out) {
            perf_runtime::build().skip();
            return Ok(finish(previous.counts, 0, true));
        }
    } else {
        // The files of the last build are still to be replaced or removed.
        previous.forget();
        perf_runtime::build().set_incremental(false);
    }

    let Parsed { facts, events } = parse::parse_all(&source, &texts, &previous);
    let arrangement = arrange::arrange(&source, &facts, &settings.title);
    let scene = Scene {
        source: &source,
        texts: &texts,
        arrangement: &arrangement,
        templates: &templates,
        previous: &previous,
        out: &options.out,
    };
    let rendered = render::render(scene, events)?;
    let mut outputs = assets::outputs(scene, &assets);
    outputs.push(indexes::sitemap(scene, &settings.base_url));
    outputs.push(indexes::search_index(scene, &facts));
    let findings = health::check(scene, &facts, &rendered);
    outputs.extend(health::report(scene, &findings)?);
    let manifest = Manifest { counts: count(&source, &arrangement, findings.len()), ..current };
    let (manifest, outputs) = manifest.complete(scene, &facts, rendered, outputs);

    let written = outputs.iter().filter(|output| output.is_changed()).count() as u64;
    write::write(&options.out, outputs, &previous, &manifest)?;
    Ok(finish(manifest.counts, written, false))
}

/// A manifest that knows what there is to read, and nothing yet of what is made from it.
#[tracked_phase]
fn identify(source: &Source, texts: &[Text], assets: &[Asset], templates: &Templates) -> Manifest {
    let version = Digest::of(env!("CARGO_PKG_VERSION").as_bytes());
    let title = Digest::of(source.title.as_bytes());
    let environment = Digest::of_digests([version, title, templates.digest]);
    let documents = source.documents.iter().zip(texts.iter().map(|text| text.digest));
    let assets = source.assets.iter().zip(assets.iter().map(|asset| asset.digest));
    let files = documents
        .chain(assets)
        .flat_map(|(file, digest)| [Digest::of(file.name.as_bytes()), digest]);
    let rest = [environment, Digest::of_json(&source.sections), Digest::of_json(&source.findings)];
    Manifest {
        environment,
        inputs: Digest::of_digests(rest.into_iter().chain(files)),
        ..Manifest::default()
    }
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

/// Tells the record how large the site is.
fn finish(counts: Counts, written: u64, skipped: bool) -> Site {
    let build = perf_runtime::build();
    build.count("total_pages", counts.regular_pages + counts.generated_pages);
    build.count("regular_pages", counts.regular_pages);
    build.count("generated_pages", counts.generated_pages);
    build.count("total_assets", counts.assets);
    build.count("total_sections", counts.sections);
    build.count("taxonomies_count", counts.terms);
    build.count("health_findings", counts.findings);
    build.count("written_files", written);
    Site { counts, written, skipped }
}
