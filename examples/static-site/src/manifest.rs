//! What the last build left behind, by which the next one knows what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use perf_runtime::tracked_phase;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::document::Facts;
use crate::links::Link;
use crate::paths::SitePath;
use crate::render::{Rendered, Scene};
use crate::write::Output;
use crate::{Counts, Error};

/// The manifest's name in the output folder.
const FILE: &str = ".static-site.json";

/// What a build made, and from what. It is read back from a folder that anyone may have written
/// to, so its types take nothing that leads out of that folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The generator, its settings and templates: where they differ, everything does.
    pub(crate) environment: Digest,
    /// All there was to read. The same again means that there is nothing to do.
    pub(crate) inputs: Digest,
    pub(crate) counts: Counts,
    /// By the names of their files.
    pub(crate) documents: BTreeMap<String, KnownDocument>,
    pub(crate) outputs: BTreeMap<SitePath, KnownOutput>,
}

/// What is known of a document that need not be parsed again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KnownDocument {
    pub(crate) digest: Digest,
    pub(crate) facts: Facts,
    pub(crate) links: Vec<Link>,
    pub(crate) anchors: Vec<String>,
}

/// A file of the site.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct KnownOutput {
    /// Of all that it was made from.
    pub(crate) made_from: Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
}

impl Manifest {
    /// Reads what the last build into `out` left. A manifest that is not there, or not whole, is
    /// an empty one: everything gets built.
    #[tracked_phase("load-manifest")]
    pub(crate) fn load(out: &Path) -> Self {
        fs::read(out.join(FILE))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    /// Writes the manifest through a file of its own, so that it is whole or not there.
    #[tracked_phase("manifest")]
    pub(crate) fn save(&self, out: &Path) -> Result<(), Error> {
        let json = serde_json::to_vec(self).expect("a manifest is strings and numbers");
        let new = out.join(format!("{FILE}.new"));
        let path = out.join(FILE);
        fs::write(&new, json).map_err(Error::io("write", &new))?;
        fs::rename(&new, &path).map_err(Error::io("write", &path))
    }

    /// Forgets of all files that they are up to date, but not that they are there.
    pub(crate) fn forget(&mut self) {
        let never = KnownOutput { made_from: Digest::default(), size: u64::MAX };
        self.documents.clear();
        self.outputs.values_mut().for_each(|known| *known = never);
    }

    /// Adds what a build made, and gives back all of its files: the pages, then the others.
    #[tracked_phase("manifest")]
    pub(crate) fn complete(
        mut self,
        scene: Scene<'_>,
        facts: &[Option<Facts>],
        rendered: Vec<Rendered>,
        others: Vec<Output>,
    ) -> (Self, Vec<Output>) {
        // Of drafts too: they need not be parsed again either.
        let documents = scene.source.documents.iter().zip(scene.texts).zip(facts);
        for ((document, text), facts) in documents {
            if let Some(facts) = facts {
                let known = KnownDocument {
                    digest: text.digest,
                    facts: facts.clone(),
                    links: Vec::new(),
                    anchors: Vec::new(),
                };
                self.documents.insert(document.name.clone(), known);
            }
        }
        let mut outputs = Vec::with_capacity(rendered.len() + others.len());
        for (page, rendered) in scene.arrangement.pages.iter().zip(rendered) {
            let name = page.document.map(|index| &scene.source.documents[index].name);
            if let Some(known) = name.and_then(|name| self.documents.get_mut(name)) {
                known.links = rendered.links;
                known.anchors = rendered.anchors;
            }
            outputs.push(rendered.output);
        }
        outputs.extend(others);
        for output in &outputs {
            self.outputs.insert(output.path.clone(), output.known());
        }
        (self, outputs)
    }

    /// Whether a file made from the same is already in place, and its size.
    pub(crate) fn keeps(&self, out: &Path, path: &SitePath, made_from: Digest) -> Option<u64> {
        let known = self.outputs.get(path)?;
        (known.made_from == made_from && is_in_place(out, path, known)).then_some(known.size)
    }

    /// Whether it was made from what `current` is to be made from.
    pub(crate) fn is_of(&self, current: &Self) -> bool {
        self.inputs == current.inputs
    }

    /// Whether all that the last build made is still there.
    #[tracked_phase("check-outputs")]
    pub(crate) fn is_intact(&self, out: &Path) -> bool {
        self.outputs.iter().all(|(path, known)| is_in_place(out, path, known))
    }

    /// The files that this manifest has and `new` has not.
    pub(crate) fn stale<'a>(&'a self, new: &'a Self) -> BTreeSet<&'a SitePath> {
        let gone = |path: &&SitePath| !new.outputs.contains_key(*path);
        self.outputs.keys().filter(gone).collect()
    }
}

fn is_in_place(out: &Path, path: &SitePath, known: &KnownOutput) -> bool {
    fs::metadata(place(out, path)).is_ok_and(|found| found.is_file() && found.len() == known.size)
}

/// Where a file of the site is on the disk.
pub(crate) fn place(out: &Path, path: &SitePath) -> PathBuf {
    let mut place = out.to_path_buf();
    place.extend(path.as_str().split('/'));
    place
}
