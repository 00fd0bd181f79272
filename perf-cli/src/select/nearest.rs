//! What a mistyped name of a build may have meant.

use perf_history::Glance;

use super::BuildRef;
use crate::labels::RUN;

/// Names less alike than this, of 1, are others.
const ALIKE: f64 = 0.6;

/// Looks for the name that is most like one that was not found.
pub(super) struct Nearest<'a> {
    reference: &'a BuildRef,
    best: Option<(f64, String)>,
    /// Builds in a row often share these: they need no second look.
    last: [Option<String>; 3],
}

impl<'a> Nearest<'a> {
    pub(super) fn to(reference: &'a BuildRef) -> Self {
        let mut nearest = Self { reference, best: None, last: [None, None, None] };
        if let BuildRef::Named(name) = reference {
            nearest.offer(name, "latest", || "latest".to_owned());
        }
        nearest
    }

    pub(super) fn consider(&mut self, glance: &Glance<'_>) {
        let sources = [glance.label(RUN), glance.branch, glance.commit];
        let is_new = |this: &Self, at: usize| sources[at] != this.last[at].as_deref();
        let fresh = [is_new(self, 0), is_new(self, 1), is_new(self, 2)];
        let [label, branch, commit] = sources;
        match self.reference {
            BuildRef::Latest | BuildRef::Nth(_) => return,
            BuildRef::Label(name) => {
                if let (true, Some(label)) = (fresh[0], label) {
                    self.offer(name, label, || format!("label:{label}"));
                }
            }
            BuildRef::Branch(name) => {
                if let (true, Some(branch)) = (fresh[1], branch) {
                    self.offer(name, branch, || format!("branch:{branch}"));
                }
            }
            BuildRef::Named(name) => {
                let prefix = |text: &str| text.chars().take(name.chars().count()).collect();
                let id: String = prefix(glance.build_id);
                self.offer(name, &id, || id.clone());
                if let (true, Some(commit)) = (fresh[2], commit) {
                    let commit: String = prefix(commit);
                    self.offer(name, &commit, || commit.clone());
                }
                // A label or a branch whose kind was left out, or mistyped.
                let bare = name.split_once(':').map_or(name.as_str(), |(_, bare)| bare);
                if let (true, Some(label)) = (fresh[0], label) {
                    self.offer(bare, label, || format!("label:{label}"));
                }
                if let (true, Some(branch)) = (fresh[1], branch) {
                    self.offer(bare, branch, || format!("branch:{branch}"));
                }
            }
        }
        for ((last, source), is_new) in self.last.iter_mut().zip(sources).zip(fresh) {
            if is_new {
                *last = source.map(str::to_owned);
            }
        }
    }

    pub(super) fn found(self) -> Option<String> {
        self.best.map(|(_, name)| name)
    }

    fn offer(&mut self, name: &str, candidate: &str, written: impl FnOnce() -> String) {
        let alike = strsim::normalized_damerau_levenshtein(name, candidate);
        if alike >= ALIKE && self.best.as_ref().is_none_or(|(best, _)| alike > *best) {
            self.best = Some((alike, written()));
        }
    }
}
