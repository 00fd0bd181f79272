//! What the record of a build says, as text for a terminal: the phases as a tree, and totals.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use indicatif::{HumanBytes, HumanCount};
use perf_runtime::{BuildStats, PhaseStats};
use textwrap::{WordSplitter, fill};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();
const NOTICE: Style = AnsiColor::Yellow.on_default();

const WIDTH: usize = 80;
const NO_BREAK_SPACE: &str = "\u{a0}";
/// The longest bar in columns.
const BAR_WIDTH: usize = 5;

/// A phase with a smaller share of the time and of the allocated bytes has no row of its own.
const SMALL_TIME: f64 = 0.005;
const SMALL_BYTES: f64 = 0.01;

/// A summary of a build in 80 columns, with colours. A stream without colours strips them.
pub(crate) struct Summary<'a> {
    pub(crate) stats: &'a BuildStats,
    /// The folder of the site.
    pub(crate) site: &'a Path,
    /// The file with the records.
    pub(crate) history: &'a Path,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The record of a build that was not measured is empty.
        let is_measured = self.stats.build_time_ms > 0.0;
        if is_measured {
            self.write_headline(f)?;
            self.write_phases(f)?;
            self.write_totals(f)?;
        } else {
            writeln!(f, "{BOLD}{}{BOLD:#}  built, {DIM}not measured{DIM:#}", self.stats.tool)?;
        }
        let findings = self.count("health_findings");
        if findings > 0 {
            let findings = counted(findings, "finding");
            write!(f, "{DIM}health   {DIM:#}{NOTICE}{findings}{NOTICE:#} {DIM}·{DIM:#} ")?;
            writeln!(f, "{}", self.site.join("health.html").display())?;
        }
        writeln!(f, "{DIM}site     {DIM:#}{}", self.site.join("index.html").display())?;
        if is_measured {
            writeln!(f, "{DIM}records  {DIM:#}{}", self.history.display())?;
        }
        Ok(())
    }
}

