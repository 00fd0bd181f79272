//! The final verdict of `ab`, the same as that of `check` on these builds, and the exit code.

use perf_history::BuildStats;
use serde_json::json;

use crate::commands::describe::commits_between;
use crate::commands::verdicts::{self, Page, between, busy};
use crate::configuration::Configuration;
use crate::failure::{ExitStatus, Failure};
use crate::judge::Verdict;
use crate::present::{Fact, Report, Span, units};

/// The verdict on all pairs.
pub(super) struct Answer {
    page: Page,
    /// The message if there are too few.
    too_few: String,
}

impl Answer {
    /// Judges the builds of a session, each half oldest first.
    pub(super) fn new(
        base: &[BuildStats],
        head: &[BuildStats],
        session: &str,
        configuration: &Configuration,
    ) -> Self {
        let judged = verdicts::judge_pairs(base, head, configuration);
        let pairs = base.len().min(head.len()) as u64;
        let mut title = Vec::new();
        let mut sure = Fact::new("how sure");
        if let Some(time) = verdicts::of_build_time(&judged) {
            title.push(Span::plain(time.describe()));
            if !time.is_change() {
                sure = sure.and_all(&time.why);
            }
        }
        title.push(Span::plain(units::counted(pairs, "pair")));
        let commits = commits_between(base.last(), head.last());
        let noise = verdicts::noise(head, base.iter());
        let facts = vec![sure, between(commits.as_deref()), busy(noise.as_deref())];
        let data =
            vec![("pairs", pairs.into()), ("session", session.into()), ("noise", json!(noise))];
        let too_few = verdicts::too_few_pairs(base, head, configuration);
        Self { page: Page { judged, title, facts, commits, data }, too_few }
    }

    /// A sentence for each change.
    pub(super) fn sentences(&self) -> Vec<String> {
        self.page.sentences()
    }

    /// Puts it before a comparison of the same builds.
    pub(super) fn put_before(&self, comparison: &mut Report) {
        self.page.put_before(comparison);
    }

    /// The exit code, or why there is no verdict.
    pub(super) fn exit(self) -> Result<ExitStatus, Failure> {
        match self.page.verdict() {
            Verdict::Regression => Ok(ExitStatus::Regression),
            Verdict::Insufficient => {
                Err(Failure::NoData(format!("nothing was judged: {}", self.too_few)))
            }
            Verdict::Suspect | Verdict::Improvement | Verdict::Unchanged => Ok(ExitStatus::Success),
        }
    }
}
