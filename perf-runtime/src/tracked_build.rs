//! What `#[tracked_build]` expands to: a guard of the build, and its outcome from the returned value.

#[cfg(feature = "record")]
use crate::PerformanceCollector;

/// An open build. If it is dropped without [`finish`](Self::finish), its outcome is `panicked` while
/// unwinding and `failed` otherwise.
#[derive(Debug)]
pub struct BuildGuard {
    #[cfg(feature = "record")]
    collector: PerformanceCollector,
}

#[cfg_attr(not(feature = "record"), expect(unused_variables, reason = "nothing is recorded"))]
impl BuildGuard {
    /// Starts a build of `tool`. `debug_assertions` is whether the crate of the tool was compiled with
    /// them. The environment decides where the record goes.
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

    /// Ends the build and saves its record.
    #[inline]
    pub fn finish(self, outcome: Returned) {
        #[cfg(feature = "record")]
        self.collector.finish(outcome);
    }
}

/// A future that starts a build when it is polled first. The build ends when the future completes or is
/// dropped.
#[expect(clippy::manual_async_fn, reason = "an async fn may store its arguments twice")]
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

/// Whether a build succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// The function returned a value that is not an error.
    Success,
    /// The function returned an error.
    Failed,
}

/// The value that a build returned.
#[derive(Debug)]
pub struct OutcomeProbe<'value, T>(pub &'value T);

/// The outcome of a value that is not a `Result`: a success.
pub trait OutcomeOfAny {
    /// The outcome.
    fn outcome(&self) -> Returned;
}

// NOTE: method resolution prefers the inherent method, which exists for a `Result` only, to that of the
// trait, which exists for every type. So no bound on the type is needed.
impl<T> OutcomeOfAny for &OutcomeProbe<'_, T> {
    fn outcome(&self) -> Returned {
        Returned::Success
    }
}

impl<T, E> OutcomeProbe<'_, Result<T, E>> {
    /// The outcome of the result.
    #[must_use]
    pub fn outcome(&self) -> Returned {
        if self.0.is_ok() { Returned::Success } else { Returned::Failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! outcome {
        ($value:expr) => {
            (&OutcomeProbe(&$value)).outcome()
        };
    }

    #[test]
    fn an_error_is_a_failure_and_every_other_value_a_success() {
        assert_eq!(outcome!(Err::<(), _>(1)), Returned::Failed);
        assert_eq!(outcome!(Ok::<_, ()>(1)), Returned::Success);
        assert_eq!(outcome!(()), Returned::Success);
        assert_eq!(outcome!(Some(Err::<(), ()>(()))), Returned::Success);
    }
}
