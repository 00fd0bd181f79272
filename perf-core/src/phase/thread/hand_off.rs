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
//! What a thread does for a build in no phase of it is at *root*. A thread's base is root; work
//! for a build as a whole has root of its own, right above the frame that it begins with.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::ticks::Ticks;
use crate::phase::frame::{EntryFlags, Frame, raise};
use crate::phase::node::{Node, Usage};
use crate::phase::open_builds::BuildNumber;
use crate::phase::path::PathId;
use crate::phase::tree::Tree;
use crate::registry::Registry;

use super::Thread;
use super::fast_path::Entry;

impl Thread {
    /// Begins work for the chain of phases that ends with `path`. `None` where that is what the
    /// thread works for already, or its build has ended, or there is no memory.
    #[inline(never)]
    pub(crate) fn enter_chain(&'static self, build: BuildNumber, path: PathId) -> Option<Entry> {
        self.recheck_builds_if_changed();
        let epoch = Registry::global().epoch();
        let present = self.tree.get().filter(|it| it.build() == Some(build));
        let tree = match present {
            Some(_) if self.is_on_top(path) => return None,
            Some(tree) => tree,
            None if Registry::global().is_open(build) => {
                self.tree_in_time_for(build, epoch, false)?
            }
            None => return None,
        };
        let node = tree.node_for_hand_off(path)?;
        self.write(|| self.push_chain(tree, node))
    }

    /// Begins work for a build as a whole that this thread starts in the midst of another's.
    pub(super) fn enter_started_build(&'static self, build: BuildNumber) -> Option<Entry> {
        let tree = self.tree_in_time_for(build, Registry::global().epoch(), true)?;
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
    pub(super) fn resume_suspended_builds(&self, now: Ticks) {
        self.set_slow_path_flag(super::RESUME_SUSPENDED, false);
        loop {
            // In the order in which they were started.
            let lost = self.trees().filter(|it| self.has_lost_root(it)).min_by_key(|it| it.build());
            let Some((tree, root)) = lost.and_then(|it| Some((it, it.root()?))) else { return };
            let Some((chain, _)) = self.push_chain(tree, root) else { return };
            chain.set_start(now);
            if let Some(root) = self.innermost.get() {
                root.set_start(now);
            }
        }
    }

    /// Whether the thread started the build of that tree, which is open, and has no root of it.
    fn has_lost_root(&self, tree: &Tree) -> bool {
        let build = tree.build();
        let has_ground = || {
            self.innermost.get().is_some_and(|top| self.root_frames(top).any(|it| it.1 == build))
        };
        tree.is_of_build_thread()
            && self.last_started() != build
            && build.is_some_and(|build| Registry::global().is_open(build))
            && !has_ground()
    }

    fn push_chain(&self, tree: &'static Tree, node: &'static Node) -> Option<Entry> {
        let innermost = self.innermost.get()?;
        let below = self.tree.get();
        let folds = self.recursion_depth();
        if folds != 0 {
            self.unmark_stack();
            self.set_recursion_depth(0);
        }
        let Some(entry) = self.push(node, EntryFlags::HAND_OFF) else {
            self.restore_recursion(innermost, folds);
            return None;
        };
        entry.0.tree_below.set(below);
        entry.0.recursion_below.store(folds, Relaxed);
        if !same(below, Some(tree)) {
            self.work_on(Some(tree));
        }
        if node.path() == PathId::ROOT
            && let Some((root, _)) = self.push(node, EntryFlags::HAND_OFF)
        {
            root.set_start(entry.0.start());
            root.idle.set(Some(&tree.idle));
        }
        Some(entry)
    }

    /// Ends work for another chain that used so much.
    pub(super) fn pop_hand_off(
        &self,
        frame: &Frame,
        node: &Node,
        outer: &'static Frame,
        used: Usage,
    ) {
        node.handed_off.add(used);
        bump(&node.stretches, 1);
        raise(
            &node.handed_off_peak,
            frame.peak.load(Relaxed).wrapping_sub(frame.counters.net_bytes()),
        );
        raise(&node.handed_off_process_peak, frame.process_peak.load(Relaxed));
        let tree_below = frame.tree_below.get();
        if node.path() == PathId::ROOT && self.tree.get().is_some_and(Tree::is_of_build_thread) {
            self.set_slow_path_flag(super::RESUME_SUSPENDED, true);
        }
        if self.is_bottom(outer) && same(tree_below, self.tree.get()) {
            // Nothing was set aside.
            return;
        }
        let build = self.tree.get().and_then(Tree::build);
        self.work_on(tree_below);
        // Ground right below is settled and started anew by the exit itself.
        let moved = if outer.is_root() { outer.outer.get() } else { Some(outer) };
        std::iter::successors(moved, |it| it.outer.get()).for_each(|it| it.exclude(used));
        for (root, its) in self.root_frames(outer) {
            let nearest = self.root_frames(outer).find(|it| it.1 == its);
            if its != build && nearest.is_some_and(|it| std::ptr::eq(it.0, root)) {
                // To the build below, its own thread was in no phase meanwhile.
                root.add_idle(Usage { ticks: used.ticks, ..Usage::default() });
            }
        }
        if !self.is_bottom(outer) {
            // What goes on now may be of a build that has ended meanwhile.
            self.set_slow_path_flag(super::RECHECK_BUILDS, true);
        }
        self.restore_recursion(outer, frame.recursion_below.load(Relaxed));
    }

    /// The root_frames from `top` down, and the builds that they are of. `top` is a frame of the tree
    /// that the thread works on.
    fn root_frames(
        &self,
        top: &'static Frame,
    ) -> impl Iterator<Item = (&'static Frame, Option<BuildNumber>)> + use<> {
        let mut tree = self.tree.get();
        std::iter::successors(Some(top), |it| it.outer.get()).filter_map(move |frame| {
            let of = tree.and_then(Tree::build);
            if frame.is_hand_off() {
                tree = frame.tree_below.get();
            }
            frame.is_root().then_some((frame, of))
        })
    }

    /// Notes that a phase is on the stack once more.
    pub(super) fn fold(&self) {
        if self.recursion_depth() == 0
            && let Some(top) = self.innermost.get().and_then(|it| it.node.get())
        {
            top.and_above().for_each(|it| it.active.store(1, Relaxed));
        }
        self.set_recursion_depth(self.recursion_depth() + 1);
    }

    /// Takes [`Self::fold`] back. `outer` is the frame that is on top from now on.
    pub(super) fn unfold(&self, outer: &Frame) {
        self.set_recursion_depth(self.recursion_depth().saturating_sub(1));
        if self.recursion_depth() == 0
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
    fn restore_recursion(&self, innermost: &'static Frame, folds: u32) {
        self.innermost.set(Some(innermost));
        self.set_recursion_depth(folds);
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
