//! Functions that are not `async` and return futures.
use std::cell::Cell;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::pin::Pin;

use perf_runtime::tracked_phase;

use crate::{Yield, assert_send, block_on};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[tracked_phase]
fn opaque(number: u32) -> impl Future<Output = u32> {
    let doubled = number * 2;
    async move {
        Yield::default().await;
        doubled
    }
}

#[tracked_phase]
fn opaque_and_send(cell: Cell<u32>) -> impl Future<Output = Cell<u32>> + Send + 'static {
    async move {
        Yield::default().await;
        cell
    }
}

#[tracked_phase]
fn opaque_and_borrowing<'a>(
    text: &'a str,
    more: &'a str,
) -> impl Future<Output = usize> + Send + 'a {
    assert!(!text.is_empty());
    async move {
        Yield::default().await;
        text.len() + more.len()
    }
}

#[tracked_phase]
fn opaque_and_capturing<'a, T>(text: &'a str, _: T) -> impl Future<Output = usize> + use<'a, T> {
    async move {
        Yield::default().await;
        text.len()
    }
}

#[tracked_phase]
fn opaque_of_boxes(number: u32) -> impl Future<Output = u32> {
    if number == 0 {
        return Box::pin(ready(1_u32)) as Pin<Box<dyn Future<Output = u32>>>;
    }
    Box::pin(async move {
        Yield::default().await;
        number
    })
}

#[tracked_phase]
fn opaque_with_items_first() -> impl Future<Output = u32> {
    const NUMBER: u32 = 1;
    ready(NUMBER)
}

#[tracked_phase]
#[rustfmt::skip]
fn opaque_on_one_line() -> impl Future<Output = u32> { ready(1) }

#[tracked_phase]
#[rustfmt::skip]
fn boxed_on_one_line() -> Pin<Box<dyn Future<Output = u32>>> { Box::pin(ready(1)) }

#[tracked_phase]
fn opaque_and_unpin(number: u32) -> impl std::future::Future<Output = u32> + Unpin {
    ready(number)
}

#[tracked_phase]
fn opaque_with_early_return(number: u32) -> impl Future<Output = u32> {
    if number == 0 {
        return ready(7);
    }
    let closure = || {
        if number == 1 {
            return 8;
        }
        number
    };
    ready(closure())
}

#[tracked_phase]
fn opaque_by_inference() -> impl Future<Output = Option<u32>> {
    ready(Default::default())
}

#[tracked_phase(items = values.len())]
fn opaque_with_items(values: Vec<u32>) -> impl Future<Output = u32> {
    async move {
        Yield::default().await;
        values.iter().sum()
    }
}

#[tracked_phase(future = false)]
fn opaque_by_construction(number: u32) -> impl Future<Output = u32> {
    ready(number)
}

#[tracked_phase]
fn boxed(number: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move {
        Yield::default().await;
        number
    })
}

#[tracked_phase]
fn boxed_and_borrowing<'a>(
    values: &'a mut Vec<u32>,
) -> Pin<Box<dyn Future<Output = &'a mut u32> + Send + 'a>> {
    values.push(1);
    std::boxed::Box::pin(async move {
        Yield::default().await;
        &mut values[0]
    })
}

#[tracked_phase]
fn boxed_in_branches(number: u32) -> Pin<Box<dyn Future<Output = Result<u32, Box<dyn Debug>>>>> {
    if number == 0 {
        return Box::pin(async { Err(Box::new('e') as Box<dyn Debug>) });
    }
    match number {
        1 => Box::pin(ready(Ok(1))),
        2 => {
            let number = number + 1;
            Box::pin(async move { Ok(number) })
        }
        _ => {
            if number == 3 {
                boxed_in_branches(1)
            } else {
                Box::pin(async move { boxed_in_branches(number - 1).await })
            }
        }
    }
}

#[tracked_phase]
fn boxed_elsewhere(number: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    boxed(number)
}

#[tracked_phase(future = true)]
fn alias(number: u32) -> BoxFuture<'static, u32> {
    Box::pin(async move {
        Yield::default().await;
        number
    })
}

#[tracked_phase(future = true, items = 2)]
fn alias_and_borrowing(text: &str) -> BoxFuture<'_, usize> {
    if text.is_empty() {
        return Box::pin(ready(0));
    }
    Box::pin(async move {
        Yield::default().await;
        text.len()
    })
}

#[tracked_phase]
fn construction_of_another_type(number: u32) -> Ready<u32> {
    ready(number)
}

trait Service {
    type Future: Future<Output = u32>;

    fn call(&mut self, number: u32) -> Self::Future;
}

struct Counter(u32);

impl Service for Counter {
    type Future = Pin<Box<dyn Future<Output = u32>>>;

    #[tracked_phase("call", future = true)]
    fn call(&mut self, number: u32) -> Self::Future {
        self.0 += number;
        let sum = self.0;
        Box::pin(async move { sum })
    }
}

trait Named: Future {}

impl<F: Future> Named for F {}

#[tracked_phase(future = true)]
fn own_trait(number: u32) -> impl Named<Output = u32> {
    async move {
        Yield::default().await;
        number
    }
}

trait Returns {
    fn returns(&self) -> impl Future<Output = u32> + Send;

    #[tracked_phase]
    fn returns_by_default(&self) -> impl Future<Output = u32> + '_
    where
        Self: Sync,
    {
        async move {
            Yield::default().await;
            self.returns().await + 1
        }
    }
}

impl Returns for Counter {
    #[tracked_phase]
    fn returns(&self) -> impl Future<Output = u32> + Send {
        let number = self.0;
        async move {
            Yield::default().await;
            number
        }
    }
}

pub(crate) fn run() {
    assert_eq!(block_on(opaque(2)), 4);
    assert_eq!(block_on(assert_send(opaque_and_send(Cell::new(1)))).get(), 1);
    assert_eq!(block_on(opaque_and_borrowing("a", "bc")), 3);
    assert_eq!(block_on(opaque_and_unpin(1)), 1);
    assert_eq!(block_on(opaque_and_capturing("abc", 1)), 3);
    assert_eq!(block_on(opaque_of_boxes(0)) + block_on(opaque_of_boxes(2)), 3);
    assert_eq!(block_on(opaque_with_items_first()), 1);
    assert_eq!(block_on(opaque_on_one_line()) + block_on(boxed_on_one_line()), 2);
    assert_eq!(block_on(opaque_with_early_return(0)), 7);
    assert_eq!(block_on(opaque_with_early_return(1)), 8);
    assert_eq!(block_on(opaque_by_inference()), None);
    assert_eq!(block_on(opaque_with_items(vec![1, 2])), 3);
    assert_eq!(block_on(opaque_by_construction(1)), 1);
    assert_eq!(block_on(boxed(1)), 1);
    let mut values = Vec::new();
    *block_on(boxed_and_borrowing(&mut values)) += 1;
    assert_eq!(values, [2]);
    assert!(block_on(boxed_in_branches(0)).is_err());
    assert_eq!(block_on(boxed_in_branches(5)).ok(), Some(1));
    assert_eq!(block_on(boxed_in_branches(2)).ok(), Some(3));
    assert_eq!(block_on(boxed_elsewhere(1)), 1);
    assert_eq!(block_on(assert_send(alias(1))), 1);
    assert_eq!(block_on(alias_and_borrowing("ab")), 2);
    assert_eq!(block_on(construction_of_another_type(1)), 1);
    let mut counter = Counter(1);
    assert_eq!(block_on(counter.call(1)), 2);
    assert_eq!(block_on(own_trait(1)), 1);
    assert_eq!(block_on(counter.returns_by_default()), 3);
}
