//! Random programs against a slow and obvious model: every field of the memory table is exact.
//!
//! The model sits below the tracking allocator, as the allocator that it wraps, and hears of every
//! request that the program makes. For each of them it walks the stack of phases that the program
//! says are open, and adds to each. What the runtime itself allocates it does not hear of, so that
//! a byte of it that was counted would show.

#![allow(unsafe_code, reason = "a global allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;

use perf_runtime::{BuildStats, PerformanceCollector, PhaseGuard, PhaseStats, TrackingAllocator};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[global_allocator]
static ALLOCATOR: TrackingAllocator<Listener> = TrackingAllocator::new(Listener);

// ---- the model -------------------------------------------------------------------------------

struct Listener;

unsafe impl GlobalAlloc for Listener {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hear(Event::Alloc(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        hear(Event::Alloc(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hear(Event::Free(layout.size()));
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        hear(Event::Realloc(layout.size(), new_size));
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[derive(Clone, Copy)]
enum Event {
    Alloc(usize),
    Free(usize),
    Realloc(usize, usize),
}

thread_local! {
    static LISTENING: Cell<bool> = const { Cell::new(false) };
    static MODEL: RefCell<Option<Model>> = const { RefCell::new(None) };
}

fn hear(event: Event) {
    if LISTENING.get() {
        let _ = MODEL.try_with(|model| {
            if let Some(model) = model.borrow_mut().as_mut() {
                model.happened(event);
            }
        });
    }
}

/// Runs what belongs to the test itself, or to the runtime: the model does not hear of it.
fn unheard<T>(run: impl FnOnce() -> T) -> T {
    let before = LISTENING.replace(false);
    let result = run();
    LISTENING.set(before);
    result
}

/// Few, so that phases are often entered again.
const NAMES: [&str; 3] = ["a", "b", "c"];
/// A path as digits of base 6, so that the model need not allocate.
type Path = u64;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Truth {
    calls: u64,
    panics: u64,
    alloc_count: u64,
    alloc_bytes: u64,
    freed_count: u64,
    freed_bytes: u64,
    realloc_count: u64,
    self_alloc_count: u64,
    self_alloc_bytes: u64,
    peak_bytes: i64,
    /// Above the level at the start of the build, on this thread.
    level_peak: i64,
}

struct OpenPhase {
    path: Path,
    name: usize,
    entry_level: i64,
    peak_level: i64,
}

/// What one thread did.
struct Model {
    stack: Vec<OpenPhase>,
    phases: Vec<(Path, Truth)>,
    outside: Truth,
    level: i64,
    level_peak: i64,
}

const ROOM: usize = 512;

impl Model {
    fn new() -> Self {
        Self {
            stack: Vec::with_capacity(ROOM),
            phases: Vec::with_capacity(ROOM),
            outside: Truth::default(),
            level: 0,
            level_peak: 0,
        }
    }

    fn happened(&mut self, event: Event) {
        let apply = |truth: &mut Truth, top: bool| match event {
            Event::Alloc(size) => {
                truth.alloc_count += 1;
                truth.alloc_bytes += size as u64;
                if top {
                    truth.self_alloc_count += 1;
                    truth.self_alloc_bytes += size as u64;
                }
            }
            Event::Free(size) => {
                truth.freed_count += 1;
                truth.freed_bytes += size as u64;
            }
            Event::Realloc(old, new) => {
                truth.realloc_count += 1;
                truth.alloc_bytes += new.saturating_sub(old) as u64;
                truth.freed_bytes += old.saturating_sub(new) as u64;
                if top {
                    truth.self_alloc_bytes += new.saturating_sub(old) as u64;
                }
            }
        };
        self.level += match event {
            Event::Alloc(size) => size.cast_signed() as i64,
            Event::Free(size) => -(size.cast_signed() as i64),
            Event::Realloc(old, new) => new.cast_signed() as i64 - old.cast_signed() as i64,
        };
        self.level_peak = self.level_peak.max(self.level);
        for depth in 0..self.stack.len() {
            let path = self.stack[depth].path;
            // A phase that is open twice is one phase: it is told once.
            let told = self.stack[..depth].iter().any(|it| it.path == path);
            let top = self.stack.last().is_some_and(|it| it.path == path);
            if !told {
                apply(self.truth(path), top);
            }
            self.stack[depth].peak_level = self.stack[depth].peak_level.max(self.level);
        }
        if self.stack.is_empty() {
            apply(&mut self.outside, true);
        }
    }

    fn truth(&mut self, path: Path) -> &mut Truth {
        let found = self.phases.iter().position(|it| it.0 == path);
        let index = found.unwrap_or_else(|| {
            assert!(self.phases.len() < ROOM, "the model has room");
            self.phases.push((path, Truth { level_peak: i64::MIN, ..Truth::default() }));
            self.phases.len() - 1
        });
        &mut self.phases[index].1
    }

    fn enter(&mut self, name: usize) {
        let again = self.stack.iter().find(|it| it.name == name).map(|it| it.path);
        let below = self.stack.last().map_or(0, |it| it.path);
        let path = again.unwrap_or(below * 6 + name as u64 + 1);
        self.truth(path);
        assert!(self.stack.len() < ROOM, "the model has room");
        let level = self.level;
        self.stack.push(OpenPhase { path, name, entry_level: level, peak_level: level });
    }

    fn exit(&mut self, unwinding: bool) {
        let Some(phase) = self.stack.pop() else { return };
        let truth = self.truth(phase.path);
        truth.calls += 1;
        truth.panics += u64::from(unwinding);
        truth.peak_bytes = truth.peak_bytes.max(phase.peak_level - phase.entry_level);
        truth.level_peak = truth.level_peak.max(phase.peak_level);
    }
}

fn path_text(mut path: Path) -> String {
    let mut names = Vec::new();
    while path > 0 {
        names.push(NAMES[usize::try_from((path - 1) % 6).unwrap()]);
        path = (path - 1) / 6;
    }
    names.reverse();
    names.join("/")
}

/// The models of all threads of a program that ended.
static ENDED: Mutex<Vec<Model>> = Mutex::new(Vec::new());

// ---- the programs ----------------------------------------------------------------------------

#[derive(Debug, Clone)]
enum Step {
    Allocate {
        slot: usize,
        size: usize,
    },
    Zeroed {
        slot: usize,
        size: usize,
    },
    Free {
        slot: usize,
    },
    Resize {
        slot: usize,
        size: usize,
    },
    Phase {
        name: usize,
        steps: Vec<Step>,
    },
    Catch {
        steps: Vec<Step>,
    },
    Panic,
    /// A thread that takes a block along, and ends before the program goes on.
    Thread {
        slot: usize,
        steps: Vec<Step>,
    },
    /// Two threads at once.
    Both {
        one: Vec<Step>,
        other: Vec<Step>,
    },
}

const SLOTS: usize = 6;
type Slots = [Vec<u8>; SLOTS];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = 0..SLOTS;
    // Sizes around the step at which threads tell the process of their level, too.
    let size = prop_oneof![1..2_000_usize, 60_000..70_000_usize, 100_000..300_000_usize];
    let leaf = prop_oneof![
        4 => (slot.clone(), size.clone()).prop_map(|(slot, size)| Step::Allocate { slot, size }),
        1 => (slot.clone(), size.clone()).prop_map(|(slot, size)| Step::Zeroed { slot, size }),
        3 => slot.clone().prop_map(|slot| Step::Free { slot }),
        3 => (slot.clone(), size).prop_map(|(slot, size)| Step::Resize { slot, size }),
        1 => Just(Step::Panic),
    ];
    let step = leaf.prop_recursive(5, 60, 6, move |step| {
        let steps = || prop::collection::vec(step.clone(), 0..6);
        prop_oneof![
            6 => (0..NAMES.len(), steps()).prop_map(|(name, steps)| Step::Phase { name, steps }),
            2 => steps().prop_map(|steps| Step::Catch { steps }),
            1 => (0..SLOTS, steps()).prop_map(|(slot, steps)| Step::Thread { slot, steps }),
            1 => (steps(), steps()).prop_map(|(one, other)| Step::Both { one, other }),
        ]
    });
    prop::collection::vec(step, 1..8)
}

/// A phase, on both sides.
struct Phase(Option<PhaseGuard>);

impl Phase {
    fn enter(name: usize) -> Self {
        unheard(|| {
            let guard = perf_runtime::enter(NAMES[name]);
            with_model(|model| model.enter(name));
            Self(Some(guard))
        })
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        unheard(|| {
            drop(self.0.take());
            with_model(|model| model.exit(std::thread::panicking()));
        });
    }
}

fn with_model<T>(use_it: impl FnOnce(&mut Model) -> T) -> T {
    MODEL.with_borrow_mut(|model| use_it(model.as_mut().expect("the thread has a model")))
}

fn run(steps: &[Step], slots: &mut Slots) {
    for step in steps {
        match step {
            Step::Allocate { slot, size } => {
                slots[*slot] = Vec::new();
                slots[*slot] = Vec::with_capacity(*size);
            }
            Step::Zeroed { slot, size } => slots[*slot] = vec![0; *size],
            Step::Free { slot } => slots[*slot] = Vec::new(),
            Step::Resize { slot, size } => {
                let block = &mut slots[*slot];
                block.clear();
                if *size > block.capacity() {
                    block.reserve_exact(*size);
                } else {
                    block.shrink_to(*size);
                }
            }
            Step::Phase { name, steps } => {
                let _phase = Phase::enter(*name);
                run(steps, slots);
            }
            Step::Catch { steps } => {
                let _ = catch_unwind(AssertUnwindSafe(|| run(steps, slots)));
            }
            Step::Panic => resume_unwind(Box::new(())),
            Step::Thread { slot, steps } => {
                let block = std::mem::take(&mut slots[*slot]);
                // A scope ends when its threads' closures do; joined threads are gone altogether.
                std::thread::scope(|scope| {
                    scope.spawn(move || run_thread(steps, block)).join().unwrap();
                });
            }
            Step::Both { one, other } => std::thread::scope(|scope| {
                let one = scope.spawn(move || run_thread(one, Vec::new()));
                let other = scope.spawn(move || run_thread(other, Vec::new()));
                one.join().unwrap();
                other.join().unwrap();
            }),
        }
    }
}

fn run_thread(steps: &[Step], block: Vec<u8>) {
    MODEL.set(Some(Model::new()));
    LISTENING.set(true);
    let mut slots: Slots = Default::default();
    slots[0] = block;
    let _ = catch_unwind(AssertUnwindSafe(|| run(steps, &mut slots)));
    drop(slots);
    LISTENING.set(false);
    let model = MODEL.take().expect("the thread has a model");
    ENDED.lock().expect("nobody panics with the lock").push(model);
}

// ---- the comparison --------------------------------------------------------------------------

fn has_threads(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Thread { .. } | Step::Both { .. } => true,
        Step::Phase { steps, .. } | Step::Catch { steps } => has_threads(steps),
        _ => false,
    })
}

fn measure(steps: &[Step]) -> (BuildStats, Vec<Model>) {
    let mut collector = PerformanceCollector::new("never written").with_tool("exact", "1");
    let mut slots: Slots = Default::default();
    ENDED.lock().unwrap().reserve(ROOM);
    MODEL.set(Some(Model::new()));
    collector.start_build();
    LISTENING.set(true);
    let _ = catch_unwind(AssertUnwindSafe(|| run(steps, &mut slots)));
    LISTENING.set(false);
    let stats = collector.end_build();
    let mut models = std::mem::take(&mut *ENDED.lock().unwrap());
    models.push(MODEL.take().unwrap());
    (stats, models)
}

fn check(steps: &[Step]) -> Result<(), TestCaseError> {
    let (stats, models) = measure(steps);
    let own = models.last().unwrap();
    let mut expected: BTreeMap<String, Truth> = BTreeMap::new();
    for model in &models {
        prop_assert!(model.stack.is_empty());
        for (path, truth) in &model.phases {
            let sum = expected.entry(path_text(*path)).or_default();
            sum.calls += truth.calls;
            sum.panics += truth.panics;
            sum.alloc_count += truth.alloc_count;
            sum.alloc_bytes += truth.alloc_bytes;
            sum.freed_count += truth.freed_count;
            sum.freed_bytes += truth.freed_bytes;
            sum.realloc_count += truth.realloc_count;
            sum.self_alloc_count += truth.self_alloc_count;
            sum.self_alloc_bytes += truth.self_alloc_bytes;
            sum.peak_bytes = sum.peak_bytes.max(truth.peak_bytes);
        }
    }
    let found: BTreeMap<String, Truth> =
        stats.phases.iter().map(|it| (it.path.clone(), as_truth(it))).collect();
    prop_assert_eq!(&found, &expected);
    for phase in &stats.phases {
        let net =
            phase.alloc_bytes.unwrap().cast_signed() - phase.freed_bytes.unwrap().cast_signed();
        prop_assert_eq!(phase.net_bytes, Some(net));
        prop_assert_eq!(phase.open_calls, 0);
    }
    check_conservation(&stats)?;
    if !has_threads(steps) {
        let outside = stats.unattributed.as_ref().unwrap();
        prop_assert_eq!(outside.alloc_count, Some(own.outside.alloc_count));
        prop_assert_eq!(outside.alloc_bytes, Some(own.outside.alloc_bytes));
        prop_assert_eq!(outside.freed_count, Some(own.outside.freed_count));
        prop_assert_eq!(outside.freed_bytes, Some(own.outside.freed_bytes));
        prop_assert_eq!(outside.realloc_count, Some(own.outside.realloc_count));
        check_process_peaks(&stats, own)?;
    }
    Ok(())
}

fn as_truth(phase: &PhaseStats) -> Truth {
    Truth {
        calls: phase.calls,
        panics: phase.panics,
        alloc_count: phase.alloc_count.unwrap(),
        alloc_bytes: phase.alloc_bytes.unwrap(),
        freed_count: phase.freed_count.unwrap(),
        freed_bytes: phase.freed_bytes.unwrap(),
        realloc_count: phase.realloc_count.unwrap(),
        self_alloc_count: phase.self_alloc_count.unwrap(),
        self_alloc_bytes: phase.self_alloc_bytes.unwrap(),
        peak_bytes: phase.peak_bytes.unwrap().cast_signed(),
        level_peak: 0,
    }
}

fn check_conservation(stats: &BuildStats) -> Result<(), TestCaseError> {
    let outside = stats.unattributed.as_ref().unwrap();
    let bytes: u64 = stats.phases.iter().filter_map(|it| it.self_alloc_bytes).sum();
    let count: u64 = stats.phases.iter().filter_map(|it| it.self_alloc_count).sum();
    prop_assert_eq!(Some(bytes + outside.alloc_bytes.unwrap()), stats.alloc_bytes);
    prop_assert_eq!(Some(count + outside.alloc_count.unwrap()), stats.alloc_count);
    let own: f64 = stats.phases.iter().filter_map(|it| it.own_self_ms).sum();
    let difference = own + outside.own_ms - stats.build_time_ms;
    prop_assert!(difference.abs() <= 1e-9 * stats.build_time_ms, "off by {} ms", difference);
    Ok(())
}

/// With one thread the process's level is the thread's, from another zero.
fn check_process_peaks(stats: &BuildStats, own: &Model) -> Result<(), TestCaseError> {
    #[expect(clippy::cast_possible_truncation, reason = "a size of memory")]
    let bytes = |megabytes: f64| (megabytes * 1_048_576.0).round() as i64;
    let zero = bytes(stats.memory_heap_mb.unwrap()) - own.level;
    prop_assert_eq!(bytes(stats.memory_peak_mb.unwrap()), zero + own.level_peak);
    for (path, truth) in &own.phases {
        let phase = stats.phase(&path_text(*path)).unwrap();
        let found = phase.process_peak_bytes.map(u64::cast_signed);
        prop_assert_eq!(found, Some(zero + truth.level_peak), "{}", phase.path);
    }
    Ok(())
}

#[test]
fn every_field_of_the_memory_table_is_exact_for_random_programs() {
    let cases =
        std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(3_000);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    if let Err(error) = runner.run(&steps(), |steps| check(&steps)) {
        panic!("{error}");
    }
}
