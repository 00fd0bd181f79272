//! The outcome of a build from the value that its function returned, whatever its type.

/// Whether a build succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// It returned, and not an error.
    Success,
    /// It returned an error.
    Failed,
}

/// A value that a build returned.
#[derive(Debug)]
pub struct OutcomeProbe<'value, T>(pub &'value T);

/// The outcome of a value that is not a `Result`: the build returned, so it succeeded.
pub trait OutcomeOfAny {
    /// The outcome.
    fn outcome(&self) -> Returned;
}

// NOTE: a method of the type itself goes before one of a trait, and one of a trait is found on
// `&OutcomeProbe<T>` for every `T`: which of the two is called distinguishes a `Result` from all
// else without a bound on the type.
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
