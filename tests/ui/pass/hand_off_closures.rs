//! `in_current_phase!` around closures of every form, with all that can be inferred left out.
#![allow(clippy::redundant_closure_call, clippy::option_map_unit_fn)]

use std::collections::BTreeMap;
use std::num::ParseIntError;
use std::sync::mpsc;
use std::thread;

use perf_runtime::in_current_phase;
use rayon::prelude::*;

fn length(text: &str) -> usize {
    text.len()
}

fn parallel(pages: &[String]) {
    let lengths: Vec<usize> = pages.par_iter().map(in_current_phase!(|page| page.len())).collect();
    assert_eq!(lengths, [3, 1, 2]);
    let by_function: Vec<_> =
        pages.par_iter().map(in_current_phase!(|page| length(page))).collect();
    assert_eq!(by_function, lengths);
    let longer = lengths.par_iter().filter(in_current_phase!(|length| **length > 1)).count();
    assert_eq!(longer, 2);
    let limit = 1;
    let moved: Vec<_> = lengths
        .par_iter()
        .filter_map(in_current_phase!(move |&length| (length > limit).then_some(length)))
        .collect();
    assert_eq!(moved, [3, 2]);
    pages.par_iter().for_each(in_current_phase!(|page| assert!(!page.is_empty())));
    pages.par_iter().for_each_with(vec![0], in_current_phase!(|seen, page| seen.push(page.len())));
    let prefixed: Vec<String> = pages
        .par_iter()
        .map_init(
            in_current_phase!(|| String::from("<")),
            in_current_phase!(|buffer, page| {
                buffer.truncate(1);
                buffer.push_str(page);
                buffer.clone()
            }),
        )
        .collect();
    assert_eq!(prefixed, ["<one", "<2", "<do"]);
    let all: Vec<&String> = pages
        .par_iter()
        .fold(
            in_current_phase!(|| Vec::new()),
            in_current_phase!(|mut all, page| {
                all.push(page);
                all
            }),
        )
        .reduce(
            Vec::new,
            in_current_phase!(|mut all, more| {
                all.extend(more);
                all
            }),
        );
    assert_eq!(all.len(), 3);
    let parsed: Result<Vec<u32>, ParseIntError> = pages
        .par_iter()
        .map(in_current_phase!(|page| {
            let number: u32 = page.parse()?;
            Ok(number)
        }))
        .collect();
    assert!(parsed.is_err());
    let tried =
        pages.par_iter().try_for_each(in_current_phase!(|page| page.parse().map(drop::<u8>)));
    assert!(tried.is_err());
    let mut sorted = pages.to_vec();
    sorted.par_sort_by_key(in_current_phase!(|page| page.len()));
    assert_eq!(sorted, ["2", "do", "one"]);
    sorted.par_sort_by(in_current_phase!(|a, b| a.cmp(b)));
    assert_eq!(sorted, ["2", "do", "one"]);
    let (first, second) =
        rayon::join(in_current_phase!(|| pages[0].len()), in_current_phase!(|| pages[1].len()));
    assert_eq!(first + second, 4);
}

fn threads(pages: &[String]) {
    let owned = pages.to_vec();
    let joined = thread::spawn(in_current_phase!(move || owned.concat())).join();
    assert_eq!(joined.unwrap_or_default(), "one2do");
    let constant = thread::spawn(in_current_phase!(|| 7)).join();
    assert_eq!(constant.unwrap_or_default(), 7);
    let named = thread::Builder::new()
        .name(String::from("named"))
        .spawn(in_current_phase!(|| thread::current().name().map(String::from)))
        .and_then(|handle| handle.join().map_err(|_| std::io::Error::other("panicked")));
    assert_eq!(named.unwrap_or_default().as_deref(), Some("named"));

    let mut lengths = vec![0; pages.len()];
    thread::scope(|scope| {
        for (page, length) in pages.iter().zip(&mut lengths) {
            let _ = scope.spawn(in_current_phase!(|| *length = page.len()));
        }
    });
    assert_eq!(lengths, [3, 1, 2]);
    let first = thread::scope(in_current_phase!(|scope| {
        scope.spawn(in_current_phase!(|| pages[0].len())).join().unwrap_or_default()
    }));
    assert_eq!(first, 3);

    let (sender, receiver) = mpsc::channel();
    rayon::scope(|scope| {
        for page in pages {
            let sender = sender.clone();
            scope.spawn(in_current_phase!(move |_| sender.send(page.len()).unwrap_or_default()));
        }
        scope.spawn(in_current_phase!(|scope| {
            scope.spawn(in_current_phase!(|_| sender.send(4).unwrap_or_default()));
        }));
    });
    let mut received: Vec<_> = receiver.try_iter().collect();
    received.sort_unstable();
    assert_eq!(received, [1, 2, 3, 4]);
}

