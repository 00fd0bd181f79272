//! Formats numbers for people: with one unit per column, so that they are easy to compare.

/// The unit and the decimals of a column of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    divisor: f64,
    decimals: usize,
    pub unit: &'static str,
}

/// Larger numbers are unrealistic and written as powers of ten.
const HUGE: f64 = 1e12;

impl Scale {
    /// For times in milliseconds, given the longest.
    pub(crate) fn time(longest_ms: f64) -> Self {
        let (divisor, unit) = match longest_ms.abs() {
            ms if ms < 0.9995 => (0.001, "µs"),
            ms if ms < 9_999.5 => (1.0, "ms"),
            ms if ms < 999_950.0 => (1_000.0, "s"),
            ms if ms < 10.0 * 3_600_000.0 => (60_000.0, "min"),
            _ => (3_600_000.0, "h"),
        };
        let decimals = match longest_ms.abs() / divisor {
            few if few < 9.9995 => 3,
            few if few < 99.995 => 2,
            _ => 1,
        };
        Self { divisor, decimals, unit }
    }

    /// For bytes, given the largest number.
    pub(crate) fn bytes(most: f64) -> Self {
        let (divisor, unit) = match most.abs() {
            bytes if bytes < 1024.0 => return Self { divisor: 1.0, decimals: 0, unit: "B" },
            bytes if bytes < 1023.95 * 1024.0 => (1024.0, "KiB"),
            bytes if bytes < 1023.95 * 1_048_576.0 => (1_048_576.0, "MiB"),
            _ => (1_073_741_824.0, "GiB"),
        };
        Self { divisor, decimals: if most.abs() / divisor < 9.995 { 2 } else { 1 }, unit }
    }

    pub(crate) fn count() -> Self {
        Self { divisor: 1.0, decimals: 0, unit: "" }
    }

    /// For things per second, given the largest number.
    pub(crate) fn rate(most: f64) -> Self {
        let decimals = usize::from(most < 99.95) + usize::from(most < 9.995);
        Self { divisor: 1.0, decimals, unit: "/s" }
    }

    pub(crate) fn in_units(&self, number: f64) -> f64 {
        number / self.divisor
    }

    /// A number without its unit. Exact zeros have blanks instead of decimals, to differ from small
    /// numbers.
    pub(crate) fn number(&self, number: f64) -> String {
        if number == 0.0 {
            let decimals = if self.decimals == 0 { 0 } else { self.decimals + 1 };
            return format!("0{:decimals$}", "");
        }
        let scaled = number / self.divisor;
        if scaled.abs() >= HUGE || !scaled.is_finite() {
            return format!("{scaled:.1e}");
        }
        grouped(&format!("{scaled:.*}", self.decimals))
    }

    pub(crate) fn with_unit(&self, number: f64) -> String {
        let text = self.number(number);
        match self.unit {
            "" => text,
            unit => format!("{} {unit}", text.trim_end()),
        }
    }
}

/// A single time, with three or four digits.
pub(crate) fn time(ms: f64) -> String {
    let scale = match Scale::time(ms) {
        Scale { unit: "ms", .. } if ms >= 999.5 => {
            Scale { divisor: 1_000.0, decimals: 3, unit: "s" }
        }
        scale => scale,
    };
    Scale { decimals: scale.decimals.saturating_sub(1), ..scale }.with_unit(ms)
}

pub(crate) fn bytes(bytes: f64) -> String {
    Scale::bytes(bytes).with_unit(bytes)
}

/// A number with thousands separators.
pub(crate) fn count(count: impl TryInto<u64>) -> String {
    grouped(&count.try_into().unwrap_or(u64::MAX).to_string())
}

/// `1 build`, `2 builds`.
pub(crate) fn counted(number: impl TryInto<u64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share of 1 in percent.
pub(crate) fn share(share: f64) -> String {
    if share.abs() >= 10.0 {
        format!("{:.0e} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

/// A relative change: `+12.3 %`, `×14`.
pub(crate) fn change(change: f64) -> String {
    match change {
        huge if huge + 1.0 >= 1e6 => format!("×{:.0e}", huge + 1.0),
        large if large >= 9.0 => format!("×{:.0}", large + 1.0),
        little if little.abs() < 0.000_5 => "0.0 %".to_owned(),
        change => format!("{:+.1} %", change * 100.0),
    }
}

pub(crate) fn mebibytes(mebibytes: f64) -> f64 {
    mebibytes * 1_048_576.0
}

#[expect(clippy::cast_precision_loss, reason = "fewer digits are shown")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// Adds thousands separators to the integer part of a number.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut grouped = sign.to_owned();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + decimals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_one_unit_and_the_decimals_that_suit_its_largest_number() {
        let times = |numbers: &[f64]| -> Vec<String> {
            let scale = Scale::time(numbers.iter().copied().fold(0.0, f64::max));
            numbers.iter().map(|ms| scale.number(*ms) + scale.unit).collect()
        };
        assert_eq!(times(&[1262.8, 0.19, 0.0]), ["1,262.8ms", "0.2ms", "0  ms"]);
        assert_eq!(times(&[33_390.0, 1262.8]), ["33.39s", "1.26s"]);
        assert_eq!(times(&[811.2, 0.19]), ["811.2ms", "0.2ms"]);
        assert_eq!(times(&[0.25]), ["250.0µs"]);
        assert_eq!(times(&[125_400.0]), ["125.4s"]);
        assert_eq!(times(&[3_600_000.0]), ["60.00min"]);
        assert_eq!(times(&[9_999.5]), ["10.00s"]);
        assert_eq!(times(&[1e300]), ["2.8e293h"]);
    }

    #[test]
    fn single_numbers_have_a_unit() {
        assert_eq!(time(1262.8), "1.26 s");
        assert_eq!(time(0.0), "0 µs");
        assert_eq!(time(42.0), "42.0 ms");
        assert_eq!(bytes(40.0), "40 B");
        assert_eq!(bytes(9_428.0), "9.21 KiB");
        assert_eq!(bytes(mebibytes(91.84)), "91.8 MiB");
        assert_eq!(bytes(-2048.0), "-2.00 KiB");
        assert_eq!(count(2_863_334), "2,863,334");
        assert_eq!(counted(1, "build"), "1 build");
        assert_eq!(counted(2_000, "build"), "2,000 builds");
        assert_eq!(share(0.234), "23.4 %");
    }

    #[test]
    fn changes_have_a_sign_and_large_ones_are_factors() {
        assert_eq!(change(0.123), "+12.3 %");
        assert_eq!(change(-0.5), "-50.0 %");
        assert_eq!(change(0.000_1), "0.0 %");
        assert_eq!(change(13.0), "×14");
        assert_eq!(change(1e9), "×1e9");
    }
}
