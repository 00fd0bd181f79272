//! Work for another chain of phases than that on the stack: handed off by another thread, stolen by a
//! thread pool while the thread waits, or for another build.
//!
//! # Implementation
//!
//! Such work starts with a hand-off frame. The phases above it belong to the new chain; those below it
//! are suspended until it is popped. Then all frames below are shifted, as if the work had taken no
//! time and no memory. So the rest of the accounting need not know of hand-offs.
//!
//! What a thread does in no phase of a build is idle time of a *root frame*. The bottom frame is one.
//! Work for a build as a whole has a root frame right above its hand-off frame.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::ticks::Ticks;
use crate::phase::frame::{EntryFlags, Frame, raise};
use crate::phase::global::OPEN_BUILDS;
use crate::phase::node::{Node, Usage};
use crate::phase::open_builds::BuildNumber;
use crate::phase::path::PathId;
use crate::phase::tree::Tree;

use super::fast_path::Entry;
use super::{RECHECK_BUILDS, RESUME_SUSPENDED, Thread};

impl Thread {
    /// Starts work for the chain of phases that ends with `path`. `None` if the thread works for that
    /// chain already, if its build has ended, or if there is no memory.
    #[inline(never)]
    pub(crate) fn enter_chain(&'static self, build: BuildNumber, path: PathId) -> Option<Entry> {
        self.recheck_builds_if_changed();
        let epoch = OPEN_BUILDS.epoch();
        let current = self.tree.get().filter(|tree| tree.build() == Some(build));
        let tree = match current {
            Some(_) if self.is_on_top(path) => return None,
            Some(tree) => tree,
            None if OPEN_BUILDS.is_open(build) => self.tree_if_open(build, epoch, false)?,
            None => return None,
        };
        let node = tree.node_for_hand_off(path)?;
        self.write(|| self.push_hand_off(tree, node))
    }

    /// Starts work for a build as a whole, which this thread starts during another build.
    pub(super) fn enter_started_build(&'static self, build: BuildNumber) -> Option<Entry> {
        let tree = self.tree_if_open(build, OPEN_BUILDS.epoch(), true)?;
        let root = tree.root()?;
        self.write(|| self.push_hand_off(tree, root))
    }

    /// Whether the innermost frame is of that path.
    fn is_on_top(&self, path: PathId) -> bool {
        let top = self.innermost.get().and_then(|frame| frame.node.get());
        top.is_some_and(|node| node.path() == path)
    }

    /// Resumes, from `now`, the builds that this thread started during others, if the exit of a phase
    /// below took their frames off the stack. To be called within [`Self::write`].
    pub(super) fn resume_suspended_builds(&self, now: Ticks) {
        self.set_slow_path_flag(RESUME_SUSPENDED, false);
        loop {
            // In the order in which they were started.
            let lost = self.trees().filter(|tree| self.has_lost_root(tree));
            let Some(tree) = lost.min_by_key(|tree| tree.build()) else { return };
            let Some(root) = tree.root() else { return };
            let Some((hand_off, _)) = self.push_hand_off(tree, root) else { return };
            hand_off.set_start(now);
            if let Some(root) = self.innermost.get() {
                root.set_start(now);
            }
        }
    }

    /// Whether the tree is of an open build that this thread started, and has no root frame.
    fn has_lost_root(&self, tree: &Tree) -> bool {
        let build = tree.build();
        let has_root_frame = || {
            let top = self.innermost.get();
            top.is_some_and(|top| self.root_frames(top).any(|(_, owner)| owner == build))
        };
        tree.is_of_build_thread()
            && self.last_started() != build
            && build.is_some_and(|build| OPEN_BUILDS.is_open(build))
            && !has_root_frame()
    }

