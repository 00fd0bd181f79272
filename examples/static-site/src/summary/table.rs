//! A tree of phases as a table of 80 columns: a row for each phase that is worth one.

use std::fmt::{self, Formatter};

use perf_runtime::perf_history::Unattributed;
use perf_runtime::{BuildStats, PhaseStats};

use super::tree::{Content, Row, depth_of, rows};
use super::units::{as_float, bar, bytes, compact, duration, percent};
use super::{BAR, BOLD, DIM};

/// How wide the columns are, each with the space before it.
const NAME: usize = 22;
const TIME: usize = 9;
const SHARE: usize = 6;
const BAR_CELLS: usize = 6;
const THREADS: usize = 10;
const CALLS: usize = 7;
const BYTES: usize = 10;
/// How wide a summary is.
pub(super) const WIDTH: usize =
    NAME + TIME + SHARE + 1 + BAR_CELLS + TIME + THREADS + CALLS + BYTES;

/// A phase with less of the build's time than this, on all threads together, and with less of its
/// memory than the other, has no row of its own.
const NEGLIGIBLE_TIME: f64 = 0.005;
const NEGLIGIBLE_BYTES: f64 = 0.01;

/// The trees of a record.
pub(super) struct Table<'a> {
    stats: &'a BuildStats,
    /// The longest time that a bar is for.
    longest_ms: f64,
}

impl<'a> Table<'a> {
    pub(super) fn of(stats: &'a BuildStats) -> Self {
        let rest = stats.unattributed.iter().map(|rest| rest.build_thread_ms);
        let longest_ms = stats
            .phases
            .iter()
            .filter_map(|phase| phase.build_thread_ms)
            .chain(rest)
            .fold(0.0, f64::max);
        Self { stats, longest_ms }
    }

    /// The phases that the thread which built ran, alone or with others. Their own times add up
    /// to the build's, with what was outside of them.
    pub(super) fn own_phases(&self, f: &mut Formatter<'_>) -> fmt::Result {
        heading(f, "phase", ["own time", "share"])?;
        for row in self.rows(|root| root.build_thread_ms.is_some()) {
            self.write_row(f, &row, |_| None)?;
        }
        match &self.stats.unattributed {
            Some(rest) => self.write_unattributed(f, rest),
            None => Ok(()),
        }
    }

    /// The phases that only other threads ran, and which no phase handed to them. There is no
    /// saying how much of the build's time is theirs: they ran beside the others.
    pub(super) fn worker_phases(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.rows(|root| root.build_thread_ms.is_none());
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        heading(f, "on worker threads", ["window", ""])?;
        rows.iter().try_for_each(|row| self.write_row(f, row, |phase| Some(phase.elapsed_ms)))
    }

