//! Points in time as users write them: `2w`, `3 days ago`, `2026-11-01`, `yesterday`.

use std::str::FromStr;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ZonedDateTime};

/// A point in time, which may depend on the present.
#[derive(Debug, Clone, Copy)]
pub struct Since(Point);

#[derive(Debug, Clone, Copy)]
enum Point {
    /// So long ago.
    Ago(Span),
    /// The midnight so many days before the next.
    Midnight { days_ago: i8 },
    /// A date, at midnight, or a date and time, where the user is.
    Local(DateTime),
    /// The same everywhere.
    Instant(Timestamp),
}

/// Why a text is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a date such as 2026-11-01, or how long ago, such as 2w, 3d or 12h")]
pub struct SinceError;

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, SinceError> {
        let instant = || text.parse().map(Point::Instant).ok();
        let local = || text.parse().map(Point::Local).ok();
        let ago = || text.parse::<Span>().map(|span| Point::Ago(span.abs())).ok();
        let point = match text {
            "today" => Some(Point::Midnight { days_ago: 0 }),
            "yesterday" => Some(Point::Midnight { days_ago: 1 }),
            _ => instant().or_else(local).or_else(ago),
        };
        point.map(Self).ok_or(SinceError)
    }
}

impl Since {
    /// The instant that is meant, where `now` is the present. What lies before the calendar's
    /// beginning is its beginning.
    pub(crate) fn instant(&self, now: &ZonedDateTime) -> SystemTime {
        let zoned = match self.0 {
            Point::Instant(instant) => Ok(instant.to_zoned_datetime(now.time_zone().clone())),
            Point::Ago(span) => now.checked_sub(span),
            Point::Midnight { days_ago } => {
                now.checked_sub(Span::new().days(days_ago)).and_then(|day| day.start_of_day())
            }
            Point::Local(local) => local.to_zoned_datetime(now.time_zone().clone()),
        };
        let instant = zoned.map_or(Timestamp::MIN, |zoned| zoned.timestamp());
        instant.try_into().unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(text: &str) -> String {
        let now: ZonedDateTime = "2026-11-23T13:00:00+01:00[Europe/Vienna]".parse().unwrap();
        let instant = text.parse::<Since>().unwrap().instant(&now);
        Timestamp::try_from(instant).unwrap().to_string()
    }

    #[test]
    fn a_time_ago_is_counted_back_from_now() {
        assert_eq!(since("12h"), "2026-11-23T00:00:00Z");
        assert_eq!(since("2w"), "2026-11-09T12:00:00Z");
        assert_eq!(since("3 days ago"), "2026-11-20T12:00:00Z");
        assert_eq!(since("1 month"), "2026-10-23T11:00:00Z");
    }

    #[test]
    fn a_date_is_its_midnight_where_the_user_is() {
        assert_eq!(since("2026-11-01"), "2026-10-31T23:00:00Z");
        assert_eq!(since("2026-11-01T08:30"), "2026-11-01T07:30:00Z");
        assert_eq!(since("2026-11-01T08:30:00Z"), "2026-11-01T08:30:00Z");
        assert_eq!(since("today"), "2026-11-22T23:00:00Z");
        assert_eq!(since("yesterday"), "2026-11-21T23:00:00Z");
    }

    #[test]
    fn what_lies_before_the_calendar_is_its_beginning() {
        assert_eq!(since("19000 years"), Timestamp::MIN.to_string());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "w", "2", "2 fortnights", "2026-13-01", "last week", "-"] {
            assert!(text.parse::<Since>().is_err(), "{text:?}");
        }
    }
}
