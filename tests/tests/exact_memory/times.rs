//! Time, as far as a trace tells it: of each stretch, the shortest and the longest that it can have
//! been.

use super::truth::Path;

/// Nanoseconds, or an instant in nanoseconds: between these two.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// What the time of a thread can be time of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clock {
    Total(Path),
    Alone(Path),
    Own(Path),
    OwnAlone(Path),
    /// The own thread, in no phase.
    Outside,
}

impl Span {
    /// From one instant to a later one.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            low: self.low.saturating_sub(earlier.high),
            high: self.high.saturating_sub(earlier.low),
        }
    }

    /// Whether so many milliseconds can be meant. Clocks are read at the start and end of a build,
    /// and what is between is scaled.
    pub(crate) fn admits(self, milliseconds: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let [low, high] = [self.low, self.high].map(|it| it as f64 / 1e6);
        let slack = 0.005 + 0.01 * milliseconds.abs();
        milliseconds >= low - slack && milliseconds <= high + slack
    }
}
