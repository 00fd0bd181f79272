//! One thread's call tree of one build: its nodes, and how a phase is found among them.
//!
//! # Implementation
//!
//! Nodes are made in chunks, never freed, and stand in one list in the order of their making. When
//! the build is over and collected, the thread takes the tree again for a later build. Children are
//! found through an open-addressing table that is keyed by parent and name. Only the tree's thread
//! uses the table.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::measure::counters::{Counters, CountersCell, bump};
use crate::measure::leak::{Slot, leak, leak_slice};
use crate::measure::timeline::Timeline;

use super::end_state::EndState;
use super::name::NameId;
use super::node::{Node, UsageCell};
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::site::Site;
use super::threads::Uncounted;
use crate::registry::Registry;

/// How many nodes are made at a time: a page of memory.
const CHUNK: usize = 4;
/// Places in a tree's first table; a power of two.
const FIRST_TABLE: usize = 64;

/// One thread's call tree of one build.
pub(crate) struct Tree {
    state: EndState,
    /// Whether it is the tree of the thread that started the build.
    own: AtomicBool,
    /// Whether the thread that it belonged to ended, and no other may go on with it.
    sealed: AtomicBool,
    /// The thread's tally when the tree that is collected was read.
    cut: CountersCell,
    /// The thread's tally when it left the tree.
    left_at: CountersCell,
    /// What the thread did for the build as a whole, beside what it did at its base.
    pub(crate) idle: UsageCell,
    /// Whether intervals are kept, and those that are.
    is_timed: AtomicBool,
    pub(crate) timeline: Timeline,
    /// The node that was handed over last.
    last_handed_off: Slot<Node>,
    root: Slot<Node>,
    newest: Slot<Node>,
    len: AtomicU32,
    table: Slot<Table>,
    /// The next tree of the same thread.
    pub(crate) next: Slot<Tree>,
}

