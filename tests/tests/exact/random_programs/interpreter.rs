//! Runs programs, and records their calls of the runtime.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use std::{array, thread};

use perf_runtime::{BuildHandle, BuildStats, PerformanceCollector, PhaseGuard, PhaseHandle};

use super::carried::{Closure, Task};
use super::program::{Act, BLOCKS, BUILDS, CLOSURES, FUTURES, HANDLES, NAMES, Step};
use super::threads::Threads;
use super::trace::{Id, What, note, now, this_thread, traced_twice, untraced};

/// The largest number of steps of a program: closures and futures may run each other.
const MOST_STEPS: u32 = 300;
const MOST_BUILDS: usize = 6;
const GUARDS: usize = 24;

#[derive(Clone, Copy)]
enum Handle {
    Phase(PhaseHandle),
    Build(BuildHandle),
}

struct Build {
    collector: PerformanceCollector,
    open: Option<usize>,
}

/// The state that the threads of a program share.
pub(crate) struct World {
    pub(crate) threads: Threads,
    blocks: [Mutex<Vec<u8>>; BLOCKS],
    handles: [Mutex<Option<(Id, Handle)>>; HANDLES],
    pub(crate) futures: [Mutex<Option<Task>>; FUTURES],
    pub(crate) closures: [Mutex<Option<Closure>>; CLOSURES],
    builds: [Mutex<Build>; BUILDS],
    /// The records, and copies of them, which must not be freed while any build is open.
    records: Mutex<Vec<(usize, BuildStats, BuildStats)>>,
    ids: AtomicU32,
    started: AtomicUsize,
    steps: AtomicU32,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with the lock")
}

struct Kept {
    id: Id,
    guard: ManuallyDrop<PhaseGuard>,
}

thread_local! {
    /// The guards that the thread keeps, the newest last. What is left at its end is forgotten.
    static KEPT: RefCell<[Option<Kept>; GUARDS]> = const { RefCell::new([const { None }; GUARDS]) };
    /// Whether other threads of the program run at the same time.
    static CONCURRENT: Cell<bool> = const { Cell::new(false) };
}

fn keep(kept: Kept) {
    KEPT.with_borrow_mut(|all| match all.iter_mut().find(|slot| slot.is_none()) {
        Some(free) => *free = Some(kept),
        None => unreachable!("asked for before"),
    });
}

fn may_keep_more() -> bool {
    KEPT.with_borrow(|all| all[GUARDS - 1].is_none())
}

/// Takes the guard at a distance from the newest.
fn take_newest(distance: usize) -> Option<Kept> {
    KEPT.with_borrow_mut(|all| {
        let len = all.iter().flatten().count();
        let index = len.checked_sub(distance + 1)?;
        all[index..len].rotate_left(1);
        all[len - 1].take()
    })
}

fn take_by_id(id: Id) -> Option<Kept> {
    let distance =
        KEPT.with_borrow(|all| all.iter().flatten().rev().position(|kept| kept.id == id))?;
    take_newest(distance)
}

fn close(kept: Kept) {
    let before = now();
    untraced(|| drop(ManuallyDrop::into_inner(kept.guard)));
    note((before, now()), What::Closed { guard: kept.id, unwinding: thread::panicking() });
}

/// Drops guards while unwinding.
struct Through<'world> {
    world: &'world Arc<World>,
    steps: &'world [Step],
    guards: usize,
}

