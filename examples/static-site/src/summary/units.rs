//! Numbers as people read them.

/// Milliseconds for people. Units are of one width, so that a column of numbers is aligned.
pub(super) fn duration(ms: f64) -> String {
    if ms >= 6_000_000.0 {
        format!("{:.1} h ", ms / 3_600_000.0)
    } else if ms >= 600_000.0 {
        format!("{:.1} min", ms / 60_000.0)
    } else if ms >= 60_000.0 {
        let seconds = whole(ms / 1000.0);
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    } else if ms >= 1000.0 {
        format!("{:.2} s ", ms / 1000.0)
    } else if ms >= 100.0 {
        format!("{ms:.0} ms")
    } else if ms >= 10.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.2} ms")
    }
}

/// Bytes for people, or a dash where they were not counted.
pub(super) fn bytes(bytes: Option<u64>) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    let Some(bytes) = bytes else {
        return "–".to_owned();
    };
    let (unit, name) = match bytes {
        0..KIB => return format!("{bytes} B"),
        KIB..MIB => (KIB, "KiB"),
        MIB..GIB => (MIB, "MiB"),
        GIB.. => (GIB, "GiB"),
    };
    format!("{:.1} {name}", as_float(bytes) / as_float(unit))
}

/// A share as a bar of at most so many cells, in eighths of one.
pub(super) fn bar(share: f64, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let all = as_float(cells as u64 * 8);
    let eighths = whole(share.clamp(0.0, 1.0) * all);
    let eighths = usize::try_from(eighths).unwrap_or(0);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// A share of the whole in percent, with two digits that count.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.05 {
        "0 %".to_owned()
    } else if percent < 9.95 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// So many of a thing: `1 page`, `2,000 pages`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(number))
}

/// A number in groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number below 10^12 in at most six columns; larger ones need more.
pub(super) fn compact(number: u64) -> String {
    let number_of = |unit: f64| as_float(number) / unit;
    match number {
        0..100_000 => grouped(number),
        100_000..1_000_000 => format!("{:.0} k", number_of(1e3).floor()),
        1_000_000..10_000_000 => format!("{:.1} M", number_of(1e5).floor() / 10.0),
        10_000_000..1_000_000_000 => format!("{:.0} M", number_of(1e6).floor()),
        1_000_000_000.. => format!("{:.0} G", number_of(1e9).floor()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
pub(super) fn as_float(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is shown is positive, and a float beyond u64 saturates"
)]
pub(super) fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::{bar, bytes, compact, counted, duration, grouped, percent};

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(duration(0.123), "0.12 ms");
        assert_eq!(duration(12.34), "12.3 ms");
        assert_eq!(duration(999.4), "999 ms");
        assert_eq!(duration(1234.0), "1.23 s ");
        assert_eq!(duration(125_400.0), "2:05 min");
        assert_eq!(duration(750_000.0), "12.5 min");
        assert_eq!(duration(9_000_000.0), "2.5 h ");
        assert_eq!(bytes(Some(1023)), "1023 B");
        assert_eq!(bytes(Some(1536)), "1.5 KiB");
        assert_eq!(bytes(Some(u64::MAX)), "17179869184.0 GiB");
        assert_eq!(bytes(None), "–");
        assert_eq!(counted(0, "page"), "0 pages");
        assert_eq!(counted(1, "page"), "1 page");
        assert_eq!(counted(2000, "page"), "2,000 pages");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(percent(0.000_4), "0 %");
        assert_eq!(percent(0.000_6), "0.1 %");
        assert_eq!(percent(0.099_4), "9.9 %");
        assert_eq!(percent(0.099_6), "10 %");
        assert_eq!(percent(1.0), "100 %");
    }

    #[test]
    fn large_numbers_are_cut_to_six_columns() {
        assert_eq!(compact(99_999), "99,999");
        assert_eq!(compact(999_999), "999 k");
        assert_eq!(compact(9_999_999), "9.9 M");
        assert_eq!(compact(999_999_999), "999 M");
        assert_eq!(compact(1_000_000_000), "1 G");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0.0, 7), "");
        assert_eq!(bar(1.0, 7), "███████");
        assert_eq!(bar(7.0, 7), "███████");
        assert_eq!(bar(0.5, 7), "███▌");
        assert_eq!(bar(f64::NAN, 7), "");
    }
}
