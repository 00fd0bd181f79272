//! Files that go into the site as they are.

use std::fs::File;

use perf_runtime::{in_current_phase, tracked_phase};
use rayon::prelude::*;

use crate::arrange::STYLE_SHEET;
use crate::digest::Digest;
use crate::discover::SourceFile;
use crate::health::Finding;
use crate::render::Scene;
use crate::write::{Content, Output};

/// An asset whose content is known.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) digest: Digest,
    size: u64,
}

/// Reads all assets, to know which changed. One that cannot be read is not in the site.
#[tracked_phase("assets", items = files.len())]
pub(crate) fn examine(files: &mut Vec<SourceFile>, findings: &mut Vec<Finding>) -> Vec<Asset> {
    let mut examined = Vec::with_capacity(files.len());
    files
        .par_iter()
        .map(in_current_phase!(|file| examine_one(file)))
        .collect_into_vec(&mut examined);
    let mut assets = Vec::with_capacity(files.len());
    let mut results = examined.into_iter();
    files.retain(|file| match results.next() {
        Some(Ok(asset)) => {
            assets.push(asset);
            true
        }
        Some(Err(error)) => {
            findings.push(Finding::unreadable(&file.name, &error.to_string()));
            false
        }
        None => false,
    });
    assets
}

#[tracked_phase("asset")]
fn examine_one(file: &SourceFile) -> std::io::Result<Asset> {
    let mut file = File::open(&file.path)?;
    let (digest, size) = Digest::of_file(&mut file)?;
    Ok(Asset { digest, size })
}

/// The outputs of assets, and the site's own style sheet.
#[tracked_phase("place-assets")]
pub(crate) fn outputs(scene: Scene<'_>, assets: &[Asset]) -> Vec<Output> {
    let mut outputs = Vec::with_capacity(assets.len() + 4);
    let places = &scene.arrangement.assets;
    for ((file, asset), path) in scene.source.assets.iter().zip(assets).zip(places) {
        let content = match scene.previous.keeps(scene.out, path, asset.digest) {
            Some(size) => Content::Unchanged { size },
            None => Content::CopyOf { file: file.path.clone(), size: asset.size },
        };
        outputs.push(Output { path: path.clone(), made_from: asset.digest, content });
    }
    let style = scene.templates.style.clone().into_bytes();
    outputs.push(Output::made(scene, STYLE_SHEET, style));
    outputs
}
