//! What `#[tracked_build]` turns a function into.

use perf_history::Outcome;

use super::{PerformanceCollector, drop_uncounted};

/// A build that was started. Ended without [`finish`](Self::finish), its outcome is `panicked`
/// while unwinding, and `failed` otherwise.
#[derive(Debug)]
pub struct BuildGuard {
    collector: PerformanceCollector,
}

impl BuildGuard {
    /// Starts a build of `tool`. Its record goes to where the environment says.
    #[must_use]
    pub fn start(tool: &'static str, version: Option<&'static str>) -> Self {
        let mut collector = PerformanceCollector::from_env(tool, version.unwrap_or_default());
        if version.is_none() {
            collector.tool_version = None;
        }
        collector.start_build();
        Self { collector }
    }

    /// Ends the build, and saves its record.
    pub fn finish(mut self, outcome: Outcome) {
        let stats = self.collector.end(outcome);
        self.collector.save(&stats);
        drop_uncounted(stats);
    }
}
