//! `async fn` outside traits.
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::num::ParseIntError;

use perf_runtime::tracked_phase;

use crate::{Yield, assert_send, block_on};

struct Point {
    x: u32,
    y: u32,
}

#[tracked_phase]
async fn nothing() {
    Yield::default().await;
}

#[tracked_phase("short")]
async fn only_awaits() {
    Yield::default().await
}

#[tracked_phase]
async fn awaits_another() -> u32 {
    r#match(1).await
}

#[tracked_phase]
async fn r#match(r#type: u32) -> u32 {
    Yield::default().await;
    r#type
}

#[tracked_phase]
async fn patterns(
    (a, _): (u32, u32),
    Point { x, y: renamed }: Point,
    [first, .., last]: [u32; 3],
    &by_reference: &u32,
    mut mutable: u32,
    whole @ (_, _): (u32, u32),
) -> u32 {
    mutable += 1;
    Yield::default().await;
    a + x + renamed + first + last + by_reference + mutable + whole.0 + whole.1
}

#[tracked_phase]
async fn unused_patterns(_: u32, _unused: u32) {
    Yield::default().await;
}

#[tracked_phase]
async fn const_generic<T, const N: usize>(values: [T; N]) -> usize
where
    T: Debug,
{
    const EXTRA: usize = 1;
    Yield::default().await;
    values.iter().map(|value| format!("{value:?}").len()).sum::<usize>() + N + EXTRA
}

struct Pair(Option<u32>, Result<u32, u32>);

#[tracked_phase]
async fn more_patterns(
    Pair(_, Ok(either) | Err(either)): Pair,
    (&mut ref number, [.., ref mut last]): (&mut u32, [u32; 2]),
    std::cmp::Reverse(inner): std::cmp::Reverse<u32>,
    (): (),
) -> u32 {
    *last += 1;
    Yield::default().await;
    either + number + *last + inner
}

macro_rules! number {
    () => {
        u32
    };
}

#[tracked_phase]
async fn type_by_macro(number: number!()) -> number!() {
    Yield::default().await;
    number
}

#[tracked_phase]
async fn borrows_cell(cell: &RefCell<u32>) -> std::cell::Ref<u32> {
    Yield::default().await;
    cell.borrow()
}

#[tracked_phase]
async fn boxed_closure<'a>(number: &'a u32) -> Box<dyn Fn(u32) -> u32 + 'a> {
    Yield::default().await;
    Box::new(move |other| number + other)
}

#[tracked_phase]
async fn impl_inside_dyn(number: u32) -> Box<dyn Iterator<Item = impl Debug>> {
    Yield::default().await;
    Box::new(0..number)
}

#[tracked_phase]
async fn static_object() -> &'static (dyn Debug + Sync) {
    Yield::default().await;
    &1
}

#[tracked_phase]
async fn array() -> [u8; { 1 + 2 }] {
    Yield::default().await;
    [0; 3]
}

#[tracked_phase]
async fn higher_ranked(apply: impl for<'a> Fn(&'a str) -> &'a str) -> usize {
    Yield::default().await;
    apply("abc").len()
}

#[tracked_phase]
#[rustfmt::skip]
async fn on_one_line() { Yield::default().await }

#[tracked_phase]
async fn only_a_comment() {
    // hello
    // else
}

#[tracked_phase]
async fn captures_in_format(name: &str) -> String {
    Yield::default().await;
    format!("{name}")
}

#[tracked_phase]
async fn impl_in_and_out(
    values: impl Iterator<Item = u32>,
    display: &impl Display,
) -> impl Iterator<Item = String> {
    Yield::default().await;
    let display = display.to_string();
    values.map(move |value| format!("{display}{value}"))
}

#[tracked_phase]
async fn impl_in_result(limit: &str) -> Result<impl Iterator<Item = u32>, ParseIntError> {
    Yield::default().await;
    let limit = limit.parse()?;
    Ok((0..limit).filter(|number| number % 2 == 0))
}

#[tracked_phase]
async fn borrowed<'a>(map: &'a mut BTreeMap<String, Vec<u32>>, key: &str) -> &'a mut Vec<u32> {
    Yield::default().await;
    map.entry(key.to_owned()).or_default()
}

