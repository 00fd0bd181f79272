//! Made-up histories: the same each time, with noise.

use std::fs;

use perf_history::{BuildStats, Git, Noise, PhaseStats, Profile, System};
use tempfile::TempDir;

/// The paths of the phases of a made-up build, and their self times in milliseconds.
const PHASES: [(&str, f64); 5] = [
    ("parse", 60.0),
    ("render", 20.0),
    ("render/html", 500.0),
    ("render/links", 80.0),
    ("write", 140.0),
];

/// A build of session `session`, the `n`th of it, on `main`, at a commit of its own session.
pub(crate) fn build(session: u32, n: u32) -> BuildStats {
    let mut random = session.wrapping_mul(2_654_435_761) ^ n.wrapping_mul(40_503);
    // Noise of about 1 %, the same for the same build.
    let mut noise = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1.0 + (f64::from(random >> 16) / 65_536.0 - 0.5) * 0.04
    };
    let allocations = 100_000_u64;
    let phases: Vec<PhaseStats> = PHASES
        .iter()
        .map(|(path, ms)| {
            let mut phase = PhaseStats::new(*path);
            phase.calls = 1;
            phase.self_ms = ms * noise();
            phase.total_ms = *ms;
            phase.alloc_count = Some(allocations);
            phase.alloc_bytes = Some(allocations * 64);
            phase.self_alloc_count = Some(allocations);
            phase.self_alloc_bytes = Some(allocations * 64);
            phase
        })
        .collect();
    let time = std::time::UNIX_EPOCH
        + std::time::Duration::from_secs(1_793_000_000 + u64::from(session) * 7_200 + u64::from(n));
    let mut stats = BuildStats::default();
    stats.build_id = format!("b{session:04}-{n:02}");
    stats.tool = "site".into();
    stats.incremental = Some(false);
    stats.build_time_ms = phases.iter().map(|phase| phase.self_ms).sum();
    stats.alloc_count = Some(allocations * 5);
    stats.alloc_bytes = Some(allocations * 5 * 64);
    stats.memory_peak_mb = Some(90.0 * noise());
    stats.peak_phase = Some("render/html".to_owned());
    stats.profile = Some(Profile::Release);
    stats.rust_version = Some("1.95.0".to_owned());
    let mut system = System::default();
    system.cores = Some(2);
    system.os = Some("linux".to_owned());
    stats.system = Some(system);
    let mut noise = Noise::default();
    noise.load_average = Some(1.0);
    stats.noise = Some(noise);
    let mut git = Git::default();
    git.commit = Some(format!("{session:08x}{}", "0".repeat(32)));
    git.branch = Some("main".to_owned());
    git.dirty = Some(false);
    stats.git = Some(git);
    stats.phases = phases;
    stats.counts.insert("total_pages".to_owned(), 700);
    stats.set_started_at(time);
    stats
}

/// Some builds that ran together.
pub(crate) fn session(session: u32, builds: u32) -> Vec<BuildStats> {
    (0..builds)
        .map(|n| {
            let mut stats = build(session, n);
            stats.labels.insert("run".to_owned(), "ci".to_owned());
            stats.labels.insert("session".to_owned(), format!("s{session}"));
            stats
        })
        .collect()
}

/// Sessions one after another.
pub(crate) fn sessions(numbers: std::ops::Range<u32>, builds: u32) -> Vec<BuildStats> {
    numbers.flat_map(|number| session(number, builds)).collect()
}

/// Builds run in turn: base and head.
pub(crate) fn pairs(pairs: u32, head: impl Fn(&mut BuildStats)) -> Vec<BuildStats> {
    let half = |n: u32, run: &str| {
        let mut stats = build(if run == "base" { 1 } else { 2 }, n);
        stats.labels.insert("run".to_owned(), run.to_owned());
        stats.labels.insert("session".to_owned(), "turns".to_owned());
        if run == "head" {
            head(&mut stats);
        }
        stats
    };
    (0..pairs).flat_map(|n| [half(n, "base"), half(n, "head")]).collect()
}

/// Makes a phase, and so the build, slower by a factor.
pub(crate) fn slow(stats: &mut BuildStats, path: &str, factor: f64) {
    let phase = stats.phases.iter_mut().find(|phase| phase.path == path).unwrap();
    let more = phase.self_ms * (factor - 1.0);
    phase.self_ms += more;
    phase.total_ms += more;
    stats.build_time_ms += more;
}

/// Makes a phase, and so the build, allocate more by a factor.
pub(crate) fn fat(stats: &mut BuildStats, path: &str, factor: f64) {
    let phase = stats.phases.iter_mut().find(|phase| phase.path == path).unwrap();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small")]
    let more = (100_000.0 * (factor - 1.0)).round() as u64;
    for (of_phase, of_build, each) in [
        (&mut phase.self_alloc_count, &mut stats.alloc_count, 1),
        (&mut phase.self_alloc_bytes, &mut stats.alloc_bytes, 64),
    ] {
        *of_phase = of_phase.map(|count| count + more * each);
        *of_build = of_build.map(|count| count + more * each);
    }
}

/// A directory with such a history.
pub(crate) fn history(builds: &[BuildStats]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for stats in builds {
        text += &serde_json::to_string(stats).unwrap();
        text.push('\n');
    }
    fs::write(dir.path().join("history.jsonl"), text).unwrap();
    dir
}