impl Tree {
    /// An empty tree of no build.
    pub(crate) fn make() -> Option<&'static Self> {
        let tree = leak(|| Self {
            state: EndState::free(),
            own: AtomicBool::new(false),
            sealed: AtomicBool::new(false),
            cut: CountersCell::zero(),
            left_at: CountersCell::zero(),
            idle: UsageCell::zero(),
            is_timed: AtomicBool::new(false),
            timeline: Timeline::new(),
            last_handed_off: Slot::empty(),
            root: Slot::empty(),
            newest: Slot::empty(),
            len: AtomicU32::new(0),
            table: Slot::empty(),
            next: Slot::empty(),
        })?;
        tree.table.set(Some(Table::make(FIRST_TABLE)?));
        tree.root.set(Some(tree.make_nodes()?));
        Some(tree)
    }

    /// Whether a thread may take the tree for a new build.
    pub(crate) fn is_free(&self) -> bool {
        self.state.is_collected()
    }

    /// Whether a thread may go on with the tree for `build`.
    pub(crate) fn serves(&self, build: BuildNumber) -> bool {
        self.build() == Some(build) && !self.sealed.load(Ordering::Relaxed) && !self.is_free()
    }

    /// Empties the tree for `build`.
    pub(crate) fn begin(&self, build: BuildNumber, own: bool) {
        if let Some(root) = self.root.get() {
            root.renew(None, 0, PathId::ROOT);
            self.newest.set(Some(root));
        }
        self.len.store(1, Ordering::Relaxed);
        self.idle.clear();
        self.timeline.clear();
        self.is_timed.store(Registry::global().open_builds.is_timed(build), Ordering::Relaxed);
        self.last_handed_off.set(None);
        if let Some(table) = self.table.get() {
            table.clear();
        }
        self.own.store(own, Ordering::Relaxed);
        self.sealed.store(false, Ordering::Relaxed);
        self.state.begin(BuildNumber::to_raw(Some(build)));
    }

    /// Ends the tree, of which there is nothing to read. To be called by its thread.
    pub(crate) fn discard(&self) {
        self.state.discard();
    }

    /// Ends the tree of `build`, which was read when the thread's tally was `cut`. Gives what the
    /// thread did from then on until it left the tree, where it has: see [`Self::was_left`].
    pub(crate) fn collect(&self, build: BuildNumber, cut: Counters) -> Option<Counters> {
        self.cut.store(cut);
        let left = self.state.collect(BuildNumber::to_raw(Some(build)))?;
        left.then(|| self.left_at.load().minus(cut))
    }

    /// Notes that the thread, whose tally is `now`, leaves what it was in the midst of when the build
    /// ended. Gives what it did since the tree was read, which is no part of the build, once that is
    /// collected. Before, the collector will find out.
    pub(crate) fn leave(&self, now: Counters) -> Counters {
        self.left_at.store(now);
        if self.state.leave() { self.done_since_cut(now) } else { Counters::default() }
    }

    /// What the thread, whose tally is `now`, did since the tree that is collected was read.
    pub(crate) fn done_since_cut(&self, now: Counters) -> Counters {
        now.minus(self.cut.load())
    }

    /// Whether the thread left what it was in the midst of when the build ended: what it did until
    /// then is in the tree.
    pub(crate) fn was_left(&self) -> bool {
        self.state.was_left()
    }

    pub(crate) fn build(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.state.build())
    }

    /// Whether it is the tree of the thread that started the build.
    #[inline]
    pub(crate) fn is_of_build_thread(&self) -> bool {
        self.own.load(Ordering::Relaxed)
    }

    /// Whether calls leave intervals.
    pub(crate) fn is_timed(&self) -> bool {
        self.is_timed.load(Ordering::Relaxed)
    }

    /// The thread that the tree belongs to ends. That of a build's own thread goes to no other.
    pub(crate) fn thread_ends(&self) {
        self.nodes().for_each(Node::thread_ends);
        self.last_handed_off.set(None);
        if self.is_of_build_thread() {
            self.sealed.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn root(&self) -> Option<&'static Node> {
        self.root.get()
    }

    /// All nodes, the root first, parents before their children.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &'static Node> + use<> {
        std::iter::successors(self.root.get(), |it| it.next.get()).take(self.len())
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }

    /// The node that `name` means below `top`, other than by a guess. It is made where there is
    /// none. `folded` publish_count that the stack is more than `top` and its ancestors: some phase was
    /// entered again.
    pub(crate) fn find(
        &self,
        top: &'static Node,
        name: NameId,
        site: Option<&'static Site>,
        folded: bool,
    ) -> Option<&'static Node> {
        let table = self.table.get()?;
        if folded {
            let namesakes = std::iter::successors(table.get(None, name), |it| it.namesake.get());
            if let Some(open) = namesakes.into_iter().find(|it| it.is_active()) {
                return Some(open);
            }
        }
        if let Some(known) = table.get(Some(top), name) {
            return Some(known);
        }
        if let Some(open) = top.and_above().find(|it| it.has_name(name)) {
            self.insert(Some(top), name, open)?;
            return Some(open);
        }
        self.make_child(top, name, site)
    }

    /// The node of a path, made with all above it where there is none.
    pub(crate) fn at(&self, steps: &[NameId]) -> Option<&'static Node> {
        steps.iter().try_fold(self.root.get()?, |parent, &name| {
            self.table
                .get()?
                .get(Some(parent), name)
                .or_else(|| self.make_child(parent, name, None))
        })
    }

    /// The node of a path that is handed over to the tree's thread. `None` after the build's end.
    pub(crate) fn node_for_hand_off(&self, path: PathId) -> Option<&'static Node> {
        if let Some(last) = self.last_handed_off.get().filter(|it| it.path() == path) {
            return Some(last);
        }
        let _uncounted = Uncounted::begin();
        let node = self.at(&Registry::global().paths.names(self.build()?, path)?)?;
        // From now on this is a thread that ran the phase, and those above it.
        node.and_above().for_each(|it| bump(&it.carried, 1));
        self.last_handed_off.set(Some(node));
        Some(node)
    }

    fn make_child(
        &self,
        parent: &'static Node,
        name: NameId,
        site: Option<&'static Site>,
    ) -> Option<&'static Node> {
        let (path, stored_name) =
            Registry::global().paths.child(self.build()?, parent.path(), name, site)?;
        if stored_name != name {
            // There are too many paths: the phase goes by another name here.
            let known = self.table.get()?.get(Some(parent), stored_name);
            let stand_in = if parent.has_name(stored_name) { Some(parent) } else { known };
            if let Some(stand_in) = stand_in {
                self.insert(Some(parent), name, stand_in)?;
                return Some(stand_in);
            }
        }
        let newest = self.newest.get()?;
        let node = newest.next.get().or_else(|| self.make_nodes())?;
        node.renew(Some(parent), stored_name.to_raw(), path);
        self.insert(Some(parent), name, node)?;
        if stored_name != name {
            self.insert(Some(parent), stored_name, node)?;
        }
        let table = self.table.get()?;
        match table.get(None, stored_name) {
            Some(namesake) => {
                node.namesake.set(namesake.namesake.get());
                namesake.namesake.set(Some(node));
            }
            None => self.insert(None, stored_name, node)?,
        }
        self.newest.set(Some(node));
        self.len.store(self.len.load(Ordering::Relaxed) + 1, Ordering::Release);
        Some(node)
    }

    /// Makes a chunk of nodes at the list's end, and gives the first.
    fn make_nodes(&self) -> Option<&'static Node> {
        let chunk = leak_slice(CHUNK, Node::empty)?;
        for pair in chunk.windows(2) {
            if let [node, next] = pair {
                node.next.set(Some(next));
            }
        }
        let first = chunk.first();
        if let Some(newest) = self.newest.get() {
            newest.next.set(first);
        }
        first
    }

    fn insert(&self, parent: Option<&Node>, name: NameId, node: &'static Node) -> Option<()> {
        let table = self.table.get()?;
        let table = if table.is_full() {
            let larger = table.grown()?;
            self.table.set(Some(larger));
            larger
        } else {
            table
        };
        table.put(key(parent, name), node);
        Some(())
    }
}