impl Drop for Through<'_> {
    fn drop(&mut self) {
        self.world.run(self.steps);
        for _ in 0..self.guards {
            if let Some(kept) = take_newest(0) {
                close(kept);
            }
        }
    }
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let build = |_| {
            let collector = PerformanceCollector::new("never written").with_tool("exact", "1");
            Mutex::new(Build { collector, open: None })
        };
        Arc::new(Self {
            threads: Threads::new(),
            blocks: array::from_fn(|_| Mutex::default()),
            handles: array::from_fn(|_| Mutex::default()),
            futures: array::from_fn(|_| Mutex::default()),
            closures: array::from_fn(|_| Mutex::default()),
            builds: array::from_fn(build),
            records: Mutex::new(Vec::with_capacity(MOST_BUILDS)),
            ids: AtomicU32::new(0),
            started: AtomicUsize::new(0),
            steps: AtomicU32::new(0),
        })
    }

    /// The records of all builds, by number.
    pub(crate) fn records(&self) -> Vec<(usize, BuildStats)> {
        let mut records = lock(&self.records);
        records.drain(..).map(|(number, stats, _)| (number, stats)).collect()
    }

    pub(crate) fn id(&self) -> Id {
        self.ids.fetch_add(1, SeqCst)
    }

    pub(crate) fn run(self: &Arc<Self>, steps: &[Step]) {
        for step in steps {
            let away = step.player.filter(|&player| player != this_thread());
            match away {
                Some(_) if CONCURRENT.get() => {}
                Some(player) => {
                    self.threads.ask(player, step.act.clone(), &|act| self.do_one(act));
                }
                None => self.do_one(&step.act),
            }
        }
    }

    pub(crate) fn do_one(self: &Arc<Self>, act: &Act) {
        if self.steps.fetch_add(1, SeqCst) >= MOST_STEPS {
            return;
        }
        match act {
            Act::Allocate { .. } | Act::Zeroed { .. } | Act::Free(..) | Act::Resize { .. } => {
                self.change_block(act);
            }
            Act::Spin => spin(),
            Act::Enter { name, items } => {
                self.enter(*name, *items);
            }
            Act::Drop(guard) => {
                if let Some(kept) = take_newest(*guard) {
                    close(kept);
                }
            }
            Act::Forget(guard) => {
                let _forgotten = take_newest(*guard);
            }
            Act::Phase { name, steps } => {
                let id = self.enter(*name, 0);
                self.run(steps);
                id.and_then(take_by_id).into_iter().for_each(close);
            }
            Act::AddItems(items) => {
                let before = now();
                untraced(|| perf_runtime::add_items(*items));
                note((before, now()), What::ItemsAdded(*items));
            }
            Act::Unwind { guards, steps } => {
                let unwinding = catch_unwind(AssertUnwindSafe(|| {
                    let _through = Through { world: self, steps, guards: *guards };
                    resume_unwind(Box::new(()));
                }));
                assert!(unwinding.is_err());
            }
            Act::TakePhase(handle) => {
                let taken = Handle::Phase(untraced(PhaseHandle::current));
                self.take_handle(*handle, taken, What::PhaseTaken);
            }
            Act::TakeBuild(handle) => {
                let taken = Handle::Build(untraced(perf_runtime::build));
                self.take_handle(*handle, taken, What::BuildTaken);
            }
            Act::EnterHandle(handle) => {
                self.enter_handle(*handle);
            }
            Act::InHandle { handle, steps } => {
                let id = self.enter_handle(*handle);
                self.run(steps);
                id.and_then(take_by_id).into_iter().for_each(close);
            }
            Act::MakeClosure { closure, panics, steps } => {
                self.make_closure(*closure, *panics, steps);
            }
            Act::Call(closure) => self.call(*closure),
            Act::MakeFuture(plan) => self.make_future(plan),
            Act::Poll(future) => self.poll(*future),
            Act::DropFuture(future) => self.drop_future(*future),
            Act::StartBuild(build) => self.start_build(*build),
            Act::EndBuild(build) => self.end_build(*build),
            Act::Thread(steps) => self.run_thread(steps),
            Act::Both { one, other } => self.run_both(one, other),
        }
    }

    fn change_block(&self, act: &Act) {
        match act {
            Act::Allocate { block, size } => {
                let mut block = lock(&self.blocks[*block]);
                *block = Vec::new();
                *block = Vec::with_capacity(*size);
            }
            Act::Zeroed { block, size } => *lock(&self.blocks[*block]) = vec![0; *size],
            Act::Free(block) => *lock(&self.blocks[*block]) = Vec::new(),
            Act::Resize { block, size } => {
                let mut block = lock(&self.blocks[*block]);
                block.clear();
                if *size > block.capacity() {
                    block.reserve_exact(*size);
                } else {
                    block.shrink_to(*size);
                }
            }
            _ => {}
        }
    }

    fn enter(&self, name: usize, items: u64) -> Option<Id> {
        if !may_keep_more() {
            return None;
        }
        let id = self.id();
        let before = now();
        let unwinding = thread::panicking();
        let guard = ManuallyDrop::new(untraced(|| {
            let guard = perf_runtime::enter(NAMES[name]);
            if items > 0 {
                perf_runtime::add_items(items);
            }
            guard
        }));
        note((before, now()), What::Entered { name, items, guard: id, unwinding });
        keep(Kept { id, guard });
        Some(id)
    }

    fn take_handle(&self, place: usize, taken: Handle, what: fn(Id) -> What) {
        let id = self.id();
        note((now(), now()), what(id));
        *lock(&self.handles[place]) = Some((id, taken));
    }

    fn enter_handle(&self, place: usize) -> Option<Id> {
        if !may_keep_more() {
            return None;
        }
        let (handle, taken) = (*lock(&self.handles[place]))?;
        let id = self.id();
        let before = now();
        let guard = ManuallyDrop::new(untraced(|| match taken {
            Handle::Phase(it) => it.enter(),
            Handle::Build(it) => it.enter(),
        }));
        note((before, now()), What::HandleEntered { handle, guard: id });
        keep(Kept { id, guard });
        Some(id)
    }

    fn start_build(&self, place: usize) {
        let mut build = lock(&self.builds[place]);
        if CONCURRENT.get() || build.open.is_some() || self.started.load(SeqCst) == MOST_BUILDS {
            return;
        }
        let number = self.started.fetch_add(1, SeqCst);
        let before = now();
        untraced(|| build.collector.start_build());
        note((before, now()), What::BuildStarted(number));
        build.open = Some(number);
    }

    pub(crate) fn end_build(&self, place: usize) {
        let mut build = lock(&self.builds[place]);
        let Some(number) = build.open.filter(|_| !CONCURRENT.get()) else { return };
        build.open = None;
        let before = now();
        let stats = untraced(|| build.collector.end_build());
        note((before, now()), What::BuildEnded(number));
        // A record is memory of the user. The copy makes the same allocations, right after it.
        let copy = traced_twice(|| stats.clone());
        lock(&self.records).push((number, stats, copy));
    }

    /// Drops closures and futures after all builds. They run no more steps.
    pub(crate) fn forget(&self) {
        self.steps.store(MOST_STEPS, SeqCst);
        self.closures.iter().for_each(|closure| drop(lock(closure).take()));
        (0..FUTURES).for_each(|future| self.drop_future(future));
    }

    fn run_thread(self: &Arc<Self>, steps: &[Step]) {
        let Some(number) = self.threads.number() else { return };
        let (parent, concurrent) = (this_thread(), CONCURRENT.get());
        thread::scope(|scope| {
            let child = scope.spawn(move || {
                CONCURRENT.set(concurrent);
                self.threads.live(number, Some(parent), || self.run(steps));
            });
            self.threads.serve(&|act| self.do_one(act));
            child.join().expect("the program catches its panics");
            self.threads.has_ended(number);
        });
    }

    fn run_both(self: &Arc<Self>, one: &[Step], other: &[Step]) {
        thread::scope(|scope| {
            let children = [one, other].map(|steps| {
                let number = self.threads.number()?;
                let child = scope.spawn(move || {
                    CONCURRENT.set(true);
                    self.threads.live(number, None, || self.run(steps));
                });
                Some((number, child))
            });
            for (number, child) in children.into_iter().flatten() {
                child.join().expect("the program catches its panics");
                self.threads.has_ended(number);
            }
        });
    }
}

fn spin() {
    let end = now() + u64::try_from(Duration::from_micros(30).as_nanos()).unwrap_or(0);
    while now() < end {
        std::hint::spin_loop();
    }
}
