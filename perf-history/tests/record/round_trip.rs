//! Records of every shape read back as they were written.

use perf_history::{
    AllocationPlace, AllocatorFacts, BuildStats, Ci, Clock, Git, Noise, Outcome, PhaseStats,
    Profile, System, TimelineFacts, Unattributed, Unclaimed, UnknownFields,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use crate::records::record;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "\\PC{0,6}", Just("\u{0}\u{1b}\u{2028}\"\\/".to_owned())]
}

/// Numbers that a file keeps exactly: three decimals.
fn number() -> impl Strategy<Value = f64> {
    (-1_000_000_000_000..1_000_000_000_000_i64).prop_map(|thousandths| {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let number = thousandths as f64;
        number / 1000.0
    })
}

fn unknown_fields() -> impl Strategy<Value = UnknownFields> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        vec(any::<u32>(), 0..3).prop_map(Value::from),
    ];
    btree_map("x_[a-z]{1,4}", value, 0..3).prop_map(|fields| fields.into_iter().collect())
}

fn places() -> impl Strategy<Value = Vec<AllocationPlace>> {
    let place = (text(), option::of(text()), vec(prop_oneof![Just(0), any::<u64>()], 8));
    let place = (place, unknown_fields()).prop_map(|((function, file, numbers), extra)| {
        let mut place = AllocationPlace::default();
        place.function = function;
        place.file = file;
        place.line = Some(numbers[0]).filter(|&it| it > 0);
        place.alloc_bytes = numbers[1];
        place.alloc_bytes_low = numbers[2];
        place.alloc_bytes_high = numbers[3];
        place.alloc_count = numbers[4];
        place.realloc_count = numbers[5];
        place.retained_bytes = numbers[6];
        place.samples = numbers[7];
        place.unknown_fields = extra;
        place
    });
    vec(place, 0..3)
}

fn phase(has_allocator: bool, sampled: bool) -> impl Strategy<Value = PhaseStats> {
    let times = (vec(number(), 4), vec(option::of(number()), 9));
    let counters = vec(prop_oneof![Just(0), any::<u64>()], 19);
    let rest = (any::<i64>(), any::<bool>(), unknown_fields(), text(), places());
    (times, counters, rest).prop_map(
        move |((always, times), counters, (net, is_own, extra, path, places))| {
            let memory = |index: usize| has_allocator.then_some(counters[index]);
            let estimate = |index: usize| sampled.then_some(counters[index]);
            let mut phase = PhaseStats::new(path);
            phase.file = (counters[1] > 0).then(|| "src/lib.rs".to_owned());
            phase.line = u32::try_from(counters[2]).ok();
            phase.calls = counters[0];
            phase.open_calls = counters[1];
            phase.total_ms = always[0];
            phase.self_ms = always[1];
            phase.build_thread_ms = times[0];
            phase.build_thread_self_ms = times[1];
            phase.elapsed_ms = always[2];
            phase.started_ms = always[3];
            phase.threads = counters[2];
            phase.latency_ms = times[2];
            phase.polls = counters[3];
            phase.min_ms = times[3];
            phase.p50_ms = times[4];
            phase.p95_ms = times[5];
            phase.p99_ms = times[6];
            phase.max_ms = times[7];
            phase.items = counters[4];
            phase.panics = counters[5];
            phase.cancelled = counters[6];
            phase.alloc_count = memory(7);
            phase.alloc_bytes = memory(8);
            phase.freed_count = memory(9);
            phase.freed_bytes = memory(10);
            phase.realloc_count = memory(11);
            phase.net_bytes = has_allocator.then_some(net);
            phase.peak_bytes = memory(12);
            phase.process_peak_bytes = memory(13).filter(|_| is_own);
            phase.self_alloc_count = memory(14);
            phase.self_alloc_bytes = memory(15);
            phase.rss_delta_mb = times[8];
            phase.retained_bytes = estimate(16);
            phase.retained_bytes_low = estimate(17);
            phase.retained_bytes_high = estimate(18);
            phase.top_allocators = places;
            phase.unknown_fields = extra;
            phase
        },
    )
}

fn environment() -> impl Strategy<Value = (System, Noise, Git, Ci)> {
    let texts = vec(option::of(text()), 10);
    let numbers = (vec(option::of(any::<u64>()), 3), vec(option::of(number()), 2));
    (texts, numbers, option::of(any::<bool>()), unknown_fields()).prop_map(
        |(texts, (integers, numbers), dirty, extra)| {
            let text = |index: usize| texts[index].clone();
            let extra = || extra.clone();
            let mut system = System::default();
            system.os = text(0);
            system.os_version = text(1);
            system.arch = text(2);
            system.cpu_model = text(3);
            system.cores = integers[0];
            system.memory_mb = numbers[0];
            system.unknown_fields = extra();
            let mut noise = Noise::default();
            noise.involuntary_context_switches = integers[1];
            noise.major_page_faults = integers[2];
            noise.load_average = numbers[1];
            noise.unknown_fields = extra();
            let mut git = Git::default();
            git.commit = text(4);
            git.branch = text(5);
            git.dirty = dirty;
            git.unknown_fields = extra();
            let mut ci = Ci::default();
            ci.provider = text(6);
            ci.run_id = text(7);
            ci.change_id = text(8);
            ci.base_branch = text(9);
            ci.unknown_fields = extra();
            (system, noise, git, ci)
        },
    )
}

