//! Records for the tests.

use perf_history::{
    AllocationPlace, AllocatorFacts, BuildStats, Ci, Clock, Git, Noise, Outcome, PhaseStats,
    Profile, SCHEMA, System, TimelineFacts, Unattributed, Unclaimed,
};

/// A record with little in it but its id.
pub(crate) fn record(id: &str) -> BuildStats {
    let mut stats = BuildStats::default();
    stats.schema = SCHEMA;
    stats.build_id = id.into();
    stats.timestamp = "2026-11-23T08:56:00.123Z".into();
    stats.tool = "my-site".into();
    stats.build_time_ms = 412.5;
    stats
}

/// A record with every field set, as a build with this many phases would leave it.
#[allow(dead_code, reason = "each test binary takes what it needs")]
pub(crate) fn full_record(phases: u32) -> BuildStats {
    let text = |text: &str| Some(text.to_owned());
    let phases: Vec<PhaseStats> = (0..phases).map(full_phase).collect();
    let mut stats = BuildStats::default();
    stats.schema = SCHEMA;
    stats.build_id = "0192b6e4-5b1c-7c3e-8f00-1d2c3b4a5968".into();
    stats.timestamp = "2026-11-23T08:56:00.123456Z".into();
    stats.tool = "my-site".into();
    stats.tool_version = text("1.12.3-beta.4");
    stats.outcome = Outcome::Failed;
    stats.build_time_ms = 6_444.974;
    stats.cpu_user_ms = Some(21_012.346);
    stats.cpu_system_ms = Some(1_301.2);
    stats.parallel = Some(true);
    stats.incremental = Some(false);
    stats.skipped = Some(false);
    stats.clock = Some(Clock::Suspect);
    stats.counts =
        [("total_pages", 83), ("regular_pages", 39), ("generated_pages", 44), ("total_assets", 0)]
            .map(|(name, count)| (name.to_owned(), count))
            .into();
    stats.memory_rss_mb = Some(114.328);
    stats.memory_start_rss_mb = Some(12.0625);
    stats.memory_heap_mb = Some(55.7715);
    stats.memory_peak_mb = Some(58.7144);
    stats.peak_phase = text("discover/syntax-41");
    stats.memory_peak_rss_mb = Some(221.254);
    stats.alloc_count = Some(12_345_678);
    stats.alloc_bytes = Some(9_876_543_210);
    stats.phase_timings_ms = phases
        .iter()
        .filter(|phase| !phase.path.contains('/'))
        .map(|phase| (phase.path.clone(), phase.elapsed_ms))
        .collect();
    stats.phases = phases;
    let mut unattributed = Unattributed::default();
    unattributed.build_thread_ms = 12.3457;
    unattributed.alloc_count = Some(0);
    unattributed.alloc_bytes = Some(0);
    unattributed.freed_count = Some(12);
    unattributed.freed_bytes = Some(3_456);
    unattributed.realloc_count = Some(7);
    unattributed.net_bytes = Some(-3_456);
    unattributed.retained_bytes = Some(262_144);
    unattributed.retained_bytes_low = Some(131);
    unattributed.retained_bytes_high = Some(2_621_440);
    unattributed.top_allocators = places(1);
    stats.unattributed = Some(unattributed);
    let mut unclaimed = Unclaimed::default();
    unclaimed.alloc_count = 1;
    unclaimed.alloc_bytes = 2;
    unclaimed.freed_count = 3;
    unclaimed.freed_bytes = 4;
    unclaimed.realloc_count = 5;
    stats.unclaimed = Some(unclaimed);
    let mut facts = TimelineFacts::default();
    facts.intervals = 1_048_576;
    facts.dropped = 0;
    stats.timeline = Some(facts);
    let mut facts = AllocatorFacts::default();
    facts.sample_bytes = 262_144;
    facts.samples = 123_456;
    facts.dropped = 0;
    facts.debug_info = Some(true);
    stats.allocators = Some(facts);
    stats.overhead_ms = Some(0.123_456);
    stats.rust_version = text("1.95.0 (59807616e 2026-04-14)");
    stats.platform = text("x86_64-unknown-linux-gnu");
    let mut system = System::default();
    system.os = text("Linux");
    system.os_version = text("Debian GNU/Linux 13 (trixie)");
    system.arch = text("x86_64");
    system.cpu_model = text("AMD EPYC 7763 64-Core Processor");
    system.cores = Some(128);
    system.memory_mb = Some(515_934.25);
    stats.system = Some(system);
    let mut noise = Noise::default();
    noise.involuntary_context_switches = Some(1234);
    noise.major_page_faults = Some(0);
    noise.load_average = Some(12.25);
    stats.noise = Some(noise);
    let mut git = Git::default();
    git.commit = text("59807616e1bfc0a4a9a4e0a2d0a1b8f2c3d4e5f6");
    git.branch = text("feature/faster-markdown");
    git.dirty = Some(true);
    stats.git = Some(git);
    let mut ci = Ci::default();
    ci.provider = text("github");
    ci.run_id = text("18273645546/1");
    ci.change_id = text("1234");
    ci.base_branch = text("main");
    stats.ci = Some(ci);
    stats.profile = Some(Profile::Release);
    stats.labels = [("run", "before"), ("session", "0192b6e4")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    stats
}

/// Places with every field set.
fn places(places: u64) -> Vec<AllocationPlace> {
    let place = |n| {
        let mut place = AllocationPlace::default();
        place.function = "my_site::render::markdown::highlight::{closure#0}".into();
        place.file = Some("crates/my-site/src/render/markdown.rs".to_owned());
        place.line = Some(n * 117);
        place.alloc_bytes = n * 12_345_678;
        place.alloc_bytes_low = n * 11_234_567;
        place.alloc_bytes_high = n * 13_456_789;
        place.alloc_count = n * 123_456;
        place.realloc_count = n * 1_234;
        place.retained_bytes = n * 262_144;
        place.samples = n * 47;
        place
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
    let mut phase = PhaseStats::new(path);
    phase.file = Some("src/render.rs".to_owned());
    phase.line = Some(index + 17);
    phase.calls = n * 1_234;
    phase.open_calls = 1;
    phase.total_ms = share * 591.234_567_89;
    phase.self_ms = share * 91.234_567_89;
    phase.build_thread_ms = Some(share * 123.456_789_01);
    phase.build_thread_self_ms = Some(share * 23.456_789_01);
    phase.elapsed_ms = share * 601.234_567_89;
    phase.started_ms = share * 101.987_654_32;
    phase.threads = 16;
    phase.latency_ms = Some(share * 611.234_567_89);
    phase.polls = n * 2_345;
    phase.min_ms = Some(share * 0.012_345_678);
    phase.p50_ms = Some(share * 0.112_345_678);
    phase.p95_ms = Some(share * 0.512_345_678);
    phase.p99_ms = Some(share * 0.912_345_678);
    phase.max_ms = Some(share * 3.123_456_789);
    phase.items = n * 83;
    phase.panics = 1;
    phase.cancelled = 2;
    phase.alloc_count = Some(n * 123_456);
    phase.alloc_bytes = Some(n * 12_345_678);
    phase.freed_count = Some(n * 123_123);
    phase.freed_bytes = Some(n * 12_123_456);
    phase.realloc_count = Some(n * 1_234);
    phase.net_bytes = Some(-222_222);
    phase.peak_bytes = Some(n * 1_234_567);
    phase.process_peak_bytes = Some(61_566_789);
    phase.self_alloc_count = Some(n * 12_345);
    phase.self_alloc_bytes = Some(n * 1_234_567);
    phase.rss_delta_mb = Some(share * 1.234_567_8);
    // Only where there were samples.
    phase.retained_bytes = Some(if index < 1 { n * 262_144 } else { 0 });
    phase.retained_bytes_low = Some(if index < 1 { n * 26_214 } else { 0 });
    phase.retained_bytes_high = Some(if index < 1 { n * 2_621_440 } else { 0 });
    // As many as there is room for.
    phase.top_allocators = if index < 1 { places(1) } else { Vec::new() };
    phase
}
