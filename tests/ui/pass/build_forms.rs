//! `#[tracked_build]` on every form of function.
use std::cell::RefCell;
use std::future::{Future, ready};
use std::num::ParseIntError;
use std::pin::Pin;
use std::rc::Rc;

use perf_runtime::tracked_build;

use crate::{Yield, assert_send, block_on};

#[tracked_build("tool")]
fn nothing() {}

#[tracked_build(name = "@scope/tool")]
fn value(number: u32) -> u32 {
    number
}

#[tracked_build]
fn result(text: &str) -> Result<u32, ParseIntError> {
    let number = text.parse()?;
    if number == 0 {
        return Ok(1);
    }
    Ok(number)
}

#[tracked_build]
fn option(numbers: &[u32]) -> Option<&u32> {
    let first = numbers.first()?;
    Some(first)
}

#[tracked_build]
fn io() -> std::io::Result<()> {
    Err(std::io::Error::other("full"))
}

#[tracked_build]
fn generic<T: Clone, E>(value: &Result<T, E>) -> Result<T, &E> {
    value.as_ref().map(Clone::clone)
}

#[tracked_build]
fn opaque(values: impl Iterator<Item = u32>) -> impl Iterator<Item = u32> {
    values.map(|value| value + 1)
}

#[tracked_build]
fn opaque_in_result(text: &str) -> Result<impl Iterator<Item = u32>, ParseIntError> {
    let limit = text.parse()?;
    Ok(0..limit)
}

#[tracked_build]
fn patterns((a, _): (u32, u32), mut b: u32, _: u32, _unused: u32) -> u32 {
    b += a;
    b
}

#[tracked_build]
fn borrows_at_the_end(cell: RefCell<Vec<u32>>, more: u32) -> usize {
    cell.borrow_mut().push(more);
    cell.borrow().len()
}

#[tracked_build]
fn starts_with_items() -> u32 {
    const ONE: u32 = 1;
    ONE
}

#[tracked_build]
#[rustfmt::skip]
fn on_one_line() -> u32 { 1 }

#[tracked_build]
fn only_a_comment() {
    // hello
    // else
}

#[tracked_build]
fn inner_attributes(number: u32) -> Result<u32, String> {
    #![allow(unused_variables)]
    let unused = 1;
    Ok(number)
}

#[tracked_build]
fn never() -> ! {
    std::panic::resume_unwind(Box::new(()))
}

#[tracked_build]
fn diverges_in_the_end(number: u32) -> u32 {
    if number == 1 {
        return number;
    }
    panic!("{number}")
}

#[tracked_build]
fn uninhabited(number: u32) -> Result<std::convert::Infallible, u32> {
    Err(number)
}

#[tracked_build]
fn exit_code() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}

#[tracked_build]
fn consumes(values: Vec<u32>, consume: bool) -> usize {
    if consume {
        return values.into_iter().count();
    }
    values.len()
}

#[tracked_build]
async fn async_nothing() {
    Yield::default().await;
}

#[tracked_build]
async fn async_result(text: &str) -> Result<u32, ParseIntError> {
    Yield::default().await;
    let number = text.parse()?;
    if number == 0 {
        return Ok(1);
    }
    Ok(number)
}

#[tracked_build]
async fn async_borrowed<'a>(values: &'a mut [u32], _: &str) -> Option<&'a mut u32> {
    Yield::default().await;
    values.first_mut()
}

#[tracked_build]
async fn async_opaque(values: impl Iterator<Item = u32>) -> impl Iterator<Item = u32> {
    Yield::default().await;
    values.map(|value| value + 1)
}

#[tracked_build]
async fn async_never() -> ! {
    Yield::default().await;
    std::panic::resume_unwind(Box::new(()))
}

#[tracked_build]
async fn async_patterns((a, _): (u32, u32), mut b: u32, _: u32, _unused: u32) -> u32 {
    Yield::default().await;
    b += a;
    b
}

#[tracked_build]
fn opaque_future(number: u32) -> impl Future<Output = Result<u32, u32>> + Send {
    if number == 0 {
        return ready(Err(1));
    }
    ready(Ok(number))
}

