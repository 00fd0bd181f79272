//! Arguments and variables are dropped in the order of the bare function, whatever ends the call.
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};

use perf_runtime::{tracked_build, tracked_phase};

use crate::Yield;

/// The names of what was dropped, in order.
#[derive(Default)]
struct Drops(RefCell<Vec<&'static str>>);

impl Drops {
    const fn noisy(&self, name: &'static str) -> Noisy<'_> {
        Noisy { name, drops: self }
    }
}

struct Noisy<'a> {
    name: &'static str,
    drops: &'a Drops,
}

impl Noisy<'_> {
    /// Makes something that is dropped when the expression around it ends.
    const fn temporary(&self) -> Self {
        Self { name: "temporary", drops: self.drops }
    }

    const fn length(&self) -> usize {
        self.name.len()
    }
}

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.drops.0.borrow_mut().push(self.name);
    }
}

struct Pair<'a> {
    // No method mentions it, and it is dropped before the others.
    _unmentioned: Noisy<'a>,
    first: Noisy<'a>,
    second: Noisy<'a>,
}

/// How a call is to end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Last,
    Early,
    Consumed,
    Panic,
}

macro_rules! functions {
    ($module:ident, [$($attribute:ident)?], [$($asyncness:tt)?], $wait:expr) => {
        mod $module {
            use super::*;

            $(#[$attribute])?
            #[allow(clippy::too_many_arguments)]
            pub(super) $($asyncness)? fn arguments<'a>(
                a: Noisy<'a>,
                _: Noisy<'a>,
                mut b: Noisy<'a>,
                (c, _): (Noisy<'a>, Noisy<'a>),
                _unused: Noisy<'a>,
                Pair { second, .. }: Pair<'a>,
                ref d: Noisy<'a>,
                whole @ Pair { .. }: Pair<'a>,
                end: End,
            ) -> usize {
                let _variable = d.drops.noisy("variable");
                b.name = "b changed";
                $wait;
                match end {
                    End::Early => return a.length() + b.length(),
                    End::Consumed => {
                        let _consumed = (b, whole.second);
                        return c.length();
                    }
                    End::Panic => std::panic::resume_unwind(Box::new(())),
                    End::Last => {}
                }
                d.temporary().length() + second.length()
            }

            impl<'a> Pair<'a> {
                $(#[$attribute])?
                pub(super) $($asyncness)? fn $module(self, other: Noisy<'a>, end: End) -> usize {
                    let _variable = other.drops.noisy("variable");
                    $wait;
                    match end {
                        End::Early => return self.second.length(),
                        End::Consumed => drop(self.second),
                        End::Panic => std::panic::resume_unwind(Box::new(())),
                        End::Last => {}
                    }
                    self.first.temporary().length()
                }
            }
        }
    };
}

functions!(bare, [], [], ());
functions!(phase, [tracked_phase], [], ());
functions!(build, [tracked_build], [], ());
functions!(async_bare, [], [async], Yield::default().await);
functions!(async_phase, [tracked_phase], [async], Yield::default().await);
functions!(async_build, [tracked_build], [async], Yield::default().await);

const ENDS: [End; 4] = [End::Last, End::Early, End::Consumed, End::Panic];

/// What is dropped by a call of one of the `arguments`.
macro_rules! drops_of_arguments {
    ($module:ident, $end:expr, $finish:expr) => {{
        let drops = Drops::default();
        let pair = |first, second| Pair {
            _unmentioned: drops.noisy("pair"),
            first: drops.noisy(first),
            second: drops.noisy(second),
        };
        let _ = catch_unwind(AssertUnwindSafe(|| {
            $finish($module::arguments(
                drops.noisy("a"),
                drops.noisy("_"),
                drops.noisy("b"),
                (drops.noisy("c"), drops.noisy("c, _")),
                drops.noisy("_unused"),
                pair("..", "second"),
                drops.noisy("d"),
                pair("whole.first", "whole.second"),
                $end,
            ))
        }));
        drops.0.into_inner()
    }};
}

/// What is dropped by a call of one of the methods.
macro_rules! drops_of_method {
    ($method:ident, $end:expr, $finish:expr) => {{
        let drops = Drops::default();
        let pair = Pair {
            _unmentioned: drops.noisy("self"),
            first: drops.noisy("self.first"),
            second: drops.noisy("self.second"),
        };
        let _ =
            catch_unwind(AssertUnwindSafe(|| $finish(pair.$method(drops.noisy("other"), $end))));
        drops.0.into_inner()
    }};
}

/// Polls at most so many times, then drops.
fn poll(times: usize, future: impl Future) {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if Pin::new(&mut future).poll(&mut context).is_ready() {
            break;
        }
    }
}

pub(crate) fn run() {
    for end in ENDS {
        let bare = drops_of_arguments!(bare, end, drop);
        assert_eq!(bare.len(), 14 + usize::from(end == End::Last), "{bare:?}");
        assert_eq!(drops_of_arguments!(phase, end, drop), bare);
        assert_eq!(drops_of_arguments!(build, end, drop), bare);

        let bare = drops_of_method!(bare, end, drop);
        assert_eq!(drops_of_method!(phase, end, drop), bare);
        assert_eq!(drops_of_method!(build, end, drop), bare);

        // Never polled, cancelled while it waits, and completed.
        for times in 0..=2 {
            let finish = |future| poll(times, future);
            let bare = drops_of_arguments!(async_bare, end, finish);
            let finish = |future| poll(times, future);
            assert_eq!(drops_of_arguments!(async_phase, end, finish), bare);
            let finish = |future| poll(times, future);
            assert_eq!(drops_of_arguments!(async_build, end, finish), bare);

            let finish = |future| poll(times, future);
            let bare = drops_of_method!(async_bare, end, finish);
            let finish = |future| poll(times, future);
            assert_eq!(drops_of_method!(async_phase, end, finish), bare);
            let finish = |future| poll(times, future);
            assert_eq!(drops_of_method!(async_build, end, finish), bare);
        }
    }
}
