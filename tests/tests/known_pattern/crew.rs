//! Other threads that allocate and free when they are told to, and nothing else.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use perf_runtime::PhaseHandle;

/// How many there are.
pub(crate) const CREW: usize = 3;

/// More than a thread's level moves before it tells the process, in bytes.
const FAR: usize = 256 * 1_024;

/// The most blocks that one of them holds.
const ROOM: usize = 64;

pub(crate) type Blocks = Vec<Vec<u8>>;

#[derive(Clone)]
enum Job {
    /// Allocates so many blocks of so many bytes.
    Hold(usize, usize),
    /// Frees them.
    Release,
    /// Both, as work of a phase.
    InPhase(PhaseHandle, usize, usize),
    /// Frees what is on the table.
    Clear,
    Quit,
}

/// What one thread is to do, and what lies there to be taken.
struct Desk {
    job: Mutex<Option<Job>>,
    changed: Condvar,
    table: Mutex<Blocks>,
}

/// The other threads, each of which works only while somebody waits for it.
pub(crate) struct Crew {
    threads: Vec<(Arc<Desk>, JoinHandle<()>)>,
}

impl Crew {
    pub(crate) fn start() -> Self {
        let member = |_| {
            let desk = Arc::new(Desk {
                job: Mutex::new(None),
                changed: Condvar::new(),
                table: Mutex::new(Vec::with_capacity(ROOM)),
            });
            let its_own = Arc::clone(&desk);
            (desk, thread::spawn(move || its_own.serve()))
        };
        let crew = Self { threads: (0..CREW).map(member).collect() };
        // So that all of them are there, and have made what they need.
        crew.all_hold(1, 1);
        crew.all_release();
        crew
    }

    /// Each holds so many blocks of so many bytes.
    pub(crate) fn all_hold(&self, blocks: usize, size: usize) {
        self.threads.iter().for_each(|it| it.0.ask(Job::Hold(blocks, size)));
    }

    pub(crate) fn all_release(&self) {
        self.threads.iter().for_each(|it| it.0.ask(Job::Release));
    }

    /// Each tells the process of its level as it is, to the byte: what is seen of it from now on is
    /// wrong by what it does from now on, and not by what it did before.
    pub(crate) fn all_tell(&self) {
        self.all_hold(1, FAR);
        self.all_release();
    }

    /// One allocates blocks, and frees them, in the phase of a handle.
    pub(crate) fn work_in(&self, phase: PhaseHandle, blocks: usize, size: usize) {
        self.threads[0].0.ask(Job::InPhase(phase, blocks, size));
    }

    /// One frees these blocks.
    pub(crate) fn free(&self, blocks: &mut Blocks) {
        let desk = &self.threads[0].0;
        desk.table.lock().unwrap().append(blocks);
        desk.ask(Job::Clear);
    }

    /// Frees whatever they still hold.
    pub(crate) fn clear(&self) {
        self.all_release();
    }

    pub(crate) fn quit(self) {
        for (desk, thread) in self.threads {
            *desk.job.lock().unwrap() = Some(Job::Quit);
            desk.changed.notify_all();
            thread.join().unwrap();
        }
    }
}

impl Desk {
    /// Waits until the thread has done it.
    fn ask(&self, job: Job) {
        let mut place = self.job.lock().unwrap();
        *place = Some(job);
        self.changed.notify_all();
        drop(self.changed.wait_while(place, |it| it.is_some()).unwrap());
    }

    fn serve(&self) {
        let mut held: Blocks = Vec::with_capacity(ROOM);
        loop {
            let place = self.job.lock().unwrap();
            let mut place = self.changed.wait_while(place, |it| it.is_none()).unwrap();
            match place.as_ref() {
                Some(Job::Hold(blocks, size)) => hold(&mut held, *blocks, *size),
                Some(Job::Release) => held.clear(),
                Some(Job::InPhase(phase, blocks, size)) => {
                    let _phase = phase.enter();
                    hold(&mut held, *blocks, *size);
                    held.clear();
                }
                Some(Job::Clear) => self.table.lock().unwrap().clear(),
                Some(Job::Quit) | None => return,
            }
            *place = None;
            self.changed.notify_all();
        }
    }
}

fn hold(held: &mut Blocks, blocks: usize, size: usize) {
    held.extend((0..blocks).map(|_| Vec::with_capacity(size)));
}
