//! `items = …`.
use perf_runtime::tracked_phase;

use crate::{Yield, block_on};

#[tracked_phase(items = pages.len())]
fn length(pages: &[u32]) -> u32 {
    pages.iter().sum()
}

// Used nowhere else, with `track` off as well.
#[tracked_phase("only counted", items = count)]
fn only_counted(count: usize) {}

#[tracked_phase("only counted", items = count)]
async fn only_counted_later(count: usize) {
    Yield::default().await;
}

#[tracked_phase("only counted", items = *count)]
fn only_counted_future(count: &u32) -> impl std::future::Future<Output = ()> {
    std::future::ready(())
}

#[tracked_phase(items = if a > 1 { b } else { 0 })]
async fn of_patterns((a, _): (u32, u32), [b, ..]: [u32; 2]) -> u32 {
    const OFFSET: u32 = 1;
    Yield::default().await;
    a + b + OFFSET
}

struct Site {
    pages: Vec<u32>,
}

impl Site {
    #[tracked_phase(items = self.pages.len())]
    fn method(&self) -> usize {
        self.pages.len()
    }

    #[tracked_phase(items = self.pages.len() + Self::extra())]
    async fn async_method(mut self, more: u32) -> usize {
        self.pages.push(more);
        Yield::default().await;
        self.pages.len()
    }

    const fn extra() -> usize {
        1
    }
}

#[tracked_phase(items = -1_i8)]
fn negative() {}

#[tracked_phase(items = values.iter().map(|value| u64::from(*value)).sum::<u64>(),)]
fn computed(values: &[u8]) {}

#[tracked_phase(items = values.pop().unwrap_or(0))]
fn changes_its_argument(values: &mut Vec<u32>) -> usize {
    values.len()
}

pub(crate) fn run() {
    assert_eq!(length(&[1, 2]), 3);
    only_counted(1);
    block_on(only_counted_later(1));
    block_on(only_counted_future(&1));
    assert_eq!(block_on(of_patterns((1, 2), [3, 4])), 5);
    let site = Site { pages: vec![1] };
    assert_eq!(site.method(), 1);
    assert_eq!(block_on(site.async_method(2)), 2);
    negative();
    computed(&[1, 2]);
    // No build is open.
    assert_eq!(changes_its_argument(&mut vec![1, 2]), 2);
}
