//! The code locations that allocated most, estimated from samples.

use perf_history::{AllocationPlace, BuildStats};

use crate::present::style::{DIM, NOTICE};
use crate::present::{Cell, Column, Fact, Kind, Row, Span, Table, units};

/// How many locations are shown below the tree: those that allocated most,
const MOST: usize = 12;
/// and those that retained most.
const MOST_RETAINED: usize = 4;

struct Found<'a> {
    place: &'a AllocationPlace,
    phase: &'a str,
    /// Bytes that the phase itself requested.
    of_phase: Option<u64>,
}

/// The locations of a build, by bytes.
pub(super) struct Places<'a> {
    stats: &'a BuildStats,
    found: Vec<Found<'a>>,
    /// The locations that are not shown: how many, and the bytes that they allocated.
    left_out: (u64, f64),
}

impl<'a> Places<'a> {
    /// All locations of the record.
    pub(super) fn all(stats: &'a BuildStats) -> Self {
        let of_phases = stats.phases.iter().flat_map(|phase| {
            let found =
                |place| Found { place, phase: &phase.path, of_phase: phase.self_alloc_bytes };
            phase.top_allocators.iter().map(found)
        });
        let of_rest = stats.unattributed.iter().flat_map(|rest| {
            let found = |place| Found { place, phase: "unattributed", of_phase: rest.alloc_bytes };
            rest.top_allocators.iter().map(found)
        });
        let mut found: Vec<Found<'_>> = of_phases.chain(of_rest).collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.place.alloc_bytes));
        Self { stats, found, left_out: (0, 0.0) }
    }

    /// The most important ones.
    pub(super) fn most(stats: &'a BuildStats) -> Self {
        let all = Self::all(stats);
        let mut by_retained: Vec<u64> =
            all.found.iter().map(|found| found.place.retained_bytes).collect();
        by_retained.sort_unstable_by(|a, b| b.cmp(a));
        let much = by_retained.get(MOST_RETAINED - 1).copied().unwrap_or(0).max(1);
        let numbered = all.found.into_iter().enumerate();
        let (shown, rest): (Vec<_>, Vec<_>) = numbered
            .partition(|(number, found)| *number < MOST || found.place.retained_bytes >= much);
        let bytes = rest.iter().map(|(_, found)| units::float(found.place.alloc_bytes)).sum();
        Self {
            stats,
            found: shown.into_iter().map(|(_, found)| found).collect(),
            left_out: (rest.len() as u64, bytes),
        }
    }

    /// Whether the record has none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn table(&self) -> Table {
        let text = |least| Kind::Text { least };
        let columns = vec![
            Column::new("place", "top allocators", Kind::Ending { least: 26 }, 0),
            Column::new("function", "function", text(14), 3),
            Column::new("path", "phase", Kind::Ending { least: 11 }, 1),
            Column::new("alloc_bytes", "allocated", Kind::Bytes, 0).grouped(1),
            Column::new("alloc_bytes_error", "±", Kind::Share, 2),
            Column::new("alloc_bytes_low", "at least", Kind::Bytes, 6).grouped(1),
            Column::new("alloc_bytes_high", "at most", Kind::Bytes, 6).grouped(1),
            Column::new("share", "of phase", Kind::Share, 4),
            Column::new("retained_bytes", "retained", Kind::Bytes, 1).grouped(1),
            Column::new("alloc_count", "allocations", Kind::Count, 5),
            Column::new("realloc_count", "grown", Kind::Count, 7),
            Column::new("samples", "samples", Kind::Count, 8),
            Column::data("file", text(0)),
            Column::data("line", Kind::Count),
        ];
        Table { columns, rows: self.found.iter().map(row).collect() }
    }

    /// Facts about the sampling.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let Some(facts) = &self.stats.allocators else { return Vec::new() };
        let (number, bytes) = self.left_out;
        let left_out = (number > 0).then(|| {
            format!("{} with {} together", units::counted(number, "place"), units::bytes(bytes))
        });
        let one_in = units::bytes(units::float(facts.sample_bytes));
        let sampled = Fact::new("estimated")
            .and(format!("from {}", units::counted(facts.samples, "sample")))
            .and(format!("one in {one_in}"))
            .and(Span::plain("± holds in 99.9 % of cases"));
        let dropped = (facts.dropped > 0).then(|| {
            Span::new(format!("{} did not fit", units::counted(facts.dropped, "sample")), NOTICE)
        });
        let mut all = vec![
            dropped.into_iter().fold(sampled, Fact::and),
            Fact::new("not shown").known(left_out),
        ];
        if facts.debug_info == Some(false) {
            let hint = "no line numbers: set `debug = \"line-tables-only\"` in the profile";
            all.push(Fact::new("hint").and(Span::new(hint, NOTICE)));
        }
        all
    }
}