    fn push_hand_off(&self, tree: &'static Tree, node: &'static Node) -> Option<Entry> {
        let innermost = self.innermost.get()?;
        let below = self.tree.get();
        let depth = self.recursion_depth();
        if depth != 0 {
            self.deactivate_chain();
            self.set_recursion_depth(0);
        }
        let Some(entry) = self.push(node, EntryFlags::HAND_OFF) else {
            self.restore_recursion(innermost, depth);
            return None;
        };
        entry.0.tree_below.set(below);
        entry.0.recursion_below.store(depth, Relaxed);
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

    /// Ends a hand-off, whose work had this `usage`.
    pub(super) fn pop_hand_off(
        &self,
        frame: &Frame,
        node: &Node,
        outer: &'static Frame,
        usage: Usage,
    ) {
        node.handed_off.add(usage);
        bump(&node.segments, 1);
        raise(
            &node.handed_off_peak,
            frame.peak.load(Relaxed).wrapping_sub(frame.counters.net_bytes()),
        );
        raise(&node.handed_off_process_peak, frame.process_peak.load(Relaxed));
        let tree_below = frame.tree_below.get();
        if node.path() == PathId::ROOT && self.tree.get().is_some_and(Tree::is_of_build_thread) {
            self.set_slow_path_flag(RESUME_SUSPENDED, true);
        }
        if self.is_bottom(outer) && same(tree_below, self.tree.get()) {
            // Nothing was suspended.
            return;
        }
        let build = self.tree.get().and_then(Tree::build);
        self.work_on(tree_below);
        // A root frame right below is restarted by the exit itself.
        let shifted = if outer.is_root() { outer.outer.get() } else { Some(outer) };
        std::iter::successors(shifted, |frame| frame.outer.get())
            .for_each(|frame| frame.exclude(usage));
        for (root, owner) in self.root_frames(outer) {
            let nearest = self.root_frames(outer).find(|other| other.1 == owner);
            if owner != build && nearest.is_some_and(|nearest| std::ptr::eq(nearest.0, root)) {
                // For the suspended build, its build thread was idle.
                root.add_idle(Usage { ticks: usage.ticks, ..Usage::default() });
            }
        }
        if !self.is_bottom(outer) {
            // The build of the frames below may have ended.
            self.set_slow_path_flag(RECHECK_BUILDS, true);
        }
        self.restore_recursion(outer, frame.recursion_below.load(Relaxed));
    }

    /// The root frames from `top` down, and their builds. `top` is a frame of the thread's current
    /// tree.
    fn root_frames(
        &self,
        top: &'static Frame,
    ) -> impl Iterator<Item = (&'static Frame, Option<BuildNumber>)> + use<> {
        let mut tree = self.tree.get();
        std::iter::successors(Some(top), |frame| frame.outer.get()).filter_map(move |frame| {
            let build = tree.and_then(Tree::build);
            if frame.is_hand_off() {
                tree = frame.tree_below.get();
            }
            frame.is_root().then_some((frame, build))
        })
    }

    /// The frames of the current chain, the innermost first, down to and including its hand-off frame.
    pub(super) fn chain(&self) -> impl Iterator<Item = &'static Frame> {
        let mut ended = false;
        self.open_frames()
            .take_while(move |frame| !std::mem::replace(&mut ended, frame.is_hand_off()))
    }

    fn deactivate_chain(&self) {
        let nodes = self.chain().filter_map(|frame| frame.node.get());
        for node in nodes.flat_map(Node::with_ancestors) {
            node.active.store(0, Relaxed);
        }
    }

    /// Makes the chain with that innermost frame the current one: restores its recursion depth, and
    /// which of its nodes are active if the depth is not 0.
    fn restore_recursion(&self, innermost: &'static Frame, depth: u32) {
        self.innermost.set(Some(innermost));
        self.set_recursion_depth(depth);
        if depth == 0 {
            return;
        }
        for frame in self.chain() {
            let Some(node) = frame.node.get() else { continue };
            let count = if frame.is_hand_off() { usize::MAX } else { 1 };
            for active in node.with_ancestors().take(count) {
                active.active.store(active.active.load(Relaxed) + 1, Relaxed);
            }
        }
    }
}

fn same(one: Option<&Tree>, other: Option<&Tree>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}
