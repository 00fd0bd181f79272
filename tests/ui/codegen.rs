//! Functions that are annotated, or bare with `--cfg bare`.
#![allow(unused_variables)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[cfg(not(bare))]
use perf_runtime::phase;
use perf_runtime::{tracked_build, tracked_phase};

#[cfg(bare)]
macro_rules! phase {
    ($name:literal, items = $items:expr, $body:block) => {
        $body
    };
    ($name:literal, $body:block) => {
        $body
    };
}

#[cfg_attr(not(bare), tracked_phase)]
#[inline(never)]
pub fn plain(values: &[u64]) -> u64 {
    values.iter().sum()
}

#[cfg_attr(not(bare), tracked_phase("counted", items = values.len() / divisor))]
#[inline(never)]
pub fn counted(values: &[u64], divisor: usize) -> Option<u64> {
    let first = values.first()?;
    if *first == 0 {
        return Some(1);
    }
    values.iter().max().copied()
}

#[cfg_attr(not(bare), tracked_phase(items = text.chars().filter(|char| char.is_numeric()).count()))]
#[inline(never)]
pub fn owned(text: String, (first, _): (Vec<u8>, String)) -> usize {
    text.len() + first.len()
}

#[cfg_attr(not(bare), tracked_phase(items = numbers.len()))]
async fn later(numbers: Vec<u64>, text: String) -> u64 {
    let mut sum = 0;
    for number in &numbers {
        sum += std::future::ready(*number).await;
        Once(false).await;
    }
    sum + text.len() as u64
}

#[cfg_attr(not(bare), tracked_phase(items = numbers.len()))]
fn opaque(numbers: Vec<u64>) -> impl Future<Output = u64> {
    async move { later(numbers, String::new()).await + 1 }
}

#[cfg_attr(not(bare), tracked_phase(items = number))]
#[inline(never)]
pub fn boxed(number: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move { number + later(vec![number], String::new()).await })
}

#[cfg_attr(not(bare), tracked_build("tool"))]
#[inline(never)]
pub fn build(text: &str) -> Result<u64, std::num::ParseIntError> {
    let number: u64 = text.parse()?;
    let doubled = phase!("double", { number * 2 });
    Ok(phase!("sum", items = doubled, { plain(&[number, doubled]) }))
}

#[cfg_attr(not(bare), tracked_build)]
async fn build_later(text: &str) -> Result<u64, std::num::ParseIntError> {
    Ok(opaque(vec![text.parse()?]).await)
}

struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[inline(never)]
pub fn polls(text: &str) -> Option<u64> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(build_later(text)).poll(&mut context) {
        Poll::Ready(Ok(number)) => Some(number),
        _ => None,
    }
}
