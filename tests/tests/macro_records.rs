//! What builds record of annotated functions, in every form that makes a difference to what is
//! measured.
#![forbid(unsafe_code)]

mod macro_polling;

use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use macro_polling::{Wait, block_on, poll_once};
use perf_runtime::{
    BuildStats, PerformanceCollector, PhaseStats, TrackingAllocator, add_items, phase,
    tracked_phase,
};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Held while a build is open, or must not be.
static TURN: Mutex<()> = Mutex::new(());

/// The record of a build that does `work`; one at a time.
fn record(work: impl FnOnce()) -> BuildStats {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut collector = PerformanceCollector::new("never-written");
    collector.start_build();
    work();
    collector.end_build()
}

#[track_caller]
fn phase_of<'a>(stats: &'a BuildStats, path: &str) -> &'a PhaseStats {
    stats.phase(path).unwrap_or_else(|| panic!("no `{path}` among {:?}", paths(stats)))
}

fn paths(stats: &BuildStats) -> Vec<&str> {
    stats.phases.iter().map(|phase| phase.path.as_str()).collect()
}

/// Calls, items, panics, cancelled, polls.
#[track_caller]
fn counts(stats: &BuildStats, path: &str) -> [u64; 5] {
    let phase = phase_of(stats, path);
    assert_eq!(phase.open_calls, 0, "{path}");
    [phase.calls, phase.items, phase.panics, phase.cancelled, phase.polls]
}

/// Allocates so many bytes, once.
fn allocate(bytes: usize) -> Vec<u8> {
    Vec::with_capacity(bytes)
}

#[tracked_phase]
fn own_name() {}

#[tracked_phase("given name")]
fn renamed() {}

#[tracked_phase(name = "long form")]
fn renamed_in_long_form() {}

#[tracked_phase]
fn r#match() {}

#[test]
fn a_phase_is_called_by_its_functions_name_or_the_given_one() {
    let stats = record(|| {
        own_name();
        renamed();
        renamed_in_long_form();
        r#match();
    });
    assert_eq!(paths(&stats), ["own_name", "given name", "long form", "match"]);
}

#[tracked_phase(items = pages.len())]
fn parent(pages: &[u32]) -> u32 {
    let sum = pages.iter().map(|page| child(*page)).sum();
    add_items(10_u8);
    sum
}

#[tracked_phase]
fn child(page: u32) -> u32 {
    phase!("block", items = page, { page * 2 })
}

#[test]
fn calls_and_items_are_counted_and_phases_nest_as_the_functions_do() {
    let stats = record(|| {
        assert_eq!(parent(&[1, 2]), 6);
        assert_eq!(parent(&[]), 0);
        assert_eq!(child(5), 10);
    });
    assert_eq!(
        paths(&stats),
        ["parent", "parent/child", "parent/child/block", "child", "child/block"]
    );
    assert_eq!(counts(&stats, "parent"), [2, 22, 0, 0, 0]);
    assert_eq!(counts(&stats, "parent/child"), [2, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "parent/child/block"), [2, 3, 0, 0, 0]);
    assert_eq!(counts(&stats, "child/block"), [1, 5, 0, 0, 0]);
}

#[tracked_phase(items = { *evaluated += 1; 3 })]
fn counts_evaluations(evaluated: &mut u32) -> u32 {
    *evaluated
}

#[test]
fn items_are_evaluated_only_in_an_open_build() {
    let mut evaluated = 0;
    {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(counts_evaluations(&mut evaluated), 0);
    }
    let stats = record(|| assert_eq!(counts_evaluations(&mut evaluated), 1));
    assert_eq!(counts(&stats, "counts_evaluations"), [1, 3, 0, 0, 0]);
    {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(counts_evaluations(&mut evaluated), 1);
    }
}

const ANNOTATED_LINE: u32 = line!() + 1;
#[tracked_phase]
fn annotated() {}

