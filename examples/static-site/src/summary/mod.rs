//! A build's record on a terminal: its phases, what each took, and what no phase explains.

mod line;
mod units;

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use perf_runtime::{BuildStats, PhaseStats};

use line::Line;
use units::{as_float, bar, bytes, counted, duration, grouped, whole};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();
const NOTICE: Style = AnsiColor::Yellow.on_default();

/// How wide the columns are. They make 80.
const NAME: usize = 25;
const TIME: usize = 11;
const SHARE: usize = 8;
const BAR_CELLS: usize = 7;
const CALLS: usize = 8;
const BYTES: usize = 10;
const WIDTH: usize = NAME + TIME + SHARE + 1 + BAR_CELLS + CALLS + 2 * BYTES;

/// What a build took, as text of 80 columns with colours in it; a stream that should have none
/// strips them.
pub(crate) struct Summary<'a> {
    /// All numbers are from here.
    pub(crate) stats: &'a BuildStats,
    /// Where the site is.
    pub(crate) site: &'a Path,
    /// Where the records go.
    pub(crate) history: &'a Path,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        if self.is_measured() {
            writeln!(f)?;
            self.own_phases(f)?;
            self.worker_phases(f)?;
            writeln!(f)?;
            self.totals(f)?;
        }
        self.places(f)
    }
}