/// Parent and name, as a table's key: never 0, as a name is not. Of the parent, its path is what
/// counts: it is unique in the tree but for stand-ins, which keep their children in common. No
/// parent means any: the first node of that name.
#[inline]
fn key(parent: Option<&Node>, name: NameId) -> u64 {
    let parent = parent.map_or(u32::MAX, |it| it.path().to_raw());
    u64::from(parent) << 32 | u64::from(name.to_raw())
}

/// Fibonacci hashing (D. Knuth, *The Art of Computer Programming*, vol. 3, 6.4).
#[inline]
fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

/// From keys to nodes. Tables only grow, and double when they do, so that those outgrown take as
/// much memory together as the last.
struct Table {
    entries: &'static [Entry],
    used: AtomicU32,
}

struct Entry {
    key: AtomicU64,
    node: Slot<Node>,
}

impl Table {
    fn make(len: usize) -> Option<&'static Self> {
        let make = || Entry { key: AtomicU64::new(0), node: Slot::empty() };
        let entries = leak_slice(len, make)?;
        leak(|| Self { entries, used: AtomicU32::new(0) })
    }

    fn clear(&self) {
        for entry in self.entries {
            entry.key.store(0, Ordering::Relaxed);
        }
        self.used.store(0, Ordering::Relaxed);
    }

    /// More than half of the places are taken.
    fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) as usize * 2 >= self.entries.len()
    }

    /// A table twice as large with the same entries.
    fn grown(&self) -> Option<&'static Self> {
        let larger = Self::make(self.entries.len() * 2)?;
        for entry in self.entries {
            let key = entry.key.load(Ordering::Relaxed);
            if let (true, Some(node)) = (key != 0, entry.node.get()) {
                larger.put(key, node);
            }
        }
        Some(larger)
    }

    /// Where `key` is, or would be. The length is a power of two and some place is always free.
    fn place(&self, key: u64) -> Option<&'static Entry> {
        let mask = self.entries.len() - 1;
        let hash = hash(key);
        (0..self.entries.len()).map(|step| &self.entries[(hash + step) & mask]).find(|it| {
            let there = it.key.load(Ordering::Relaxed);
            there == key || there == 0
        })
    }

    fn get(&self, parent: Option<&Node>, name: NameId) -> Option<&'static Node> {
        let key = key(parent, name);
        let entry = self.place(key)?;
        if entry.key.load(Ordering::Relaxed) == key { entry.node.get() } else { None }
    }

    fn put(&self, key: u64, node: &'static Node) {
        if let Some(entry) = self.place(key) {
            if entry.key.load(Ordering::Relaxed) == 0 {
                self.used.store(self.used.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            entry.key.store(key, Ordering::Relaxed);
            entry.node.set(Some(node));
        }
    }
}
