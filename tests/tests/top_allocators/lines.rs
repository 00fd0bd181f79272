//! A recorded place is a line of the tool, whatever code of the standard library is between it and the
//! allocator.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use perf_runtime::{BuildStats, enter, in_current_phase, tracked_phase};

use crate::{all, places, sampled};

/// The lines of the places of a phase, the largest first.
#[track_caller]
fn lines(stats: &BuildStats, path: &str) -> Vec<u32> {
    let places = places(stats, path);
    for place in places {
        let file = place.file.as_deref().unwrap();
        assert!(file.ends_with("tests/top_allocators/lines.rs"), "{place:?}");
    }
    places.iter().map(|place| u32::try_from(place.line.unwrap()).unwrap()).collect()
}

/// Asserts that everything `work` allocates is recorded for the line that it returns.
#[track_caller]
fn assert_line(work: impl FnOnce() -> u32) {
    let mut line = 0;
    let stats = sampled(all(), || {
        let _phase = enter("work");
        line = work();
    });
    assert_eq!(lines(&stats, "work"), [line]);
    let phase = stats.phase("work").unwrap();
    let place = &phase.top_allocators[0];
    assert_eq!(Some(place.alloc_bytes), phase.self_alloc_bytes);
    assert_eq!(Some(place.alloc_count), phase.self_alloc_count);
}

/// The same for an expression on one line.
macro_rules! assert_line {
    ($work:expr) => {
        assert_line(|| {
            black_box($work);
            line!()
        })
    };
}

#[test]
fn growth_of_vectors_strings_and_queues() {
    assert_line(|| {
        let mut numbers = Vec::with_capacity(10);
        numbers.extend(0..10_u64);
        black_box(&mut numbers).clear();
        line!() - 3
    });
    let mut line = 0;
    let stats = sampled(all(), || {
        let _phase = enter("work");
        let mut numbers: Vec<u64> = Vec::new();
        let mut text = String::new();
        let mut queue = VecDeque::with_capacity(8);
        for number in 0..1_000 {
            numbers.push(number);
            text.push_str("a line of some length that is long enough");
            queue.push_back([number; 4]);
        }
        line = line!() - 2;
        black_box((numbers, text, queue));
    });
    // The queue's first allocation is in the line that created it.
    let mut found = lines(&stats, "work");
    found.sort_unstable();
    assert_eq!(found, [line - 4, line - 2, line - 1, line]);
    let queue =
        places(&stats, "work").iter().find(|place| place.line == Some(u64::from(line))).unwrap();
    // From 8 to 1024 elements of 32 bytes.
    assert_eq!((queue.alloc_bytes, queue.realloc_count, queue.alloc_count), (1_016 * 32, 7, 0));
}

#[test]
fn boxes_and_counted_pointers() {
    assert_line!(Box::new([1_u64; 20]));
    assert_line!(Rc::new([1_u64; 20]));
    assert_line!(Arc::<[u64]>::from(&[1; 20][..]));
}

#[test]
fn macros_of_the_standard_library() {
    assert_line!(vec![0_u8; 100]);
    assert_line!(vec![7_u64; 100]);
    assert_line!(format!("{:>100}", black_box(7)));
}

#[test]
fn formatting_through_several_layers() {
    struct Page(Vec<u32>);
    impl std::fmt::Display for Page {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.iter().try_for_each(|number| write!(f, "<p>{number:>60}</p>"))
        }
    }
    let page = Page((0..100).collect());
    let mut line = 0;
    let stats = sampled(all(), || {
        let _phase = enter("work");
        let mut html = String::with_capacity(60);
        write!(html, "{page}").unwrap();
        line = line!() - 1;
        black_box(html);
    });
    // The implementation of `Display` is code of the tool, and the innermost.
    assert_eq!(lines(&stats, "work")[0], line - 8);
    assert!(lines(&stats, "work").contains(&(line - 1)));
}