#[expect(clippy::too_many_lines, reason = "it is one value")]
fn build_stats() -> impl Strategy<Value = BuildStats> {
    let top = (
        vec(text(), 7),
        (number(), vec(option::of(number()), 8)),
        vec(option::of(any::<bool>()), 4),
        vec(any::<u64>(), 15),
        any::<[bool; 8]>(),
    );
    let maps = (
        btree_map("[A-Z].{0,8}", any::<u64>(), 0..5),
        btree_map(text(), number(), 0..5),
        btree_map(text(), text(), 0..5),
        unknown_fields(),
    );
    let phases = any::<[bool; 2]>()
        .prop_flat_map(|has| (Just(has), vec(phase(has[0], has[1]), 0..4), places()));
    (top, maps, phases, environment()).prop_map(
        |(
            (texts, (build_time_ms, numbers), flags, integers, has),
            (counts, phase_timings_ms, labels, extra),
            ([has_allocator, sampled], phases, places),
            (system, noise, git, ci),
        )| {
            let mut stats = BuildStats::default();
            stats.schema = if has[7] { 1 } else { 3 };
            stats.build_id.clone_from(&texts[0]);
            stats.timestamp.clone_from(&texts[1]);
            stats.tool.clone_from(&texts[2]);
            stats.tool_version = has[0].then(|| texts[3].clone());
            stats.outcome = match (has[1], has[2]) {
                (true, _) => Outcome::Success,
                (false, true) => Outcome::Failed,
                (false, false) => Outcome::Panicked,
            };
            stats.build_time_ms = build_time_ms;
            stats.cpu_user_ms = numbers[0];
            stats.cpu_system_ms = numbers[1];
            stats.parallel = flags[0];
            stats.incremental = flags[1];
            stats.skipped = flags[2];
            stats.clock = flags[3].map(|_| Clock::Suspect);
            stats.counts = counts;
            stats.memory_rss_mb = numbers[2];
            stats.memory_start_rss_mb = numbers[7];
            stats.memory_heap_mb = numbers[3];
            stats.memory_peak_mb = numbers[4];
            stats.peak_phase = has[6].then(|| texts[6].clone());
            stats.memory_peak_rss_mb = numbers[5];
            stats.alloc_count = has_allocator.then_some(integers[0]);
            stats.alloc_bytes = has_allocator.then_some(integers[1]);
            stats.phase_timings_ms = phase_timings_ms;
            stats.phases = phases;
            stats.unattributed = has[3].then(|| {
                let mut unattributed = Unattributed::default();
                unattributed.build_thread_ms = build_time_ms;
                unattributed.alloc_count = has_allocator.then_some(integers[2]);
                unattributed.alloc_bytes = Some(0);
                unattributed.freed_count = Some(integers[3]);
                unattributed.freed_bytes = None;
                unattributed.realloc_count = Some(integers[4]);
                unattributed.net_bytes = Some(i64::MIN);
                unattributed.retained_bytes = sampled.then_some(integers[11]);
                unattributed.retained_bytes_low = sampled.then_some(0);
                unattributed.retained_bytes_high = None;
                unattributed.top_allocators = places;
                unattributed.unknown_fields = extra.clone();
                unattributed
            });
            stats.unclaimed = has[4].then(|| {
                let mut unclaimed = Unclaimed::default();
                unclaimed.alloc_count = integers[5];
                unclaimed.alloc_bytes = integers[6];
                unclaimed.freed_count = integers[7];
                unclaimed.freed_bytes = integers[8];
                unclaimed.realloc_count = 0;
                unclaimed.unknown_fields = extra.clone();
                unclaimed
            });
            stats.timeline = has[5].then(|| {
                let mut facts = TimelineFacts::default();
                facts.intervals = integers[9];
                facts.dropped = integers[10];
                facts.unknown_fields = extra.clone();
                facts
            });
            stats.allocators = sampled.then(|| {
                let mut facts = AllocatorFacts::default();
                facts.sample_bytes = integers[12];
                facts.samples = integers[13];
                facts.dropped = integers[14];
                facts.debug_info = flags[0];
                facts.unknown_fields = extra.clone();
                facts
            });
            stats.overhead_ms = numbers[6];
            stats.rust_version = has[5].then(|| texts[4].clone());
            stats.platform = has[6].then(|| texts[5].clone());
            stats.system = has[0].then_some(system);
            stats.noise = has[1].then_some(noise);
            stats.git = has[2].then_some(git);
            stats.ci = has[3].then_some(ci);
            stats.profile =
                flags[3].map(|debug| if debug { Profile::Debug } else { Profile::Release });
            stats.labels = labels;
            stats.unknown_fields = extra;
            stats
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_record_reads_back_as_it_was_written(stats in build_stats()) {
        let line = serde_json::to_string(&stats).unwrap();
        prop_assert!(!line.contains('\n'));
        let back: BuildStats = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&back, &stats);
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), line);
    }

    #[test]
    fn numbers_of_any_size_are_kept_to_half_a_thousandth_or_fifteen_digits(
        number in any::<f64>().prop_filter("finite", |number| number.is_finite()),
    ) {
        let mut stats = record("a");
stats.build_time_ms = number;

        let line = serde_json::to_string(&stats).unwrap();
        let back: BuildStats = serde_json::from_str(&line).unwrap();
        let error = (back.build_time_ms - number).abs();
        prop_assert!(error <= 0.000_5 || error <= number.abs() * 1e-15);
    }
}