#[test]
fn a_phase_records_the_file_and_line_of_its_annotation() {
    let line_of_block = line!() + 3;
    let stats = record(|| {
        annotated();
        phase!("block", {});
    });
    for (path, line) in [("annotated", ANNOTATED_LINE), ("block", line_of_block)] {
        let phase = phase_of(&stats, path);
        assert_eq!(phase.file.as_deref(), Some(file!()), "{path}");
        assert_eq!(phase.line, Some(line), "{path}");
    }
}

#[tracked_phase(items = -5_i32)]
fn negative() {}

#[test]
fn a_negative_number_of_items_counts_as_none() {
    assert_eq!(counts(&record(negative), "negative"), [1, 0, 0, 0, 0]);
}

#[tracked_phase]
fn early(number: u32) -> Result<u32, std::num::ParseIntError> {
    if number == 0 {
        return Ok(0);
    }
    let one: u32 = "one".parse()?;
    Ok(one)
}

#[tracked_phase]
fn recursive(depth: u32) {
    if depth > 0 {
        recursive(depth - 1);
    }
}

#[test]
fn every_way_out_of_a_function_ends_its_call() {
    let stats = record(|| {
        assert_eq!(early(0), Ok(0));
        assert!(early(1).is_err());
        recursive(4);
        for number in 0..3 {
            phase!("loop", {
                if number == 1 {
                    continue;
                }
                renamed();
            });
        }
        own_name();
    });
    assert_eq!(paths(&stats), ["early", "recursive", "loop", "loop/given name", "own_name"]);
    assert_eq!(counts(&stats, "early"), [2, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "recursive"), [5, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "loop"), [3, 0, 0, 0, 0]);
}

#[tracked_phase]
fn panics() {
    own_name();
    resume_unwind(Box::new("expected"));
}

#[tracked_phase]
fn catches() {
    catch_unwind(panics).unwrap_err();
    own_name();
}

#[tracked_phase(items = 3)]
async fn panics_later() -> u32 {
    Wait(1).await;
    resume_unwind(Box::new("expected"))
}

#[test]
fn a_panic_ends_the_call_and_is_counted() {
    let stats = record(|| {
        catches();
        let later = AssertUnwindSafe(|| block_on(panics_later()));
        catch_unwind(later).unwrap_err();
        own_name();
    });
    assert_eq!(
        paths(&stats),
        [
            "catches",
            "catches/panics",
            "catches/panics/own_name",
            "catches/own_name",
            "panics_later",
            "own_name"
        ]
    );
    assert_eq!(counts(&stats, "catches"), [1, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "catches/panics"), [1, 0, 1, 0, 0]);
    assert_eq!(counts(&stats, "panics_later"), [1, 3, 1, 0, 2]);
}

#[tracked_phase(items = pages.len())]
async fn fetch(mut pages: Vec<u32>, waits: u32) -> usize {
    pages.push(0);
    Wait(waits).await;
    own_name();
    pages.len()
}

#[test]
fn an_async_function_is_one_call_however_often_it_is_polled() {
    let stats = record(|| {
        assert_eq!(block_on(fetch(vec![1, 2], 3)), 3);
        assert_eq!(block_on(fetch(vec![], 0)), 1);
    });
    assert_eq!(paths(&stats), ["fetch", "fetch/own_name"]);
    assert_eq!(counts(&stats, "fetch"), [2, 2, 0, 0, 5]);
    assert!(phase_of(&stats, "fetch").latency_ms.is_some());
}

#[test]
fn a_future_dropped_half_way_is_cancelled_and_one_never_polled_is_no_call() {
    let stats = record(|| {
        drop(fetch(vec![1], 1));
        let mut half_way = Box::pin(fetch(vec![1, 2], 1));
        assert!(poll_once(half_way.as_mut()).is_pending());
        drop(half_way);
    });
    assert_eq!(paths(&stats), ["fetch"]);
    assert_eq!(counts(&stats, "fetch"), [1, 2, 0, 1, 1]);
}

