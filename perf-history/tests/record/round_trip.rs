//! Records of every shape read back as they were written.

use perf_history::{
    AllocationPlace, AllocatorFacts, BuildStats, Ci, Clock, Git, Noise, Outcome, PhaseStats,
    Profile, System, TimelineFacts, Unattributed, Unclaimed,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

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

fn unknown_fields() -> impl Strategy<Value = Map<String, Value>> {
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
    let place =
        (place, unknown_fields()).prop_map(|((function, file, numbers), extra)| AllocationPlace {
            function,
            file,
            line: Some(numbers[0]).filter(|&it| it > 0),
            alloc_bytes: numbers[1],
            alloc_bytes_low: numbers[2],
            alloc_bytes_high: numbers[3],
            alloc_count: numbers[4],
            realloc_count: numbers[5],
            retained_bytes: numbers[6],
            samples: numbers[7],
            extra,
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
            PhaseStats {
                path,
                calls: counters[0],
                open_calls: counters[1],
                total_ms: always[0],
                self_ms: always[1],
                build_thread_ms: times[0],
                build_thread_self_ms: times[1],
                elapsed_ms: always[2],
                started_ms: always[3],
                threads: counters[2],
                latency_ms: times[2],
                polls: counters[3],
                min_ms: times[3],
                p50_ms: times[4],
                p95_ms: times[5],
                p99_ms: times[6],
                max_ms: times[7],
                items: counters[4],
                panics: counters[5],
                cancelled: counters[6],
                alloc_count: memory(7),
                alloc_bytes: memory(8),
                freed_count: memory(9),
                freed_bytes: memory(10),
                realloc_count: memory(11),
                net_bytes: has_allocator.then_some(net),
                peak_bytes: memory(12),
                process_peak_bytes: memory(13).filter(|_| is_own),
                self_alloc_count: memory(14),
                self_alloc_bytes: memory(15),
                rss_delta_mb: times[8],
                retained_bytes: estimate(16),
                retained_bytes_low: estimate(17),
                retained_bytes_high: estimate(18),
                top_allocators: places,
                extra,
            }
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
            let system = System {
                os: text(0),
                os_version: text(1),
                arch: text(2),
                cpu_model: text(3),
                cores: integers[0],
                memory_mb: numbers[0],
                extra: extra(),
            };
            let noise = Noise {
                involuntary_context_switches: integers[1],
                major_page_faults: integers[2],
                load_average: numbers[1],
                extra: extra(),
            };
            let git = Git { commit: text(4), branch: text(5), dirty, extra: extra() };
            let ci = Ci {
                provider: text(6),
                run_id: text(7),
                change_id: text(8),
                base_branch: text(9),
                extra: extra(),
            };
            (system, noise, git, ci)
        },
    )
}

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
        )| BuildStats {
            schema: if has[7] { 1 } else { 3 },
            build_id: texts[0].clone(),
            timestamp: texts[1].clone(),
            tool: texts[2].clone(),
            tool_version: has[0].then(|| texts[3].clone()),
            outcome: match (has[1], has[2]) {
                (true, _) => Outcome::Success,
                (false, true) => Outcome::Failed,
                (false, false) => Outcome::Panicked,
            },
            build_time_ms,
            cpu_user_ms: numbers[0],
            cpu_system_ms: numbers[1],
            parallel: flags[0],
            incremental: flags[1],
            skipped: flags[2],
            clock: flags[3].map(|_| Clock::Suspect),
            counts,
            memory_rss_mb: numbers[2],
            memory_start_rss_mb: numbers[7],
            memory_heap_mb: numbers[3],
            memory_peak_mb: numbers[4],
            peak_phase: has[6].then(|| texts[6].clone()),
            memory_peak_rss_mb: numbers[5],
            alloc_count: has_allocator.then_some(integers[0]),
            alloc_bytes: has_allocator.then_some(integers[1]),
            phase_timings_ms,
            phases,
            unattributed: has[3].then(|| Unattributed {
                build_thread_ms: build_time_ms,
                alloc_count: has_allocator.then_some(integers[2]),
                alloc_bytes: Some(0),
                freed_count: Some(integers[3]),
                freed_bytes: None,
                realloc_count: Some(integers[4]),
                net_bytes: Some(i64::MIN),
                retained_bytes: sampled.then_some(integers[11]),
                retained_bytes_low: sampled.then_some(0),
                retained_bytes_high: None,
                top_allocators: places,
                extra: extra.clone(),
            }),
            unclaimed: has[4].then(|| Unclaimed {
                alloc_count: integers[5],
                alloc_bytes: integers[6],
                freed_count: integers[7],
                freed_bytes: integers[8],
                realloc_count: 0,
                extra: extra.clone(),
            }),
            timeline: has[5].then(|| TimelineFacts {
                intervals: integers[9],
                dropped: integers[10],
                extra: extra.clone(),
            }),
            allocators: sampled.then(|| AllocatorFacts {
                sample_bytes: integers[12],
                samples: integers[13],
                dropped: integers[14],
                debug_info: flags[0],
                extra: extra.clone(),
            }),
            overhead_ms: numbers[6],
            rust_version: has[5].then(|| texts[4].clone()),
            platform: has[6].then(|| texts[5].clone()),
            system: has[0].then_some(system),
            noise: has[1].then_some(noise),
            git: has[2].then_some(git),
            ci: has[3].then_some(ci),
            profile: flags[3].map(|debug| if debug { Profile::Debug } else { Profile::Release }),
            labels,
            extra,
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
        let stats = BuildStats { build_time_ms: number, ..record("a") };
        let line = serde_json::to_string(&stats).unwrap();
        let back: BuildStats = serde_json::from_str(&line).unwrap();
        let error = (back.build_time_ms - number).abs();
        prop_assert!(error <= 0.000_5 || error <= number.abs() * 1e-15);
    }
}
