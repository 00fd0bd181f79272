//! Work that a thread does for another chain of phases than that on its stack: handed over from
//! another thread, stolen while it waits, or of another build.
//!
//! # Implementation
//!
//! Such work begins with a frame that stands for the chain: phases above it are on that chain, those
//! below are not on the stack until it returns. When it does, all frames below are moved: their
//! entries' time, counters and levels become those that they would have had if the work had been
//! done in no time and with no memory. So nothing else in the accounting needs to know of it.
//!
//! What a thread does for a build in no phase of it is at *ground*. A thread's base is ground; work
//! for a build as a whole has ground of its own, right above the frame that it begins with.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::ticks::Ticks;
use crate::phase::frame::{Frame, Manner, raise};
use crate::phase::node::{Node, Used};
use crate::phase::open_builds::{self, BuildNumber, Epoch};
use crate::phase::path::PathId;
use crate::phase::tree::Tree;

use super::Thread;
use super::entry::Entry;

impl Thread {
    /// Begins work for the chain of phases that ends with `path`. `None` where that is what the
    /// thread works for already, or its build has ended, or there is no memory.
    #[inline(never)]
    pub(crate) fn enter_chain(&'static self, build: BuildNumber, path: PathId) -> Option<Entry> {
        self.look_if_builds_changed();
        let epoch = Epoch::now();
        let present = self.tree.get().filter(|it| it.build() == Some(build));
        let tree = match present {
            Some(_) if self.is_on_top(path) => return None,
            Some(tree) => tree,
            None if open_builds::is_open(build) => self.tree_in_time_for(build, epoch, false)?,
            None => return None,
        };
        let node = tree.handed_node(path)?;
        self.write(|| self.push_chain(tree, node))
    }

    /// Begins work for a build as a whole that this thread starts in the midst of another's.
    pub(super) fn enter_own_build(&'static self, build: BuildNumber) -> Option<Entry> {
        let tree = self.tree_in_time_for(build, Epoch::now(), true)?;
        let root = tree.root()?;
        self.write(|| self.push_chain(tree, root))
    }

    /// Whether the phase of that path is on top of the stack, in the tree that the thread works on.
    fn is_on_top(&self, path: PathId) -> bool {
        self.innermost.get().and_then(|it| it.node.get()).is_some_and(|it| it.path() == path)
    }

    /// Goes on, from `now`, with the builds that this thread started in the midst of others, where a
    /// phase below was exited, and took the work for them off the stack. To be called within
    /// [`Self::write`].
    pub(super) fn resume_own_builds(&self, now: Ticks) {
        self.set_special(super::RESUME, false);
        loop {
            // In the order in which they were started.
            let lost =
                self.trees().filter(|it| self.has_lost_ground(it)).min_by_key(|it| it.build());
            let Some((tree, root)) = lost.and_then(|it| Some((it, it.root()?))) else { return };
            let Some((chain, _)) = self.push_chain(tree, root) else { return };
            chain.set_start(now);
            if let Some(ground) = self.innermost.get() {
                ground.set_start(now);
            }
        }
    }

    /// Whether the thread started the build of that tree, which is open, and has no ground of it.
    fn has_lost_ground(&self, tree: &Tree) -> bool {
        let build = tree.build();
        let has_ground =
            || self.innermost.get().is_some_and(|top| self.grounds(top).any(|it| it.1 == build));
        tree.is_own()
            && self.home() != build
            && build.is_some_and(open_builds::is_open)
            && !has_ground()
    }

    fn push_chain(&self, tree: &'static Tree, node: &'static Node) -> Option<Entry> {
        let innermost = self.innermost.get()?;
        let below = self.tree.get();
        let folds = self.folds();
        if folds != 0 {
            self.unmark_stack();
            self.set_folds(0);
        }
        let Some(entry) = self.push(node, Manner::HANDED) else {
            self.restore_folds(innermost, folds);
            return None;
        };
        entry.0.tree_below.set(below);
        entry.0.folds_below.store(folds, Relaxed);
        if !same(below, Some(tree)) {
            self.work_on(Some(tree));
        }
        if node.path() == PathId::ROOT
            && let Some((ground, _)) = self.push(node, Manner::HANDED)
        {
            ground.set_start(entry.0.start());
            ground.outside.set(Some(&tree.outside));
        }
        Some(entry)
    }

