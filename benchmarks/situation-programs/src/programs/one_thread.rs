//! Phases on one thread.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use situations::Facts;

use super::Tool;
use super::work::{MIB, allocate, spin};
use crate::tool::phase;

pub(super) fn nested(tool: &impl Tool) -> Facts {
    #[phase]
    fn site() {
        drop(allocate(3 * MIB));
        page();
        page();
    }

    #[phase]
    fn page() {
        drop(allocate(MIB));
        spin("site", 10);
    }

    tool.build(&mut site)
}

pub(super) fn recursion(tool: &impl Tool) -> Facts {
    #[phase]
    fn walk(depth: u32) {
        drop(allocate(MIB));
        spin("walk", 5);
        if depth > 1 {
            walk(depth - 1);
        }
    }

    tool.build(&mut || walk(4))
}

pub(super) fn panic(tool: &impl Tool) -> Facts {
    #[phase]
    fn site() {
        // Whether it panicked is what is asked.
        let _ = catch_unwind(AssertUnwindSafe(page));
        drop(allocate(2 * MIB));
    }

    #[phase]
    fn page() {
        drop(allocate(MIB));
        // A panic that nobody prints.
        resume_unwind(Box::new(()));
    }

    tool.build(&mut site)
}

pub(super) fn two_builds(tool: &impl Tool) -> Facts {
    #[phase]
    fn render(bytes: usize) {
        drop(allocate(bytes));
    }

    tool.build(&mut || (0..3).for_each(|_| render(MIB)));
    tool.build(&mut || render(2 * MIB))
}
