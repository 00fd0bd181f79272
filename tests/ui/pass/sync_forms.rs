//! Functions that return when they are done.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::num::ParseIntError;

use perf_runtime::tracked_phase;

struct Point {
    x: u32,
    y: u32,
}

#[tracked_phase]
fn nothing() {}

#[tracked_phase("short")]
fn short_name() -> u32 {
    1
}

#[tracked_phase(name = "long name — ü")]
fn long_name() -> u32 {
    1
}

#[tracked_phase()]
fn no_arguments() -> u32 {
    1
}

#[tracked_phase]
fn r#match(r#type: u32) -> u32 {
    r#type
}

#[tracked_phase]
fn patterns(
    (a, _): (u32, u32),
    Point { x, y: renamed }: Point,
    [first, .., last]: [u32; 3],
    &by_reference: &u32,
    mut mutable: u32,
    whole @ (_, _): (u32, u32),
    _: u32,
    _unused: u32,
) -> u32 {
    mutable += 1;
    a + x + renamed + first + last + by_reference + mutable + whole.0 + whole.1
}

#[tracked_phase]
fn const_generic<T, const N: usize>(values: [T; N]) -> usize
where
    T: Debug,
{
    const EXTRA: usize = 1;
    values.iter().map(|value| format!("{value:?}").len()).sum::<usize>() + N + EXTRA
}

struct Pair(Option<u32>, Result<u32, u32>);

#[tracked_phase]
fn more_patterns(
    Pair(_, Ok(either) | Err(either)): Pair,
    (&mut ref number, [.., ref mut last]): (&mut u32, [u32; 2]),
    std::cmp::Reverse(inner): std::cmp::Reverse<u32>,
    (): (),
) -> u32 {
    *last += 1;
    either + number + *last + inner
}

#[tracked_phase]
fn impl_in_and_out(
    values: impl Iterator<Item = u32>,
    display: &impl Display,
) -> impl Iterator<Item = String> {
    let display = display.to_string();
    values.map(move |value| format!("{display}{value}"))
}

#[tracked_phase]
fn impl_in_result(limit: &str) -> Result<impl Iterator<Item = u32>, ParseIntError> {
    let limit = limit.parse()?;
    Ok((0..limit).filter(|number| number % 2 == 0))
}

#[tracked_phase]
fn borrowed<'a>(map: &'a mut BTreeMap<String, Vec<u32>>, key: &str) -> &'a mut Vec<u32> {
    map.entry(key.to_owned()).or_default()
}

#[tracked_phase]
fn borrowed_either<'a>(one: &'a str, other: &'a str) -> &'a str {
    if one.len() > other.len() {
        return one;
    }
    other
}

#[tracked_phase]
fn never() -> ! {
    std::panic::resume_unwind(Box::new(()))
}

#[tracked_phase]
fn never_by_loop() -> ! {
    loop {
        never();
    }
}

#[tracked_phase]
fn diverges_in_the_end(number: u32) -> u32 {
    if number == 1 {
        return 2;
    }
    panic!("{number}")
}

#[tracked_phase]
fn try_operator(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
    let number: u32 = text.parse()?;
    if number == 0 {
        return Err("zero".into());
    }
    Ok(number)
}

#[tracked_phase]
fn try_option(values: &[u32]) -> Option<u32> {
    let first = values.first()?;
    Some(*first)
}

#[tracked_phase]
fn labelled(limit: u32) -> u32 {
    let mut sum = 0;
    'outer: for a in 0..limit {
        for b in 0..limit {
            if a * b > 10 {
                break 'outer;
            }
            if b > a {
                continue 'outer;
            }
            sum += b;
        }
    }
    'block: {
        if sum > 3 {
            break 'block sum;
        }
        0
    }
}

#[tracked_phase]
fn recursive(number: u32) -> u32 {
    if number < 2 { number } else { recursive(number - 1) + recursive(number - 2) }
}

#[tracked_phase]
fn inner_attributes() -> u32 {
    #![allow(unused_variables)]
    let unused = 1;
    2
}

#[tracked_phase]
fn starts_with_items() -> usize {
    use std::collections::BTreeSet;

    const LIMIT: usize = 2;

    fn double(number: usize) -> usize {
        number * 2
    }

    let set: BTreeSet<usize> = (0..LIMIT).map(double).collect();
    set.len()
}

// In editions before 2024, what the last expression borrows outlives the body's variables, and is
// outlived by the arguments.
#[tracked_phase]
fn borrows_at_the_end(cell: RefCell<Vec<u32>>, more: u32) -> usize {
    cell.borrow_mut().push(more);
    cell.borrow().len()
}

