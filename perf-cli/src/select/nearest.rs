//! Suggests what a mistyped build reference may have meant.

use perf_history::RecordSummary;

use super::BuildRef;
use crate::labels::RUN;

/// The least similarity of a suggestion, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.6;

/// Looks for the name that is most similar to one that was not found.
pub(super) struct Nearest<'a> {
    reference: &'a BuildRef,
    best: Option<(f64, String)>,
    /// The last label, branch and commit: neighbouring builds often share them.
    last: [Option<String>; 3],
}

impl<'a> Nearest<'a> {
    pub(super) fn new(reference: &'a BuildRef) -> Self {
        let mut nearest = Self { reference, best: None, last: [None, None, None] };
        if let BuildRef::Named(name) = reference {
            nearest.offer(name, "", "latest");
        }
        nearest
    }

    pub(super) fn consider(&mut self, summary: &RecordSummary<'_>) {
        let names = [summary.label(RUN), summary.branch, summary.commit];
        let mut new_names = [None; 3];
        for ((last, name), new_name) in self.last.iter_mut().zip(names).zip(&mut new_names) {
            if last.as_deref() != name {
                *last = name.map(str::to_owned);
                *new_name = name;
            }
        }
        let [label, branch, commit] = new_names;
        match self.reference {
            BuildRef::Latest | BuildRef::Nth(_) => {}
            BuildRef::Label(name) => self.offer(name, "label:", label.unwrap_or_default()),
            BuildRef::Branch(name) => self.offer(name, "branch:", branch.unwrap_or_default()),
            BuildRef::Named(name) => {
                for id in [Some(summary.build_id), commit].into_iter().flatten() {
                    self.offer(
                        name,
                        "",
                        &id.chars().take(name.chars().count()).collect::<String>(),
                    );
                }
                // A label or a branch whose prefix was left out or mistyped.
                let bare = name.split_once(':').map_or(name.as_str(), |(_, bare)| bare);
                self.offer(bare, "label:", label.unwrap_or_default());
                self.offer(bare, "branch:", branch.unwrap_or_default());
            }
        }
    }

    pub(super) fn into_suggestion(self) -> Option<String> {
        self.best.map(|(_, name)| name)
    }

    fn offer(&mut self, name: &str, prefix: &str, candidate: &str) {
        if candidate.is_empty() {
            return;
        }
        let similarity = strsim::normalized_damerau_levenshtein(name, candidate);
        if similarity >= MIN_SIMILARITY
            && self.best.as_ref().is_none_or(|(best, _)| similarity > *best)
        {
            self.best = Some((similarity, format!("{prefix}{candidate}")));
        }
    }
}
