//! Closures and futures that a program creates in one phase and runs in another.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use perf_runtime::{InCurrentPhase as _, in_current_phase, tracked_phase};

use super::interpreter::{World, lock};
use super::program::{Ending, FuturePlan, Steps};
use super::trace::{Id, Polled, What, note, now, traced, untraced};

// ---- into the runtime and out of it ----------------------------------------------------------------

/// What the runtime does before it calls code of the program: at most it enters a handle and a phase.
#[derive(Clone, Copy)]
struct Arriving {
    called_at: u64,
    what: [Option<What>; 2],
}

thread_local! {
    static ARRIVING: Cell<Option<Arriving>> = const { Cell::new(None) };
    /// When code of the program last returned to the runtime.
    static LEFT_AT: Cell<u64> = const { Cell::new(0) };
}

/// Records what the runtime did before it called the program.
fn arrive() {
    if let Some(Arriving { called_at, what }) = ARRIVING.take() {
        let between = (called_at, now());
        what.into_iter().flatten().for_each(|what| note(between, what));
    }
}

/// Code of the program that the runtime calls.
struct Inside;

impl Inside {
    fn run(run: impl FnOnce()) {
        traced(|| {
            let _inside = Self;
            arrive();
            run();
        });
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        LEFT_AT.set(now());
    }
}

/// Records what the runtime does after the program's code returns or unwinds.
struct Returning<F: FnMut() -> [Option<What>; 2]>(F);

impl<F: FnMut() -> [Option<What>; 2]> Drop for Returning<F> {
    fn drop(&mut self) {
        if let Some(Arriving { called_at, .. }) = ARRIVING.get() {
            LEFT_AT.set(called_at);
            arrive();
        }
        let between = (LEFT_AT.get(), now());
        (self.0)().into_iter().flatten().for_each(|what| note(between, what));
    }
}

/// Calls the runtime, and records what it does before and after the program's code.
fn call_runtime<T>(
    before: [Option<What>; 2],
    after: impl FnMut() -> [Option<What>; 2],
    call: impl FnOnce() -> T,
) -> T {
    let _returning = Returning(after);
    let called_at = now();
    ARRIVING.set(Some(Arriving { called_at, what: before }));
    untraced(call)
}

// ---- closures ----------------------------------------------------------------------------------------

pub(crate) struct Closure {
    handle: Id,
    run: Box<dyn Fn() + Send>,
}

impl World {
    pub(crate) fn make_closure(self: &Arc<Self>, place: usize, panics: bool, steps: &Steps) {
        let (world, steps) = (self.clone(), steps.clone());
        let handle = self.id();
        note((now(), now()), What::PhaseTaken(handle));
        let run = untraced(|| {
            in_current_phase!(move || {
                Inside::run(|| {
                    world.run(&steps);
                    if panics {
                        resume_unwind(Box::new(()));
                    }
                });
            })
        });
        let closure = Closure { handle, run: Box::new(run) };
        let before = lock(&self.closures[place]).replace(closure);
        drop(before);
    }

    pub(crate) fn call(&self, place: usize) {
        let Some(closure) = lock(&self.closures[place]).take() else { return };
        let (handle, guard) = (closure.handle, self.id());
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let before = [Some(What::HandleEntered { handle, guard }), None];
            let after = || [Some(What::Closed { guard, unwinding: thread::panicking() }), None];
            call_runtime(before, after, &closure.run);
        }));
        drop(caught);
        let mut kept = lock(&self.closures[place]);
        if kept.is_none() {
            *kept = Some(closure);
        } else {
            drop(kept);
            drop(closure);
        }
    }
}

// ---- futures -----------------------------------------------------------------------------------------

/// Code of the program in a future.
struct Script {
    world: Arc<World>,
    polls: Arc<[Steps]>,
    next: usize,
    ending: Ending,
    last: Steps,
    held: Vec<u8>,
}

impl Future for Script {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut result = Poll::Pending;
        Inside::run(|| {
            let steps = this.polls.get(this.next);
            this.next += 1;
            if let Some(steps) = steps {
                this.world.run(steps);
            }
            if this.next >= this.polls.len() {
                match this.ending {
                    Ending::Ready => result = Poll::Ready(()),
                    Ending::Panics => resume_unwind(Box::new(())),
                    Ending::Never => {}
                }
            }
        });
        result
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        Inside::run(|| {
            self.world.run(&self.last);
            self.held = Vec::new();
        });
    }
}