#[tracked_phase]
fn returns_closure(offset: u32) -> impl Fn(u32) -> u32 {
    move |number| number + offset
}

#[tracked_phase]
fn returns_boxed_closure<'a>(offset: &'a u32) -> Box<dyn Fn(u32) -> u32 + 'a> {
    Box::new(move |number| number + offset)
}

#[tracked_phase]
fn higher_ranked<F>(apply: F) -> usize
where
    F: for<'a> Fn(&'a str) -> &'a str,
{
    apply("abc").len()
}

#[tracked_phase]
fn one_expression(map: &BTreeMap<u32, u32>) -> u32 {
    map.values().sum()
}

#[tracked_phase]
fn without_semicolon(values: &mut Vec<u32>) {
    values.push(1)
}

#[tracked_phase]
#[rustfmt::skip]
fn starts_with_if(flag: bool) -> &'static str { if flag { "yes" } else { "no" } }

#[tracked_phase]
fn nested_phases() -> u32 {
    #[tracked_phase]
    fn inner() -> u32 {
        1
    }
    inner() + inner()
}

#[tracked_phase]
#[allow(unused_braces)]
fn array_length(_: [u8; { 1 + 2 }]) -> [u8; { 2 + 2 }] {
    [0; 4]
}

macro_rules! number {
    () => {
        u32
    };
}

#[tracked_phase]
fn type_by_macro(number: number!()) -> number!() {
    number
}

#[tracked_phase]
fn borrows_cell(cell: &RefCell<u32>) -> std::cell::Ref<u32> {
    cell.borrow()
}

#[tracked_phase]
#[rustfmt::skip]
fn on_one_line() -> u32 { 1 }

#[tracked_phase]
fn only_a_comment() {
    // hello
    // else
}

const IN_A_CONSTANT: fn() -> u32 = {
    #[tracked_phase]
    fn constant() -> u32 {
        1
    }
    constant
};

#[tracked_phase("twice")]
#[tracked_phase("inside")]
fn two_phases() -> u32 {
    2
}

pub(crate) fn run() {
    nothing();
    assert_eq!(short_name() + long_name() + no_arguments() + r#match(1), 4);
    let point = Point { x: 1, y: 2 };
    assert_eq!(patterns((1, 9), point, [1, 9, 2], &3, 4, (5, 6), 9, 9), 26);
    assert_eq!(const_generic(["a", "b"]), 9);
    let strings: Vec<_> = impl_in_and_out([1, 2].iter().copied(), &'x').collect();
    assert_eq!(strings, ["x1", "x2"]);
    assert_eq!(impl_in_result("5").map(Iterator::count), Ok(3));
    assert!(impl_in_result("five").is_err());
    let mut map = BTreeMap::new();
    borrowed(&mut map, "key").push(1);
    assert_eq!(map["key"], [1]);
    assert_eq!(borrowed_either("one", "other"), "other");
    assert!(std::panic::catch_unwind(|| never_by_loop()).is_err());
    assert_eq!(diverges_in_the_end(1), 2);
    assert_eq!(try_operator("3").ok(), Some(3));
    assert_eq!(try_operator("0").unwrap_err().to_string(), "zero");
    assert!(try_operator("three").is_err());
    assert_eq!(try_option(&[7]), Some(7));
    assert_eq!(try_option(&[]), None);
    assert_eq!(labelled(10), 10);
    assert_eq!(recursive(10), 55);
    assert_eq!(inner_attributes(), 2);
    assert_eq!(starts_with_items(), 2);
    assert_eq!(borrows_at_the_end(RefCell::new(vec![1]), 2), 2);
    assert_eq!(returns_closure(1)(2), 3);
    assert_eq!(returns_boxed_closure(&1)(2), 3);
    assert_eq!(higher_ranked(|text| &text[1..]), 2);
    assert_eq!(one_expression(&BTreeMap::from([(1, 2)])), 2);
    let mut values = Vec::new();
    without_semicolon(&mut values);
    assert_eq!(values, [1]);
    assert_eq!(starts_with_if(true), "yes");
    assert_eq!(nested_phases(), 2);
    assert_eq!(array_length([0; 3]), [0; 4]);
    assert_eq!(two_phases(), 2);
    let pair = Pair(None, Err(1));
    let reverse = std::cmp::Reverse(4);
    assert_eq!(more_patterns(pair, (&mut 2, [0, 2]), reverse, ()), 10);
    assert_eq!(type_by_macro(1) + on_one_line() + IN_A_CONSTANT(), 3);
    assert_eq!(*borrows_cell(&RefCell::new(1)), 1);
    only_a_comment();
}