type Job = Box<dyn FnOnce() -> usize + Send>;
type Rule = Box<dyn Fn(&str) -> Option<&str> + Send + Sync>;

fn channels(pages: Vec<String>) {
    let (sender, receiver) = mpsc::channel::<Job>();
    for page in pages {
        sender.send(Box::new(in_current_phase!(move || page.len()))).unwrap_or_default();
    }
    drop(sender);
    let worker = thread::spawn(move || receiver.into_iter().map(|job| job()).collect());
    assert_eq!(worker.join().unwrap_or_else(|_| Vec::new()), [3, 1, 2]);

    let mut rules: BTreeMap<&str, Rule> = BTreeMap::new();
    let _ = rules.insert("first", Box::new(in_current_phase!(|line| line.split(' ').next())));
    let skipped = String::from("a");
    let _ = rules.insert(
        "rest",
        Box::new(in_current_phase!(move |line| line.strip_prefix(skipped.as_str()))),
    );
    assert_eq!(rules["first"]("a b"), Some("a"));
    assert_eq!(rules["rest"]("a b"), Some(" b"));
}

fn once<T>(call: impl FnOnce() -> T) -> T {
    call()
}

fn many<T>(mut call: impl FnMut() -> T) -> T {
    let _ = call();
    call()
}

fn any<T>(call: &impl Fn() -> T) -> T {
    let _ = call();
    call()
}

fn kinds() {
    let text = String::from("text");
    let consumed = in_current_phase!(|| text);
    assert_eq!(once(consumed), "text");

    let text = String::from("text");
    assert_eq!(once(in_current_phase!(move || text)), "text");

    let mut count = 0;
    let mut counting = in_current_phase!(|| {
        count += 1;
        count
    });
    assert_eq!(counting(), 1);
    assert_eq!(many(&mut counting), 3);
    assert_eq!(many(counting), 5);
    assert_eq!(count, 5);

    let number = 2;
    let reading = in_current_phase!(|| number);
    let copied = reading;
    assert_eq!(any(&reading) + any(&copied) + once(reading), 6);

    let double = in_current_phase!(|value| value * 2);
    assert_eq!(double(1) + double(2), 6);
    let adding: &dyn Fn(u8) -> u8 = &in_current_phase!(|value| value + 1);
    assert_eq!(adding(1), 2);

    let adder = in_current_phase!(|a| in_current_phase!(move |b| a + b));
    assert_eq!(adder(1)(2), 3);
    assert_eq!(in_current_phase!(|| 5)(), 5);
}

/// Nothing is captured but the phase, without `move` too.
fn leaves() -> impl Fn(u32) -> u32 + Copy + Send + Sync + 'static {
    in_current_phase!(|number| number + 1)
}

fn leaves_borrowing(text: &str) -> impl Fn(usize) -> Option<char> + '_ {
    in_current_phase!(|index| text.chars().nth(index))
}

struct Point {
    x: u32,
    y: u32,
}

/// What is inside may move to another thread, but only as a whole.
struct Movable(*const u32);

#[allow(unsafe_code, clippy::non_send_fields_in_send_ty)]
// SAFETY: nobody reads through the pointer.
unsafe impl Send for Movable {}