/// Futures that are phases, one for each name.
macro_rules! phases {
    ($($name:ident)*) => {$(
        #[tracked_phase(items = items)]
        async fn $name(items: u64, script: Script) {
            let _ = items;
            script.await;
        }
    )*};
}

phases!(a b c);

trait Pollable: Send {
    fn poll(self: Pin<&mut Self>) -> Poll<()>;
    fn empty(self: Pin<&mut Self>);
}

impl<F: Future<Output = ()> + Send> Pollable for Option<F> {
    fn poll(self: Pin<&mut Self>) -> Poll<()> {
        let future = self.as_pin_mut().expect("emptied only when dropped");
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn empty(mut self: Pin<&mut Self>) {
        self.set(None);
    }
}

pub(crate) struct Task {
    id: Id,
    name: Option<usize>,
    items: u64,
    handle: Option<Id>,
    over: bool,
    future: Pin<Box<dyn Pollable>>,
}

fn boxed<F>(handed: bool, make: impl FnOnce() -> F) -> Pin<Box<dyn Pollable>>
where
    F: Future<Output = ()> + Send + 'static,
{
    if handed {
        Box::pin(Some(untraced(|| make().in_current_phase())))
    } else {
        Box::pin(Some(make()))
    }
}

impl World {
    pub(crate) fn make_future(self: &Arc<Self>, plan: &FuturePlan) {
        let FuturePlan { future: place, name, handed, .. } = *plan;
        let (id, items) = (self.id(), plan.polls.len() as u64);
        let script = Script {
            world: self.clone(),
            polls: plan.polls.clone(),
            next: 0,
            ending: plan.ending,
            last: plan.last.clone(),
            held: Vec::with_capacity(1_000 + 100 * place),
        };
        let handle = handed.then(|| {
            let handle = self.id();
            note((now(), now()), What::PhaseTaken(handle));
            handle
        });
        let future = match name {
            Some(0) => boxed(handed, || a(items, script)),
            Some(1) => boxed(handed, || b(items, script)),
            Some(_) => boxed(handed, || c(items, script)),
            None => boxed(handed, || script),
        };
        let task = Task { id, name, items, handle, over: false, future };
        let before = lock(&self.futures[place]).replace(task);
        if let Some(before) = before {
            self.end_task(before);
        }
    }

    pub(crate) fn poll(&self, place: usize) {
        let Some(mut task) = lock(&self.futures[place]).take() else { return };
        let future = task.id;
        let entered = task.handle.map(|handle| (handle, self.id()));
        let began = task.name.map(|name| {
            let unwinding = thread::panicking();
            What::PollBegan { future, name, items: task.items, unwinding }
        });
        let how = Cell::new(Polled::Panicked);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let before =
                [entered.map(|(handle, guard)| What::HandleEntered { handle, guard }), began];
            let after = || {
                let unwinding = thread::panicking();
                let ended = began.map(|_| What::PollEnded { future, how: how.get(), unwinding });
                [ended, entered.map(|(_, guard)| What::Closed { guard, unwinding })]
            };
            call_runtime(before, after, || {
                let result = task.future.as_mut().poll();
                how.set(if result.is_ready() { Polled::Ready } else { Polled::Pending });
            });
        }));
        drop(caught);
        task.over = how.get() != Polled::Pending;
        let mut kept = lock(&self.futures[place]);
        if !task.over && kept.is_none() {
            *kept = Some(task);
        } else {
            drop(kept);
            self.end_task(task);
        }
    }

    pub(crate) fn drop_future(&self, place: usize) {
        let task = lock(&self.futures[place]).take();
        if let Some(task) = task {
            self.end_task(task);
        }
    }

    /// Drops a future, and then the box that it is in.
    fn end_task(&self, mut task: Task) {
        let future = task.id;
        let unwinding = thread::panicking();
        let entered = task.handle.map(|handle| (handle, self.id()));
        let began = task.name.map(|name| What::DropBegan { future, name, unwinding });
        let before = [entered.map(|(handle, guard)| What::HandleEntered { handle, guard }), began];
        let after = || {
            let ended = began.map(|_| What::DropEnded { future, unwinding });
            [ended, entered.map(|(_, guard)| What::Closed { guard, unwinding })]
        };
        call_runtime(before, after, || task.future.as_mut().empty());
        drop(task);
    }
}
