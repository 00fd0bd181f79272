//! `in_current_phase!` around closures that make futures, and around `async` closures.
#![allow(clippy::manual_async_fn)]

use std::cell::RefCell;
use std::future::Future;
use std::num::ParseIntError;
use std::pin::Pin;

use perf_runtime::in_current_phase;

use crate::{Yield, assert_send, block_on};

async fn later(number: u32) -> u32 {
    Yield::default().await;
    number
}

fn blocks() {
    let doubled = in_current_phase!(|number| async move { later(number).await * 2 });
    assert_eq!(block_on(assert_send(doubled(1))) + block_on(doubled(2)), 6);

    let text = String::from("text");
    let borrowing = in_current_phase!(|| async {
        Yield::default().await;
        text.len()
    });
    assert_eq!(block_on(borrowing()) + block_on(borrowing()), 8);

    let cloning = in_current_phase!(move |index: usize| {
        let text = text.clone();
        async move {
            Yield::default().await;
            text.chars().nth(index)
        }
    });
    assert_eq!(block_on(assert_send(cloning(1))), Some('e'));
    assert_eq!(block_on(cloning(4)), None);

    let mut calls = 0;
    let mut counting = in_current_phase!(|| {
        calls += 1;
        let number = calls;
        async move { later(number).await }
    });
    assert_eq!(block_on(counting()) + block_on(counting()), 3);

    let fallible = in_current_phase!(|text: &'static str| async move {
        let number: u32 = text.parse()?;
        if number == 0 {
            return Ok(1);
        }
        Ok::<_, ParseIntError>(later(number).await)
    });
    assert_eq!(block_on(fallible("0")), Ok(1));
    assert_eq!(block_on(fallible("2")), Ok(2));
    assert!(block_on(fallible("x")).is_err());

    let in_parentheses = in_current_phase!(|| (async { 1 }));
    assert_eq!(block_on(in_parentheses()), 1);
    let by_function = in_current_phase!(|number| later(number));
    assert_eq!(block_on(by_function(1)), 1);
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

fn boxes() {
    let handlers: [Box<dyn Fn(u32) -> Boxed<'static, u32> + Send + Sync>; 3] = [
        Box::new(in_current_phase!(|number| Box::pin(async move { later(number).await + 1 }))),
        Box::new(in_current_phase!(|number| {
            if number == 0 {
                return Box::pin(async { 5 });
            }
            Box::pin(later(number))
        })),
        Box::new(in_current_phase!(|number| match number {
            0 => Box::pin(later(1)),
            _ => Box::pin(async { 7 }),
        })),
    ];
    assert_eq!(handlers.iter().map(|handle| block_on(handle(0))).sum::<u32>(), 7);
    assert_eq!(handlers.iter().map(|handle| block_on(handle(1))).sum::<u32>(), 10);

    let typed = in_current_phase!(|text: &'static str| -> Pin<Box<dyn Future<Output = usize>>> {
        if text.is_empty() {
            return Box::pin(std::future::ready(0));
        }
        Box::pin(async move {
            Yield::default().await;
            text.len()
        })
    });
    assert_eq!(block_on(typed("")) + block_on(typed("text")), 4);
    let borrowing: Box<dyn Fn(&str) -> Boxed<'_, usize>> = Box::new(in_current_phase!(|text| {
        Box::pin(async move {
            Yield::default().await;
            text.len()
        })
    }));
    assert_eq!(block_on(borrowing(&String::from("text"))), 4);
    let iterator = in_current_phase!(|end| Box::pin(0..end));
    assert_eq!(iterator(3).len(), 3);
}

async fn often(call: impl AsyncFn(&str) -> usize) -> usize {
    call("a").await + call("bc").await
}

async fn changing(mut call: impl AsyncFnMut(&str)) {
    call("a").await;
    call("bc").await;
}

async fn once(call: impl AsyncFnOnce() -> String) -> String {
    call().await
}