fn row(found: &Found<'_>) -> Row {
    let Found { place, phase, of_phase } = found;
    let bytes = units::float(place.alloc_bytes);
    let share = of_phase.filter(|all| *all > 0).map(|all| bytes / units::float(all));
    let below = bytes - units::float(place.alloc_bytes_low);
    let above = units::float(place.alloc_bytes_high) - bytes;
    let unless_zero = |number: u64| Cell::count((number > 0).then_some(number));
    let short = short_function(&place.function);
    let (shown, raw, function) = match &place.file {
        Some(file) => {
            let function = Cell::labelled(short, &place.function).styled(DIM);
            (located(&short_file(file), place.line), located(file, place.line), function)
        }
        None => (short, place.function.clone(), Cell::absent()),
    };
    let cells = vec![
        Cell::labelled(shown, raw),
        function,
        Cell::labelled(short_path(phase), *phase),
        Cell::count(place.alloc_bytes),
        Cell::number(below.max(above) / bytes).styled(DIM),
        Cell::count(place.alloc_bytes_low).styled(DIM),
        Cell::count(place.alloc_bytes_high).styled(DIM),
        Cell::number(share),
        Cell::count(place.retained_bytes),
        unless_zero(place.alloc_count),
        unless_zero(place.realloc_count),
        Cell::count(place.samples),
        place.file.as_ref().map_or_else(Cell::absent, Cell::text),
        Cell::count(place.line),
    ];
    Row { cells, ..Row::default() }
}

/// The last two names of a long path.
fn short_path(path: &str) -> String {
    match path.rmatch_indices('/').nth(1) {
        Some((at, _)) => format!("…{}", &path[at..]),
        None => path.to_owned(),
    }
}

/// A location in the notation of compilers and editors.
fn located(file: &str, line: Option<u64>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

/// A file of another package as package and file name: `regex/…/pool.rs`.
fn short_file(file: &str) -> String {
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    // Sources are in `src`; folders of packages from a registry end in a version.
    let src = parts.iter().rposition(|part| *part == "src").filter(|src| *src > 0);
    let is_elsewhere = file.starts_with(['/', '\\'])
        || file.get(1..2) == Some(":")
        || src.is_some_and(|src| without_version(parts[src - 1]) != parts[src - 1]);
    match (src, parts.as_slice()) {
        (Some(src), [.., name]) if is_elsewhere && src + 1 < parts.len() => {
            let between = if src + 2 == parts.len() { "src" } else { "…" };
            format!("{}/{between}/{name}", without_version(parts[src - 1]))
        }
        _ => file.to_owned(),
    }
}

/// The name of a package whose folder has its version: `regex` of `regex-1.11.1`.
fn without_version(folder: &str) -> &str {
    match folder.rsplit_once('-') {
        Some((name, version)) if is_version(version) => name,
        _ => folder,
    }
}

/// Whether a text is a version, and not only a number in the package's name.
fn is_version(text: &str) -> bool {
    text.contains('.') && text.starts_with(|c: char| c.is_ascii_digit())
}

/// The last two parts of a function's path, without generic arguments.
fn short_function(function: &str) -> String {
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut plain = String::with_capacity(function.len());
    for c in function.chars() {
        match c {
            '<' => depth += 1,
            // Not the end of an arrow.
            '>' if before != '-' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
        before = c;
    }
    let parts: Vec<&str> = plain.split("::").filter(|part| !part.is_empty()).collect();
    let is_name = |part: &&&str| !part.starts_with('{');
    // Closures have no name, so more parts may be needed for two names.
    let mut names = 0;
    let shown = parts.iter().rev().take_while(|part| {
        let is_wanted = names < 2;
        names += usize::from(is_name(part));
        is_wanted
    });
    let mut shown: Vec<&str> = shown.copied().collect();
    shown.reverse();
    match (function, shown.as_slice()) {
        ("", _) => "(unknown)".to_owned(),
        (_, []) => function.to_owned(),
        _ => shown.join("::"),
    }
}

#[cfg(test)]
mod tests {
    use super::{short_file, short_function, short_path};

    #[test]
    fn a_function_is_shown_by_its_last_two_names() {
        assert_eq!(short_function("static_site::render::page::html"), "page::html");
        assert_eq!(short_function("main"), "main");
        assert_eq!(
            short_function("static_site::render::all::{{closure}}::{{closure}}"),
            "render::all::{{closure}}::{{closure}}"
        );
        assert_eq!(short_function("<site::Page as core::fmt::Display>::fmt::<u8>"), "fmt");
        assert_eq!(short_function("a::b::map<fn(u8) -> u16, c::D>::run"), "map::run");
        assert_eq!(short_function("<<<"), "<<<");
        assert_eq!(short_function(""), "(unknown)");
        assert_eq!(short_function("libsite.so+0x1f0"), "libsite.so+0x1f0");
    }

    #[test]
    fn a_long_path_is_shown_by_its_last_two_names() {
        assert_eq!(short_path("render/page/html"), "…/page/html");
        assert_eq!(short_path("render/page"), "render/page");
        assert_eq!(short_path("load"), "load");
    }

    #[test]
    fn a_file_of_another_package_is_shown_by_its_end() {
        assert_eq!(short_file("src/render/page.rs"), "src/render/page.rs");
        assert_eq!(
            short_file("/home/x/.cargo/registry/src/index/regex-1.11.1/src/pool.rs"),
            "regex/src/pool.rs"
        );
        assert_eq!(short_file("C:\\x\\regex-1.11.1\\src\\util\\pool.rs"), "regex/…/pool.rs");
        assert_eq!(short_file("regex-1.11.1/src/util/pool.rs"), "regex/…/pool.rs");
        assert_eq!(short_file("crates/site-2/src/util/pool.rs"), "crates/site-2/src/util/pool.rs");
        assert_eq!(short_file("crates/site/src/pool.rs"), "crates/site/src/pool.rs");
        assert_eq!(short_file("/x/no/sources.rs"), "/x/no/sources.rs");
        assert_eq!(short_file("/a.rs"), "/a.rs");
    }
}
