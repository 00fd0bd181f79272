//! The outcome of a build from the value that its function returned, whatever its type.

use perf_history::Outcome;

/// A value that a build returned.
#[derive(Debug)]
pub struct OutcomeProbe<'value, T>(pub &'value T);

/// What is asked of [`OutcomeProbe`], where nothing better fits: the build returned, so it was a
/// success.
pub trait OutcomeOfAny {
    /// The outcome.
    fn outcome(&self) -> Outcome;
}

// NOTE: a method of the type itself goes before one of a trait, and one of a trait is found on
// `&OutcomeProbe<T>` for every `T`: which of the two is called tells a `Result` from all else
// without a bound on the type.
impl<T> OutcomeOfAny for &OutcomeProbe<'_, T> {
    fn outcome(&self) -> Outcome {
        Outcome::Success
    }
}

impl<T, E> OutcomeProbe<'_, Result<T, E>> {
    /// The outcome: that of the result.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.0.is_ok() { Outcome::Success } else { Outcome::Failed }
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
    fn a_results_error_is_a_failure_and_every_other_value_a_success() {
        assert_eq!(outcome!(Err::<(), _>(1)), Outcome::Failed);
        assert_eq!(outcome!(Ok::<_, ()>(1)), Outcome::Success);
        assert_eq!(outcome!(()), Outcome::Success);
        assert_eq!(outcome!(Some(Err::<(), ()>(()))), Outcome::Success);
    }
}
