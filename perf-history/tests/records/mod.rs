//! Records for the tests.

use perf_history::{
    AllocationPlace, AllocatorFacts, BuildStats, Ci, Clock, Git, Noise, Outcome, PhaseStats,
    Profile, SCHEMA, System, TimelineFacts, Unattributed, Unclaimed,
};

/// A record with little in it but its id.
pub(crate) fn record(id: &str) -> BuildStats {
    BuildStats {
        schema: SCHEMA,
        build_id: id.to_owned(),
        timestamp: "2026-11-23T08:56:00.123Z".to_owned(),
        tool: "my-site".to_owned(),
        build_time_ms: 412.5,
        ..BuildStats::default()
    }
}

/// A record with every field set, as a build with this many phases would leave it.
#[allow(dead_code, reason = "each test binary takes what it needs")]
#[expect(clippy::too_many_lines, reason = "it is one value")]
pub(crate) fn full_record(phases: u32) -> BuildStats {
    let text = |text: &str| Some(text.to_owned());
    let phases: Vec<PhaseStats> = (0..phases).map(full_phase).collect();
    BuildStats {
        schema: SCHEMA,
        build_id: "0192b6e4-5b1c-7c3e-8f00-1d2c3b4a5968".to_owned(),
        timestamp: "2026-11-23T08:56:00.123456Z".to_owned(),
        tool: "my-site".to_owned(),
        tool_version: text("1.12.3-beta.4"),
        outcome: Outcome::Failed,
        build_time_ms: 6_444.974,
        cpu_user_ms: Some(21_012.346),
        cpu_system_ms: Some(1_301.2),
        parallel: Some(true),
        incremental: Some(false),
        skipped: Some(false),
        clock: Some(Clock::Suspect),
        counts: [
            ("total_pages", 83),
            ("regular_pages", 39),
            ("generated_pages", 44),
            ("total_assets", 0),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into(),
        memory_rss_mb: Some(114.328),
        memory_start_rss_mb: Some(12.0625),
        memory_heap_mb: Some(55.7715),
        memory_peak_mb: Some(58.7144),
        peak_phase: text("discover/syntax-41"),
        memory_peak_rss_mb: Some(221.254),
        alloc_count: Some(12_345_678),
        alloc_bytes: Some(9_876_543_210),
        phase_timings_ms: phases
            .iter()
            .filter(|phase| !phase.path.contains('/'))
            .map(|phase| (phase.path.clone(), phase.elapsed_ms))
            .collect(),
        phases,
        unattributed: Some(Unattributed {
            build_thread_ms: 12.3457,
            alloc_count: Some(0),
            alloc_bytes: Some(0),
            freed_count: Some(12),
            freed_bytes: Some(3_456),
            realloc_count: Some(7),
            net_bytes: Some(-3_456),
            retained_bytes: Some(262_144),
            retained_bytes_low: Some(131),
            retained_bytes_high: Some(2_621_440),
            top_allocators: places(1),
            extra: serde_json::Map::default(),
        }),
        unclaimed: Some(Unclaimed {
            alloc_count: 1,
            alloc_bytes: 2,
            freed_count: 3,
            freed_bytes: 4,
            realloc_count: 5,
            extra: serde_json::Map::default(),
        }),
        timeline: Some(TimelineFacts {
            intervals: 1_048_576,
            dropped: 0,
            extra: serde_json::Map::default(),
        }),
        allocators: Some(AllocatorFacts {
            sample_bytes: 262_144,
            samples: 123_456,
            dropped: 0,
            debug_info: Some(true),
            extra: serde_json::Map::default(),
        }),
        overhead_ms: Some(0.123_456),
        rust_version: text("1.95.0 (59807616e 2026-04-14)"),
        platform: text("x86_64-unknown-linux-gnu"),
        system: Some(System {
            os: text("Linux"),
            os_version: text("Debian GNU/Linux 13 (trixie)"),
            arch: text("x86_64"),
            cpu_model: text("AMD EPYC 7763 64-Core Processor"),
            cores: Some(128),
            memory_mb: Some(515_934.25),
            extra: serde_json::Map::default(),
        }),
        noise: Some(Noise {
            involuntary_context_switches: Some(1234),
            major_page_faults: Some(0),
            load_average: Some(12.25),
            extra: serde_json::Map::default(),
        }),
        git: Some(Git {
            commit: text("59807616e1bfc0a4a9a4e0a2d0a1b8f2c3d4e5f6"),
            branch: text("feature/faster-markdown"),
            dirty: Some(true),
            extra: serde_json::Map::default(),
        }),
        ci: Some(Ci {
            provider: text("github"),
            run_id: text("18273645546/1"),
            change_id: text("1234"),
            base_branch: text("main"),
            extra: serde_json::Map::default(),
        }),
        profile: Some(Profile::Release),
        labels: [("run", "before"), ("session", "0192b6e4")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        extra: serde_json::Map::default(),
    }
}

/// Places with every field set.
fn places(places: u64) -> Vec<AllocationPlace> {
    let place = |n| AllocationPlace {
        function: "my_site::render::markdown::highlight::{closure#0}".to_owned(),
        file: Some("crates/my-site/src/render/markdown.rs".to_owned()),
        line: Some(n * 117),
        alloc_bytes: n * 12_345_678,
        alloc_bytes_low: n * 11_234_567,
        alloc_bytes_high: n * 13_456_789,
        alloc_count: n * 123_456,
        realloc_count: n * 1_234,
        retained_bytes: n * 262_144,
        samples: n * 47,
        extra: serde_json::Map::default(),
    };
    (1..=places).rev().map(place).collect()
}

/// A phase with every field set to what one sees in builds of some seconds. Each fifth phase is
/// at the top.
fn full_phase(index: u32) -> PhaseStats {
    let share = f64::from(index % 7 + 1);
    let n = u64::from(index % 7 + 1);
    let top = ["discover", "parse", "render", "assets", "postprocess"][index as usize / 5 % 5];
    let path = if index.is_multiple_of(5) {
        format!("{top}{index}")
    } else {
        format!("{top}/syntax-{index}")
    };
    PhaseStats {
        path,
        calls: n * 1_234,
        open_calls: 1,
        total_ms: share * 591.234_567_89,
        self_ms: share * 91.234_567_89,
        build_thread_ms: Some(share * 123.456_789_01),
        build_thread_self_ms: Some(share * 23.456_789_01),
        elapsed_ms: share * 601.234_567_89,
        started_ms: share * 101.987_654_32,
        threads: 16,
        latency_ms: Some(share * 611.234_567_89),
        polls: n * 2_345,
        min_ms: Some(share * 0.012_345_678),
        p50_ms: Some(share * 0.112_345_678),
        p95_ms: Some(share * 0.512_345_678),
        p99_ms: Some(share * 0.912_345_678),
        max_ms: Some(share * 3.123_456_789),
        items: n * 83,
        panics: 1,
        cancelled: 2,
        alloc_count: Some(n * 123_456),
        alloc_bytes: Some(n * 12_345_678),
        freed_count: Some(n * 123_123),
        freed_bytes: Some(n * 12_123_456),
        realloc_count: Some(n * 1_234),
        net_bytes: Some(-222_222),
        peak_bytes: Some(n * 1_234_567),
        process_peak_bytes: Some(61_566_789),
        self_alloc_count: Some(n * 12_345),
        self_alloc_bytes: Some(n * 1_234_567),
        rss_delta_mb: Some(share * 1.234_567_8),
        // Only where there were samples.
        retained_bytes: Some(if index < 1 { n * 262_144 } else { 0 }),
        retained_bytes_low: Some(if index < 1 { n * 26_214 } else { 0 }),
        retained_bytes_high: Some(if index < 1 { n * 2_621_440 } else { 0 }),
        // As many as there is room for.
        top_allocators: if index < 1 { places(1) } else { Vec::new() },
        extra: serde_json::Map::default(),
    }
}
