//! Draws a series of numbers in one line of text.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character for each number, scaled from the lowest to the highest; a blank for a missing one. If
/// the highest is less than 10 % above the lowest, only part of the height is used, because otherwise
/// noise would look like large changes.
pub(crate) fn sparkline(numbers: &[Option<f64>]) -> String {
    let known = || numbers.iter().flatten().copied().filter(|number| number.is_finite());
    let low = known().fold(f64::INFINITY, f64::min);
    let high = known().fold(low * 1.1, f64::max);
    let level = |number: f64| {
        let share = if high > low { (number - low) / (high - low) } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=7")]
        let level = (share * 7.0).round().clamp(0.0, 7.0) as usize;
        LEVELS[level]
    };
    numbers
        .iter()
        .map(|number| number.filter(|number| number.is_finite()).map_or(' ', level))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_number_is_a_line_and_the_highest_a_block() {
        assert_eq!(sparkline(&[Some(1.0), Some(2.0), None, Some(8.0)]), "▁▂ █");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[None]), " ");
        assert_eq!(sparkline(&[Some(0.0), Some(0.0)]), "▁▁");
        assert_eq!(sparkline(&[Some(f64::NAN), Some(1.0)]), " ▁");
    }

    #[test]
    fn noise_does_not_span_the_full_height() {
        assert_eq!(sparkline(&[Some(100.0), Some(101.0), Some(102.0)]), "▁▂▂");
    }
}