#[test]
fn futures_that_are_polled_in_turn_are_not_within_each_other() {
    let stats = record(|| {
        let mut one = Box::pin(fetch(vec![1], 2));
        let mut other = Box::pin(panics_later());
        assert!(poll_once(one.as_mut()).is_pending());
        assert!(poll_once(other.as_mut()).is_pending());
        own_name();
        assert!(poll_once(one.as_mut()).is_pending());
        assert!(poll_once(one.as_mut()).is_ready());
    });
    assert_eq!(paths(&stats), ["fetch", "fetch/own_name", "panics_later", "own_name"]);
    assert_eq!(counts(&stats, "panics_later"), [1, 3, 0, 1, 1]);
}

#[tracked_phase]
fn opaque(number: u32) -> impl Future<Output = u32> {
    own_name();
    if number == 0 {
        return either(0, 2);
    }
    either(number, 1)
}

async fn either(number: u32, waits: u32) -> u32 {
    Wait(waits).await;
    child(number)
}

#[tracked_phase(items = number)]
fn boxed(number: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    own_name();
    if number == 0 {
        return Box::pin(ready(0));
    }
    Box::pin(either(number, 1))
}

#[tracked_phase(future = true)]
fn alias(number: u32) -> BoxFuture {
    Box::pin(either(number, 2))
}

type BoxFuture = Pin<Box<dyn Future<Output = u32>>>;

#[test]
fn of_a_returned_future_the_work_is_measured_and_not_the_construction() {
    let stats = record(|| {
        assert_eq!(block_on(opaque(0)), 0);
        assert_eq!(block_on(opaque(2)), 4);
        assert_eq!(block_on(boxed(0)), 0);
        assert_eq!(block_on(boxed(3)), 6);
        assert_eq!(block_on(alias(1)), 2);
        drop((opaque(1), boxed(1), alias(1)));
    });
    assert_eq!(counts(&stats, "opaque"), [2, 0, 0, 0, 5]);
    assert_eq!(counts(&stats, "boxed"), [2, 3, 0, 0, 3]);
    assert_eq!(counts(&stats, "alias"), [1, 0, 0, 0, 3]);
    assert_eq!(counts(&stats, "opaque/child"), [2, 0, 0, 0, 0]);
    // Constructing the futures, those never polled as well, is work of who calls.
    assert_eq!(counts(&stats, "own_name"), [6, 0, 0, 0, 0]);
    assert!(stats.phase("opaque/own_name").is_none());
    assert!(stats.phase("boxed/own_name").is_none());
}

#[tracked_phase(future = false)]
fn opaque_by_construction(number: u32) -> impl Future<Output = u32> {
    own_name();
    either(number, 1)
}

#[tracked_phase]
fn boxed_elsewhere(number: u32) -> BoxFuture {
    own_name();
    alias(number)
}

#[test]
fn of_another_value_the_construction_is_measured() {
    let stats = record(|| {
        assert_eq!(block_on(opaque_by_construction(1)), 2);
        assert_eq!(block_on(boxed_elsewhere(1)), 2);
    });
    assert_eq!(counts(&stats, "opaque_by_construction"), [1, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "opaque_by_construction/own_name"), [1, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "boxed_elsewhere/own_name"), [1, 0, 0, 0, 0]);
    assert_eq!(counts(&stats, "alias"), [1, 0, 0, 0, 3]);
}

#[async_trait]
trait Fetch {
    async fn fetch(&self, number: u32) -> Result<u32, String>;

    #[tracked_phase("twice")]
    async fn fetch_twice(&self, (number, _): (u32, u32)) -> Result<u32, String>
    where
        Self: Sync,
    {
        Ok(self.fetch(number).await? + self.fetch(number).await?)
    }
}

struct Server;

#[async_trait]
impl Fetch for Server {
    #[tracked_phase(items = number)]
    async fn fetch(&self, number: u32) -> Result<u32, String> {
        Wait(1).await;
        if number == 0 {
            return Err("zero".to_owned());
        }
        Ok(number)
    }
}