struct Loud<'a>(&'static str, &'a RefCell<Vec<&'static str>>);

impl Drop for Loud<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

fn closures() {
    let plain = in_current_phase!(async |text: &str| {
        Yield::default().await;
        text.len()
    });
    assert_eq!(block_on(often(plain)), 3);
    let inferred = often(in_current_phase!(async |text| {
        Yield::default().await;
        text.len()
    }));
    assert_eq!(block_on(inferred), 3);
    let suffix = String::from("!");
    assert_eq!(block_on(often(in_current_phase!(async |text: &str| text.len() + suffix.len()))), 5);
    assert_eq!(
        block_on(often(in_current_phase!(async move |text: &str| {
            Yield::default().await;
            text.len() + suffix.len()
        }))),
        5
    );

    // What it captured is lent to each of its futures.
    let mut lines = String::new();
    block_on(changing(in_current_phase!(async |line: &str| {
        Yield::default().await;
        lines.push_str(line);
    })));
    assert_eq!(lines, "abc");
    let mut own = String::new();
    block_on(changing(in_current_phase!(async move |line: &str| {
        own.push_str(line);
        Yield::default().await;
        assert!(own.ends_with(line));
    })));

    let text = String::from("text");
    assert_eq!(block_on(once(in_current_phase!(async || text))), "text");
    let text = String::from("text");
    let sent = in_current_phase!(async move || {
        Yield::default().await;
        text
    });
    let sent = std::thread::spawn(move || block_on(once(sent))).join();
    assert_eq!(sent.unwrap_or_default(), "text");

    let fallible = in_current_phase!(async |text: &str| -> Result<u32, ParseIntError> {
        let number: u32 = text.parse()?;
        if number == 0 {
            return Ok(1);
        }
        Ok(later(number).await)
    });
    assert_eq!(block_on(fallible("0")), Ok(1));
    assert_eq!(block_on(fallible("2")), Ok(2));
    assert!(block_on(fallible("x")).is_err());

    let patterns = in_current_phase!(
        #[allow(unused_variables)]
        async |&a, (mut b, _): (u32, u32), _: String, #[allow(unused)] unused: u32, ref c: u32| {
            b += 1;
            Yield::default().await;
            a + b + *c
        }
    );
    assert_eq!(block_on(patterns(&1, (2, 0), String::new(), 0, 3)), 7);

    let nested = in_current_phase!(async |a: u32| in_current_phase!(async move |b: u32| a + b));
    assert_eq!(block_on(async { nested(1).await(2).await }), 3);
}

/// Arguments are dropped in the order of the bare closure.
fn drop_order() {
    macro_rules! drops {
        ($($bare:ident)?) => {{
            let drops = RefCell::new(Vec::new());
            let captured = Loud("captured", &drops);
            let closure = drops!(@closure [$($bare)?]
                async |a: Loud<'_>, (b, _): (Loud<'_>, Loud<'_>), _: Loud<'_>, early: bool| {
                    let _variable = Loud("variable", &drops);
                    if early {
                        drop(b);
                        return captured.0.len();
                    }
                    Yield::default().await;
                    a.0.len()
                }
            );
            let call = |early| {
                let pair = (Loud("b", &drops), Loud("_", &drops));
                closure(Loud("a", &drops), pair, Loud("unnamed", &drops), early)
            };
            assert_eq!(block_on(call(true)), 8);
            assert_eq!(block_on(call(false)), 1);
            drop(call(true));
            drop(closure);
            drop(captured);
            drops.into_inner()
        }};
        (@closure [bare] $($closure:tt)*) => {
            $($closure)*
        };
        (@closure [] $($closure:tt)*) => {
            in_current_phase!($($closure)*)
        };
    }

    let bare = drops!(bare);
    assert_eq!(bare.len(), 15, "{bare:?}");
    assert_eq!(drops!(), bare);
}

pub(crate) fn run() {
    blocks();
    boxes();
    closures();
    drop_order();
}
