//! Which numbers may be said of a threshold, in the file and on the command line.

/// Which numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Allowed {
    /// All from 0 on.
    NotNegative,
    /// All from the first to the second.
    Within(f64, f64),
}

/// How many σ: with more than 10, a short history could show nothing at all.
pub(super) const SIGMAS: Allowed = Allowed::Within(1.0, 10.0);
/// A probability that something is chance.
pub(super) const CHANCE: Allowed = Allowed::Within(0.0001, 0.5);
/// The same of all looks at pairs together: with less, eight pairs could show nothing.
pub(super) const CHANCE_OF_PAIRS: Allowed = Allowed::Within(0.0002, 0.05);

/// The fewest and the most builds, or sessions, that a rule can be about.
const FEWEST: usize = 2;
const MOST: usize = 200;

impl Allowed {
    /// Reads a number.
    ///
    /// # Errors
    ///
    /// It is none, or not allowed: what was expected.
    pub(super) fn number(self, text: &str) -> Result<f64, String> {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        match self {
            Self::NotNegative => number
                .filter(|number| *number >= 0.0)
                .ok_or_else(|| "expected a number that is not negative".to_owned()),
            Self::Within(least, most) => number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("expected a number from {least} to {most}")),
        }
    }
}

/// Reads a number of builds, or of sessions.
///
/// # Errors
///
/// It is none, or not allowed: what was expected.
pub(super) fn builds(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (FEWEST..=MOST).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {FEWEST} to {MOST}"))
}