    /// The rows of those trees whose root is one of the wanted.
    fn rows(&self, wanted: impl Fn(&PhaseStats) -> bool) -> Vec<Row<'a>> {
        let mut taken = false;
        let in_tree = |phase: &&PhaseStats| {
            if depth_of(phase) == 0 {
                taken = wanted(phase);
            }
            taken
        };
        let phases: Vec<&PhaseStats> = self.stats.phases.iter().filter(in_tree).collect();
        rows(&phases, |phase| self.is_negligible(phase))
    }

    fn is_negligible(&self, phase: &PhaseStats) -> bool {
        let time = phase.total_ms.max(phase.build_thread_ms.unwrap_or(0.0));
        let all_bytes = as_float(self.stats.alloc_bytes.unwrap_or(0));
        time < self.stats.build_time_ms * NEGLIGIBLE_TIME
            && as_float(phase.alloc_bytes.unwrap_or(0)) <= all_bytes * NEGLIGIBLE_BYTES
    }

    /// Writes a row. `instead` is the time to show of a phase that never ran on the own thread.
    fn write_row(
        &self,
        f: &mut Formatter<'_>,
        row: &Row<'_>,
        instead: impl Fn(&PhaseStats) -> Option<f64>,
    ) -> fmt::Result {
        let phase = match &row.content {
            Content::Phase(phase) => phase,
            Content::Rest(phases) => return self.write_rest(f, &row.lines, phases, instead),
        };
        let room = NAME - 1;
        let lines = shortened(&row.lines, room / 2);
        let room = room - lines.chars().count();
        let name = shortened(phase.path.rsplit('/').next().unwrap_or_default(), room);
        let style = if row.lines.is_empty() { BOLD } else { anstyle::Style::new() };
        write!(f, "{DIM}{lines}{DIM:#}{style}{name}{style:#}")?;
        write!(f, "{:1$}", "", room + 1 - name.chars().count())?;
        match (phase.build_thread_ms, instead(phase)) {
            (Some(own), _) => {
                write!(f, "{:>TIME$}{:>SHARE$} ", duration(own), self.percent(own))?;
                write!(f, "{BAR}{:<BAR_CELLS$}{BAR:#}", bar(own / self.longest_ms, BAR_CELLS))?;
            }
            (None, Some(time)) => {
                write!(f, "{:>TIME$}{:2$}", duration(time), "", SHARE + 1 + BAR_CELLS)?;
            }
            (None, None) => {
                let window = format!(" in {}", duration(phase.elapsed_ms));
                write!(f, "{DIM}{:>TIME$}{window:<1$}{DIM:#}", "–", SHARE + 1 + BAR_CELLS)?;
            }
        }
        if phase.threads > 1 || phase.build_thread_ms.is_none() {
            write!(f, "{:>TIME$}{:>THREADS$}", duration(phase.total_ms), threads(phase))?;
        } else {
            write!(f, "{:1$}", "", TIME + THREADS)?;
        }
        writeln!(f, "{:>CALLS$}{:>BYTES$}", compact(phase.calls), bytes(phase.alloc_bytes))
    }

    /// Writes the row of what has no row of its own.
    fn write_rest(
        &self,
        f: &mut Formatter<'_>,
        lines: &str,
        phases: &[&PhaseStats],
        instead: impl Fn(&PhaseStats) -> Option<f64>,
    ) -> fmt::Result {
        let name = shortened(&format!("{lines}… {} more", phases.len()), NAME);
        write!(f, "{DIM}{name:<NAME$}")?;
        let own: f64 = phases.iter().filter_map(|phase| phase.build_thread_ms).sum();
        if phases.iter().any(|phase| instead(phase).is_some()) {
            // Windows overlap: they have no sum.
            write!(f, "{:1$}", "", TIME + SHARE)?;
        } else {
            write!(f, "{:>TIME$}{:>SHARE$}", duration(own), self.percent(own))?;
        }
        let allocated: Option<u64> = phases.iter().map(|phase| phase.alloc_bytes).sum();
        let gap = 1 + BAR_CELLS + TIME + THREADS + CALLS;
        writeln!(f, "{:gap$}{:>BYTES$}{DIM:#}", "", bytes(allocated))
    }

    fn write_unattributed(&self, f: &mut Formatter<'_>, rest: &Unattributed) -> fmt::Result {
        write!(f, "{DIM}{:<NAME$}", "unattributed")?;
        write!(
            f,
            "{:>TIME$}{:>SHARE$} ",
            duration(rest.build_thread_ms),
            self.percent(rest.build_thread_ms)
        )?;
        let bar = bar(rest.build_thread_ms / self.longest_ms, BAR_CELLS);
        write!(f, "{bar:<BAR_CELLS$}{:1$}", "", TIME + THREADS + CALLS)?;
        writeln!(f, "{:>BYTES$}{DIM:#}", bytes(rest.alloc_bytes))
    }

    fn percent(&self, ms: f64) -> String {
        percent(ms / self.stats.build_time_ms)
    }
}

fn heading(f: &mut Formatter<'_>, name: &str, columns: [&str; 2]) -> fmt::Result {
    let [time, share] = columns;
    write!(f, "{DIM}{name:<NAME$}{time:>TIME$}{share:>SHARE$}{:1$}", "", 1 + BAR_CELLS)?;
    write!(f, "{:>1$}", "on all threads", TIME + THREADS)?;
    writeln!(f, "{:>CALLS$}{:>BYTES$}{DIM:#}", "calls", "allocated")?;
    writeln!(f, "{DIM}{}{DIM:#}", "─".repeat(WIDTH))
}

/// How many threads were in the phase on average while it ran, of how many that ever were.
fn threads(phase: &PhaseStats) -> String {
    let all = phase.threads;
    if all <= 1 {
        return all.to_string();
    }
    let average = phase.total_ms / phase.elapsed_ms;
    let long = if average < 0.05 {
        format!("<0.1 of {all}")
    } else if average < 9.95 {
        format!("{average:.1} of {all}")
    } else {
        format!("{average:.0} of {all}")
    };
    if long.len() < THREADS { long } else { format!("{average:.0}/{all}") }
}

fn shortened(name: &str, room: usize) -> String {
    if name.chars().count() <= room {
        return name.to_owned();
    }
    let kept: String = name.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::{shortened, threads};
    use perf_runtime::PhaseStats;

    fn phase(total_ms: f64, threads: u64) -> PhaseStats {
        let mut phase = PhaseStats::default();
        phase.total_ms = total_ms;
        phase.elapsed_ms = 10.0;
        phase.threads = threads;
        phase
    }

    #[test]
    fn parallelism_is_the_average_number_of_threads_and_all_that_took_part() {
        assert_eq!(threads(&phase(19.0, 2)), "1.9 of 2");
        assert_eq!(threads(&phase(3.0, 1)), "1");
        assert_eq!(threads(&phase(0.4, 2)), "<0.1 of 2");
        assert_eq!(threads(&phase(99.6, 16)), "10 of 16");
        assert_eq!(threads(&phase(480.0, 64)), "48 of 64");
        assert_eq!(threads(&phase(12_345.0, 1280)), "1234/1280");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "ab…");
    }
}