#[test]
fn methods_of_async_trait_are_measured_as_futures() {
    let stats = record(|| {
        assert_eq!(block_on(Server.fetch_twice((2, 0))), Ok(4));
        assert!(block_on(Server.fetch_twice((0, 0))).is_err());
        drop(Server.fetch_twice((1, 1)));
    });
    assert_eq!(paths(&stats), ["twice", "twice/fetch"]);
    assert_eq!(counts(&stats, "twice"), [2, 0, 0, 0, 5]);
    assert_eq!(counts(&stats, "twice/fetch"), [3, 4, 0, 0, 6]);
}

/// Frees 3000 bytes in 1 block when dropped, and says whether it was in a phase.
struct Argument(Vec<u8>);

impl Drop for Argument {
    fn drop(&mut self) {
        self.0 = Vec::new();
        own_name();
    }
}

#[tracked_phase]
fn takes(_: Argument, mut used: Argument) -> usize {
    used.0.push(1);
    used.0.capacity()
}

#[tracked_phase]
async fn takes_later(_: Argument, used: Argument) -> usize {
    Wait(1).await;
    used.0.capacity()
}

#[test]
fn arguments_are_dropped_after_a_functions_phase_and_inside_an_async_functions() {
    let stats = record(|| {
        let capacity = takes(Argument(allocate(3000)), Argument(allocate(3000)));
        assert_eq!(capacity, 3000);
    });
    assert_eq!(paths(&stats), ["takes", "own_name"]);
    assert_eq!(phase_of(&stats, "takes").freed_bytes, Some(0));

    let stats = record(|| {
        let capacity = block_on(takes_later(Argument(allocate(3000)), Argument(allocate(3000))));
        assert_eq!(capacity, 3000);
    });
    assert_eq!(paths(&stats), ["takes_later", "takes_later/own_name"]);
    assert_eq!(phase_of(&stats, "takes_later").freed_bytes, Some(6000));
}

#[tracked_phase]
fn borrows_at_the_end(numbers: &[u32]) -> usize {
    Argument(allocate(numbers.len())).0.capacity()
}

#[test]
fn what_the_last_expression_makes_is_dropped_inside_the_phase() {
    let stats = record(|| assert_eq!(borrows_at_the_end(&[1, 2]), 2));
    assert_eq!(paths(&stats), ["borrows_at_the_end", "borrows_at_the_end/own_name"]);
}

#[tracked_phase]
fn allocates(bytes: usize) -> Vec<u8> {
    allocate(bytes)
}

#[test]
fn a_functions_allocations_are_its_phases_and_the_macros_make_none() {
    let stats = record(|| drop((allocates(1000), allocates(24), own_name())));
    let allocates = phase_of(&stats, "allocates");
    assert_eq!((allocates.alloc_count, allocates.alloc_bytes), (Some(2), Some(1024)));
    assert_eq!(phase_of(&stats, "own_name").alloc_count, Some(0));
}

#[tracked_phase]
#[track_caller]
fn tracks_caller() -> u32 {
    std::panic::Location::caller().line()
}

#[test]
fn a_phase_does_not_hide_who_called_the_function() {
    let stats = record(|| assert_eq!(tracks_caller(), line!()));
    assert_eq!(counts(&stats, "tracks_caller"), [1, 0, 0, 0, 0]);
}

#[tokio::main(flavor = "current_thread")]
#[tracked_phase]
async fn tokio_above() {
    tokio::task::yield_now().await;
}

#[tracked_phase]
#[tokio::main(flavor = "current_thread")]
async fn tokio_below() {
    tokio::task::yield_now().await;
    own_name();
}

#[test]
fn a_main_function_of_tokio_is_a_phase_whichever_attribute_comes_first() {
    let stats = record(|| {
        tokio_above();
        tokio_below();
    });
    assert_eq!(counts(&stats, "tokio_above")[0], 1);
    assert_eq!(counts(&stats, "tokio_below")[0], 1);
    assert_eq!(counts(&stats, "tokio_below/own_name")[0], 1);
}