#[tracked_phase]
async fn borrowed_elided(values: &[String]) -> Option<&str> {
    Yield::default().await;
    values.first().map(String::as_str)
}

#[tracked_phase]
async fn mutated(values: &mut Vec<u32>) {
    Yield::default().await;
    values.push(1);
}

#[tracked_phase]
async fn never() -> ! {
    Yield::default().await;
    std::panic::resume_unwind(Box::new(()))
}

#[tracked_phase]
async fn diverges_in_the_end(number: u32) -> u32 {
    Yield::default().await;
    if number == 1 {
        return 2;
    }
    panic!("{number}")
}

#[tracked_phase]
async fn returns_in_the_end(number: u32) {
    Yield::default().await;
    if number == 1 {
        return;
    }
    panic!("{number}")
}

#[tracked_phase]
async fn loops_until(limit: u32) -> u32 {
    let mut number = 0;
    loop {
        Yield::default().await;
        number += 1;
        if number == limit {
            return number;
        }
    }
}

#[tracked_phase]
async fn try_operator(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
    Yield::default().await;
    let number: u32 = text.parse()?;
    if number == 0 {
        return Err("zero".into());
    }
    Ok(number)
}

#[tracked_phase]
async fn try_option(values: &[u32]) -> Option<u32> {
    Yield::default().await;
    let first = values.first()?;
    Some(*first)
}

#[tracked_phase]
async fn labelled(limit: u32) -> u32 {
    let mut sum = 0;
    'outer: for a in 0..limit {
        for b in 0..limit {
            Yield::default().await;
            if b > a {
                continue 'outer;
            }
            if a * b > 10 {
                break 'outer;
            }
            sum += b;
        }
    }
    sum
}

#[tracked_phase]
async fn recursive(number: u32) -> u32 {
    Yield::default().await;
    if number < 2 {
        number
    } else {
        Box::pin(recursive(number - 1)).await + Box::pin(recursive(number - 2)).await
    }
}

#[tracked_phase]
async fn inner_attributes() -> u32 {
    #![allow(unused_variables)]
    let unused = 1;
    Yield::default().await;
    2
}

#[tracked_phase]
async fn starts_with_items() -> usize {
    use std::collections::BTreeSet;

    const LIMIT: usize = 2;

    fn double(number: usize) -> usize {
        number * 2
    }

    Yield::default().await;
    let set: BTreeSet<usize> = (0..LIMIT).map(double).collect();
    set.len()
}

#[tracked_phase]
async fn borrows_at_the_end(cell: RefCell<Vec<u32>>, more: u32) -> usize {
    Yield::default().await;
    cell.borrow_mut().push(more);
    cell.borrow().len()
}

// A `Cell` may be sent, but no reference to it may.
#[tracked_phase]
async fn stays_send(cell: Cell<u32>, (other, _): (Cell<u32>, Cell<u32>)) -> u32 {
    cell.set(cell.get() + other.get());
    Yield::default().await;
    cell.get()
}

#[tracked_phase]
async fn stays_send_with_output(number: u32) -> Result<Box<dyn Debug + Send>, String> {
    Yield::default().await;
    if number == 0 {
        return Err(String::new());
    }
    Ok(Box::new(number))
}

// The output need not be `Send` for the future to be.
#[tracked_phase]
async fn stays_send_without_output(number: u32) -> std::rc::Rc<u32> {
    Yield::default().await;
    std::rc::Rc::new(number)
}

#[tracked_phase]
async fn large(bytes: [u8; 20_000]) -> usize {
    Yield::default().await;
    bytes.len()
}

#[tracked_phase]
async fn moves_or_not(values: Vec<u32>, moves: bool) -> usize {
    Yield::default().await;
    if moves {
        return values.into_iter().map(|value| value as usize).sum();
    }
    values.len()
}

#[tracked_phase]
async fn takes_future(future: impl std::future::Future<Output = u32>) -> u32 {
    future.await
}

#[tracked_phase]
async fn takes_closure<F, R>(body: F) -> R
where
    F: FnOnce() -> R,
{
    Yield::default().await;
    body()
}

#[tracked_phase]
async fn uninhabited(number: u32) -> Result<std::convert::Infallible, u32> {
    Yield::default().await;
    Err(number)
}

