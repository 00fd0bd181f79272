//! Phases that are futures.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use situations::Facts;
use tokio::runtime::{Builder, Runtime};

use super::Tool;
use super::work::{MIB, allocate, spin};
use crate::tool::{InCurrentPhase as _, async_phase, phase};

pub(super) fn migrating(tool: &impl Tool) -> Facts {
    #[phase]
    fn load(runtime: &Runtime, away: &Arc<Away>) {
        let task = runtime.spawn(fetch(Arc::clone(away)).in_current_phase());
        runtime.block_on(task).expect("the task does not panic");
    }

    async_phase! {
        async fn fetch(away: Arc<Away>) {
            drop(allocate(MIB));
            spin("fetch", 10);
            away.to_another_thread().await;
            drop(allocate(MIB));
            spin("fetch", 10);
        }
    }

    let runtime =
        Builder::new_multi_thread().worker_threads(2).build().expect("threads can be had");
    let away = Arc::new(Away::default());
    let waker = thread::spawn({
        let away = Arc::clone(&away);
        move || away.wake_until_done()
    });
    let facts = tool.build(&mut || load(&runtime, &away));
    away.done.store(true, Ordering::SeqCst);
    waker.join().expect("waking does not panic");
    facts
}

/// Sends a task to another thread: wakes it from outside of the executor, whose threads then take
/// it by turns, until it is polled on another one.
#[derive(Default)]
struct Away {
    waiting: Mutex<Option<Waker>>,
    done: AtomicBool,
}

impl Away {
    async fn to_another_thread(&self) {
        let here = thread::current().id();
        poll_fn(|context| {
            if thread::current().id() != here {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
            Poll::Pending
        })
        .await;
    }

    fn wake_until_done(&self) {
        while !self.done.load(Ordering::SeqCst) {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waiting {
                waker.wake();
            }
            thread::sleep(Duration::from_micros(200));
        }
    }
}

pub(super) fn joined(tool: &impl Tool) -> Facts {
    async_phase! {
        async fn read() {
            drop(allocate(2 * MIB));
            spin("read", 10);
            let_others().await;
            drop(allocate(2 * MIB));
            spin("read", 10);
        }
    }

    async_phase! {
        async fn parse() {
            drop(allocate(MIB));
            spin("parse", 5);
            let_others().await;
            drop(allocate(MIB));
            spin("parse", 5);
        }
    }

    let runtime = on_this_thread();
    tool.build(&mut || {
        runtime.block_on(async { tokio::join!(read(), parse()) });
    })
}

pub(super) fn cancelled(tool: &impl Tool) -> Facts {
    async_phase! {
        async fn slow() {
            let block = allocate(MIB);
            pending::<()>().await;
            drop(block);
        }
    }

    async_phase! {
        async fn quick() {
            let_others().await;
        }
    }

    let runtime = on_this_thread();
    tool.build(&mut || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = slow() => {}
                () = quick() => {}
            }
        });
    })
}

fn on_this_thread() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime can be had")
}

/// Is polled twice.
async fn let_others() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
