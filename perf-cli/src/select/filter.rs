//! Which records are considered at all: `--tool`, `--branch`, `--mode`, `--since`.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ZonedDateTime};
use perf_history::{BuildStats, RecordSummary};

/// Whether a build built everything or only what had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Builds that built everything.
    Full,
    /// Builds that built only what had changed.
    Incremental,
}

impl Mode {
    /// The mode of a build; `None` if its record does not contain it.
    pub(crate) fn from_build(stats: &BuildStats) -> Option<Self> {
        stats.incremental.map(Self::from)
    }

    /// `full` or `incremental`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// From a record's field `incremental`.
impl From<bool> for Mode {
    fn from(incremental: bool) -> Self {
        if incremental { Self::Incremental } else { Self::Full }
    }
}

/// The conditions that a record must meet. A field that is `None` accepts every record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    pub tool: Option<String>,
    pub branch: Option<String>,
    pub mode: Option<Mode>,
    /// Builds that started at or after this time, and those without a readable time stamp.
    pub since: Option<SystemTime>,
}

impl Filter {
    pub(super) fn is_too_old(&self, summary: &RecordSummary<'_>) -> bool {
        let Some(since) = self.since else { return false };
        summary.started_at().is_some_and(|time| time < since)
    }

    pub(super) fn admits(&self, summary: &RecordSummary<'_>) -> bool {
        self.tool.as_ref().is_none_or(|tool| *tool == summary.tool)
            && self.branch.as_ref().is_none_or(|branch| summary.branch == Some(branch))
            && self.mode.is_none_or(|mode| summary.incremental.map(Mode::from) == Some(mode))
    }
}

/// To follow the word "builds": ` of tool "my-site" on branch "main"`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tool) = &self.tool {
            write!(f, " of tool {tool:?}")?;
        }
        if let Some(branch) = &self.branch {
            write!(f, " on branch {branch:?}")?;
        }
        if let Some(mode) = self.mode {
            write!(f, " of mode {}", mode.name())?;
        }
        if self.since.is_some() {
            f.write_str(" since then")?;
        }
        Ok(())
    }
}

/// A point in time, which may be relative to the current time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since(Point);

#[derive(Debug, Clone, Copy)]
enum Point {
    /// A span before now.
    Ago(Span),
    /// Midnight at the start of the day this many days ago.
    Midnight { days_ago: i8 },
    /// A date (at midnight) or a date and time, in the user's time zone.
    Local(DateTime),
    /// With an explicit offset.
    Instant(Timestamp),
}

/// A text is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a date such as 2026-11-01, or how long ago, such as 2w, 3d or 12h")]
pub(crate) struct SinceError;

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
    /// The instant, given the current time. Anything before the start of the calendar becomes the
    /// start of the calendar.
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
    fn a_date_means_midnight_in_the_users_time_zone() {
        assert_eq!(since("2026-11-01"), "2026-10-31T23:00:00Z");
        assert_eq!(since("2026-11-01T08:30"), "2026-11-01T07:30:00Z");
        assert_eq!(since("2026-11-01T08:30:00Z"), "2026-11-01T08:30:00Z");
        assert_eq!(since("today"), "2026-11-22T23:00:00Z");
        assert_eq!(since("yesterday"), "2026-11-21T23:00:00Z");
    }

    #[test]
    fn a_time_before_the_calendar_becomes_its_start() {
        assert_eq!(since("19000 years"), Timestamp::MIN.to_string());
    }

    #[test]
    fn text_that_is_not_a_time_is_rejected() {
        for text in ["", "w", "2", "2 fortnights", "2026-13-01", "last week", "-"] {
            assert!(text.parse::<Since>().is_err(), "{text:?}");
        }
    }
}