#[tracked_phase]
async fn only_uninhabited() -> std::convert::Infallible {
    Yield::default().await;
    std::panic::resume_unwind(Box::new(()))
}

#[tracked_phase]
#[rustfmt::skip]
async fn starts_with_if(flag: bool) -> &'static str { Yield::default().await; if flag { "yes" } else { "no" } }

pub(crate) fn run() {
    block_on(nothing());
    block_on(only_awaits());
    assert_eq!(block_on(awaits_another()), 1);
    let point = Point { x: 1, y: 2 };
    let sum = patterns((1, 9), point, [1, 9, 2], &3, 4, (5, 6));
    assert_eq!(block_on(assert_send(sum)), 26);
    block_on(unused_patterns(1, 2));
    assert_eq!(block_on(const_generic(["a", "b"])), 9);
    let strings = block_on(impl_in_and_out([1, 2].iter().copied(), &'x'));
    assert_eq!(strings.collect::<Vec<_>>(), ["x1", "x2"]);
    assert_eq!(block_on(impl_in_result("5")).map(Iterator::count), Ok(3));
    assert!(block_on(impl_in_result("five")).is_err());
    let mut map = BTreeMap::new();
    block_on(borrowed(&mut map, "key")).push(1);
    assert_eq!(map["key"], [1]);
    assert_eq!(block_on(borrowed_elided(&["a".to_owned()])), Some("a"));
    let mut values = Vec::new();
    block_on(mutated(&mut values));
    assert_eq!(values, [1]);
    assert!(std::panic::catch_unwind(|| block_on(never())).is_err());
    assert_eq!(block_on(diverges_in_the_end(1)), 2);
    block_on(returns_in_the_end(1));
    assert_eq!(block_on(loops_until(3)), 3);
    assert_eq!(block_on(try_operator("3")).ok(), Some(3));
    assert_eq!(block_on(try_operator("0")).unwrap_err().to_string(), "zero");
    assert!(block_on(try_operator("three")).is_err());
    assert_eq!(block_on(try_option(&[7])), Some(7));
    assert_eq!(block_on(labelled(3)), 4);
    assert_eq!(block_on(recursive(5)), 5);
    assert_eq!(block_on(inner_attributes()), 2);
    assert_eq!(block_on(starts_with_items()), 2);
    assert_eq!(block_on(borrows_at_the_end(RefCell::new(vec![1]), 2)), 2);
    let cells = (Cell::new(2), Cell::new(3));
    assert_eq!(block_on(assert_send(stays_send(Cell::new(1), cells))), 3);
    assert!(block_on(assert_send(stays_send_with_output(1))).is_ok());
    assert_eq!(*block_on(assert_send(stays_send_without_output(1))), 1);
    assert_eq!(block_on(large([0; 20_000])), 20_000);
    assert_eq!(block_on(moves_or_not(vec![1, 5], true)), 6);
    assert_eq!(block_on(takes_future(async { 1 })), 1);
    assert_eq!(block_on(takes_closure(|| 1)), 1);
    assert_eq!(block_on(uninhabited(1)).unwrap_err(), 1);
    assert!(std::panic::catch_unwind(|| block_on(only_uninhabited())).is_err());
    assert_eq!(block_on(starts_with_if(true)), "yes");
    let pair = Pair(None, Err(1));
    let sum = block_on(more_patterns(pair, (&mut 2, [0, 2]), std::cmp::Reverse(4), ()));
    assert_eq!(sum, 10);
    assert_eq!(block_on(type_by_macro(1)), 1);
    assert_eq!(*block_on(borrows_cell(&RefCell::new(1))), 1);
    assert_eq!(block_on(boxed_closure(&1))(2), 3);
    assert_eq!(block_on(impl_inside_dyn(2)).count(), 2);
    assert_eq!(format!("{:?}", block_on(static_object())), "1");
    assert_eq!(block_on(array()), [0; 3]);
    assert_eq!(block_on(higher_ranked(|text| &text[1..])), 2);
    block_on(on_one_line());
    block_on(only_a_comment());
    assert_eq!(block_on(captures_in_format("a")), "a");
}