    /// Ends work for another chain that used so much.
    pub(super) fn pop_hand_off(
        &self,
        frame: &Frame,
        node: &Node,
        outer: &'static Frame,
        used: Used,
    ) {
        node.handed.add(used);
        bump(&node.stretches, 1);
        raise(&node.handed_peak, frame.peak.load(Relaxed).wrapping_sub(frame.counters.net_bytes()));
        raise(&node.handed_process_peak, frame.process_peak.load(Relaxed));
        let tree_below = frame.tree_below.get();
        if node.path() == PathId::ROOT && self.tree.get().is_some_and(Tree::is_own) {
            self.set_special(super::RESUME, true);
        }
        if self.is_base(outer) && same(tree_below, self.tree.get()) {
            // Nothing was set aside.
            return;
        }
        let build = self.tree.get().and_then(Tree::build);
        self.work_on(tree_below);
        // Ground right below is settled and started anew by the exit itself.
        let moved = if outer.is_ground() { outer.outer.get() } else { Some(outer) };
        std::iter::successors(moved, |it| it.outer.get()).for_each(|it| it.leave_out(used));
        for (ground, its) in self.grounds(outer) {
            let nearest = self.grounds(outer).find(|it| it.1 == its);
            if its != build && nearest.is_some_and(|it| std::ptr::eq(it.0, ground)) {
                // To the build below, its own thread was in no phase meanwhile.
                ground.add_outside(Used { ticks: used.ticks, ..Used::default() });
            }
        }
        if !self.is_base(outer) {
            // What goes on now may be of a build that has ended meanwhile.
            self.set_special(super::LOOK, true);
        }
        self.restore_folds(outer, frame.folds_below.load(Relaxed));
    }

    /// The grounds from `top` down, and the builds that they are of. `top` is a frame of the tree
    /// that the thread works on.
    fn grounds(
        &self,
        top: &'static Frame,
    ) -> impl Iterator<Item = (&'static Frame, Option<BuildNumber>)> + use<> {
        let mut tree = self.tree.get();
        std::iter::successors(Some(top), |it| it.outer.get()).filter_map(move |frame| {
            let of = tree.and_then(Tree::build);
            if frame.is_hand_off() {
                tree = frame.tree_below.get();
            }
            frame.is_ground().then_some((frame, of))
        })
    }

    /// Notes that a phase is on the stack once more.
    pub(super) fn fold(&self) {
        if self.folds() == 0
            && let Some(top) = self.innermost.get().and_then(|it| it.node.get())
        {
            top.and_above().for_each(|it| it.active.store(1, Relaxed));
        }
        self.set_folds(self.folds() + 1);
    }

    /// Takes [`Self::fold`] back. `outer` is the frame that is on top from now on.
    pub(super) fn unfold(&self, outer: &Frame) {
        self.set_folds(self.folds().saturating_sub(1));
        if self.folds() == 0
            && let Some(top) = outer.node.get()
        {
            top.and_above().for_each(|it| it.active.store(0, Relaxed));
        }
    }

    /// The frames of the chain that the thread works for, the innermost first, and the one that it
    /// begins with.
    pub(super) fn chain(&self) -> impl Iterator<Item = &'static Frame> {
        let mut ended = false;
        self.open_frames().take_while(move |it| !std::mem::replace(&mut ended, it.is_hand_off()))
    }

    fn unmark_stack(&self) {
        for node in self.chain().filter_map(|it| it.node.get()).flat_map(Node::and_above) {
            node.active.store(0, Relaxed);
        }
    }

    /// Goes on with the chain whose innermost frame that is: puts the count of folds back, and what
    /// is kept only while there are any.
    fn restore_folds(&self, innermost: &'static Frame, folds: u32) {
        self.innermost.set(Some(innermost));
        self.set_folds(folds);
        if folds == 0 {
            return;
        }
        for frame in self.chain() {
            let Some(node) = frame.node.get() else { continue };
            let above = if frame.is_hand_off() { usize::MAX } else { 1 };
            for it in node.and_above().take(above) {
                it.active.store(it.active.load(Relaxed) + 1, Relaxed);
            }
        }
    }
}

fn same(one: Option<&Tree>, other: Option<&Tree>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}