impl Summary<'_> {
    /// A record of a build with measuring switched off is empty.
    fn is_measured(&self) -> bool {
        self.stats.build_time_ms > 0.0
    }

    fn count(&self, name: &str) -> u64 {
        self.stats.counts.get(name).copied().unwrap_or(0)
    }

    fn headline(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{BOLD}{}{BOLD:#}", self.stats.tool)?;
        if !self.is_measured() {
            return writeln!(f, "  built, {DIM}not measured{DIM:#}");
        }
        let pages = counted(self.count("total_pages"), "page");
        let time = duration(self.stats.build_time_ms);
        let verb = if self.stats.skipped == Some(true) { "unchanged after" } else { "in" };
        write!(f, "  {pages} {verb} {BOLD}{}{BOLD:#}", time.trim_end())?;
        let mode = match self.stats.incremental {
            Some(true) => "incremental",
            _ => "full",
        };
        let written = counted(self.count("written_files"), "file");
        writeln!(f, "  {DIM}{mode} build, {written} written{DIM:#}")
    }

    /// The phases of the thread that built, which with what was outside of them add up to the
    /// build.
    fn own_phases(&self, f: &mut Formatter<'_>) -> fmt::Result {
        heading(f, "phase", ["own time", "share", ""])?;
        let trees = self.trees(|root| root.own_ms.is_some());
        for row in rows(&trees) {
            self.write_row(f, &row)?;
        }
        let Some(rest) = &self.stats.unattributed else {
            return Ok(());
        };
        write!(f, "{DIM}{:<NAME$}{DIM:#}", "unattributed")?;
        write!(f, "{:>TIME$}", duration(rest.own_ms))?;
        self.share(f, rest.own_ms)?;
        writeln!(f, "{:>CALLS$}{:>BYTES$}", "", bytes(rest.alloc_bytes))
    }

    /// The phases that only other threads ran, beside the ones above.
    fn worker_phases(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let trees = self.trees(|root| root.own_ms.is_none());
        if trees.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        heading(f, "on worker threads", ["window", "threads", "total"])?;
        for row in rows(&trees) {
            self.write_row(f, &row)?;
        }
        Ok(())
    }

    /// The phases whose root is one of those wanted, in the record's order.
    fn trees(&self, wanted: impl Fn(&PhaseStats) -> bool) -> Vec<&PhaseStats> {
        let mut taken = false;
        let in_tree = |phase: &&PhaseStats| {
            if depth(phase) == 0 {
                taken = wanted(phase);
            }
            taken
        };
        self.stats.phases.iter().filter(in_tree).collect()
    }

    fn write_row(&self, f: &mut Formatter<'_>, row: &Row<'_>) -> fmt::Result {
        let phase = row.phase;
        let room = NAME - row.lines.chars().count() - 1;
        let name = shortened(phase.path.rsplit('/').next().unwrap_or_default(), room);
        let style = if row.lines.is_empty() { BOLD } else { Style::new() };
        write!(f, "{DIM}{}{DIM:#}{style}{name}{style:#}", row.lines)?;
        write!(f, "{:1$}", "", room + 1 - name.chars().count())?;
        if let Some(own) = phase.own_ms {
            write!(f, "{:>TIME$}", duration(own))?;
            self.share(f, own)?;
        } else {
            write!(f, "{DIM}{:>TIME$}{DIM:#}", duration(phase.window_ms))?;
            write!(f, "{DIM}{:>SHARE$}{DIM:#}", phase.threads)?;
            write!(f, "{:>1$}", duration(phase.total_ms), 1 + BAR_CELLS)?;
        }
        write!(f, "{:>CALLS$}", grouped(phase.calls))?;
        write!(f, "{:>BYTES$}{:>BYTES$}", bytes(phase.alloc_bytes), bytes(phase.peak_bytes))?;
        writeln!(f)
    }

    /// A share of the build's time, as a number and as a bar.
    fn share(&self, f: &mut Formatter<'_>, ms: f64) -> fmt::Result {
        let share = ms / self.stats.build_time_ms;
        write!(f, "{:>SHARE$} ", format!("{:.1} %", share * 100.0))?;
        write!(f, "{BAR}{:<BAR_CELLS$}{BAR:#}", bar(share, BAR_CELLS))
    }

    fn totals(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let stats = self.stats;
        let mut line = Line::new(f, "speed");
        if stats.skipped != Some(true) {
            let pages = as_float(self.count("total_pages"));
            let rate = whole(pages * 1000.0 / stats.build_time_ms);
            line.add(format_args!("{} pages/s", grouped(rate)))?;
        }
        if let (Some(user), Some(system)) = (stats.cpu_user_ms, stats.cpu_system_ms) {
            let cpu = duration(user + system);
            line.add(format_args!("{} processor time", cpu.trim_end()))?;
        }
        line.end()?;

        let mut line = Line::new(f, "memory");
        if let Some(peak) = stats.memory_peak_mb {
            line.add(format_args!("{peak:.1} MiB peak heap"))?;
        }
        if let Some(resident) = stats.memory_rss_mb {
            line.add(format_args!("{resident:.1} MiB RSS"))?;
        }
        if let (Some(count), Some(total)) = (stats.alloc_count, stats.alloc_bytes) {
            let total = bytes(Some(total));
            line.add(format_args!("{total} in {} allocations", grouped(count)))?;
        }
        line.end()?;

        let mut line = Line::new(f, "made of");
        for (count, noun) in [
            ("regular_pages", "document"),
            ("total_assets", "asset"),
            ("total_sections", "section"),
            ("taxonomies_count", "term"),
        ] {
            line.add(counted(self.count(count), noun))?;
        }
        let generated = grouped(self.count("generated_pages"));
        line.add(format_args!("{generated} generated"))?;
        line.end()
    }

    fn places(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let findings = self.count("health_findings");
        if findings > 0 {
            let place = self.site.join("health.html");
            let mut line = Line::new(f, "health");
            line.add(format_args!("{NOTICE}{}{NOTICE:#}", counted(findings, "finding")))?;
            line.add(place.display())?;
            line.end()?;
        }
        let mut line = Line::new(f, "site");
        line.add(self.site.join("index.html").display())?;
        line.end()?;
        if self.is_measured() {
            let mut line = Line::new(f, "records");
            line.add(self.history.display())?;
            line.end()?;
        }
        Ok(())
    }
}

fn heading(f: &mut Formatter<'_>, name: &str, columns: [&str; 3]) -> fmt::Result {
    let [time, share, bar] = columns;
    write!(f, "{DIM}{name:<NAME$}{time:>TIME$}{share:>SHARE$}{bar:>0$}", 1 + BAR_CELLS)?;
    writeln!(f, "{:>CALLS$}{:>BYTES$}{:>BYTES$}{DIM:#}", "calls", "allocated", "peak")?;
    writeln!(f, "{DIM}{}{DIM:#}", "─".repeat(WIDTH))
}

/// A phase, and the lines that lead to it from its parent.
struct Row<'a> {
    phase: &'a PhaseStats,
    lines: String,
}

