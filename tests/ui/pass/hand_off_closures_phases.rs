//! `in_current_phase!`: what a closure does is in the phase that made it, and what it is made of
//! as well.
use std::future::Future;
use std::pin::Pin;
use std::thread;

use perf_runtime::{PerformanceCollector, in_current_phase, phase, tracked_phase};

use crate::{Yield, block_on};

/// The paths of a build that does `work` in the phase `making`, but for that phase.
fn paths(work: impl FnOnce()) -> Vec<String> {
    let mut collector = PerformanceCollector::new("");
    collector.start_build();
    phase!("making", { work() });
    let stats = collector.end_build();
    stats.phases.iter().map(|phase| phase.path.to_string()).filter(|it| it != "making").collect()
}

#[tracked_phase]
fn inside() {}

#[tracked_phase]
async fn inside_later() {
    Yield::default().await;
}

/// Is in a phase when it is dropped.
struct InsideWhenDropped;

impl Drop for InsideWhenDropped {
    fn drop(&mut self) {
        inside();
    }
}

impl InsideWhenDropped {
    const fn length(&self) -> usize {
        std::mem::size_of_val(self)
    }
}

fn join<T>(handle: thread::JoinHandle<T>) {
    assert!(handle.join().is_ok());
}

fn elsewhere(work: impl FnOnce() + Send + 'static) {
    join(thread::spawn(work));
}

const IN_MAKING: &[&str] = if cfg!(feature = "track") { &["making/inside"] } else { &[] };
const LATER_IN_MAKING: &[&str] =
    if cfg!(feature = "track") { &["making/inside_later"] } else { &[] };
const AT_THE_ROOT: &[&str] = if cfg!(feature = "track") { &["inside"] } else { &[] };

fn bodies() {
    assert_eq!(paths(|| elsewhere(inside)), AT_THE_ROOT);
    assert_eq!(paths(|| elsewhere(in_current_phase!(|| inside()))), IN_MAKING);
    assert_eq!(paths(|| elsewhere(in_current_phase!(move || inside()))), IN_MAKING);
    assert_eq!(paths(|| elsewhere(in_current_phase!(|| { inside() }))), IN_MAKING);
    let returning = || elsewhere(in_current_phase!(|| return inside()));
    assert_eq!(paths(returning), IN_MAKING);
    let typed = || elsewhere(in_current_phase!(move || -> () { inside() }));
    assert_eq!(paths(typed), IN_MAKING);
    let panicking = || {
        let handle = thread::spawn(in_current_phase!(|| {
            let _inside = InsideWhenDropped;
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(handle.join().is_err());
    };
    assert_eq!(paths(panicking), IN_MAKING);
}

/// Dropped where the bare closure drops it.
fn drops() {
    let temporary = || {
        elsewhere(in_current_phase!(|| assert_eq!(InsideWhenDropped.length(), 0)));
    };
    assert_eq!(paths(temporary), IN_MAKING);
    let in_last_expression = || {
        join(thread::spawn(in_current_phase!(|| InsideWhenDropped.length())));
    };
    assert_eq!(paths(in_last_expression), IN_MAKING);
    let variable = || {
        elsewhere(in_current_phase!(|| {
            let _inside = InsideWhenDropped;
        }));
    };
    assert_eq!(paths(variable), IN_MAKING);
    let argument = || {
        let job = in_current_phase!(|argument: InsideWhenDropped| argument.length());
        join(thread::spawn(move || job(InsideWhenDropped)));
    };
    assert_eq!(paths(argument), AT_THE_ROOT);
    let captured = || {
        let captured = InsideWhenDropped;
        join(thread::spawn(in_current_phase!(move || captured.length())));
    };
    assert_eq!(paths(captured), AT_THE_ROOT);
    let moved_into_the_body = || {
        let captured = InsideWhenDropped;
        join(thread::spawn(in_current_phase!(move || {
            let captured = captured;
            captured.length()
        })));
    };
    assert_eq!(paths(moved_into_the_body), IN_MAKING);
}

fn calls() {
    let many_calls_on_many_threads = || {
        let job = in_current_phase!(|| inside());
        job();
        elsewhere(job);
        phase!("other", {
            job();
            elsewhere(job);
        });
    };
    let expected: &[_] =
        if cfg!(feature = "track") { &["making/inside", "making/other"] } else { &[] };
    assert_eq!(paths(many_calls_on_many_threads), expected);

    let nested = || {
        elsewhere(in_current_phase!(|| {
            phase!("outer", {
                elsewhere(in_current_phase!(|| inside()));
            });
        }));
    };
    let expected: &[_] =
        if cfg!(feature = "track") { &["making/outer", "making/outer/inside"] } else { &[] };
    assert_eq!(paths(nested), expected);

    // Made at the root, called in a phase.
    let mut collector = PerformanceCollector::new("");
    collector.start_build();
    let job = in_current_phase!(|| inside());
    phase!("calling", { job() });
    let stats = collector.end_build();
    assert_eq!(stats.phase("inside").is_some(), cfg!(feature = "track"));
    assert_eq!(stats.phase("calling").is_some(), cfg!(feature = "track"));
    assert!(stats.phase("calling/inside").is_none());
    assert!(collector.timeline().is_none(), "none was asked for");

    // Called in a build that it is not of, and in none.
    assert_eq!(paths(move || elsewhere(job)), AT_THE_ROOT);
    job();
}

fn futures() {
    let block = || {
        let make = in_current_phase!(|| async { inside_later().await });
        elsewhere(move || block_on(make()));
    };
    assert_eq!(paths(block), LATER_IN_MAKING);
    let block_at_the_end = || {
        let make = in_current_phase!(|wait: bool| {
            let later = inside_later();
            async move {
                if wait {
                    later.await;
                }
            }
        });
        elsewhere(move || block_on(make(true)));
    };
    assert_eq!(paths(block_at_the_end), LATER_IN_MAKING);
    let boxed = || {
        let make = in_current_phase!(move || Box::pin(async { inside_later().await }));
        elsewhere(move || block_on(make()));
    };
    assert_eq!(paths(boxed), LATER_IN_MAKING);
    let typed = || {
        let make = in_current_phase!(|early| -> Pin<Box<dyn Future<Output = ()>>> {
            if early {
                return Box::pin(inside_later());
            }
            Box::pin(std::future::ready(()))
        });
        elsewhere(move || {
            block_on(make(false));
            block_on(make(true));
        });
    };
    assert_eq!(paths(typed), LATER_IN_MAKING);
    let closure = || {
        let call = in_current_phase!(async |wait| {
            Yield::default().await;
            if wait {
                inside_later().await;
            }
        });
        elsewhere(move || block_on(call(true)));
    };
    assert_eq!(paths(closure), LATER_IN_MAKING);
    let argument_of_closure = || {
        let call = in_current_phase!(async |_inside: InsideWhenDropped| Yield::default().await);
        elsewhere(move || block_on(call(InsideWhenDropped)));
    };
    assert_eq!(paths(argument_of_closure), IN_MAKING);
    let dropped_half_way = || {
        let call = in_current_phase!(async move || {
            let _inside = InsideWhenDropped;
            std::future::pending::<()>().await;
        });
        elsewhere(move || {
            let mut future = Box::pin(call());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
        });
    };
    assert_eq!(paths(dropped_half_way), IN_MAKING);
}

pub(crate) fn run() {
    bodies();
    drops();
    calls();
    futures();
}