#[tracked_build]
fn boxed_future(number: &u32) -> Pin<Box<dyn Future<Output = Result<u32, u32>> + Send + '_>> {
    Box::pin(async move {
        Yield::default().await;
        Err(*number)
    })
}

struct Tool {
    pages: Vec<u32>,
}

impl Tool {
    #[tracked_build]
    fn by_reference(&self) -> Option<&u32> {
        self.pages.first()
    }

    #[tracked_build]
    fn by_mutable_reference(&mut self) -> &mut u32 {
        self.pages.push(1);
        &mut self.pages[0]
    }

    #[tracked_build]
    fn by_value(self) -> Vec<u32> {
        self.pages
    }

    #[tracked_build]
    fn by_mutable_value(mut self) -> Self {
        self.pages.push(2);
        self
    }

    #[tracked_build]
    fn by_rc(self: Rc<Self>) -> Rc<Self> {
        self
    }

    #[tracked_build]
    fn by_pin(self: Pin<&mut Self>) -> &mut Vec<u32> {
        &mut self.get_mut().pages
    }

    #[tracked_build]
    async fn async_by_mutable_reference(&mut self) -> &mut u32 {
        Yield::default().await;
        &mut self.pages[0]
    }

    #[tracked_build]
    async fn async_by_value(mut self) -> Vec<u32> {
        Yield::default().await;
        self.pages.push(3);
        self.pages
    }
}

trait Build {
    type Output;

    fn make(&self) -> Self::Output;

    #[tracked_build]
    fn build(&self) -> Result<Self::Output, String> {
        Ok(self.make())
    }
}

impl Build for Tool {
    type Output = usize;

    fn make(&self) -> usize {
        self.pages.len()
    }
}

pub(crate) fn run() {
    nothing();
    assert_eq!(value(1), 1);
    assert_eq!(result("0"), Ok(1));
    assert!(result("zero").is_err());
    assert_eq!(option(&[1]), Some(&1));
    assert!(io().is_err());
    assert_eq!(generic(&Err::<u32, _>(1)), Err(&1));
    assert_eq!(opaque([1].iter().copied()).sum::<u32>(), 2);
    assert_eq!(opaque_in_result("2").map(Iterator::count), Ok(2));
    assert_eq!(patterns((1, 2), 3, 4, 5), 4);
    assert_eq!(borrows_at_the_end(RefCell::new(Vec::new()), 1), 1);
    assert_eq!(starts_with_items() + on_one_line(), 2);
    only_a_comment();
    assert_eq!(inner_attributes(1), Ok(1));
    assert!(std::panic::catch_unwind(|| never()).is_err());
    assert_eq!(diverges_in_the_end(1), 1);
    assert_eq!(uninhabited(1).unwrap_err(), 1);
    let _: std::process::ExitCode = exit_code();
    assert_eq!(consumes(vec![1], true), 1);
    block_on(async_nothing());
    assert_eq!(block_on(assert_send(async_result("0"))), Ok(1));
    assert_eq!(block_on(async_borrowed(&mut [1], "")), Some(&mut 1));
    assert_eq!(block_on(async_opaque([1].iter().copied())).sum::<u32>(), 2);
    assert!(std::panic::catch_unwind(|| block_on(async_never())).is_err());
    assert_eq!(block_on(async_patterns((1, 2), 3, 4, 5)), 4);
    assert_eq!(block_on(assert_send(opaque_future(0))), Err(1));
    assert_eq!(block_on(assert_send(boxed_future(&1))), Err(1));
    let mut tool = Tool { pages: Vec::new() };
    assert_eq!(tool.by_reference(), None);
    *tool.by_mutable_reference() = 5;
    *block_on(tool.async_by_mutable_reference()) += 1;
    let mut tool = tool.by_mutable_value();
    assert_eq!(Pin::new(&mut tool).by_pin(), &mut [6, 2]);
    assert_eq!(tool.build(), Ok(2));
    let tool = Rc::into_inner(Rc::new(tool).by_rc()).unwrap();
    assert_eq!(block_on(tool.async_by_value()), [6, 2, 3]);
    assert_eq!(Tool { pages: vec![1] }.by_value(), [1]);
}
