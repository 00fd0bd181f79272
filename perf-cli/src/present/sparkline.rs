//! A course of numbers in one line of text.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character for each number, from the lowest to the highest of them; a blank where there is
/// none. Where all lie within a tenth of the lowest, they do not span the full height, since that
/// would make mountains of noise.
pub(crate) fn sparkline(numbers: &[Option<f64>]) -> String {
    let there = || numbers.iter().flatten().copied().filter(|number| number.is_finite());
    let low = there().fold(f64::INFINITY, f64::min);
    let high = there().fold(low * 1.1, f64::max);
    let level = |number: f64| {
        let share = if high > low { (number - low) / (high - low) } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=7")]
        let level = (share * 7.0).round().clamp(0.0, 7.0) as usize;
        LEVELS[level]
    };
    numbers.iter().map(|number| number.filter(|it| it.is_finite()).map_or(' ', level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_is_a_line_and_the_highest_a_block() {
        assert_eq!(sparkline(&[Some(1.0), Some(2.0), None, Some(8.0)]), "▁▂ █");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[None]), " ");
        assert_eq!(sparkline(&[Some(0.0), Some(0.0)]), "▁▁");
        assert_eq!(sparkline(&[Some(f64::NAN), Some(1.0)]), " ▁");
    }

    #[test]
    fn noise_is_no_mountain() {
        assert_eq!(sparkline(&[Some(100.0), Some(101.0), Some(102.0)]), "▁▂▂");
    }
}