#[test]
fn maps_and_their_growth() {
    let mut line = 0;
    let stats = sampled(all(), || {
        let _phase = enter("work");
        let mut hashed = HashMap::new();
        let mut sorted = BTreeMap::new();
        for number in 0..1_000_u64 {
            hashed.insert(number, number);
            sorted.insert(number, number);
            line = line!() - 2;
        }
        black_box((hashed, sorted));
    });
    let mut found = lines(&stats, "work");
    found.sort_unstable();
    assert_eq!(found, [line, line + 1]);
}

#[test]
fn iterators_that_collect_results_of_closures() {
    let mut line = 0;
    let stats = sampled(all(), || {
        let _phase = enter("work");
        let texts: Vec<String> = (0..100_u32)
            .filter(|number| number % 2 == 0)
            .map(|number| "abc".repeat(number as usize + 20))
            .collect();
        line = line!() - 1;
        black_box(texts);
    });
    let mut found = lines(&stats, "work");
    found.sort_unstable();
    assert_eq!(found.last(), Some(&line));
    assert!(found[..found.len() - 1].iter().all(|found| (line - 3..=line).contains(found)));
    assert_eq!(places(&stats, "work").iter().map(|place| place.alloc_count).max(), Some(50));
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "that is what the test is about")]
fn inlined() -> (Vec<u8>, u32) {
    (Vec::with_capacity(100), line!())
}

fn generic<T: From<u8>>() -> (Box<[T; 64]>, u32) {
    (Box::new(std::array::from_fn(|_| T::from(1))), line!())
}

#[test]
fn inlined_and_generic_functions_and_closures() {
    assert_line(|| black_box(inlined()).1);
    assert_line(|| black_box(generic::<u64>()).1);
    let closure = |bytes: usize| (Vec::<u8>::with_capacity(bytes), line!());
    assert_line(|| black_box(black_box(closure)(100)).1);
}

#[test]
fn instances_of_generic_code_are_one_place() {
    let stats = sampled(all(), || {
        let _phase = enter("work");
        black_box((generic::<u16>(), generic::<u32>(), generic::<u64>()));
    });
    let [place] = places(&stats, "work") else { panic!("{:?}", places(&stats, "work")) };
    assert_eq!((place.alloc_count, place.alloc_bytes), (3, 64 * (2 + 4 + 8)));
    assert!(place.function.contains("generic"), "{place:?}");
}

#[tracked_phase("fetch")]
async fn fetch() -> u32 {
    let page = vec![1_u8; 4_000];
    std::future::ready(()).await;
    let copy = page.clone();
    black_box((page, copy));
    line!() - 4
}

#[test]
fn async_functions_that_are_phases() {
    let mut line = 0;
    let stats = sampled(all(), || {
        let mut future = std::pin::pin!(fetch());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(ready) = future.as_mut().poll(&mut context) {
            line = ready;
        }
    });
    let mut found = lines(&stats, "fetch");
    found.sort_unstable();
    assert_eq!(found, [line, line + 2]);
}

#[test]
fn handed_off_work_is_in_its_phase() {
    let mut line = 0;
    let stats = sampled(all(), || {
        let _phase = enter("work");
        thread::scope(|scope| {
            scope.spawn(in_current_phase!(|| {
                black_box(vec![1_u8; 1 << 20]);
                line = line!() - 1;
            }));
        });
    });
    assert_eq!(lines(&stats, "work")[0], line);
    assert_eq!(places(&stats, "work")[0].alloc_bytes, 1 << 20);
}

#[test]
fn a_function_is_named_by_its_path() {
    let stats = sampled(all(), || {
        let _phase = enter("work");
        black_box(generic::<u64>());
    });
    let place = &places(&stats, "work")[0];
    assert_eq!(place.function, "top_allocators::lines::generic");
}

#[test]
fn the_places_of_a_phase_do_not_include_those_below() {
    let stats = sampled(all(), || {
        let _outer = enter("outer");
        black_box(vec![1_u8; 1_000]);
        let _inner = enter("inner");
        black_box(vec![1_u8; 2_000]);
    });
    let bytes =
        |path| places(&stats, path).iter().map(|place| place.alloc_bytes).collect::<Vec<_>>();
    assert_eq!(bytes("outer"), [1_000]);
    assert_eq!(bytes("outer/inner"), [2_000]);
}