fn rows<'a>(phases: &'a [&PhaseStats]) -> impl Iterator<Item = Row<'a>> {
    phases.iter().enumerate().map(|(index, phase)| {
        let depth_here = depth(phase);
        let mut lines = String::new();
        for level in 1..=depth_here {
            // Whether more of this level is to come under the same parent.
            let goes_on =
                phases[index + 1..].iter().map(|later| depth(later)).find(|&later| later <= level)
                    == Some(level);
            lines.push_str(match (level == depth_here, goes_on) {
                (true, true) => "├─ ",
                (true, false) => "└─ ",
                (false, true) => "│  ",
                (false, false) => "   ",
            });
        }
        Row { phase, lines }
    })
}

fn depth(phase: &PhaseStats) -> usize {
    phase.path.matches('/').count()
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
    use super::{Summary, WIDTH, shortened};
    use anstream::adapter::strip_str;
    use perf_runtime::{BuildStats, PhaseStats, Unattributed};
    use std::path::Path;

    fn phase(path: &str, own_ms: Option<f64>) -> PhaseStats {
        PhaseStats {
            path: path.to_owned(),
            calls: 1234,
            own_ms,
            window_ms: 40.0,
            total_ms: 75.0,
            threads: 2,
            alloc_bytes: Some(3 << 20),
            peak_bytes: Some(1 << 20),
            ..PhaseStats::default()
        }
    }

    fn stats() -> BuildStats {
        BuildStats {
            tool: "static-site".to_owned(),
            build_time_ms: 100.0,
            incremental: Some(false),
            counts: [("total_pages".to_owned(), 42)].into(),
            alloc_count: Some(5000),
            alloc_bytes: Some(3 << 20),
            phases: vec![
                phase("discover", Some(50.0)),
                phase("discover/a", Some(25.0)),
                phase("discover/a/b", Some(5.0)),
                phase("discover/c", Some(5.0)),
                phase("page", None),
                phase("page/template", None),
                phase("write", Some(45.0)),
            ],
            unattributed: Some(Unattributed {
                own_ms: 5.0,
                alloc_bytes: Some(100),
                ..Unattributed::default()
            }),
            ..BuildStats::default()
        }
    }

    fn plain(stats: &BuildStats) -> String {
        let summary =
            Summary { stats, site: Path::new("out"), history: Path::new("metrics/history.jsonl") };
        strip_str(&summary.to_string()).to_string()
    }

    #[test]
    fn phases_are_a_tree_and_those_of_workers_stand_apart() {
        let text = plain(&stats());
        let names: Vec<_> = text
            .lines()
            .skip(2)
            .take_while(|line| !line.starts_with("speed"))
            .map(|line| line.chars().take(20).collect::<String>().trim_end().to_owned())
            .collect();
        let rule = "─".repeat(20);
        assert_eq!(
            names,
            [
                "phase",
                &rule,
                "discover",
                "├─ a",
                "│  └─ b",
                "└─ c",
                "write",
                "unattributed",
                "",
                "on worker threads",
                &rule,
                "page",
                "└─ template",
                ""
            ]
        );
    }

    #[test]
    fn every_line_fits_eighty_columns_and_rows_end_in_one_place() {
        let mut stats = stats();
        for name in ["regular_pages", "total_assets", "total_sections", "taxonomies_count"] {
            stats.counts.insert(name.to_owned(), 1_234_567_890);
        }
        let text = plain(&stats);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH && WIDTH == 80, "{line:?}");
        }
        let ends: Vec<_> = text
            .lines()
            .filter(|line| line.ends_with("1.0 MiB"))
            .map(|line| line.chars().count())
            .collect();
        assert_eq!(ends, [WIDTH; 7]);
    }

    #[test]
    fn shares_are_of_the_build() {
        let text = plain(&stats());
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line("discover").contains("50.0 ms  50.0 % ███▌"), "{text}");
        assert!(line("unattributed").contains("5.00 ms   5.0 % ▍"), "{text}");
        assert!(line("page").contains("40.0 ms       2 75.0 ms   1,234   3.0 MiB"), "{text}");
        assert!(line("speed").contains("420 pages/s"), "{text}");
    }

    #[test]
    fn a_build_that_was_not_measured_claims_no_numbers() {
        let stats = BuildStats { tool: "static-site".to_owned(), ..BuildStats::default() };
        assert_eq!(plain(&stats), "static-site  built, not measured\nsite     out/index.html\n");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "ab…");
    }
}