impl Summary<'_> {
    fn count(&self, name: &str) -> u64 {
        self.stats.counts.get(name).copied().unwrap_or(0)
    }

    fn write_headline(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let stats = self.stats;
        let pages = counted(self.count("total_pages"), "page");
        let verb = if stats.skipped == Some(true) { "unchanged after" } else { "in" };
        let time = duration(stats.build_time_ms);
        let mode = if stats.incremental == Some(true) { "incremental" } else { "full" };
        let written = counted(self.count("written_files"), "file");
        write!(f, "{BOLD}{}{BOLD:#}  {pages} {verb} {BOLD}{time}{BOLD:#}", stats.tool)?;
        writeln!(f, "  {DIM}{mode} build, {written} written{DIM:#}\n")
    }

    /// Writes a row for each phase that is not small, in the order of the record: below its
    /// parent. Small phases at the root share a row, so that the rows at the root add up to the
    /// build.
    fn write_phases(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let columns = "build thread share     all threads         calls   allocated";
        writeln!(f, "{DIM}{:<20}{columns}", "phase")?;
        writeln!(f, "{}{DIM:#}", "─".repeat(WIDTH))?;
        let (small, shown): (Vec<_>, Vec<_>) =
            self.stats.phases.iter().partition(|phase| self.is_small(phase));
        for phase in shown {
            self.write_phase(f, phase)?;
        }
        let small: Vec<_> = small.into_iter().filter(|phase| !phase.path.contains('/')).collect();
        if !small.is_empty() {
            let time = small.iter().filter_map(|phase| phase.build_thread_ms).sum();
            let bytes = small.iter().filter_map(|phase| phase.alloc_bytes).sum();
            self.write_rest(f, &format!("… {} more", small.len()), time, bytes)?;
        }
        match &self.stats.unattributed {
            Some(rest) => {
                let bytes = rest.alloc_bytes.unwrap_or(0);
                self.write_rest(f, "unattributed", rest.build_thread_ms, bytes)
            }
            None => Ok(()),
        }
    }

    fn is_small(&self, phase: &PhaseStats) -> bool {
        let time = phase.total_ms.max(phase.build_thread_ms.unwrap_or(0.0));
        let bytes = to_float(phase.alloc_bytes.unwrap_or(0));
        time < self.stats.build_time_ms * SMALL_TIME
            && bytes <= to_float(self.stats.alloc_bytes.unwrap_or(0)) * SMALL_BYTES
    }

    fn write_phase(&self, f: &mut Formatter<'_>, phase: &PhaseStats) -> fmt::Result {
        let depth = phase.path.matches('/').count();
        let name = phase.path.rsplit('/').next().unwrap_or_default();
        let name: String = format!("{:1$}{name}", "", 2 * depth).chars().take(20).collect();
        let style = if depth == 0 { BOLD } else { Style::new() };
        write!(f, "{style}{name:<21}{style:#}")?;
        match phase.build_thread_ms {
            Some(time) => {
                let share = time / self.stats.build_time_ms;
                write!(f, "{:>9}{:>6} ", duration(time), percent(share))?;
                write!(f, "{BAR}{:<BAR_WIDTH$}{BAR:#}", bar(share))?;
            }
            None => write!(f, "{DIM}{:>9}{:12}{DIM:#}", "–", "")?,
        }
        if phase.threads > 1 || phase.build_thread_ms.is_none() {
            write!(f, "{:>9}{:>10}", duration(phase.total_ms), threads(phase))?;
        } else {
            write!(f, "{:19}", "")?;
        }
        let bytes = phase.alloc_bytes.map(|bytes| HumanBytes(bytes).to_string());
        writeln!(f, "{:>7}{:>12}", short_count(phase.calls), bytes.as_deref().unwrap_or("–"))
    }

    fn write_rest(&self, f: &mut Formatter<'_>, name: &str, time: f64, bytes: u64) -> fmt::Result {
        let share = percent(time / self.stats.build_time_ms);
        let bytes = HumanBytes(bytes).to_string();
        writeln!(f, "{DIM}{name:<21}{:>9}{share:>6}{bytes:>44}{DIM:#}", duration(time))
    }

    fn write_totals(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let stats = self.stats;
        let rate = to_float(self.count("total_pages")) * 1000.0 / stats.build_time_ms;
        let rate = (stats.skipped != Some(true)).then(|| format!("{rate:.0} pages/s"));
        let threads = stats.phases.iter().map(|phase| phase.threads).max().unwrap_or(1);
        let cpu = stats.cpu_user_ms.zip(stats.cpu_system_ms).map(|(user, system)| {
            format!("{} processor time on {}", duration(user + system), counted(threads, "thread"))
        });
        let phase = stats.peak_phase.as_ref().map(|phase| format!(" in {phase}"));
        let phase = phase.unwrap_or_default();
        let peak = stats.memory_peak_mb.map(|peak| format!("{peak:.1} MiB peak heap{phase}"));
        let resident = stats.memory_rss_mb.map(|resident| format!("{resident:.1} MiB RSS"));
        let allocated = stats.alloc_bytes.zip(stats.alloc_count).map(|(bytes, count)| {
            format!("{} in {}", HumanBytes(bytes), counted(count, "allocation"))
        });
        let part = |count: &str, noun: &str| Some(counted(self.count(count), noun));
        let generated = HumanCount(self.count("generated_pages"));
        let parts = [
            part("regular_pages", "document"),
            part("total_assets", "asset"),
            part("total_sections", "section"),
            part("taxonomies_count", "term"),
            Some(format!("{generated} generated")),
        ];
        writeln!(f)?;
        write_facts(f, "speed", [rate, cpu])?;
        write_facts(f, "memory", [peak, resident, allocated])?;
        write_facts(f, "made of", parts)
    }
}

/// Writes a labelled line, which continues below if it is too long.
fn write_facts<const N: usize>(
    f: &mut Formatter<'_>,
    label: &str,
    facts: [Option<String>; N],
) -> fmt::Result {
    // A line does not break within a fact.
    let facts = facts.into_iter().flatten().map(|fact| fact.replace(' ', NO_BREAK_SPACE));
    let facts: Vec<String> = facts.collect();
    if facts.is_empty() {
        return Ok(());
    }
    let label = format!("{DIM}{label:<9}{DIM:#}");
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(&label)
        .subsequent_indent("         ")
        .word_splitter(WordSplitter::NoHyphenation);
    let line = fill(&facts.join(&format!(" {DIM}·{DIM:#} ")), options);
    writeln!(f, "{}", line.replace(NO_BREAK_SPACE, " "))
}

