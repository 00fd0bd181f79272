//! Phases that allocate and free.

use situations::Facts;

use super::Tool;
use super::work::{MIB, allocate};
use super::workers::pool;
use crate::tool::{handed_off, phase};

pub(super) fn handed_on(tool: &impl Tool) -> Facts {
    #[phase]
    fn load() -> Vec<u8> {
        allocate(8 * MIB)
    }

    #[phase]
    fn render(block: Vec<u8>) {
        drop(block);
    }

    tool.build(&mut || render(load()))
}

pub(super) fn freed_elsewhere(tool: &impl Tool) -> Facts {
    #[phase]
    fn load() -> Vec<u8> {
        allocate(4 * MIB)
    }

    #[phase]
    fn clean(pool: &rayon::ThreadPool, block: Vec<u8>) {
        pool.install(handed_off!(move || drop(block)));
    }

    let pool = pool(1);
    tool.build(&mut || clean(&pool, load()))
}

pub(super) fn peak(tool: &impl Tool) -> Facts {
    #[phase]
    fn minify() {
        let first = allocate(8 * MIB);
        let second = allocate(4 * MIB);
        drop(first);
        let third = allocate(4 * MIB);
        drop((second, third));
    }

    tool.build(&mut minify)
}
