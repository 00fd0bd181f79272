//! Files that are copied to the site.

use std::fs::File;
use std::io;

use perf_runtime::{in_current_phase, tracked_phase};
use rayon::prelude::*;

use crate::BuildContext;
use crate::arrange::STYLE_SHEET;
use crate::digest::Digest;
use crate::discover::SourceFile;
use crate::health::Finding;
use crate::output::{Content, Output};

/// What identifies the content of an asset.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) digest: Digest,
    size: u64,
}

/// Reads all assets to find out which changed. Those that cannot be read are removed from `files`
/// and become findings.
#[tracked_phase("assets", items = files.len())]
pub(crate) fn examine(files: &mut Vec<SourceFile>, findings: &mut Vec<Finding>) -> Vec<Asset> {
    let examined: Vec<_> =
        files.par_iter().map(in_current_phase!(|file| examine_one(file))).collect();
    let mut assets = Vec::with_capacity(files.len());
    let mut readable = Vec::with_capacity(files.len());
    for (file, result) in files.drain(..).zip(examined) {
        match result {
            Ok(asset) => {
                assets.push(asset);
                readable.push(file);
            }
            Err(error) => findings.push(Finding::unreadable(&file.name, &error.to_string())),
        }
    }
    *files = readable;
    assets
}

#[tracked_phase("asset")]
fn examine_one(file: &SourceFile) -> io::Result<Asset> {
    let (digest, size) = Digest::from_reader(&mut File::open(&file.path)?)?;
    Ok(Asset { digest, size })
}

/// The assets as files of the site, and the site's style sheet.
#[tracked_phase("place-assets")]
pub(crate) fn outputs(build: BuildContext<'_>, assets: &[Asset]) -> Vec<Output> {
    let mut outputs = Vec::with_capacity(assets.len() + 5);
    let files = build.source.assets.iter().zip(assets);
    for ((file, asset), path) in files.zip(&build.plan.asset_paths) {
        let copy = Content::CopyOf(file.path.clone());
        outputs.push(Output::new(build, path.clone(), asset.digest, asset.size, copy));
    }
    let style = build.templates.style.clone().into_bytes();
    outputs.push(Output::from_bytes(build, STYLE_SHEET, style));
    outputs
}