impl Movable {
    fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

fn captures() {
    let mut point = Point { x: 1, y: 2 };
    let movable = Movable(std::ptr::null());
    let null = thread::spawn(in_current_phase!(move || movable.is_null())).join();
    assert!(null.unwrap_or_default());
    let mut shift = in_current_phase!(|| point.x += 1);
    shift();
    assert_eq!((point.x, point.y), (2, 2));
    let ignoring = in_current_phase!(|| {
        let _ = point;
        match point {
            Point { x: _, .. } => 1,
        }
    });
    point.x = 3;
    assert_eq!(ignoring() + point.x, 4);
}

const fn pages_are_missing() -> bool {
    false
}

fn heads() {
    let none = in_current_phase!(|| ());
    none();
    let trailing = in_current_phase!(|a: u32, b| a + b,);
    assert_eq!(trailing(1, 2), 3);
    let patterns = in_current_phase!(|&a: &u32,
                                      (b, _): (u32, u32),
                                      Point { x, .. },
                                      [c, .., d]: [u32; 3],
                                      mut e,
                                      ref f,
                                      _: u8| {
        e += 1;
        a + b + x + c + d + e + *f
    });
    assert_eq!(patterns(&1, (2, 0), Point { x: 3, y: 0 }, [4, 0, 5], 6, 7, 8), 29);
    let returning = in_current_phase!(|text: &str| -> Result<u32, ParseIntError> {
        if text.is_empty() {
            return Ok(0);
        }
        Ok(text.parse::<u32>()? + 1)
    });
    assert_eq!(returning(""), Ok(0));
    assert_eq!(returning("1"), Ok(2));
    assert!(returning("x").is_err());
    let coerced = in_current_phase!(|| -> Box<dyn std::fmt::Debug> { Box::new(1) });
    assert_eq!(format!("{:?}", coerced()), "1");
    let never = in_current_phase!(|| -> ! { panic!("is not called") });
    if pages_are_missing() {
        never();
    }
    let attributed = in_current_phase!(
        #[inline]
        #[allow(unused_variables)]
        |#[allow(clippy::no_effect_underscore_binding)] unused: u8, used| used + 1
    );
    assert_eq!(attributed(1, 2), 3);
}

fn bodies(number: u32) {
    let matched = in_current_phase!(|x| match x {
        0 => 1,
        _ => 2,
    } + 1);
    assert_eq!(matched(number), 3);
    let chosen = in_current_phase!(|x| if x == 0 { 1 } else { 2 } * 3);
    assert_eq!(chosen(number), 6);
    let negated = in_current_phase!(|x: i32| { x } - 1);
    assert_eq!(negated(3), 2);
    let method = in_current_phase!(|x: u32| { x }.pow(2));
    assert_eq!(method(3), 9);
    let labelled = in_current_phase!(|x| 'found: {
        for y in 0.. {
            if y * y > x {
                break 'found y;
            }
        }
        0
    });
    assert_eq!(labelled(10), 4);
    let looping = in_current_phase!(|x| {
        let mut y = 0;
        'outer: loop {
            loop {
                y += 1;
                if y > x {
                    break 'outer y;
                }
                continue 'outer;
            }
        }
    });
    assert_eq!(looping(3), 4);
    let early: &dyn Fn(u32) -> u32 = &in_current_phase!(|x| return x + 1);
    assert_eq!(early(1), 2);
    let range = in_current_phase!(|x| 0..x);
    assert_eq!(range(3).len(), 3);
    let mut sum = 0;
    let mut assigning = in_current_phase!(|x| sum += x);
    assigning(1);
    assigning(2);
    assert_eq!(sum, 3);
    let built = in_current_phase!(|x| Point { x, y: x });
    assert_eq!(built(1).y, 1);
    let option = in_current_phase!(|text: &str| Some(text.find('a')? + 1));
    assert_eq!((option("ba"), option("b")), (Some(2), None));
    let made = in_current_phase!(|x| vec![x; 2]);
    assert_eq!(made(1), [1, 1]);
    let mut empty = in_current_phase!(|_| {});
    (&mut empty)(1);
    let with_items = in_current_phase!(|x: u32| {
        const ONE: u32 = 1;
        fn inner(x: u32) -> u32 {
            x + ONE
        }
        inner(x)
    });
    assert_eq!(with_items(1), 2);
    let temporary = in_current_phase!(|cell: &std::cell::RefCell<Vec<u32>>| cell.borrow().len());
    assert_eq!(temporary(&std::cell::RefCell::new(vec![1])), 1);
}

fn adaptors(pages: &[String]) {
    let mut order = vec!["bb", "a", "ccc"];
    order.sort_by(in_current_phase!(|a, b| b.len().cmp(&a.len())));
    assert_eq!(order, ["ccc", "bb", "a"]);
    order.sort_by_key(in_current_phase!(|text| text.len()));
    order.retain(in_current_phase!(|text| text.len() > 1));
    assert_eq!(order, ["bb", "ccc"]);
    let total = pages
        .iter()
        .enumerate()
        .filter(in_current_phase!(|(index, _)| *index > 0))
        .map(in_current_phase!(|(_, page)| page))
        .flat_map(in_current_phase!(|page| page.chars()))
        .inspect(in_current_phase!(|char| assert!(char.is_alphanumeric())))
        .fold(0, in_current_phase!(|sum, _| sum + 1));
    assert_eq!(total, 3);
    if pages.iter().any(in_current_phase!(|page| page.is_empty())) {
        unreachable!();
    }
    let found = pages.iter().position(in_current_phase!(|page| {
        let wanted = "do";
        page == wanted
    }));
    assert_eq!(found, Some(2));
    let parsed = Some("1").map(in_current_phase!(|text| text.parse::<u8>())).transpose();
    assert_eq!(parsed, Ok(Some(1)));
    let _ = Some(3).map(in_current_phase!(|x| drop(x)));
    let mut left = 1;
    pages.iter().take(1).for_each(in_current_phase!(move |page| {
        assert_eq!(page.len(), 3);
        left -= 1;
    }));
    pages.iter().for_each(in_current_phase!(move |page| assert!(
        left == 1 && !page.is_empty(),
        "not the copy that the other changed"
    )));
}

pub(crate) fn run() {
    let pages = [String::from("one"), String::from("2"), String::from("do")];
    parallel(&pages);
    threads(&pages);
    channels(pages.to_vec());
    kinds();
    assert_eq!(leaves()(1), 2);
    assert_eq!(leaves_borrowing("text")(1), Some('e'));
    captures();
    heads();
    bodies(1);
    adaptors(&pages);
}
