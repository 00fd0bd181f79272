//! A build's record on a terminal: its phases, what each took, and what no phase explains.

mod line;
mod table;
mod tree;
mod units;

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use perf_runtime::{BuildStats, PhaseStats};

use line::Line;
use table::{Table, WIDTH};
use units::{as_float, bytes, counted, duration, grouped, whole};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();
const NOTICE: Style = AnsiColor::Yellow.on_default();

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
            let table = Table::of(self.stats);
            table.own_phases(f)?;
            table.worker_phases(f)?;
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
            let threads = stats.phases.iter().map(|phase| phase.threads).max().unwrap_or(1);
            let threads = counted(threads, "thread");
            line.add(format_args!("{} processor time on {threads}", cpu.trim_end()))?;
        }
        line.end()?;

        let mut line = Line::new(f, "memory");
        if let Some(peak) = stats.memory_peak_mb {
            match self.phase_of_peak(peak) {
                Some(phase) => line.add(format_args!("{peak:.1} MiB peak heap in {phase}"))?,
                None => line.add(format_args!("{peak:.1} MiB peak heap"))?,
            }
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

    /// The first of the outermost phases in which the heap was as high as ever. None where it was
    /// that high outside of them.
    fn phase_of_peak(&self, peak_mb: f64) -> Option<&str> {
        let reached = |bytes: u64| as_float(bytes) / f64::from(1 << 20) >= peak_mb * 0.999;
        let is_it = |phase: &&PhaseStats| {
            !phase.path.contains('/') && phase.process_peak_bytes.is_some_and(reached)
        };
        self.stats.phases.iter().find(is_it).map(|phase| phase.path.as_str())
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

#[cfg(test)]
mod tests {
    use super::{Summary, WIDTH};
    use anstream::adapter::strip_str;
    use perf_runtime::{BuildStats, PhaseStats, Unattributed};
    use std::path::Path;

    /// A phase that ran on the own thread alone.
    fn alone(path: &str, build_thread_ms: f64) -> PhaseStats {
        let mut phase = PhaseStats::new(path);
        phase.calls = 1234;
        phase.build_thread_ms = Some(build_thread_ms);
        phase.elapsed_ms = build_thread_ms;
        phase.total_ms = build_thread_ms;
        phase.threads = 1;
        phase.alloc_bytes = Some(3 << 20);
        phase
    }

    /// A phase that ran on two threads.
    fn shared(path: &str, build_thread_ms: Option<f64>, total_ms: f64) -> PhaseStats {
        let mut phase = alone(path, 0.0);
        phase.build_thread_ms = build_thread_ms;
        phase.total_ms = total_ms;
        phase.threads = 2;
        phase.elapsed_ms = 40.0;
        phase
    }

    /// A phase that is not worth a row.
    fn small(path: &str, build_thread_ms: f64) -> PhaseStats {
        let mut phase = alone(path, build_thread_ms);
        phase.alloc_bytes = Some(512);
        phase
    }

    fn stats() -> BuildStats {
        let mut stats = BuildStats::default();
        stats.tool = "static-site".into();
        stats.build_time_ms = 100.0;
        stats.incremental = Some(false);
        stats.counts = [("total_pages".to_owned(), 42)].into();
        stats.alloc_count = Some(5000);
        stats.alloc_bytes = Some(30 << 20);
        stats.memory_peak_mb = Some(8.0);
        stats.phases = vec![
            alone("discover", 50.0),
            alone("discover/a", 25.0),
            alone("discover/a/b", 5.0),
            alone("discover/c", 5.0),
            small("settings", 0.1),
            small("settings/d", 0.1),
            {
                let mut phase = shared("render", Some(40.0), 75.0);
                phase.process_peak_bytes = Some(8 << 20);
                phase
            },
            shared("render/page", Some(30.0), 68.0),
            shared("render/links", None, 5.0),
            shared("watch", None, 60.0),
            alone("watch/event", 2.0),
            small("free", 0.2),
        ];
        let mut unattributed = Unattributed::default();
        unattributed.build_thread_ms = 9.7;
        unattributed.alloc_bytes = Some(100);
        stats.unattributed = Some(unattributed);
        stats
    }

    fn plain(stats: &BuildStats) -> String {
        let summary =
            Summary { stats, site: Path::new("out"), history: Path::new("metrics/history.jsonl") };
        strip_str(&summary.to_string()).to_string()
    }

    #[test]
    fn phases_are_a_tree_and_those_that_nobody_handed_off_stand_apart() {
        let mut stats = stats();
        stats.phases[10].build_thread_ms = None;
        let text = plain(&stats);
        let table: Vec<_> = text.lines().skip(2).take_while(|l| !l.starts_with("speed")).collect();
        let rule = "─".repeat(80);
        let expected = [
            "phase                  own time share            on all threads  calls allocated",
            &rule,
            "discover                50.0 ms  50 % ██████                     1,234   3.0 MiB",
            "├ a                     25.0 ms  25 % ███                        1,234   3.0 MiB",
            "│ └ b                   5.00 ms 5.0 % ▋                          1,234   3.0 MiB",
            "└ c                     5.00 ms 5.0 % ▋                          1,234   3.0 MiB",
            "render                  40.0 ms  40 % ████▊   75.0 ms  1.9 of 2  1,234   3.0 MiB",
            "├ page                  30.0 ms  30 % ███▋    68.0 ms  1.7 of 2  1,234   3.0 MiB",
            "└ links                       – in 40.0 ms    5.00 ms  0.1 of 2  1,234   3.0 MiB",
            "… 2 more                0.30 ms 0.3 %                                    1.0 KiB",
            "unattributed            9.70 ms 9.7 % █▏                                   100 B",
            "",
            "on worker threads        window                  on all threads  calls allocated",
            &rule,
            "watch                   40.0 ms               60.0 ms  1.5 of 2  1,234   3.0 MiB",
            "└ event                 2.00 ms               2.00 ms         1  1,234   3.0 MiB",
            "",
        ];
        assert_eq!(table, expected, "\n{}\n", table.join("\n"));
    }

    #[test]
    fn a_small_phase_that_took_much_memory_keeps_its_row() {
        let mut stats = stats();
        stats.phases[4].alloc_bytes = Some(1 << 20);
        assert!(plain(&stats).lines().any(|line| line.starts_with("settings ")));
    }

    #[test]
    fn every_line_fits_eighty_columns_and_rows_end_in_one_place() {
        let mut stats = stats();
        for name in ["regular_pages", "total_assets", "total_sections", "taxonomies_count"] {
            stats.counts.insert(name.to_owned(), 1_234_567_890);
        }
        stats.phases[3].path = format!("discover/{}", "long-name-".repeat(9));
        stats.phases[4].path = ["deep"; 40].join("/");
        stats.phases[4].build_thread_ms = Some(100.0);
        stats.phases[6].threads = 1280;
        stats.phases[6].total_ms = 599_000.0;
        stats.phases[7].calls = 123_456_789_012;
        let text = plain(&stats);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH && WIDTH == 80, "{line:?}");
        }
        let rows = text.lines().skip(2).filter(|line| line.ends_with('B'));
        for line in rows.clone() {
            assert_eq!(line.chars().count(), WIDTH, "{line:?}");
        }
        assert_eq!(rows.count(), 13, "{text}");
    }

    #[test]
    fn the_lines_below_say_how_fast_and_where_the_heap_was_highest() {
        let mut stats = stats();
        stats.cpu_user_ms = Some(150.0);
        stats.cpu_system_ms = Some(25.0);
        let text = plain(&stats);
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        let speed = "speed    420 pages/s · 175 ms processor time on 2 threads";
        assert_eq!(line("speed"), speed);
        let memory = "memory   8.0 MiB peak heap in render · 30.0 MiB in 5,000 allocations";
        assert_eq!(line("memory"), memory);
        stats.memory_peak_mb = Some(9.0);
        assert!(plain(&stats).contains("9.0 MiB peak heap ·"));
    }

    #[test]
    fn a_build_that_was_not_measured_claims_no_numbers() {
        let mut stats = BuildStats::default();
        stats.tool = "static-site".into();
        assert_eq!(plain(&stats), "static-site  built, not measured\nsite     out/index.html\n");
    }
}
