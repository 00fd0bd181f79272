//! Formats points in time for people.

use std::time::SystemTime;

use jiff::{Timestamp, ZonedDateTime};

/// `just now`, `5 min ago`, `3 h ago`, `2 d ago`; the date for times in the future or more than a
/// month ago.
pub(crate) fn ago(then: SystemTime, now: &ZonedDateTime) -> String {
    let Some(zoned) = zoned(then, now) else { return "?".to_owned() };
    match now.duration_since(&zoned).as_secs() {
        -59..=59 => "just now".to_owned(),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h ago", seconds / 3_600),
        seconds @ 86_400..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => zoned.strftime("%Y-%m-%d").to_string(),
    }
}

/// The date and the time, in the time zone of `now`.
pub(crate) fn full(then: SystemTime, now: &ZonedDateTime) -> String {
    zoned(then, now).map_or("?".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// A label on an axis from `first` to `last`: with the hour if that is less than two days, else the
/// day.
pub(crate) fn label(
    then: SystemTime,
    first: SystemTime,
    last: SystemTime,
    now: &ZonedDateTime,
) -> String {
    let Some(zoned) = zoned(then, now) else { return "?".to_owned() };
    let days = last.duration_since(first).map_or(0, |span| span.as_secs() / 86_400);
    let format = match days {
        0..2 => "%b %-d %H:%M",
        2..300 => "%b %-d",
        _ => "%Y-%m-%d",
    };
    zoned.strftime(format).to_string()
}

fn zoned(then: SystemTime, now: &ZonedDateTime) -> Option<ZonedDateTime> {
    Some(Timestamp::try_from(then).ok()?.to_zoned_datetime(now.time_zone().clone()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn now() -> ZonedDateTime {
        "2026-11-23T13:00:00+00:00[UTC]".parse().unwrap()
    }

    fn before(seconds: u64) -> SystemTime {
        SystemTime::try_from(now().timestamp()).unwrap() - Duration::from_secs(seconds)
    }

    #[test]
    fn recent_times_are_relative_and_others_are_dates() {
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (86_399, "23 h ago"),
            (86_400, "1 d ago"),
            (29 * 86_400, "29 d ago"),
            (30 * 86_400, "2026-10-24"),
        ] {
            assert_eq!(ago(before(seconds), &now()), expected);
        }
        let ahead = before(0) + Duration::from_hours(2);
        assert_eq!(ago(ahead, &now()), "2026-11-23");
    }

    #[test]
    fn an_axis_is_labelled_with_hours_or_days_by_its_length() {
        let day = 86_400;
        assert_eq!(label(before(0), before(day), before(0), &now()), "Nov 23 13:00");
        assert_eq!(label(before(0), before(9 * day), before(0), &now()), "Nov 23");
        assert_eq!(label(before(0), before(900 * day), before(0), &now()), "2026-11-23");
    }
}
