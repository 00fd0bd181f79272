//! What the last build left behind, from which the next build knows what changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use perf_runtime::tracked_phase;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::document::DocumentInfo;
use crate::links::Link;
use crate::output::Output;
use crate::paths::SitePath;
use crate::{BuildContext, Counts, Error};

/// The manifest's name in the output folder.
const FILE: &str = ".static-site.json";

/// What a build made, and from what. Anyone may have written to the folder that it is read from,
/// so its paths cannot lead out of that folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The generator, its settings and templates. If they change, everything is rebuilt.
    pub(crate) environment: Digest,
    /// Everything that was read. If it is the same, there is nothing to do.
    pub(crate) inputs: Digest,
    pub(crate) counts: Counts,
    /// By the names of their files.
    pub(crate) documents: BTreeMap<String, CachedDocument>,
    pub(crate) outputs: BTreeMap<SitePath, CachedOutput>,
}

/// What spares parsing a document again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CachedDocument {
    pub(crate) digest: Digest,
    pub(crate) info: DocumentInfo,
}

/// A file of the site.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CachedOutput {
    /// The digest of everything that it was made from.
    pub(crate) inputs: Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The links of a page made from a document.
    pub(crate) links: Vec<Link>,
    /// The anchors of a page made from a document.
    pub(crate) anchors: Vec<String>,
}

impl Manifest {
    /// Reads the manifest of the last build into `out`. A missing or damaged one is empty, so that
    /// everything is built.
    #[tracked_phase("load-manifest")]
    pub(crate) fn load(out: &Path) -> Self {
        let json = fs::read(out.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    }

    /// Writes the manifest to another file and renames it, so that it is complete or absent.
    #[tracked_phase("manifest")]
    pub(crate) fn save(&self, out: &Path) -> Result<(), Error> {
        let json = serde_json::to_vec(self).expect("a manifest is strings and numbers");
        let new = out.join(format!("{FILE}.new"));
        let path = out.join(FILE);
        fs::write(&new, json).map_err(Error::io("write", &new))?;
        fs::rename(&new, &path).map_err(Error::io("write", &path))
    }

    /// Marks all files as out of date, but keeps their names.
    pub(crate) fn invalidate(&mut self) {
        self.documents.clear();
        for output in self.outputs.values_mut() {
            *output = CachedOutput::out_of_date();
        }
    }

    /// Adds what a build read and made.
    #[tracked_phase("manifest")]
    pub(crate) fn complete(
        &mut self,
        build: BuildContext<'_>,
        infos: &[Option<DocumentInfo>],
        outputs: &[Output],
    ) {
        let documents = build.source.documents.iter().zip(build.texts).zip(infos);
        // Drafts are included: they need not be parsed again either.
        let documents = documents.filter_map(|((document, text), info)| {
            let cached = CachedDocument { digest: text.digest, info: info.clone()? };
            Some((document.name.clone(), cached))
        });
        self.documents = documents.collect();
        let outputs = outputs.iter().map(|output| (output.path.clone(), output.cached.clone()));
        self.outputs = outputs.collect();
    }

    /// The entry of the file at `path`, if it is on disk and was made from the same inputs.
    pub(crate) fn up_to_date(
        &self,
        out: &Path,
        path: &SitePath,
        inputs: Digest,
    ) -> Option<&CachedOutput> {
        let cached = self.outputs.get(path)?;
        (cached.inputs == inputs && cached.is_on_disk(out, path)).then_some(cached)
    }

    /// Whether all files of the last build are still there.
    #[tracked_phase("check-outputs")]
    pub(crate) fn is_intact(&self, out: &Path) -> bool {
        self.outputs.iter().all(|(path, cached)| cached.is_on_disk(out, path))
    }
}

impl CachedOutput {
    /// An entry that no file matches.
    pub(crate) fn out_of_date() -> Self {
        Self { size: u64::MAX, ..Self::default() }
    }

    fn is_on_disk(&self, out: &Path, path: &SitePath) -> bool {
        fs::metadata(path.below(out)).is_ok_and(|found| found.is_file() && found.len() == self.size)
    }
}
