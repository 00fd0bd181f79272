//! Time stamps of RFC 3339, and those without an offset that the Python model wrote. Written by
//! hand, as a date library would be this crate's largest dependency by far.

use std::time::{Duration, SystemTime};

/// Reads `2026-11-23T08:56:00[.123][Z|±hh:mm]`; without an offset it is taken as UTC. Digits
/// after the ninth decimal are cut off.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if !separators.iter().all(|&(at, sign)| bytes.get(at) == Some(&sign))
        || !matches!(bytes.get(10)?, b'T' | b't' | b' ')
    {
        return None;
    }
    let number = |from: usize, to: usize| digits(bytes.get(from..to)?);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    // A leap second, 60, reads as the first of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanoseconds, rest) = fraction(&bytes[19..])?;
    let local = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let seconds = local - offset(rest)?;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)?
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)?
    };
    time.checked_add(Duration::from_nanos(nanoseconds))
}

/// Writes `2026-11-23T08:56:00.123Z`. What is before 1970 is written as 1970.
pub(super) fn format(time: SystemTime) -> String {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(i64::try_from(days).unwrap_or(0));
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let millis = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day counted from 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    // 146,097 days are 400 years. The guess is a year too late at most.
    let mut year = 1970 + days * 400 / 146_097 + 1;
    while days_since_epoch(year, 1, 1) > days {
        year -= 1;
    }
    let month = (1..=12).rev().find(|&month| days_since_epoch(year, month, 1) <= days).unwrap_or(1);
    (year, month, days - days_since_epoch(year, month, 1) + 1)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

/// The nanoseconds of `.123…`, if that is what comes next, and what follows.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (decimals, rest) = text.split_at(length);
    if decimals.is_empty() {
        return None;
    }
    let padded = decimals.iter().chain(std::iter::repeat(&b'0')).take(9);
    let nanoseconds = padded.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some((nanoseconds, rest))
}

/// Seconds east of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] if rest.len() == 5 && rest[2] == b':' => {
            let (hours, minutes) = (digits(&rest[..2])?, digits(&rest[3..])?);
            let size = hours * 3_600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -size } else { size })
        }
        _ => None,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, for a year from 0.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let whole_years = year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    let whole_months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    whole_years + whole_months + day - 1 - DAYS_BEFORE_1970
}

/// Days from 0000-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_528;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        let time = parse(text)?;
        Some(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => after.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        })
    }

    #[test]
    fn time_stamps_read_as_the_seconds_since_the_epoch() {
        // The expected values are those of `date -u -d TEXT +%s`.
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("1969-12-31T23:59:59Z", -1.0),
            ("1969-12-31T23:59:59.5Z", -0.5),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-11-23T08:56:00.25Z", 1_795_424_160.25),
            ("2026-11-23T08:56:00.25+01:30", 1_795_418_760.25),
            ("2026-11-23t08:56:00-01:30", 1_795_429_560.0),
            ("2025-10-09T21:51:25.788517", 1_760_046_685.788_517),
            ("2016-12-31T23:59:60Z", 1_483_228_800.0),
            ("9999-12-31T23:59:59Z", 253_402_300_799.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        // The time of Windows begins in 1601.
        let year_0 = seconds("0000-01-01T00:00:00Z");
        assert_eq!(year_0, (!cfg!(windows)).then_some(-62_167_219_200.0));
    }

    #[test]
    fn what_is_no_time_stamp_is_not_read() {
        for text in [
            "",
            "2026",
            "2026-11-23",
            "2026-11-23T08:56",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00ZZ",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00Z ",
            "+026-01-01T00:00:00Z",
            "２026-01-01T00:00:00Z",
            "2026-01-01X00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_to_the_millisecond() {
        for millis in [0, 1, 999, 951_825_600_000, 1_795_424_160_250, 253_402_300_799_999] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(parse(&format(time)), Some(time), "{}", format(time));
        }
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_424_160_250);
        assert_eq!(format(time), "2026-11-23T08:56:00.250Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(format(before), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expected = days_since_epoch(1900, 1, 1);
        for year in 1900..2300 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_since_epoch(year, month, day), expected);
                    if expected >= 0 {
                        assert_eq!(date(expected), (year, month, day));
                    }
                    expected += 1;
                }
            }
        }
    }
}
