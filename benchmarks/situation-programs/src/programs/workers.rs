//! Phases whose work is done by other threads.

use std::thread;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use situations::Facts;

use super::Tool;
use super::work::{KIB, MIB, allocate, spin};
use crate::tool::{handed_off, phase};

/// A pool whose threads have begun before anything is measured.
pub(super) fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
    pool.broadcast(|_| drop(allocate(1)));
    pool
}

pub(super) fn threads(tool: &impl Tool) -> Facts {
    #[phase]
    fn render() {
        thread::scope(|scope| {
            for mebibytes in [3, 5] {
                scope.spawn(handed_off!(move || page(mebibytes)));
            }
        });
    }

    #[phase]
    fn page(mebibytes: usize) {
        drop(allocate(mebibytes * MIB));
        spin("page", 20);
    }

    tool.build(&mut render)
}

pub(super) fn rayon(tool: &impl Tool) -> Facts {
    #[phase]
    fn render() {
        (0..64).into_par_iter().for_each(handed_off!(|_| {
            drop(allocate(64 * KIB));
            page();
        }));
    }

    #[phase]
    fn page() {
        drop(allocate(64 * KIB));
        spin("page", 1);
    }

    ThreadPoolBuilder::new().num_threads(2).build_global().expect("there is no other pool");
    rayon::broadcast(|_| drop(allocate(1)));
    tool.build(&mut render)
}

pub(super) fn stolen(tool: &impl Tool) -> Facts {
    #[phase]
    fn assets() -> impl FnOnce() + Send {
        handed_off!(move || bundle(4))
    }

    #[phase]
    fn bundle(mebibytes: usize) {
        drop(allocate(mebibytes * MIB));
        spin("assets", 20);
    }

    #[phase]
    fn render() {
        drop(allocate(MIB));
        spin("render", 10);
        // As any worker that waits: it runs what there is to do.
        rayon::yield_now();
    }

    let pool = pool(1);
    tool.build(&mut || {
        let job = assets();
        pool.install(|| rayon::join(render, job));
    })
}