/// A duration in at most eight columns.
fn duration(ms: f64) -> String {
    match ms {
        600_000.0.. => format!("{:.0} min", ms / 60_000.0),
        60_000.0.. => format!("{:.1} min", ms / 60_000.0),
        1000.0.. => format!("{:.2} s", ms / 1000.0),
        100.0.. => format!("{ms:.0} ms"),
        10.0.. => format!("{ms:.1} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// How many threads were in the phase on average, of how many that ever were.
fn threads(phase: &PhaseStats) -> String {
    let average = phase.total_ms / phase.elapsed_ms;
    match phase.threads {
        all @ 0..=1 => all.to_string(),
        all @ 2..10 => format!("{average:.1} of {all}"),
        all @ 10..100 => format!("{average:.0} of {all}"),
        all => format!("{average:.0}/{all}"),
    }
}

/// A number in at most six columns.
fn short_count(number: u64) -> String {
    match number {
        0..100_000 => HumanCount(number).to_string(),
        100_000..10_000_000 => format!("{} k", number / 1_000),
        10_000_000..10_000_000_000 => format!("{} M", number / 1_000_000),
        _ => format!("{} G", number / 1_000_000_000),
    }
}

fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", HumanCount(number))
}

/// A share as a bar, in eighths of a column.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 40")]
    let eighths = (share.clamp(0.0, 1.0) * to_float(BAR_WIDTH as u64 * 8)).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[expect(clippy::cast_precision_loss, reason = "at most four digits are shown")]
fn to_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::{Summary, bar, duration, percent, short_count, threads};
    use anstream::adapter::strip_str;
    use perf_runtime::{BuildStats, PhaseStats};
    use serde_json::{Value, json};
    use std::path::Path;

    /// A phase that ran on the build thread alone.
    fn alone(path: &str, ms: f64, alloc_bytes: u64) -> Value {
        json!({
            "path": path, "calls": 1234, "threads": 1, "alloc_bytes": alloc_bytes,
            "build_thread_ms": ms, "total_ms": ms, "elapsed_ms": ms, "self_ms": 0, "started_ms": 0,
        })
    }

    /// A phase that ran on two threads.
    fn shared(path: &str, build_thread_ms: Option<f64>, total_ms: f64) -> Value {
        let mut phase = alone(path, 40.0, 3 << 20);
        phase["build_thread_ms"] = json!(build_thread_ms);
        phase["total_ms"] = json!(total_ms);
        phase["threads"] = json!(2);
        phase
    }

    fn stats() -> BuildStats {
        let record = json!({
            "schema": 1,
            "build_id": "a",
            "timestamp": "2026-01-01T00:00:00Z",
            "outcome": "success",
            "tool": "static-site",
            "build_time_ms": 100.0,
            "cpu_user_ms": 150.0,
            "cpu_system_ms": 25.0,
            "incremental": false,
            "counts": ["total_pages", "health_findings"],
            "total_pages": 42,
            "health_findings": 1,
            "alloc_count": 5000,
            "alloc_bytes": 30 << 20,
            "memory_peak_mb": 8.0,
            "peak_phase": "render",
            "phases": [
                alone("discover", 50.0, 3 << 20),
                alone("discover/a", 25.0, 3 << 20),
                alone("discover/a/b", 5.0, 3 << 20),
                alone("settings", 0.1, 512),
                alone("settings/d", 0.1, 512),
                shared("render", Some(40.0), 75.0),
                shared("render/links", None, 5.0),
                alone("free", 0.2, 512),
            ],
            "unattributed": { "build_thread_ms": 9.7, "alloc_bytes": 100 },
        });
        serde_json::from_value(record).unwrap()
    }

    fn plain(stats: &BuildStats) -> String {
        let (site, history) = (Path::new("out"), Path::new("metrics/history.jsonl"));
        strip_str(&Summary { stats, site, history }.to_string()).to_string()
    }

    #[test]
    fn the_summary_has_a_tree_of_phases_and_totals() {
        let rule = "─".repeat(80);
        let expected = [
            "static-site  42 pages in 100 ms  full build, 0 files written",
            "",
            "phase               build thread share     all threads         calls   allocated",
            &rule,
            "discover               50.0 ms  50 % ██▌                       1,234    3.00 MiB",
            "  a                    25.0 ms  25 % █▎                        1,234    3.00 MiB",
            "    b                  5.00 ms 5.0 % ▎                         1,234    3.00 MiB",
            "render                 40.0 ms  40 % ██     75.0 ms  1.9 of 2  1,234    3.00 MiB",
            "  links                      –              5.00 ms  0.1 of 2  1,234    3.00 MiB",
            "… 2 more               0.30 ms 0.3 %                                    1.00 KiB",
            "unattributed           9.70 ms 9.7 %                                       100 B",
            "",
            "speed    420 pages/s · 175 ms processor time on 2 threads",
            "memory   8.0 MiB peak heap in render · 30.00 MiB in 5,000 allocations",
            "made of  0 documents · 0 assets · 0 sections · 0 terms · 0 generated",
            "health   1 finding · out/health.html",
            "site     out/index.html",
            "records  metrics/history.jsonl",
        ];
        let text = plain(&stats());
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "\n{text}");
    }

    #[test]
    fn a_short_phase_that_allocates_much_keeps_its_row() {
        let mut stats = stats();
        stats.phases[3].alloc_bytes = Some(1 << 20);
        assert!(plain(&stats).lines().any(|line| line.starts_with("settings ")));
    }

    #[test]
    fn every_line_fits_in_eighty_columns_and_rows_are_aligned() {
        let mut stats = stats();
        for name in ["regular_pages", "total_assets", "total_sections", "taxonomies_count"] {
            stats.counts.insert(name.to_owned(), 1_234_567_890);
        }
        stats.phases[2].path = format!("discover/{}", "long-name-".repeat(9));
        stats.phases[3].path = ["deep"; 40].join("/");
        stats.phases[3].build_thread_ms = Some(100.0);
        stats.phases[5].threads = 1280;
        stats.phases[5].total_ms = 599_000.0;
        stats.phases[6].calls = 123_456_789_012;
        stats.phases[6].alloc_bytes = Some(1023 << 30);
        let text = plain(&stats);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
        let rows: Vec<_> = text.lines().skip(4).filter(|line| line.ends_with('B')).collect();
        for row in &rows {
            assert_eq!(row.chars().count(), 80, "{row:?}");
        }
        assert_eq!(rows.len(), 8, "{text}");
    }

    #[test]
    fn a_build_that_was_not_measured_has_no_numbers() {
        let mut stats = stats();
        stats.build_time_ms = 0.0;
        stats.counts.clear();
        assert_eq!(plain(&stats), "static-site  built, not measured\nsite     out/index.html\n");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.123, 12.34, 999.4, 1234.0, 125_400.0, 9_000_000.0].map(duration),
            ["0.12 ms", "12.3 ms", "999 ms", "1.23 s", "2.1 min", "150 min"]
        );
        assert_eq!([0.0, 0.0994, 0.0996, 1.0].map(percent), ["0.0 %", "9.9 %", "10 %", "100 %"]);
        assert_eq!(
            [99_999, 999_999, 9_999_999, 999_999_999, 12_000_000_000].map(short_count),
            ["99,999", "999 k", "9999 k", "999 M", "12 G"]
        );
        assert_eq!([0.0, 0.5, 1.0, 7.0, f64::NAN].map(bar), ["", "██▌", "█████", "█████", ""]);
        let threads = |(total_ms, count)| {
            let mut phase = PhaseStats::default();
            (phase.total_ms, phase.elapsed_ms, phase.threads) = (total_ms, 10.0, count);
            threads(&phase)
        };
        assert_eq!(
            [(3.0, 1), (19.0, 2), (99.6, 16), (480.0, 64), (12_345.0, 1280)].map(threads),
            ["1", "1.9 of 2", "10 of 16", "48 of 64", "1234/1280"]
        );
    }
}
