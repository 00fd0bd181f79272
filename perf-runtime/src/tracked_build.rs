//! What `#[tracked_build]` turns a function into.

#[cfg(feature = "record")]
use crate::PerformanceCollector;
use crate::outcome::Returned;

/// An open build. Dropped without [`finish`](Self::finish), its outcome is `panicked` while
/// unwinding, and `failed` otherwise.
#[derive(Debug)]
pub struct BuildGuard {
    #[cfg(feature = "record")]
    collector: PerformanceCollector,
}

#[cfg_attr(not(feature = "record"), expect(unused_variables, reason = "nothing is recorded"))]
impl BuildGuard {
    /// Starts a build of `tool`, whose own crate was compiled with debug assertions or not. The
    /// environment decides where the record goes.
    #[must_use]
    #[inline]
    pub fn start(
        tool: &'static str,
        version: Option<&'static str>,
        debug_assertions: bool,
    ) -> Self {
        Self {
            #[cfg(feature = "record")]
            collector: PerformanceCollector::started(tool, version, debug_assertions),
        }
    }

    /// Ends the build, and saves its record.
    #[inline]
    pub fn finish(self, outcome: Returned) {
        #[cfg(feature = "record")]
        self.collector.finish(outcome);
    }
}

/// A future whose first poll starts a build, which ends when it completes or is dropped.
pub fn build_future<F: Future>(
    future: F,
    tool: &'static str,
    version: Option<&'static str>,
    debug_assertions: bool,
    outcome: fn(&F::Output) -> Returned,
) -> impl Future<Output = F::Output> {
    async move {
        let build = BuildGuard::start(tool, version, debug_assertions);
        let value = future.await;
        build.finish(outcome(&value));
        value
    }
}
