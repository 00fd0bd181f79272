//! What `#[tracked_build]` turns a function into.

use perf_history::Outcome;

use super::{PerformanceCollector, drop_uncounted};

/// An open build. Dropped without [`finish`](Self::finish), its outcome is `panicked`
/// while unwinding, and `failed` otherwise.
#[derive(Debug)]
pub struct BuildGuard {
    collector: PerformanceCollector,
}

impl BuildGuard {
    /// Starts a build of `tool`, whose own crate was compiled with debug assertions or not. The
    /// environment decides where the record goes.
    #[must_use]
    pub fn start(
        tool: &'static str,
        version: Option<&'static str>,
        debug_assertions: bool,
    ) -> Self {
        let mut collector = PerformanceCollector::from_env(tool, version.unwrap_or_default());
        if version.is_none() {
            collector.tool_version = None;
        }
        collector.debug_assertions = debug_assertions;
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

/// A future whose first poll starts a build, which ends when it completes or is dropped.
pub fn build_future<F: Future>(
    future: F,
    tool: &'static str,
    version: Option<&'static str>,
    debug_assertions: bool,
    outcome: fn(&F::Output) -> Outcome,
) -> impl Future<Output = F::Output> {
    async move {
        let build = BuildGuard::start(tool, version, debug_assertions);
        let value = future.await;
        build.finish(outcome(&value));
        value
    }
}
